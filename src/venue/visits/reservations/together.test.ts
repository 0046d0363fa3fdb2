import { afterAll, describe, expect, it } from 'vitest'
import { addMember, addSlot, addVenue } from '../../../../test/support/venue.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'
import { SYSTEM } from '../../../kernel/audit/origin.ts'
import { messageJson, operationJson } from '../../../kernel/outbox/outbox.ts'
import { appointment } from '../../core/appointment.ts'
import { placeOrder } from '../../core/booking.ts'
import { insertReservation, type ReservationRow } from '../../core/bookingStore.ts'
import { readFacts } from '../../core/facts.ts'

/** Bookings that come at the same moment share their statements: each must come out as if it had been alone. */
const world = await openWorld()
afterAll(async () => {
  await world.drain()
  expect(await world.verify()).toEqual([])
  await world.close()
})

const book = (as: Person, slot: number, party = 1) =>
  world.call('POST', '/api/v1/reservations', { as, payload: { time_slot_id: slot, party_size: party } })
const outcomes = (answers: readonly { status: number; body: { code?: string } }[]) =>
  answers.map(({ status, body }) => body.code ?? status)
const places = async (slot: number) => (await world.rows(`SELECT taken, held FROM time_slots WHERE id = ${slot}`))[0]
const reservations = (slot: number) =>
  world.rows<{ user_id: number }>(`SELECT user_id FROM reservations WHERE slot_id = ${slot} ORDER BY id`)
/** By id. */
const people = async (count: number, points = 0) => {
  const all: Person[] = []
  while (all.length < count) all.push(await addMember(world, { points }))
  return all
}
const slotWith = async (rules: Record<string, unknown> = {}, capacity = 1, when = {}) =>
  addSlot(world, await addVenue(world, { capacity, rules }), when)

describe('many people at the same moment', () => {
  it('get as many places as a slot has, and the others are told that it is full', async () => {
    const slot = await slotWith({}, 20)
    const answers = await Promise.all((await people(100)).map((person) => book(person, slot)))
    expect(outcomes(answers).filter((outcome) => outcome === 201)).toHaveLength(20)
    expect(outcomes(answers).filter((outcome) => outcome === 'slot_full')).toHaveLength(80)
    expect(await places(slot)).toEqual({ taken: 20, held: 0 })
    expect(await reservations(slot)).toHaveLength(20)
  })

  it('each get one confirmation and one entry of the operation log, for their own reservation', async () => {
    const slots = await Promise.all([1, 2, 3].map(() => slotWith({}, 10)))
    const all = await people(12)
    const answers = await Promise.all(all.map((person, n) => book(person, slots[n % 3] ?? 0)))
    for (const [n, person] of all.entries()) {
      const { status, body } = answers[n] ?? { status: 0, body: undefined }
      expect([status, body.user_id, body.time_slot_id]).toEqual([201, person.id, slots[n % 3]])
      expect((await world.inbox(person)).map(({ key }) => key)).toEqual([`reservation:${body.id}:confirmed`])
    }
    const logged = await world.rows<{ actor_id: number; resource_id: string }>(
      `SELECT actor_id, resource_id FROM operation_log WHERE action = 'reservation.book' AND actor_id >= ${all[0]?.id} ORDER BY actor_id`,
    )
    expect(logged).toEqual(
      all
        .map(({ id }, n) => ({ actor_id: id, resource_id: String(answers[n]?.body.id) }))
        .sort((a, b) => a.actor_id - b.actor_id),
    )
  })

  it('with parties never get more places than there are, and none is refused that would still fit', async () => {
    const slot = await slotWith({ max_party_size: 3 }, 7)
    const parties = [3, 3, 3, 2, 1, 1, 1]
    const answers = await Promise.all((await people(7)).map((person, n) => book(person, slot, parties[n])))
    const booked = answers.flatMap(({ status }, n) => (status === 201 ? [parties[n] ?? 0] : []))
    const taken = booked.reduce((sum, party) => sum + party, 0)
    expect(await places(slot)).toEqual({ taken, held: 0 })
    expect(new Set(outcomes(answers))).toEqual(new Set([201, 'slot_full']))
    const refused = answers.flatMap(({ status }, n) => (status === 201 ? [] : [parties[n] ?? 0]))
    expect(taken).toBeLessThanOrEqual(7)
    expect(taken + Math.min(...refused)).toBeGreaterThan(7)
  })

  it('are each charged their own price, also if some are free', async () => {
    const [dear, cheap, free] = await Promise.all([
      slotWith({ points_cost: 5 }, 10),
      slotWith({ points_cost: 2 }, 10),
      slotWith({}, 10),
    ])
    const all = await people(9, 5)
    const answers = await Promise.all(all.map((person, n) => book(person, [dear, cheap, free][n % 3] ?? 0)))
    expect(answers.map(({ body }) => body.points_paid)).toEqual([5, 2, 0, 5, 2, 0, 5, 2, 0])
    const ids = all.map(({ id }) => id)
    expect(await world.rows(`SELECT points FROM venue_members WHERE user_id IN (${ids}) ORDER BY user_id`)).toEqual(
      [...all.keys()].map((n) => ({ points: [0, 3, 5][n % 3] })),
    )
    expect(
      await world.rows(`SELECT count(*) AS count FROM points_ledger WHERE reason = 'booking' AND user_id IN (${ids})`),
    ).toEqual([{ count: 6 }])
  })

  it('take their offered places while others find the slot full', async () => {
    const slot = await slotWith({}, 3)
    const first = await people(3)
    const booked = await Promise.all(first.map((person) => book(person, slot)))
    const [waiting, strangers] = [await people(3), await people(3)]
    const path = `/api/v1/venues/${booked[0]?.body.venue_id}/reservation-time-slots/${slot}/waiting-list`
    for (const as of waiting) await world.call('POST', path, { as, payload: {} })
    for (const [n, as] of first.entries())
      await world.call('DELETE', `/api/v1/reservations/${booked[n]?.body.id}`, { as })
    expect(await places(slot)).toEqual({ taken: 0, held: 3 })
    const answers = await Promise.all([...waiting, ...strangers].map((person) => book(person, slot)))
    expect(outcomes(answers)).toEqual([201, 201, 201, 'slot_full', 'slot_full', 'slot_full'])
    expect(await places(slot)).toEqual({ taken: 3, held: 0 })
    expect(await world.rows(`SELECT DISTINCT state FROM waiting_list WHERE slot_id = ${slot}`)).toEqual([
      { state: 'booked' },
    ])
  })
})

