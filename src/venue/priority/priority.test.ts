import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorld, type Person, type World } from '../../../test/support/world.ts'
import { moveTo, nearestFreeSlot, ordinaryReservations } from './store.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

const book = (person: Person, slot: number, more: object = {}) =>
  world.call('POST', '/api/v1/reservations', { as: person, payload: { time_slot_id: slot, ...more } })
const places = async (slot: number) => (await world.rows(`SELECT taken, held FROM time_slots WHERE id = ${slot}`))[0]
const refusal = (answer: { status: number; body: { code: string } }) => [answer.status, answer.body.code]

/** A slot of a venue of its own. */
const slotWith = async (rules: Record<string, unknown> = {}, capacity = 1, when = {}) =>
  world.slot(await world.venue({ capacity, rules }), when)

describe('leader priority', () => {
  it('moves the newest ordinary reservation to the nearest free slot of the day, and tells its person', async () => {
    const venue = await world.venue({ capacity: 2 })
    const [wanted, near] = [await world.slot(venue, { hour: 9 }), await world.slot(venue, { hour: 11 })]
    await world.slot(venue, { hour: 18 })
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
    const venue = await world.venue({ capacity: 1, rules: { points_cost: 3 } })
    const slot = await world.slot(venue)
    await world.slot(venue, { day: 3, hour: 14 })
    const anna = await world.person('venue:employee', { points: 3 })
    const { body } = await book(anna, slot)
    expect((await book(await world.person('venue:leader', { points: 3 }), slot)).status).toBe(201)
    expect((await world.call('GET', `/api/v1/reservations/${body.id}`, { as: anna })).body.status).toBe('displaced')
    expect(await world.rows(`SELECT state, priority FROM waiting_list WHERE slot_id = ${slot}`)).toEqual([
      { state: 'waiting', priority: 1 },
    ])
    expect(await world.rows(`SELECT points FROM venue_members WHERE user_id = ${anna.id}`)).toEqual([{ points: 3 }])
    const told = (await world.inbox(anna)).find((message) => message.type === 'reservation.displaced')
    expect(told?.body).toContain('可选时段：\n1. ')
    expect(told?.body).toContain('2026-03-05 14:00–15:00')
  })

  it('offers what the displaced had beyond what the leader takes to the first in line', async () => {
    const slot = await slotWith({ max_party_size: 3 }, 3)
    await book(await world.person(), slot, { party_size: 3 })
    const waiting = await world.person()
    const [row] = await world.rows<{ id: number }>(`SELECT id FROM reservations WHERE slot_id = ${slot}`)
    await world.call('POST', `/api/v1/reservations/${row?.id}/waiting-list`, { as: waiting, payload: {} })
    expect((await book(await world.person('venue:leader'), slot)).status).toBe(201)
    expect(await places(slot)).toEqual({ taken: 1, held: 1 })
    expect((await world.inbox(waiting)).map((message) => message.type)).toContain('waiting_list.offered')
  })

  it('never displaces a leader, and nobody shortly before the start', async () => {
    const slot = await slotWith()
    await book(await world.person('venue:leader'), slot)
    expect(refusal(await book(await world.person('venue:leader'), slot))).toEqual([409, 'slot_full'])
    const soon = await slotWith({ displace_before_minutes: 120 }, 1, { day: 0, hour: 9 })
    await book(await world.person(), soon)
    expect(refusal(await book(await world.person('venue:leader'), soon))).toEqual([409, 'slot_full'])
  })

  it('moves nobody into a slot that has got another time since it was looked at', async () => {
    const venue = await world.venue()
    const [wanted, near] = [await world.slot(venue, { hour: 9 }), await world.slot(venue, { hour: 11 })]
    await book(await world.person(), wanted)
    const now = world.clock.now()
    await world.database.db.transaction().execute(async (tx) => {
      const [ordinary] = await ordinaryReservations(tx, wanted)
      const target = ordinary && (await nearestFreeSlot(tx, ordinary, [], now, world.config.timeZone))
      expect(target?.id).toBe(near)
      await sql`UPDATE time_slots SET start_at = start_at + interval '30 minutes' WHERE id = ${near}`.execute(tx)
      expect(ordinary && target && (await moveTo(tx, ordinary, target, now))).toBe(false)
    })
    expect(await places(near)).toEqual({ taken: 0, held: 0 })
  })
})
