import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/kernel/database/database.ts'
import { MIGRATIONS, migrate } from '../../src/kernel/database/migrate.ts'
import { onServer } from '../support/database.ts'
import { type Fleet, openFleet, type Running } from '../support/processes.ts'
import { findFaults } from './history/faults.ts'
import { readRecord, startRecord, underWay } from './history/record.ts'
import { addPeople, addSlot, addVenue } from './site.ts'
import { createBook, createTargets } from './traffic/ask.ts'
import { startTraffic } from './traffic/lives.ts'
import { type Slot, visitor } from './traffic/venue.ts'

/** The long proof: PROOF_KILLS=20. */
const KILLS = Number(process.env.PROOF_KILLS ?? 3)
const PROMISE = `After ${KILLS} kills in the middle of traffic every acknowledged booking and cancellation is there, no place counts twice, and everybody was told exactly once`
/** A kill comes after so many more answers at most: in the middle of things on a slow machine as on a fast one. */
const MOST_ANSWERS = 40
const THINKING_MS = 40
const printing = { info: () => {}, warn: console.warn, error: console.error }

describe.skipIf(onServer)('the embedded database under a process that is killed while people book', () => {
  let dataDir: string
  let fleet: Fleet

  const openFolder = () => openDatabase({ dataDir, poolSize: 1, log: printing })

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'yuyue-kill-'))
    fleet = await openFleet({ dataDir })
  })

  afterAll(async () => {
    await fleet?.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  test(
    PROMISE,
    async () => {
      const before = await openFolder()
      await migrate(before.pool, MIGRATIONS, printing)
      await startRecord(before.db)
      const venue = await addVenue(before.db, { max_reservations_per_user: 100 })
      const slots: Slot[] = []
      for (let hour = 9; hour < 14; hour += 1) {
        slots.push({ id: await addSlot(before.db, venue, { capacity: 6, hour }), venue })
      }
      const people = await addPeople(before.db, 16)
      await before.close()

      const targets = createTargets()
      const started: Running[] = []
      const start = async () => {
        const running = await fleet.start('start')
        started.push(running)
        targets.add(running.url ?? '')
        return running
      }
      const journal = createBook(targets)
      const traffic = startTraffic(
        people.map((person, n) => visitor(journal, person, slots, n % 2 === 0)),
        THINKING_MS,
      )
      for (let kill = 0; kill < KILLS; kill += 1) {
        const running = await start()
        await journal.answers(1 + Math.floor(Math.random() * MOST_ANSWERS))
        targets.remove(running.url ?? '')
        await running.kill()
      }
      const last = await start()
      await traffic.stop()
      expect(await last.end()).toBe(0)

      expect(started).toHaveLength(KILLS + 1)
      expect(journal.requests.filter(({ made }) => made !== undefined).length).toBeGreaterThan(2 * KILLS)
      expect(journal.cut()).toBeGreaterThan(0)
      expect(await fleet.run('verify')).toMatchObject({ code: 0 })
      for (const { output } of started) expect(output()).not.toMatch(/ERROR|FATAL/)
      const after = await openFolder()
      try {
        expect(await underWay(after.db)).toBe(0)
        expect(journal.wrong).toEqual([])
        expect(findFaults(journal.requests, await readRecord(after.db))).toEqual([])
      } finally {
        await after.close()
      }
    },
    60_000 + KILLS * 20_000,
  )
})