describe('one person several times at the same moment', () => {
  it('gets every slot that the rules allow together', async () => {
    const anna = await world.person()
    const slots = await Promise.all([9, 10, 11, 12].map((hour) => slotWith({}, 1, { hour })))
    const answers = await Promise.all(slots.map((slot) => book(anna, slot)))
    expect(outcomes(answers)).toEqual([201, 201, 201, 201])
    expect(await world.rows(`SELECT revision FROM venue_members WHERE user_id = ${anna.id}`)).toEqual([{ revision: 4 }])
  })

  it('gets one of those that overlap, one of the last that the limit allows, and pays the last points once', async () => {
    const refusedOne = async (slots: readonly number[], points = 0) => {
      const anna = await addMember(world, { points })
      const answers = await Promise.all(slots.map((slot) => book(anna, slot)))
      expect(outcomes(answers).filter((outcome) => outcome === 201)).toHaveLength(1)
      return outcomes(answers).find((outcome) => outcome !== 201)
    }
    expect(await refusedOne([await slotWith(), await slotWith()])).toBe('own_overlap')
    const strict = await addVenue(world, { rules: { max_reservations_per_user: 1 } })
    expect(
      await refusedOne([await addSlot(world, strict, { hour: 9 }), await addSlot(world, strict, { hour: 11 })]),
    ).toBe('limit_reached')
    const dear = await addVenue(world, { rules: { points_cost: 3 } })
    expect(
      await refusedOne([await addSlot(world, dear, { hour: 9 }), await addSlot(world, dear, { hour: 11 })], 5),
    ).toBe('points_short')
  })
})

