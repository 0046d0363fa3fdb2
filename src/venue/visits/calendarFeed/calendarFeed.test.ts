import { afterAll, describe, expect, it } from 'vitest'
import { addSlot, addVenue } from '../../../../test/support/venue.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld()
afterAll(() => world.close())

const linkOf = async (as: Person) =>
  pathOf((await world.call('GET', '/api/v1/users/me/calendar-link', { as })).body.url)
const pathOf = (url: string) => url.slice(new URL(url).origin.length)
const book = async (as: Person, slot: number) =>
  (await world.call('POST', '/api/v1/reservations', { as, payload: { time_slot_id: slot } })).body.id

/** The lines of a calendar, unfolded. */
const linesOf = (text: string) => text.replaceAll('\r\n ', '').split('\r\n')
const eventsOf = (text: string) =>
  text
    .replaceAll('\r\n ', '')
    .split('BEGIN:VEVENT')
    .slice(1)
    .map((part) => part.split('\r\n'))

describe('The calendar feed', () => {
  it('shows the reservations in the local zone, with a description of that zone', async () => {
    const person = await world.person()
    const venue = await addVenue(world)
    await world.rows(`UPDATE venues SET name = '羽毛球; 一号, 场', location = '东区' WHERE id = ${venue}`)
    const id = await book(person, await addSlot(world, venue, { hour: 10 }))
    const { status, headers, body } = await world.call('GET', await linkOf(person))
    expect([status, headers['content-type']]).toEqual([200, 'text/calendar; charset=utf-8'])
    const lines = linesOf(body)
    expect(lines[0]).toBe('BEGIN:VCALENDAR')
    expect(lines).toEqual(
      expect.arrayContaining(['VERSION:2.0', 'BEGIN:VTIMEZONE', 'TZID:Asia/Shanghai', 'TZOFFSETTO:+0800']),
    )
    const [event] = eventsOf(body)
    expect(event).toEqual(
      expect.arrayContaining([
        `UID:reservation-${id}@127.0.0.1`,
        'DTSTART;TZID=Asia/Shanghai:20260303T100000',
        'DTEND;TZID=Asia/Shanghai:20260303T110000',
        'DTSTAMP:20260302T000000Z',
        'SUMMARY:羽毛球\\; 一号\\, 场',
        'LOCATION:东区',
        'STATUS:CONFIRMED',
      ]),
    )
    for (const line of body.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75)
  })

  it('answers 304 while it is unchanged', async () => {
    const person = await world.person()
    await book(person, await addSlot(world, await addVenue(world)))
    const link = await linkOf(person)
    const { etag } = (await world.call('GET', link)).headers
    const again = await world.call('GET', link, { headers: { 'if-none-match': String(etag) } })
    expect([again.status, again.body]).toEqual([304, ''])
  })

  it('marks pending reservations as tentative, and shows cancelled ones for 30 days', async () => {
    const person = await world.person()
    const pending = await book(
      person,
      await addSlot(world, await addVenue(world, { rules: { requires_approval: true, advance_booking_days: 60 } }), {
        day: 40,
      }),
    )
    const gone = await book(person, await addSlot(world, await addVenue(world), { day: 20 }))
    world.clock.advance(1)
    await world.call('DELETE', `/api/v1/reservations/${gone}`, { as: person })
    const link = await linkOf(person)
    const statuses = async () => {
      const events = eventsOf((await world.call('GET', link)).body)
      return events.map((lines) => lines.filter((line) => /^(UID|STATUS|SEQUENCE)/.test(line)).sort())
    }
    const uid = (id: number) => `UID:reservation-${id}@127.0.0.1`
    expect(await statuses()).toEqual([
      ['SEQUENCE:60', 'STATUS:CANCELLED', uid(gone)],
      ['SEQUENCE:0', 'STATUS:TENTATIVE', uid(pending)],
    ])
    world.clock.advance(31 * 24 * 60)
    expect(await statuses()).toEqual([['SEQUENCE:0', 'STATUS:TENTATIVE', uid(pending)]])
    world.clock.advance(-31 * 24 * 60 - 1)
  })

  it('is private: a reset makes the old link void, and no other token opens it', async () => {
    const person = await world.person()
    const old = await linkOf(person)
    const reset = await world.call('POST', '/api/v1/users/me/calendar-link/reset', { as: person })
    const link = pathOf(reset.body.url)
    expect(link).not.toBe(old)
    expect(await linkOf(person)).toBe(link)
    expect((await world.call('GET', old)).status).toBe(404)
    expect((await world.call('GET', link)).status).toBe(200)
    for (const token of [person.token, `${link.split('token=')[1]}x`, 'a.b', '1.1']) {
      expect((await world.call('GET', `/api/v1/users/me/calendar.ics?token=${token}`)).status).toBe(404)
    }
    expect((await world.call('GET', '/api/v1/users/me/calendar.ics', { as: person })).status).toBe(400)
  })

  it('ends with the account', async () => {
    const person = await world.person()
    const link = await linkOf(person)
    await world.call('PUT', `/api/v1/users/${person.id}`, {
      as: await world.person('admin'),
      payload: { status: 'disabled' },
    })
    expect((await world.call('GET', link)).status).toBe(404)
  })
})
