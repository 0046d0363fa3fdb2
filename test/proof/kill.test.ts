import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Fleet, openFleet, type Running } from '../support/processes.ts'
import { expectStored, outboxRows } from './journal.ts'
import { addPeople, addSlot, addVenue } from './site.ts'
import { createTargets, startTraffic } from './traffic.ts'

const LANES = 2
const KILLS = 20
/** A kill comes after so many more answers at most: in the middle of things on a slow machine as on a fast one. */
const MOST_ANSWERS = 60

describe.runIf(onServer)('processes that are killed while people book', () => {
  let database: TestDatabase
  let fleet: Fleet

  beforeAll(async () => {
    database = await openTestDatabase()
    fleet = await openFleet({ url: database.url ?? '' })
  })

  afterAll(async () => {
    await fleet?.close()
    await database?.close()
  })

  test('After 20 kills in the middle of traffic every acknowledged booking and cancellation is there, no place counts twice, and everybody was told exactly once', async () => {
    const { db } = database
    const venue = await addVenue(db, { max_reservations_per_user: 100 })
    const slots: number[] = []
    for (let hour = 9; hour < 14; hour += 1) slots.push(await addSlot(db, venue, { capacity: 6, hour }))
    const targets = createTargets()
    const started: Running[] = []
    const start = async () => {
      const running = await fleet.start('start')
      started.push(running)
      targets.add(running.url ?? '')
      return running
    }
    const traffic = startTraffic(await addPeople(db, 16), slots, targets)

    // While one process starts, the other mostly serves; each also hands on the outbox until it dies.
    const lane = async () => {
      for (let kill = 0; kill < KILLS / LANES; kill += 1) {
        const running = await start()
        await traffic.answers(1 + Math.floor(Math.random() * MOST_ANSWERS))
        targets.remove(running.url ?? '')
        await running.kill()
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    const last = await start()
    const journal = await traffic.stop()
    await expect.poll(() => outboxRows(db), { timeout: 20_000 }).toBe(0)
    expect(await last.end()).toBe(0)

    expect(started).toHaveLength(KILLS + 1)
    expect(journal.bookings.length).toBeGreaterThan(40)
    expect(journal.cut).toBeGreaterThan(0)
    await expectStored(db, journal)
    expect(await fleet.run('verify')).toMatchObject({ code: 0 })
    for (const { output } of started) expect(output()).not.toMatch(/ERROR|FATAL/)
  }, 180_000)
})
