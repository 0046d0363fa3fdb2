import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { onServer } from '../../../../../test/support/database.ts'
import { pendingMessages } from '../../../../../test/support/site.ts'
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
} from '../../../../../test/support/venue.ts'
import { callsBy, MONDAY, openWorld } from '../../../../../test/support/world.ts'
import { setVenueStatus } from '../../../core/closures/venueStatus.ts'
import { displaceReservations } from '../../../core/displacement/service.ts'
import { slotsAhead } from '../../venues/store.ts'

const world = await openWorld()
const staff = await addCaller(world, 'venue:admin')
const call = callsBy(world, staff)
const ann = await addCaller(world)
const bob = await addCaller(world)
const leader = await addCaller(world, 'venue:leader')
afterAll(() => world.close())
beforeEach(async () => {
  await world.rows('DELETE FROM outbox')
  world.clock.set(MONDAY)
})

/** A reservation of ann's for 7 points that a closure of its day has displaced, and a slot to go to 45 days ahead. */
async function displaced() {
  const venue = await addCourt(world, { rules: { points_cost: 7 } })
  const slot = await addSlot(world, venue, { start: '2026-03-02 18:00' })
  const { id } = await bookSlot(world, ann, slot)
  await setVenueStatus(world.kernel, staff, venue, { status: 'closed', until: new Date('2026-03-02T16:00:00Z') })
  return { venue, slot, id }
}

const rebook = (id: number, slot: number, as = ann, headers = {}) =>
  world.call('POST', `/api/v1/reservations/${id}/rebook`, { as, headers, payload: { time_slot_id: slot } })

describe('rebooking', () => {
  it('books once, at most at the old price, also beyond advance_booking_days, and links the new reservation', async () => {
    const { id } = await displaced()
    const points = await pointsOf(world, ann)
    const dearer = await addCourt(world, { rules: { points_cost: 20, advance_booking_days: 1 } })
    const far = await addSlot(world, dearer, { start: '2026-04-20 18:00' })
    await expect(bookSlot(world, bob, far)).rejects.toMatchObject({ code: 'too_far_ahead' })
    const answer = await rebook(id, far)
    expect(answer).toMatchObject({
      status: 201,
      body: { user_id: ann.userId, time_slot_id: far, status: 'confirmed', points_paid: 7 },
    })
    expect(await pointsOf(world, ann)).toBe(points - 7)
    expect(await reservationRow(world, id)).toMatchObject({ status: 'displaced', rebooked_as: answer.body.id })
    const other = await addSlot(world, dearer, { start: '2026-04-21 18:00' })
    expect(await rebook(id, other)).toMatchObject({ status: 409, body: { code: 'already_rebooked' } })
    expect((await slotRow(world, other))?.taken).toBe(0)
    expect(await pendingMessages(world, 'reservation.confirmed')).toHaveLength(2)
    expect(await differences(world)).toEqual([])
  })

  it('costs the price of the new slot if that is lower', async () => {
    const { id } = await displaced()
    const cheap = await addSlot(world, await addCourt(world, { rules: { points_cost: 2 } }), {
      start: '2026-03-05 18:00',
    })
    expect((await rebook(id, cheap)).body.points_paid).toBe(2)
  })

  it('gives a repeat with the same Idempotency-Key the first answer again', async () => {
    const { id } = await displaced()
    const slot = await addSlot(world, await addCourt(world), { start: '2026-03-06 18:00' })
    const first = await rebook(id, slot, ann, { 'idempotency-key': 'k1' })
    const again = await rebook(id, slot, ann, { 'idempotency-key': 'k1' })
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.body).toEqual(first.body)
    expect(again.headers['idempotent-replayed']).toBe('true')
    expect((await slotRow(world, slot))?.taken).toBe(1)
  })

  it('that is refused leaves the right to do it, with and without a key', async () => {
    const { id } = await displaced()
    const full = await addSlot(world, await addCourt(world), { start: '2026-03-07 18:00', capacity: 1 })
    await bookSlot(world, bob, full)
    expect((await rebook(id, full)).body.code).toBe('slot_full')
    expect((await rebook(id, full, ann, { 'idempotency-key': 'k2' })).body.code).toBe('slot_full')
    expect((await rebook(id, 999_999)).status).toBe(404)
    expect((await reservationRow(world, id))?.rebooked_as).toBeNull()
    const free = await addSlot(world, await addCourt(world), { start: '2026-03-07 20:00' })
    expect((await rebook(id, free)).status).toBe(201)
  })

  it('is for the owner and staff, for displaced reservations, and for 14 days', async () => {
    const { id } = await displaced()
    const slot = await addSlot(world, await addCourt(world), { start: '2026-03-20 18:00' })
    expect((await rebook(id, slot, bob)).status).toBe(404)
    const live = await bookSlot(world, bob, slot)
    expect((await rebook(live.id, slot, bob)).body).toMatchObject({ code: 'bad_state', state: 'confirmed' })
    world.clock.set(new Date('2026-03-16T10:00:00Z'))
    expect((await rebook(id, slot)).body.code).toBe('too_late_to_rebook')
    world.clock.set(new Date('2026-03-16T09:59:00Z'))
    expect((await rebook(id, slot, staff)).body.user_id).toBe(ann.userId)
    expect(world.faults).toEqual([])
  })

  it('takes a person whom a leader displaced off the waiting list of the old slot', async () => {
    const venue = await addCourt(world)
    const slot = await addSlot(world, venue, { start: '2026-03-08 18:00', capacity: 1 })
    const { id } = await bookSlot(world, ann, slot)
    await bookSlot(world, leader, slot)
    const entries = () => world.rows(`SELECT state FROM waiting_list WHERE slot_id = ${slot}`)
    expect(await entries()).toEqual([{ state: 'waiting' }])
    const other = await addSlot(world, venue, { start: '2026-03-09 18:00' })
    expect((await rebook(id, other)).status).toBe(201)
    expect(await entries()).toEqual([{ state: 'left' }])
  })

  it.runIf(onServer)('done twice at once books once', async () => {
    const { id } = await displaced()
    const venue = await addCourt(world)
    const slots = [
      await addSlot(world, venue, { start: '2026-03-10 18:00' }),
      await addSlot(world, venue, { start: '2026-03-11 18:00' }),
    ]
    const answers = await Promise.all([...slots, ...slots].map((slot) => rebook(id, slot)))
    expect(answers.map((answer) => answer.body.code ?? answer.status).sort()).toEqual([
      201,
      'already_rebooked',
      'already_rebooked',
      'already_rebooked',
    ])
    const taken = await Promise.all(slots.map((slot) => slotRow(world, slot)))
    expect(taken.reduce((sum, slot) => sum + (slot?.taken ?? 0), 0)).toBe(1)
    expect(world.faults).toEqual([])
  })
})

