import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Fleet, openFleet, type Running } from '../support/processes.ts'
import { findFaults } from './history/faults.ts'
import { readRecord, startRecord, underWay } from './history/record.ts'
import { addPeople, addSlot, addVenue } from './site.ts'
import { createBook, createTargets } from './traffic/ask.ts'
import { startTraffic } from './traffic/lives.ts'
import { type Slot, visitor } from './traffic/venue.ts'

const LANES = 2
/** The long proof: PROOF_KILLS=20. */
const KILLS = Number(process.env.PROOF_KILLS ?? 8)
const PROMISE = `After ${KILLS} kills in the middle of traffic every acknowledged booking and cancellation is there, no place counts twice, and everybody was told exactly once`
/** A kill comes after so many more answers at most: in the middle of things on a slow machine as on a fast one. */
const MOST_ANSWERS = 60
const THINKING_MS = 40

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

  test(
    PROMISE,
    async () => {
      const { db } = database
      await startRecord(db)
      const venue = await addVenue(db, { max_reservations_per_user: 100 })
      const slots: Slot[] = []
      for (let hour = 9; hour < 14; hour += 1)
        slots.push({ id: await addSlot(db, venue, { capacity: 6, hour }), venue })
      const targets = createTargets()
      const started: Running[] = []
      const start = async () => {
        const running = await fleet.start('start')
        started.push(running)
        targets.add(running.url ?? '')
        return running
      }
      const journal = createBook(targets)
      const people = await addPeople(db, 16)
      const traffic = startTraffic(
        people.map((person, n) => visitor(journal, person, slots, n % 2 === 0)),
        THINKING_MS,
      )

      // While one process starts, the other mostly serves; each also hands on the outbox until it dies.
      const lane = async () => {
        for (let kill = 0; kill < KILLS / LANES; kill += 1) {
          const running = await start()
          await journal.answers(1 + Math.floor(Math.random() * MOST_ANSWERS))
          targets.remove(running.url ?? '')
          await running.kill()
        }
      }
      await Promise.all(Array.from({ length: LANES }, lane))
      const last = await start()
      await traffic.stop()
      await expect.poll(() => underWay(db), { timeout: 20_000 }).toBe(0)
      expect(await last.end()).toBe(0)

      expect(started).toHaveLength(KILLS + 1)
      expect(journal.requests.filter(({ made }) => made !== undefined).length).toBeGreaterThan(2 * KILLS)
      expect(journal.cut()).toBeGreaterThan(0)
      expect(journal.wrong).toEqual([])
      expect(findFaults(journal.requests, await readRecord(db))).toEqual([])
      expect(await fleet.run('verify')).toMatchObject({ code: 0 })
      for (const { output } of started) expect(output()).not.toMatch(/ERROR|FATAL/)
    },
    60_000 + KILLS * 20_000,
  )
})
