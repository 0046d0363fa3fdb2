import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Fleet, openFleet } from '../support/processes.ts'
import { findFaults } from './history/faults.ts'
import { readRecord, startRecord, underWay } from './history/record.ts'
import { addCrowd, startBooking, testName } from './killing.ts'

const PROCESSES = 2
/** The long version sets PROOF_KILLS=20. */
const KILLS = Number(process.env.PROOF_KILLS ?? 8)
const MOST_ANSWERS = 60

describe.runIf(onServer)('With two processes on a server,', () => {
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
    testName(KILLS),
    async () => {
      const { db } = database
      await startRecord(db)
      const { journal, traffic, start, startAndKill, expectKilled } = startBooking(fleet, await addCrowd(db))

      // While one process starts, the other usually serves; each also hands on the outbox until it is killed.
      const killRepeatedly = async () => {
        for (let kill = 0; kill < KILLS / PROCESSES; kill += 1) await startAndKill(MOST_ANSWERS)
      }
      await Promise.all(Array.from({ length: PROCESSES }, killRepeatedly))
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
