import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { onServer, waitForLocks } from '../../../../test/support/database.ts'
import { addMember, addSlot, addVenue } from '../../../../test/support/venue.ts'
import { MONDAY, openWorld, type Person, type World } from '../../../../test/support/world.ts'
import { dayBounds } from '../../../kernel/time.ts'
import { moveTo, nearestFreeSlot, ordinaryReservations } from './store.ts'

const world = await openWorld()
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})
beforeEach(() => world.clock.set(MONDAY))

const book = (person: Person, slot: number, more: object = {}) =>
  world.call('POST', '/api/v1/reservations', { as: person, payload: { time_slot_id: slot, ...more } })
const places = async (slot: number) => (await world.rows(`SELECT taken, held FROM time_slots WHERE id = ${slot}`))[0]
const refusal = (answer: { status: number; body: { code: string } }) => [answer.status, answer.body.code]

const stateOf = async ({ id }: Person, slot: number) =>
  (
    await world.rows<{ status: string }>(`SELECT status FROM reservations WHERE user_id = ${id} AND slot_id = ${slot}`)
  )[0]?.status

/** A slot of a venue of its own. */
const slotWith = async (rules: Record<string, unknown> = {}, capacity = 1, when = {}) =>
  addSlot(world, await addVenue(world, { capacity, rules }), when)

