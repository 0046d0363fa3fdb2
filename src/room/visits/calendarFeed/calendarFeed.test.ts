import { afterAll, describe, expect, it } from 'vitest'
import { building, people, room, storedBooking } from '../../../../test/support/room.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld()
afterAll(() => world.close())

const PATH = '/portal/facility/booking/my/calendar.ics'
const pathOf = (url: string) => url.slice(new URL(url).origin.length)
const linkOf = async (as: Person) =>
  pathOf((await world.call('GET', '/portal/facility/booking/my/calendar-link', { as })).body.data.url)
const eventsOf = (text: string) =>
  text
    .replaceAll('\r\n ', '')
    .split('BEGIN:VEVENT')
    .slice(1)
    .map((part) => part.split('\r\n').filter((line) => /^(UID|STATUS|DTSTART|SUMMARY|LOCATION)/.test(line)))

describe('The calendar feed of a person’s bookings', () => {
  it('shows bookings that the person made or takes part in, with a token or with the link', async () => {
    const [me, ...others] = await people(world)
    if (!me) throw new Error('there are three')
    const place = await room(world, { buildingId: await building(world, '信息楼'), name: '会议室201' })
    const mine = await storedBooking(world, place, [me, ...others], { start: 2, end: 4, purpose: '例会' })
    const joined = await storedBooking(world, place, [...others, me], {
      start: 26,
      end: 27,
      purpose: '排练',
      status: '0',
    })
    await storedBooking(world, place, others, { start: 30, end: 31 })
    const { status, headers, body } = await world.call('GET', PATH, { as: me })
    expect([status, headers['content-type']]).toEqual([200, 'text/calendar; charset=utf-8'])
    expect(eventsOf(body)).toEqual([
      [
        `UID:room-booking-${mine}@127.0.0.1`,
        'DTSTART;TZID=Asia/Shanghai:20260302T100000',
        'SUMMARY:例会',
        'LOCATION:信息楼 会议室201',
        'STATUS:CONFIRMED',
      ],
      [
        `UID:room-booking-${joined}@127.0.0.1`,
        'DTSTART;TZID=Asia/Shanghai:20260303T100000',
        'SUMMARY:排练（待审核）',
        'LOCATION:信息楼 会议室201',
        'STATUS:TENTATIVE',
      ],
    ])
    expect((await world.call('GET', await linkOf(me))).body).toBe(body)
  })

  it('shows cancelled bookings as cancelled, and drops them after 30 days', async () => {
    const group = await people(world)
    const [me] = group
    if (!me) throw new Error('there are three')
    const id = await storedBooking(world, await room(world), group, { start: 100, end: 101, status: '3' })
    const read = async () => eventsOf((await world.call('GET', PATH, { as: me })).body)
    expect(await read()).toEqual([expect.arrayContaining([`UID:room-booking-${id}@127.0.0.1`, 'STATUS:CANCELLED'])])
    world.clock.advance(31 * 24 * 60)
    expect(await read()).toEqual([])
    world.clock.advance(-31 * 24 * 60)
  })

  it('is private: a reset invalidates old links, and other tokens are refused, such as that of the venue’s feed', async () => {
    const [me] = await people(world)
    if (!me) throw new Error('there are three')
    const old = await linkOf(me)
    const reset = await world.call('POST', '/portal/facility/booking/my/calendar-link/reset', { as: me })
    const link = pathOf(reset.body.data.url)
    expect(link).not.toBe(old)
    expect(await linkOf(me)).toBe(link)
    expect((await world.call('GET', link)).body).toContain('BEGIN:VCALENDAR')
    const venue = await world.call('GET', '/api/v1/users/me/calendar-link', { as: me })
    const venueToken = venue.body.url.split('token=')[1]
    for (const path of [old, `${PATH}?token=${venueToken}`, `${PATH}?token=${me.token}`, `${PATH}?token=1.1`]) {
      expect((await world.call('GET', path)).body).toMatchObject({ code: 404 })
    }
    expect((await world.call('GET', PATH)).body).toMatchObject({ code: 401 })
  })
})
