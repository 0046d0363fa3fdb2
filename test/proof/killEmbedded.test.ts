import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/kernel/database/database.ts'
import { MIGRATIONS, migrate } from '../../src/kernel/database/migrate.ts'
import { type Fleet, openFleet, type Running } from '../support/processes.ts'
import { expectStored, outboxRows } from './journal.ts'
import { addPeople, addSlot, addVenue } from './site.ts'
import { createTargets, startTraffic } from './traffic.ts'

const KILLS = 5
/** A kill comes after so many more answers at most: in the middle of things on a slow machine as on a fast one. */
const MOST_ANSWERS = 40
const printing = { info: () => {}, warn: console.warn, error: console.error }

describe('the embedded database under a process that is killed while people book', () => {
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

  test('After 5 kills in the middle of traffic every acknowledged booking and cancellation is there, no place counts twice, and everybody was told exactly once', async () => {
    const before = await openFolder()
    await migrate(before.pool, MIGRATIONS, printing)
    const venue = await addVenue(before.db, { max_reservations_per_user: 100 })
    const slots: number[] = []
    for (let hour = 9; hour < 14; hour += 1) slots.push(await addSlot(before.db, venue, { capacity: 6, hour }))
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
    const traffic = startTraffic(people, slots, targets)
    for (let kill = 0; kill < KILLS; kill += 1) {
      const running = await start()
      await traffic.answers(1 + Math.floor(Math.random() * MOST_ANSWERS))
      targets.remove(running.url ?? '')
      await running.kill()
    }
    const last = await start()
    const journal = await traffic.stop()
    expect(await last.end()).toBe(0)

    expect(started).toHaveLength(KILLS + 1)
    expect(journal.bookings.length).toBeGreaterThan(20)
    expect(journal.cut).toBeGreaterThan(0)
    expect(await fleet.run('verify')).toMatchObject({ code: 0 })
    for (const { output } of started) expect(output()).not.toMatch(/ERROR|FATAL/)
    const after = await openFolder()
    try {
      expect(await outboxRows(after.db)).toBe(0)
      await expectStored(after.db, journal)
    } finally {
      await after.close()
    }
  }, 180_000)
})