describe('alternatives', () => {
  it('are slots of the venue nearest in time with room for the party at times the person is free, then siblings', async () => {
    const hall = await addSportVenue(world)
    const venue = await addCourt(world, { sportVenueId: hall, rules: { max_party_size: 3 } })
    const sibling = await addCourt(world, { sportVenueId: hall })
    const elsewhere = await addCourt(world)
    const pool = await addCourt(world, { sportVenueId: hall, type: 'pool' })
    const slot = await addSlot(world, venue, { start: '2026-03-12 12:00' })
    const near = await addSlot(world, venue, { start: '2026-03-12 14:00' })
    const nextDay = await addSlot(world, venue, { start: '2026-03-13 12:00' })
    const beside = await addSlot(world, sibling, { start: '2026-03-12 12:00' })
    // Too far, too small, past, at a time at which ann is elsewhere; of another sport venue, of another kind, at another time.
    await addSlot(world, venue, { start: '2026-03-28 12:00' })
    await addSlot(world, venue, { start: '2026-03-12 13:00', capacity: 1 })
    await addSlot(world, venue, { start: '2026-03-01 12:00' })
    await addSlot(world, venue, { start: '2026-03-12 16:00' })
    await addSlot(world, elsewhere, { start: '2026-03-12 12:00' })
    await addSlot(world, pool, { start: '2026-03-12 12:00' })
    await addSlot(world, sibling, { start: '2026-03-12 11:00' })
    await bookSlot(world, ann, await addSlot(world, elsewhere, { start: '2026-03-12 16:30' }))
    const { id } = await bookSlot(world, ann, slot, 2)
    const { status, body } = await call('GET', `/api/reservations/${id}/alternatives`, undefined, ann)
    expect(status).toBe(200)
    expect(body).toMatchObject({ reservation_id: id, rebook_until: null, rebooked_as: null })
    expect(body.items).toMatchObject([
      { time_slot_id: near, venue_id: venue, available: 4, date: '2026-03-12', start_time: '14:00' },
      { time_slot_id: nextDay },
      { time_slot_id: beside, venue_id: sibling },
    ])
    expect((await call('GET', `/api/v1/reservations/${id}/alternatives`, undefined, bob)).status).toBe(404)
  })

  it('are shown by the link in the message to its recipient only', async () => {
    const { venue, id } = await displaced()
    const free = await addSlot(world, venue, { start: '2026-03-06 07:00' })
    const [told] = await pendingMessages(world, 'reservation.closed')
    const link = new URL(String(told?.data.rebook_url))
    expect(link.origin).toBe(world.kernel.config.publicUrl)
    const shown = await call('GET', link.pathname, undefined, ann)
    expect(shown.status).toBe(200)
    expect(shown.body).toMatchObject({ reservation_id: id, rebooked_as: null, items: [{ time_slot_id: free }] })
    expect((await call('POST', link.pathname, { time_slot_id: free }, ann)).status).toBe(201)
    expect((await call('GET', link.pathname, undefined, bob)).status).toBe(404)
  })
})