describe('writes that share a statement', () => {
  /** A reservation that is decided on the present facts, but not written yet. */
  const decided = async ({ id: userId }: Person, slotId: number): Promise<ReservationRow> => {
    const { kernel } = world
    const now = kernel.clock.now()
    const facts = await readFacts(kernel, kernel.db, { userId, slotId }, now)
    const data = appointment(facts.slot, kernel.config.timeZone)
    return {
      facts,
      userId,
      partySize: 1,
      terms: { status: 'confirmed', pointsCost: 0 },
      byLeader: false,
      seriesId: null,
      now,
      message: messageJson({ type: 'reservation.confirmed', userIds: [userId], data }),
      operation: operationJson({ ...SYSTEM, action: 'reservation.book', resource: 'reservation' }),
    }
  }
  const insertAll = async (rows: readonly ReservationRow[]) =>
    (await Promise.allSettled(rows.map((row) => insertReservation(world.kernel.db, row)))).map((answer) =>
      answer.status === 'fulfilled' ? 'taken' : (answer.reason.constraint ?? answer.reason.name),
    )
  const rows = async (count: number, slot: number) =>
    Promise.all((await people(count)).map((person) => decided(person, slot)))

  it('leave out the one whose slot has closed, moved or gone since, and do the others', async () => {
    const slots = await Promise.all([1, 2, 3, 4].map(() => slotWith({}, 2)))
    const all = (await Promise.all(slots.map((slot) => rows(2, slot)))).flat()
    const [closed, moved, gone, same] = slots
    await world.rows(`UPDATE time_slots SET open = false WHERE id = ${closed}`)
    await world.rows(`UPDATE time_slots SET end_at = end_at + interval '1 hour' WHERE id = ${moved}`)
    await world.rows(`UPDATE time_slots SET deleted_at = created_at WHERE id = ${gone}`)
    expect(await insertAll(all)).toEqual([...Array(6).fill('Stale'), 'taken', 'taken'])
    expect(await places(same ?? 0)).toEqual({ taken: 2, held: 0 })
    expect(await places(closed ?? 0)).toEqual({ taken: 0, held: 0 })
    await world.rows(`UPDATE time_slots SET open = true WHERE id = ${closed}`)
  })

  it('leave out people whose facts have changed, and those too late for the last place', async () => {
    const slot = await slotWith({}, 2)
    const all = await rows(4, slot)
    // Somebody whose revision has moved on since: they have a row now, and it has counted a booking.
    await world.rows(
      `INSERT INTO venue_members (user_id, revision, created_at) SELECT ${all[0]?.userId}, 1, created_at FROM time_slots WHERE id = ${slot}`,
    )
    expect(await insertAll(all)).toEqual(['Stale', 'taken', 'Stale', 'Stale'])
    expect(await reservations(slot)).toEqual([{ user_id: all[1]?.userId }])
  })

  it('leave out people who have left since; their next try finds no account', async () => {
    const slot = await slotWith({}, 2)
    const [anna, newcomer] = [await world.person(), await world.person()]
    await book(anna, await slotWith({}, 1, { hour: 20 }))
    const all = [await decided(anna, slot), await decided(newcomer, slot)]
    const admin = await world.person('admin')
    for (const { id } of [anna, newcomer]) {
      expect((await world.call('DELETE', `/api/v1/users/${id}`, { as: admin })).status).toBe(204)
    }
    expect(await insertAll(all)).toEqual(['Stale', 'Stale'])
    for (const { id: userId } of [anna, newcomer]) {
      const order = { userId, slotId: slot, partySize: 1, byLeader: false, origin: SYSTEM }
      await expect(placeOrder(world.kernel, order)).rejects.toMatchObject({ status: 409, code: 'account_inactive' })
    }
    expect(await places(slot)).toEqual({ taken: 0, held: 0 })
  })

  it('leave out a booking that a constraint refuses; only that person gets the error', async () => {
    const slot = await slotWith({}, 5)
    const all = await rows(5, slot)
    const other = await slotWith({}, 5)
    // Nothing of ours writes a reservation without moving the revision; if something did, the constraint would still
    // stand.
    const unlucky = all[2]?.userId
    await world.rows(
      `WITH t AS (UPDATE time_slots SET taken = 1 WHERE id = ${other} RETURNING *), m AS (
         INSERT INTO venue_members (user_id, created_at) SELECT ${unlucky}, created_at FROM t RETURNING user_id)
       INSERT INTO reservations (user_id, slot_id, venue_id, start_at, end_at, party_size, status, by_leader, points_paid, created_at, updated_at)
       SELECT user_id, id, venue_id, start_at, end_at, 1, 'pending', false, 0, created_at, created_at FROM t, m`,
    )
    expect(await insertAll(all)).toEqual(['taken', 'taken', 'reservations_user_overlap', 'taken', 'taken'])
    expect(await places(slot)).toEqual({ taken: 4, held: 0 })
    expect(await world.rows(`SELECT revision FROM venue_members WHERE user_id = ${unlucky}`)).toEqual([{ revision: 0 }])
  })
})
