import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Fleet, openFleet, type Running } from '../support/processes.ts'
import { book, call, tally } from './client.ts'
import { addPeople, addSlot, addVenue, only } from './site.ts'

/** Like `npm run bench -- rush`, with fewer people and without measuring time. */
describe.runIf(onServer)('A rush on four processes', () => {
  const PROCESSES = 4
  const PEOPLE = 400
  const PLACES = 20
  let database: TestDatabase
  let fleet: Fleet
  let processes: readonly Running[] = []

  beforeAll(async () => {
    database = await openTestDatabase()
    fleet = await openFleet({ url: database.url ?? '' })
    processes = await Promise.all(Array.from({ length: PROCESSES }, () => fleet.start('server')))
  }, 120_000)

  afterAll(async () => {
    await fleet?.close()
    await database?.close()
  })

  const at = (n: number) => processes[n % PROCESSES]?.url

  test('books exactly the places of a slot, refuses all others with slot_full, and stores the same numbers', async () => {
    const { db } = database
    const slot = await addSlot(db, await addVenue(db), { capacity: PLACES })
    const people = await addPeople(db, PEOPLE)
    // A request of each person first, so that sessions are cached and connections are open.
    for (let n = 0; n < PEOPLE; n += 40) {
      await Promise.all(
        people.slice(n, n + 40).map(({ token }, k) => call(at(n + k), 'GET', '/api/v1/users/me', { token })),
      )
    }
    const answers = await Promise.all(people.map((person, n) => book(at(n), person, slot)))
    expect(tally(answers)).toEqual({ '201': PLACES, '409 slot_full': PEOPLE - PLACES })
    const { rows } = await sql<{ taken: number; reservations: number }>`
      SELECT taken, (SELECT count(*)::int FROM reservations WHERE slot_id = s.id) AS reservations FROM time_slots s WHERE id = ${slot}`.execute(
      db,
    )
    expect(only(rows)).toEqual({ taken: PLACES, reservations: PLACES })
  }, 120_000)
})
