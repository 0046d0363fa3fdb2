import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/kernel/database/database.ts'
import { MIGRATIONS, migrate } from '../../src/kernel/database/migrate.ts'
import { onServer } from '../support/database.ts'
import { type Fleet, openFleet } from '../support/processes.ts'
import { startRecord } from './clinic/record.ts'
import { addRealHospital, clinicTestName, expectVerified, startHospital } from './clinicKilling.ts'
import { underWay } from './history/record.ts'

/** The long version sets PROOF_KILLS. */
const KILLS = Number(process.env.PROOF_KILLS ?? 2)
const MOST_ANSWERS = 40
const printing = { info: () => {}, warn: console.warn, error: console.error }

describe.skipIf(onServer)('With the embedded database of a clinic,', () => {
  let dataDir: string
  let fleet: Fleet

  const openFolder = () => openDatabase({ dataDir, poolSize: 1, log: printing })

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'yuyue-clinic-kill-'))
    fleet = await openFleet({ dataDir })
  })

  afterAll(async () => {
    await fleet?.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  test(
    clinicTestName(KILLS),
    async () => {
      const before = await openFolder()
      await migrate(before.pool, MIGRATIONS, printing)
      await startRecord(before.db)
      const hospital = await addRealHospital(before.db)
      await before.close()

      const { traffic, start, startAndKill, expectKilled } = startHospital(fleet, hospital)
      for (let kill = 0; kill < KILLS; kill += 1) await startAndKill(MOST_ANSWERS)
      const last = await start()
      await traffic.stop()
      expect(await last.end()).toBe(0)

      await expectVerified(fleet)
      const after = await openFolder()
      try {
        expect(await underWay(after.db)).toBe(0)
        await expectKilled(after.db, KILLS)
      } finally {
        await after.close()
      }
    },
    60_000 + KILLS * 20_000,
  )
})
