import { afterAll, expect, test } from 'vitest'
import { ManualClock } from '../../src/kernel/clock.ts'
import { createBreaker } from '../../src/kernel/notifications/providers/breaker.ts'
import { addSlot, addVenue } from '../support/venue.ts'
import { openWorld, type Person } from '../support/world.ts'

const HOUR = 60

const world = await openWorld({ CLOCK: 'manual' })
afterAll(() => world.close())

/** Moves the clock through the API, which also runs the jobs that depend on time. */
async function moveTo(at: Date): Promise<void> {
  const moved = await world.call('POST', '/dev/clock', { payload: { to: at.toISOString() } })
  expect(moved.status).toBe(200)
}
const later = (minutes: number) => new Date(world.clock.now().getTime() + minutes * 60_000)
const book = (as: Person, slot: number) =>
  world.call('POST', '/api/v1/reservations', { as, payload: { time_slot_id: slot } })
const state = async (id: number) =>
  (await world.rows<{ status: string }>(`SELECT status FROM reservations WHERE id = ${id}`))[0]?.status
const keys = async (person: Person) => (await world.inbox(person)).map(({ key }) => key)

test('A clock that jumps ahead and back again sends no message twice and keeps the reservation confirmed', async () => {
  const person = await world.person()
  const slot = await addSlot(world, await addVenue(world, { capacity: 5 }))
  const { body } = await book(person, slot)
  const before = world.clock.now()

  // To an hour before the slot, when reminders are sent, and back, three times.
  for (let n = 0; n < 3; n += 1) {
    await moveTo(new Date(before.getTime() + 24 * HOUR * 60_000))
    await moveTo(before)
  }
  const told = await keys(person)
  expect(told.length).toBeGreaterThan(1)
  expect(new Set(told).size).toBe(told.length)
  expect(await state(body.id)).toBe('confirmed')
  expect(await world.rows('SELECT 1 FROM deliveries GROUP BY message_id, channel HAVING count(*) > 1')).toEqual([])

  // The session is still valid after the jump, and the reservation can be cancelled.
  expect((await world.call('GET', '/api/v1/users/me', { as: person })).status).toBe(200)
  expect((await world.call('DELETE', `/api/v1/reservations/${body.id}`, { as: person })).status).toBe(200)
  expect(await world.verify()).toEqual([])
})

test('A clock that steps back keeps the order of a waiting list and the end of an offer', async () => {
  const [holder, first, second] = [await world.person(), await world.person(), await world.person()]
  const venue = await addVenue(world)
  const slot = await addSlot(world, venue, { day: 3 })
  const { body: held } = await book(holder, slot)
  const wait = (as: Person) =>
    world.call('POST', `/api/v1/venues/${venue}/reservation-time-slots/${slot}/waiting-list`, { as, payload: {} })
  expect((await wait(first)).status).toBe(201)
  world.clock.set(later(-2 * HOUR))
  expect((await wait(second)).status).toBe(201)
  await world.call('DELETE', `/api/v1/reservations/${held.id}`, { as: holder })
  const entries = () =>
    world.rows<{ user_id: number; state: string; expires: Date | null }>(
      `SELECT user_id, state, offer_expires_at AS expires FROM waiting_list WHERE slot_id = ${slot} ORDER BY id`,
    )
  const [offered, waiting] = await entries()
  expect([offered?.user_id, offered?.state, waiting?.state]).toEqual([first.id, 'offered', 'waiting'])

  // After a step back the offer is still there; after its end the next person gets it once.
  const end = offered?.expires ?? new Date(0)
  await moveTo(later(-2 * HOUR))
  expect((await entries())[0]?.state).toBe('offered')
  await moveTo(new Date(end.getTime() + 60_000))
  expect((await entries()).map((entry) => entry.state)).toEqual(['lapsed', 'offered'])
  expect((await keys(second)).filter((key) => key?.includes('offer'))).toHaveLength(1)
  expect(await world.verify()).toEqual([])
})

test('A clock that steps back keeps the answer of an Idempotency-Key', async () => {
  const person = await world.person()
  const slot = await addSlot(world, await addVenue(world, { capacity: 5 }))
  const headers = { 'idempotency-key': 'once-and-again' }
  const ask = () => world.call('POST', '/api/v1/reservations', { as: person, headers, payload: { time_slot_id: slot } })
  const { body } = await ask()
  world.clock.set(later(-3 * HOUR))
  expect(await ask()).toMatchObject({ status: 201, body: { id: body.id } })
})

test('A clock that jumps ahead makes due work run once', async () => {
  const person = await world.person()
  const slot = await addSlot(world, await addVenue(world, { capacity: 5 }))
  const { body } = await book(person, slot)
  await moveTo(later(30 * 24 * HOUR))
  expect(await state(body.id)).toBe('no_show')
  const told = await keys(person)
  const jobs = async () => (await world.rows<{ n: number }>('SELECT count(*)::int AS n FROM pgboss.job'))[0]?.n
  const waiting = await jobs()
  await moveTo(later(1))
  expect(await keys(person)).toEqual(told)
  expect(await jobs()).toBe(waiting)
  expect(await world.verify()).toEqual([])
})

test('A clock that steps back does not prolong the pause of a failing provider', () => {
  const clock = new ManualClock(new Date('2026-03-14T10:00:00Z'))
  const breaker = createBreaker(clock)
  for (let n = 0; n < 5; n += 1) breaker.failed()
  expect(breaker.openUntil()).toBeDefined()
  clock.advance(-5 * HOUR)
  expect(breaker.openUntil()).toBeUndefined()
})
