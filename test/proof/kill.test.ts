import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Fleet, openFleet } from '../support/processes.ts'
import { findFaults } from './history/faults.ts'
import { readRecord, startRecord, underWay } from './history/record.ts'
import { addCrowd, promiseOf, startBooking } from './killing.ts'

const LANES = 2
/** The long proof: PROOF_KILLS=20. */
const KILLS = Number(process.env.PROOF_KILLS ?? 8)
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

  test(
    promiseOf(KILLS),
    async () => {
      const { db } = database
      await startRecord(db)
      const { journal, traffic, start, startAndKill, expectKilled } = startBooking(fleet, await addCrowd(db))

      // While one process starts, the other mostly serves; each also hands on the outbox until it dies.
      const lane = async () => {
        for (let kill = 0; kill < KILLS / LANES; kill += 1) await startAndKill(MOST_ANSWERS)
      }
      await Promise.all(Array.from({ length: LANES }, lane))
      const last = await start()
      await traffic.stop()
      await expect.poll(() => underWay(db), { timeout: 20_000 }).toBe(0)
      expect(await last.end()).toBe(0)

      await expectKilled(KILLS)
      expect(journal.wrong).toEqual([])
      expect(findFaults(journal.requests, await readRecord(db))).toEqual([])
    },
    60_000 + KILLS * 20_000,
  )
})
