import { afterAll, describe, expect, it } from 'vitest'
import { pendingMessages } from '../../../../test/support/site.ts'
import {
  addCaller,
  addCourt,
  addSlot,
  addSportVenue,
  bookSlot,
  differences,
  pointsOf,
  reservationRow,
  slotRow,
} from '../../../../test/support/venue.ts'
import { callsBy, MONDAY, openWorld } from '../../../../test/support/world.ts'
import { compileTemplates } from '../../../kernel/notifications/texts/templates.ts'
import { closureNotificationTypes } from '../../core/displacement/notificationTypes.ts'

const world = await openWorld()
const staff = await addCaller(world, 'venue:admin')
const call = callsBy(world, staff)
const ann = await addCaller(world)
const bob = await addCaller(world)
afterAll(() => world.close())

const clean = async () => {
  await world.rows('DELETE FROM outbox')
  world.clock.set(MONDAY)
}
const status = (venue: number, body: object) => call('PATCH', `/api/v1/venues/${venue}/status`, body)

describe('closing a venue', () => {
  it('ends every reservation in that time at once: points back, told with alternatives, and leaves the others alone', async () => {
    await clean()
    const hall = await addSportVenue(world)
    const venue = await addCourt(world, { sportVenueId: hall, rules: { points_cost: 7 } })
    const sibling = await addCourt(world, { sportVenueId: hall })
    const today = await addSlot(world, venue, { start: '2026-03-02 18:00' })
    const tomorrow = await addSlot(world, venue, { start: '2026-03-03 10:00' })
    const later = await addSlot(world, venue, { start: '2026-03-03 20:00' })
    const beside = await addSlot(world, sibling, { start: '2026-03-02 18:00' })
    const first = await bookSlot(world, ann, today)
    const second = await bookSlot(world, bob, today)
    const kept = await bookSlot(world, bob, tomorrow)
    expect([await pointsOf(world, ann), await pointsOf(world, bob)]).toEqual([93, 86])

    const answer = await status(venue, { status: 'closed', until: '2026-03-03 00:00', reason: '漏水' })

    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      id: venue,
      status: 'closed',
      status_until: '2026-03-03T00:00:00+08:00',
      status_reason: '漏水',
    })
    expect(answer.body.affected).toHaveLength(2)
    expect(answer.body.affected[0]).toMatchObject({
      reservation_id: first.id,
      user_id: ann.userId,
      time_slot_id: today,
      date: '2026-03-02',
      start_time: '18:00',
      end_time: '19:00',
      status: 'displaced',
      points_returned: 7,
      rebook_until: '2026-03-16T18:00:00+08:00',
    })
    const offered = (index: number) =>
      answer.body.affected[index].alternatives.map((slot: { time_slot_id: number }) => slot.time_slot_id)
    // The venue itself first, the nearest time before; then the sibling. Bob is busy at the second.
    expect(offered(0)).toEqual([tomorrow, later, beside])
    expect(offered(1)).toEqual([later, beside])
    expect(await slotRow(world, today)).toEqual({ open: false, taken: 0, held: 0 })
    expect(await slotRow(world, tomorrow)).toMatchObject({ open: true, taken: 1 })
    expect(await reservationRow(world, first.id)).toMatchObject({
      status: 'displaced',
      end_reason: '漏水',
      ended_by: staff.userId,
    })
    expect((await reservationRow(world, kept.id))?.status).toBe('confirmed')
    expect([await pointsOf(world, ann), await pointsOf(world, bob)]).toEqual([100, 93])
    const told = await pendingMessages(world, 'reservation.closed')
    expect(told.map(({ userIds }) => userIds)).toEqual([[ann.userId], [bob.userId]])
    expect(told[0]?.data).toMatchObject({
      reason: '漏水',
      rebook_url: `http://127.0.0.1:3000/api/v1/reservations/${first.id}/rebook`,
      reservation_id: first.id,
      start_time: '18:00',
    })
    expect(told[1]).toMatchObject({ key: `reservation:${second.id}:displaced` })
    const done = await world.rows<{ action: string }>(
      `SELECT operation ->> 'action' AS action FROM outbox WHERE operation IS NOT NULL ORDER BY id DESC LIMIT 3`,
    )
    expect(done.map(({ action }) => action)).toEqual([
      'venue.set_status',
      'reservation.displace',
      'reservation.displace',
    ])
    expect(await differences(world)).toEqual([])
  })

  it('is told in words that fit every template', () => {
    const templates = compileTemplates(closureNotificationTypes)
    const [closed] = closureNotificationTypes
    if (!closed) throw new Error('there is no type')
    const { subject, body } = templates.render(closed, closed.sample)
    expect(subject).toBe('羽毛球 1 号场 2026-03-14 09:00 的预约已取消：场馆维护')
    expect(body).toContain('1. 羽毛球 1 号场 2026-03-14 11:00–12:00（时段编号 77）')
    expect(body).toContain('改约：https://gym.example.com/api/v1/reservations/42/rebook')
    const stopped = templates.render(closed, { ...closed.sample, status: 'completed', rebook_url: '' })
    expect(stopped.subject).toContain('提前结束')
    expect(stopped.body).not.toContain('改约')
  })

  it('refuses bookings, ends by itself, and can be lifted earlier: slots without a closure open again', async () => {
    await clean()
    const venue = await addCourt(world)
    const soon = await addSlot(world, venue, { start: '2026-03-02 09:00' })
    const noon = await addSlot(world, venue, { start: '2026-03-02 12:00' })
    await status(venue, { status: 'maintenance', until: '2026-03-02 10:00' })
    await expect(bookSlot(world, ann, soon)).rejects.toMatchObject({ code: 'venue_closed' })
    expect(await slotRow(world, noon)).toMatchObject({ open: true })
    world.clock.set(new Date('2026-03-02T02:00:00Z'))
    expect((await call('GET', `/api/v1/venues/${venue}`, undefined, null)).body.status).toBe('open')

    await status(venue, { status: 'closed' })
    await expect(bookSlot(world, ann, noon)).rejects.toMatchObject({ code: 'venue_closed' })
    const opened = await call('PUT', `/api/venues/${venue}/status`, { status: 'open' })
    expect(opened.body).toEqual({ id: venue, status: 'open', status_until: null, status_reason: null, affected: [] })
    expect((await bookSlot(world, ann, noon)).status).toBe('confirmed')
    expect(await differences(world)).toEqual([])
  })

  it('set again replaces the running closure: a longer one closes more slots, a shorter one opens the rest', async () => {
    await clean()
    const venue = await addCourt(world)
    const ten = await addSlot(world, venue, { start: '2026-03-02 10:00' })
    const noon = await addSlot(world, venue, { start: '2026-03-02 12:00' })
    const open = async () => [(await slotRow(world, ten))?.open, (await slotRow(world, noon))?.open]
    await status(venue, { status: 'closed', until: '2026-03-02T11:00' })
    expect(await open()).toEqual([false, true])
    await status(venue, { status: 'closed', until: '2026-03-02T13:00:00+08:00', reason: 'longer' })
    expect(await open()).toEqual([false, false])
    await status(venue, { status: 'closed', until: '2026-03-02T10:00:00+08:00' })
    expect(await open()).toEqual([true, true])
    await status(venue, { status: 'closed' })
    expect(await open()).toEqual([false, false])
    const { body } = await status(venue, { status: 'maintenance', until: '2026-03-02 11:00' })
    expect(body).toMatchObject({ status: 'maintenance', status_until: '2026-03-02T11:00:00+08:00' })
    expect(await open()).toEqual([false, true])
    expect(await world.rows(`SELECT kind FROM closures WHERE venue_id = ${venue} ORDER BY id`)).toEqual([
      { kind: 'closed' },
      { kind: 'maintenance' },
    ])
    expect(await differences(world)).toEqual([])
  })

  it('completes visits that have begun, with their minutes and credit, and keeps their places taken', async () => {
    await clean()
    const venue = await addCourt(world, { rules: { points_cost: 5 } })
    const slot = await addSlot(world, venue, { start: '2026-03-02 08:00' })
    world.clock.advance(-30)
    const { id } = await bookSlot(world, ann, slot)
    const points = await pointsOf(world, ann)
    await world.rows(
      `UPDATE reservations SET status = 'checked_in', checked_in_at = '2026-03-02 08:00+08' WHERE id = ${id}`,
    )
    await world.rows(
      `INSERT INTO credit_ledger (user_id, delta, score, reason, created_at) VALUES (${ann.userId}, -10, 90, 'adjustment', now())`,
    )
    await world.rows(`UPDATE venue_members SET credit = 90 WHERE user_id = ${ann.userId}`)
    world.clock.set(new Date('2026-03-02T00:25:40Z'))
    const { body } = await status(venue, { status: 'closed' })
    expect(body.affected).toMatchObject([
      { reservation_id: id, status: 'completed', points_returned: 0, rebook_until: null, alternatives: [] },
    ])
    expect(await reservationRow(world, id)).toMatchObject({ status: 'completed', actual_minutes: 25 })
    expect(await slotRow(world, slot)).toMatchObject({ open: false, taken: 1 })
    expect(await pointsOf(world, ann)).toBe(points)
    expect(await world.rows(`SELECT delta, score, reason FROM credit_ledger WHERE reservation_id = ${id}`)).toEqual([
      { delta: 1, score: 91, reason: 'kept' },
    ])
    expect(await pendingMessages(world, 'reservation.closed')).toMatchObject([
      { data: { status: 'completed', rebook_url: '' }, key: `reservation:${id}:completed` },
    ])
    expect(await differences(world)).toEqual([])
  })

  it('displaces people who checked in before the start like all others', async () => {
    await clean()
    const venue = await addCourt(world, { rules: { points_cost: 5 } })
    const slot = await addSlot(world, venue, { start: '2026-03-02 09:00' })
    const points = await pointsOf(world, ann)
    const { id } = await bookSlot(world, ann, slot)
    await world.rows(
      `UPDATE reservations SET status = 'checked_in', checked_in_at = '2026-03-02 08:50+08' WHERE id = ${id}`,
    )
    world.clock.set(new Date('2026-03-02T08:55:00+08:00'))
    const { body } = await status(venue, { status: 'closed' })
    expect(body.affected).toMatchObject([{ reservation_id: id, status: 'displaced', points_returned: 5 }])
    expect(await slotRow(world, slot)).toEqual({ open: false, taken: 0, held: 0 })
    expect(await pointsOf(world, ann)).toBe(points)
    expect(await world.rows(`SELECT delta FROM credit_ledger WHERE reservation_id = ${id}`)).toEqual([])
    expect(await differences(world)).toEqual([])
  })

  it('ends the waiting lists of its slots and releases places held for offers', async () => {
    await clean()
    const venue = await addCourt(world)
    const slot = await addSlot(world, venue, { start: '2026-03-02 18:00', capacity: 2 })
    await world.rows(`UPDATE time_slots SET held = 1 WHERE id = ${slot}`)
    await world.rows(`INSERT INTO waiting_list (slot_id, user_id, party_size, state, offer_expires_at, created_at, updated_at)
      VALUES (${slot}, ${ann.userId}, 1, 'offered', '2026-03-02 09:00+08', '2026-03-02', '2026-03-02'),
        (${slot}, ${bob.userId}, 1, 'waiting', NULL, '2026-03-02', '2026-03-02')`)
    await status(venue, { status: 'closed', reason: '停电' })
    expect(await slotRow(world, slot)).toEqual({ open: false, taken: 0, held: 0 })
    expect(await world.rows(`SELECT state FROM waiting_list WHERE slot_id = ${slot}`)).toEqual([
      { state: 'expired' },
      { state: 'expired' },
    ])
    const told = await pendingMessages(world, 'waiting_list.closed')
    expect(told.map(({ userIds }) => userIds)).toEqual([[ann.userId], [bob.userId]])
    expect(told[0]?.data).toMatchObject({ offered: true, reason: '停电', date: '2026-03-02', start_time: '18:00' })
    expect(told[1]?.data).toMatchObject({ offered: false })
  })

  it('needs the right to manage venues, valid dates and existing venues', async () => {
    const venue = await addCourt(world)
    expect((await call('PATCH', `/api/v1/venues/${venue}/status`, { status: 'closed' }, ann)).status).toBe(403)
    expect((await call('PATCH', '/api/v1/venues/999999/status', { status: 'closed' })).status).toBe(404)
    expect((await status(venue, { status: 'closed', until: '2020-01-01 00:00' })).body.code).toBe('validation')
    expect((await status(venue, { status: 'closed', until: 'soon' })).body.code).toBe('validation')
    expect((await status(venue, { status: 'shut' })).body.code).toBe('validation')
    expect(world.faults).toEqual([])
  })
})

describe('the check', () => {
  it('finds a slot whose openness is wrong, and a reservation left in a closed slot', async () => {
    await clean()
    const venue = await addCourt(world)
    const slot = await addSlot(world, venue, { start: '2026-03-02 20:00' })
    const { id } = await bookSlot(world, ann, slot)
    await world.rows(`UPDATE time_slots SET open = false WHERE id = ${slot}`)
    expect(await differences(world)).toEqual([
      { check: 'slot openness', subject: `time slot ${slot}`, stored: 'closed', computed: 'open' },
      {
        check: 'reservations in closed slots',
        subject: `reservation ${id} in time slot ${slot}`,
        stored: 'confirmed',
        computed: 'displaced',
      },
    ])
    await world.rows(`UPDATE time_slots SET open = true WHERE id = ${slot}`)
    expect(await differences(world)).toEqual([])
  })
})