describe('displacing', () => {
  const origin = () => ({ actorId: staff.userId })

  it('of a slot that changes ends all of it, without offering the slot itself, and leaves it on sale', async () => {
    const venue = await addCourt(world, { rules: { points_cost: 3 } })
    const slot = await addSlot(world, venue, { start: '2026-03-13 12:00' })
    const next = await addSlot(world, venue, { start: '2026-03-13 13:00' })
    const before = await pointsOf(world, bob)
    const { id } = await bookSlot(world, bob, slot)
    const affected = await world.kernel.transaction((tx) =>
      displaceReservations(tx, world.kernel, origin(), {
        slotIds: [slot],
        reason: '时间调整',
        type: 'reservation.slot_changed',
      }),
    )
    expect(affected).toMatchObject([{ id, status: 'displaced', pointsReturned: 3, alternatives: [{ id: next }] }])
    expect(await slotRow(world, slot)).toEqual({ open: true, taken: 0, held: 0 })
    expect(await pointsOf(world, bob)).toBe(before)
    expect(await pendingMessages(world, 'reservation.slot_changed')).toHaveLength(1)
    expect(await differences(world)).toEqual([])
  })

  it('of single reservations offers their places to the waiting list', async () => {
    const venue = await addCourt(world)
    const slot = await addSlot(world, venue, { start: '2026-03-14 12:00', capacity: 2 })
    const one = await bookSlot(world, ann, slot)
    const two = await bookSlot(world, bob, slot)
    await world.rows(`INSERT INTO waiting_list (slot_id, user_id, party_size, state, created_at, updated_at)
      VALUES (${slot}, ${leader.userId}, 1, 'waiting', '2026-03-02', '2026-03-02')`)
    await world.kernel.transaction((tx) =>
      displaceReservations(tx, world.kernel, origin(), {
        reservationIds: [one.id, 999_999],
        reason: '调整',
        type: 'reservation.slot_changed',
      }),
    )
    expect((await reservationRow(world, two.id))?.status).toBe('confirmed')
    expect(await slotRow(world, slot)).toEqual({ open: true, taken: 1, held: 1 })
    expect(await differences(world)).toEqual([])
  })

  it('of a deleted venue ends its future reservations', async () => {
    const venue = await addCourt(world)
    const slot = await addSlot(world, venue, { start: '2026-03-15 12:00' })
    await addSlot(world, venue, { start: '2026-03-15 14:00' })
    const { id } = await bookSlot(world, ann, slot)
    const affected = await world.kernel.transaction(async (tx) => {
      const slotIds = await slotsAhead(tx, venue, world.clock.now())
      const displacement = { slotIds, reason: '场馆停用', type: 'reservation.closed' } as const
      return await displaceReservations(tx, world.kernel, origin(), displacement)
    })
    expect(affected).toMatchObject([{ id, alternatives: [] }])
  })
})