describe('leader priority', () => {
  it('moves the newest ordinary reservation to the nearest free slot of the day, and tells its person', async () => {
    const venue = await addVenue(world, { capacity: 2 })
    const [wanted, near] = [await addSlot(world, venue, { hour: 9 }), await addSlot(world, venue, { hour: 11 })]
    await addSlot(world, venue, { hour: 18 })
    const [first, newest] = [await world.person(), await world.person()]
    await book(first, wanted)
    const { body: displaced } = await book(newest, wanted)
    const leader = await world.person('venue:leader')
    expect((await book(leader, wanted)).status).toBe(201)
    const after = await world.call('GET', `/api/v1/reservations/${displaced.id}`, { as: newest })
    expect(after.body).toMatchObject({ status: 'confirmed', time_slot_id: near, start_time: '11:00' })
    expect((await world.inbox(newest)).map((message) => message.type)).toContain('reservation.moved_by_leader')
    expect(await places(wanted)).toEqual({ taken: 2, held: 0 })
  })

  it('without another slot that day puts the person first in line, with the points back, and names other days', async () => {
    const venue = await addVenue(world, { capacity: 1, rules: { points_cost: 3 } })
    const slot = await addSlot(world, venue)
    await addSlot(world, venue, { day: 3, hour: 14 })
    const anna = await addMember(world, { points: 3 })
    const { body } = await book(anna, slot)
    expect((await book(await addMember(world, { role: 'venue:leader', points: 3 }), slot)).status).toBe(201)
    expect((await world.call('GET', `/api/v1/reservations/${body.id}`, { as: anna })).body.status).toBe('displaced')
    expect(await world.rows(`SELECT state, priority FROM waiting_list WHERE slot_id = ${slot}`)).toEqual([
      { state: 'waiting', priority: 1 },
    ])
    expect(await world.rows(`SELECT points FROM venue_members WHERE user_id = ${anna.id}`)).toEqual([{ points: 3 }])
    const told = (await world.inbox(anna)).find((message) => message.type === 'reservation.displaced')
    expect(told?.body).toContain('可选时段：\n1. ')
    expect(told?.body).toContain('2026-03-05 14:00–15:00')
    expect(told?.body).toContain(`http://127.0.0.1:3000/api/v1/reservations/${body.id}/rebook`)
  })

  it('offers displaced places that the leader does not need to the first in line', async () => {
    const slot = await slotWith({ max_party_size: 3 }, 3)
    await book(await world.person(), slot, { party_size: 3 })
    const waiting = await world.person()
    const [row] = await world.rows<{ id: number }>(`SELECT id FROM reservations WHERE slot_id = ${slot}`)
    await world.call('POST', `/api/v1/reservations/${row?.id}/waiting-list`, { as: waiting, payload: {} })
    expect((await book(await world.person('venue:leader'), slot)).status).toBe(201)
    expect(await places(slot)).toEqual({ taken: 1, held: 1 })
    expect((await world.inbox(waiting)).map((message) => message.type)).toContain('waiting_list.offered')
  })

  it('never displaces a leader, and displaces no one shortly before the start', async () => {
    const slot = await slotWith()
    await book(await world.person('venue:leader'), slot)
    expect(refusal(await book(await world.person('venue:leader'), slot))).toEqual([409, 'slot_full'])
    const soon = await slotWith({ displace_before_minutes: 120 }, 1, { day: 0, hour: 9 })
    await book(await world.person(), soon)
    expect(refusal(await book(await world.person('venue:leader'), soon))).toEqual([409, 'slot_full'])
  })

  it('moves no one into a slot whose time has changed meanwhile', async () => {
    const venue = await addVenue(world)
    const [wanted, near] = [await addSlot(world, venue, { hour: 9 }), await addSlot(world, venue, { hour: 11 })]
    await book(await world.person(), wanted)
    const now = world.clock.now()
    const tomorrow = dayBounds('2026-03-03', world.config.timeZone)
    await world.database.db.transaction().execute(async (tx) => {
      const [ordinary] = await ordinaryReservations(tx, wanted, ['confirmed'])
      const target = ordinary && (await nearestFreeSlot(tx, ordinary, tomorrow, []))
      expect(target?.id).toBe(near)
      await sql`UPDATE time_slots SET start_at = start_at + interval '30 minutes' WHERE id = ${near}`.execute(tx)
      expect(ordinary && target && (await moveTo(tx, ordinary, target, now))).toBe(false)
    })
    expect(await places(near)).toEqual({ taken: 0, held: 0 })
  })

  it('displaces no one if places are held for the leader', async () => {
    const slot = await slotWith({ max_party_size: 2 }, 3)
    const [first, newest, leaving] = [await world.person(), await world.person(), await world.person()]
    await book(first, slot)
    await book(newest, slot)
    const { body } = await book(leaving, slot)
    const leader = await world.person('venue:leader')
    await world.call('POST', `/api/v1/reservations/${body.id}/waiting-list`, { as: leader, payload: {} })
    await world.call('DELETE', `/api/v1/reservations/${body.id}`, { as: leaving })
    expect(await places(slot)).toEqual({ taken: 2, held: 1 })
    expect((await book(leader, slot, { party_size: 2 })).status).toBe(201)
    expect(await stateOf(first, slot)).toBe('confirmed')
    expect(await stateOf(newest, slot)).toBe('displaced')
  })

  it.runIf(onServer)('displaces nobody when a place comes free at the same moment', async () => {
    const slot = await slotWith({}, 2)
    const [first, newest] = [await world.person(), await world.person()]
    const { body } = await book(first, slot)
    await book(newest, slot)
    const { promise: waited, resolve: goOn } = Promise.withResolvers<void>()
    const { promise: freed, resolve: isFree } = Promise.withResolvers<void>()
    const cancelling = world.kernel.transaction(async (tx) => {
      await sql`UPDATE reservations SET status = 'cancelled' WHERE id = ${body.id}`.execute(tx)
      await sql`UPDATE time_slots SET taken = taken - 1 WHERE id = ${slot}`.execute(tx)
      isFree()
      await waited
    })
    await freed
    const booking = book(await world.person('venue:leader'), slot)
    await waitForLocks(world.kernel.db, 1)
    goOn()
    await cancelling
    expect((await booking).status).toBe(201)
    expect(await stateOf(newest, slot)).toBe('confirmed')
  })
})

