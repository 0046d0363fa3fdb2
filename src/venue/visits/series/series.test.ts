import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { onServer, waitForLocks } from '../../../../test/support/database.ts'
import { openVerifiedWorld } from '../../../../test/support/reservations.ts'
import { addMember, addSlot, addVenue } from '../../../../test/support/venue.ts'
import type { Person } from '../../../../test/support/world.ts'
import { weeksOf } from '../../../booking/weekly.ts'

const world = await openVerifiedWorld()

const recurring = (person: Person, payload: object, headers: Record<string, string> = {}) =>
  world.call('POST', '/api/v1/reservations/recurring', { as: person, payload, headers })
const booked = async ({ id }: Person) =>
  (await world.rows<{ n: number }>(`SELECT count(*)::int AS n FROM reservations WHERE user_id = ${id}`))[0]?.n

/** The same hour of `weeks` Tuesdays at one venue; answers the slots in order. */
async function tuesdays(weeks: number, { rules = {}, capacity = 1, backwards = false } = {}): Promise<number[]> {
  const venue = await addVenue(world, {
    capacity,
    rules: { advance_booking_days: 200, max_reservations_per_user: 100, ...rules },
  })
  const slots: number[] = []
  for (let week = 0; week < weeks; week += 1) {
    const turn = backwards ? weeks - 1 - week : week
    slots[turn] = await addSlot(world, venue, { day: 1 + 7 * turn })
  }
  return slots
}
const bookOne = async (slot: number) => {
  const { status } = await world.call('POST', '/api/v1/reservations', {
    as: await world.person(),
    payload: { time_slot_id: slot },
  })
  expect(status).toBe(201)
}

describe('the weeks of a series', () => {
  it('keep weekday and wall clock where clocks change, and a slot may end at midnight', () => {
    const slot = { startAt: new Date('2026-03-27T21:00:00Z'), endAt: new Date('2026-03-27T23:00:00Z') }
    const [first, second] = weeksOf(slot, 2, 'Europe/Berlin')
    expect(first).toMatchObject({ week: 1, date: '2026-03-27', startAt: slot.startAt, endAt: slot.endAt })
    expect(second).toMatchObject({ week: 2, date: '2026-04-03', startAt: new Date('2026-04-03T20:00:00Z') })
    expect(second?.endAt).toEqual(new Date('2026-04-03T22:00:00Z'))
  })
})

