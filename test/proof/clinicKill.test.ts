import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Duty, type Fleet, openFleet } from '../support/processes.ts'
import { startRecord } from './clinic/record.ts'
import { addRealHospital, clinicTestName, expectVerified, startHospital } from './clinicKilling.ts'
import { underWay } from './history/record.ts'

/** The long version sets PROOF_KILLS=500. */
const KILLS = Number(process.env.PROOF_KILLS ?? 6)
const MOST_ANSWERS = 60
/** The duties that each of two lines of processes takes in turn. */
const LINES: readonly (readonly Duty[])[] = [['start'], ['server', 'worker']]

describe.runIf(onServer)('With two processes of the clinic on a server,', () => {
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
    clinicTestName(KILLS),
    async () => {
      const { db } = database
      await startRecord(db)
      const { traffic, start, startAndKill, expectKilled } = startHospital(fleet, await addRealHospital(db))

      // While one process starts, another usually serves. The job of unpaid orders runs at every full minute.
      const killRepeatedly = async (duties: readonly Duty[]) => {
        for (let kill = 0; kill < KILLS / LINES.length; kill += 1)
          await startAndKill(MOST_ANSWERS, duties[kill % duties.length])
      }
      await Promise.all(LINES.map(killRepeatedly))
      const last = await start()
      await traffic.stop()
      await expect.poll(() => underWay(db), { timeout: 20_000 }).toBe(0)
      expect(await last.end()).toBe(0)

      await expectKilled(db, KILLS)
      await expectVerified(fleet)
    },
    60_000 + KILLS * 20_000,
  )
})