describe('A reservation that gives way to a leader', () => {
  const at = (time: string) => world.clock.set(new Date(`2026-03-03T${time}:00+08:00`))
  const today = async (venue: number, hour: number) => addSlot(world, venue, { day: 0, hour })

  it('is not moved to where they could no longer cancel freely, but to a slot further off', async () => {
    at('09:59')
    const venue = await addVenue(world, { rules: { free_cancel_before_minutes: 180 } })
    const [full, late] = [await today(venue, 13), await today(venue, 18)]
    for (const hour of [10, 12]) await today(venue, hour)
    const anna = await world.person()
    await book(anna, full)
    expect((await book(await world.person('venue:leader'), full)).status).toBe(201)
    expect(await stateOf(anna, late)).toBe('confirmed')
  })

  it('is put in line where the only other slot is about to begin', async () => {
    at('09:59')
    const venue = await addVenue(world)
    const full = await today(venue, 13)
    await today(venue, 10)
    const anna = await world.person()
    await book(anna, full)
    expect((await book(await world.person('venue:leader'), full)).status).toBe(201)
    expect(await stateOf(anna, full)).toBe('displaced')
  })

  it('is only a pending one if bookings need approval: a request displaces no confirmed reservation', async () => {
    const slot = await slotWith({ requires_approval: true })
    const [anna, ben] = [await world.person(), await world.person('venue:leader')]
    const { body } = await book(anna, slot)
    const approved = await world.call('PUT', `/api/v1/reservations/${body.id}/approve`, {
      as: await world.person('venue:admin'),
      payload: { status: 'confirmed' },
    })
    expect(approved.body.status).toBe('confirmed')
    expect(refusal(await book(ben, slot))).toEqual([409, 'slot_full'])
    expect(await stateOf(anna, slot)).toBe('confirmed')
    const requested = await slotWith({ requires_approval: true }, 1, { hour: 14 })
    await book(anna, requested)
    expect((await book(ben, requested)).body.status).toBe('pending')
    expect(await stateOf(anna, requested)).toBe('displaced')
  })

  it('has the place back by an offer or by booking again, not by both', async () => {
    const venue = await addVenue(world, { rules: { advance_booking_days: 2 } })
    const [slot, far] = [await addSlot(world, venue), await addSlot(world, venue, { day: 9 })]
    const [anna, leader] = [await world.person(), await world.person('venue:leader')]
    const old = await book(anna, slot)
    const { body } = await book(leader, slot)
    await world.call('DELETE', `/api/v1/reservations/${body.id}`, { as: leader })
    const [entry] = await world.rows<{ id: number }>(`SELECT id FROM waiting_list WHERE slot_id = ${slot}`)
    const claimed = await world.call('POST', `/api/v1/waiting-list/${entry?.id}/claim`, { as: anna })
    expect(claimed.status).toBe(201)
    const path = `/api/v1/reservations/${old.body.id}`
    expect((await world.call('GET', path, { as: anna })).body.rebooked_as).toBe(claimed.body.id)
    const again = await world.call('POST', `${path}/rebook`, { as: anna, payload: { time_slot_id: far } })
    expect(refusal(again)).toEqual([409, 'already_rebooked'])
  })

  it('may book the very slot again that is offered to them, at the old price', async () => {
    const slot = await slotWith({ points_cost: 1 })
    const [anna, leader] = [
      await addMember(world, { points: 1 }),
      await addMember(world, { role: 'venue:leader', points: 1 }),
    ]
    const old = await book(anna, slot)
    const { body } = await book(leader, slot)
    await world.call('DELETE', `/api/v1/reservations/${body.id}`, { as: leader })
    const again = await world.call('POST', `/api/v1/reservations/${old.body.id}/rebook`, {
      as: anna,
      payload: { time_slot_id: slot },
    })
    expect([again.status, again.body.points_paid]).toEqual([201, 1])
    expect(await places(slot)).toEqual({ taken: 1, held: 0 })
  })
})

describe('the same day', () => {
  let newYork: World
  beforeAll(async () => {
    newYork = await openWorld({ TIME_ZONE: 'America/New_York' })
  })
  afterAll(async () => {
    expect(await newYork.verify()).toEqual([])
    await newYork.close()
  })

  /** Somebody books at 20:00 of the next day and a leader after them; answers what became of the reservation. */
  async function displaced(now: string, other: { day: number; hour: number }) {
    newYork.clock.set(new Date(now))
    const venue = await addVenue(newYork)
    const slot = await addSlot(newYork, venue, { hour: 20 })
    await addSlot(newYork, venue, other)
    const anna = await newYork.person()
    const mine = { as: anna, payload: { time_slot_id: slot } }
    const { body } = await newYork.call('POST', '/api/v1/reservations', mine)
    const theirs = { as: await newYork.person('venue:leader'), payload: { time_slot_id: slot } }
    expect((await newYork.call('POST', '/api/v1/reservations', theirs)).status).toBe(201)
    return (await newYork.call('GET', `/api/v1/reservations/${body.id}`, { as: anna })).body
  }

  it('is the local one, of 23 hours and of 25', async () => {
    const short = await displaced('2026-03-07T12:00:00-05:00', { day: 2, hour: 0 })
    expect(short).toMatchObject({ date: '2026-03-08', status: 'displaced' })
    const long = await displaced('2026-10-31T12:00:00-04:00', { day: 1, hour: 23 })
    expect(long).toMatchObject({ date: '2026-11-01', status: 'confirmed', start_time: '23:00' })
  })
})