describe('a weekly series', () => {
  it('books the same time in each week and confirms each', async () => {
    const slots = await tuesdays(3)
    const anna = await world.person()
    const { status, body } = await recurring(anna, { time_slot_id: slots[0], weeks: 3, mode: 'all' })
    expect(status, JSON.stringify(body)).toBe(201)
    expect(body).toMatchObject({ mode: 'all', booked: 3 })
    expect(body.results.map((result: { time_slot_id: number }) => result.time_slot_id)).toEqual(slots)
    expect(body.results.map((result: { date: string }) => result.date)).toEqual([
      '2026-03-03',
      '2026-03-10',
      '2026-03-17',
    ])
    expect(body.results[2].reservation).toMatchObject({
      status: 'confirmed',
      series_id: body.series_id,
      user_id: anna.id,
    })
    expect((await world.inbox(anna)).filter(({ type }) => type === 'reservation.confirmed')).toHaveLength(3)
  })

  it('of mode all books nothing if one week is not available, and names that week', async () => {
    const slots = await tuesdays(3)
    await bookOne(slots[1] ?? 0)
    const anna = await world.person()
    const { status, body } = await recurring(anna, { time_slot_id: slots[0], weeks: 4, mode: 'all' })
    expect([status, body.code]).toEqual([409, 'series_refused'])
    expect(body.results.map((result: { code: string | null }) => result.code)).toEqual([
      null,
      'slot_full',
      null,
      'no_slot',
    ])
    expect(body.results.every((result: { reservation: unknown }) => result.reservation === null)).toBe(true)
    expect(await booked(anna)).toBe(0)
    expect(await world.inbox(anna)).toEqual([])
  })

  it('of mode best_effort books the weeks that are available', async () => {
    const slots = await tuesdays(3, { rules: { points_cost: 4 } })
    await bookOneFor(await addMember(world, { points: 4 }), slots[1] ?? 0)
    const anna = await addMember(world, { points: 10 })
    const { status, body } = await recurring(anna, { time_slot_id: slots[0], weeks: 3, mode: 'best_effort' })
    expect(status, JSON.stringify(body)).toBe(201)
    expect(body.booked).toBe(2)
    expect(body.results.map((result: { code: string | null }) => result.code)).toEqual([null, 'slot_full', null])
    expect(body.results[1].message).toMatch(/taken/)
    expect(await world.rows(`SELECT points FROM venue_members WHERE user_id = ${anna.id}`)).toEqual([{ points: 2 }])
  })

  it('counts each week against the limits of the venue', async () => {
    const slots = await tuesdays(3, { rules: { max_reservations_per_user: 2 } })
    const anna = await world.person()
    const { body } = await recurring(anna, { time_slot_id: slots[0], weeks: 3, mode: 'best_effort' })
    expect(body.results.map((result: { code: string | null }) => result.code)).toEqual([null, null, 'limit_reached'])
  })

  it('in which no week can be had is refused', async () => {
    const slots = await tuesdays(2)
    for (const slot of slots) await bookOne(slot)
    const { status, body } = await recurring(await world.person(), {
      time_slot_id: slots[0],
      weeks: 2,
      mode: 'best_effort',
    })
    expect([status, body.code]).toEqual([409, 'series_refused'])
  })

  it('with an Idempotency-Key is booked once', async () => {
    const slots = await tuesdays(2, { capacity: 5 })
    const anna = await world.person()
    const wish = { time_slot_id: slots[0], weeks: 2, mode: 'all' }
    const first = await recurring(anna, wish, { 'idempotency-key': 'weekly' })
    const second = await recurring(anna, wish, { 'idempotency-key': 'weekly' })
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body).toEqual(first.body)
    expect(second.headers['idempotent-replayed']).toBe('true')
    expect(await booked(anna)).toBe(2)
  })

  it('for another person needs staff; bounds and slots are checked', async () => {
    const [slot] = await tuesdays(2)
    const [anna, ben] = [await world.person(), await world.person()]
    const wish = { time_slot_id: slot, weeks: 2, mode: 'all' }
    expect((await recurring(anna, { ...wish, user_id: ben.id })).status).toBe(403)
    expect((await recurring(anna, { ...wish, weeks: 1 })).status).toBe(400)
    expect((await recurring(anna, { ...wish, weeks: 27 })).status).toBe(400)
    expect((await recurring(anna, { ...wish, time_slot_id: 999_999 })).status).toBe(404)
    const staff = await world.person('venue:admin')
    const { status, body } = await recurring(staff, { ...wish, user_id: ben.id })
    expect(status, JSON.stringify(body)).toBe(201)
    expect(await booked(ben)).toBe(2)
  })

  it('of a leader displaces where it must', async () => {
    const slots = await tuesdays(2)
    await bookOne(slots[1] ?? 0)
    const boss = await world.person('venue:leader')
    const { status, body } = await recurring(boss, { time_slot_id: slots[0], weeks: 2, mode: 'all' })
    expect(status, JSON.stringify(body)).toBe(201)
    expect(await world.rows(`SELECT status FROM reservations WHERE slot_id = ${slots[1]} ORDER BY id`)).toEqual([
      { status: 'displaced' },
      { status: 'confirmed' },
    ])
  })

  it.runIf(onServer)('leaves out a week whose slot gets another time meanwhile', async () => {
    const slots = await tuesdays(2)
    const { promise: waited, resolve: goOn } = Promise.withResolvers<void>()
    const { promise: changed, resolve: isChanged } = Promise.withResolvers<void>()
    const changing = world.kernel.transaction(async (tx) => {
      const later = sql`interval '9 hours'`
      await sql`UPDATE time_slots SET start_at = start_at + ${later}, end_at = end_at + ${later} WHERE id = ${slots[1]}`.execute(
        tx,
      )
      isChanged()
      await waited
    })
    await changed
    const wish = { time_slot_id: slots[0], weeks: 2, mode: 'best_effort' }
    const booking = recurring(await world.person(), wish)
    await waitForLocks(world.kernel.db, 1)
    goOn()
    await changing
    expect((await booking).body).toMatchObject({ booked: 1, results: [{ code: null }, { code: 'no_slot' }] })
  })

  it('and another at once, over slots that were made in any order: each week goes to one of them', async () => {
    const slots = await tuesdays(6, { backwards: true })
    const people = await Promise.all(Array.from({ length: onServer ? 6 : 2 }, () => world.person()))
    const answers = await Promise.all(
      people.map((person) => recurring(person, { time_slot_id: slots[0], weeks: 6, mode: 'all' })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...people.slice(1).map(() => 409)])
  })
})

async function bookOneFor(person: Person, slot: number): Promise<void> {
  const { status } = await world.call('POST', '/api/v1/reservations', { as: person, payload: { time_slot_id: slot } })
  expect(status).toBe(201)
}
