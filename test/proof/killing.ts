import { expect } from 'vitest'
import type { Database } from '../../src/kernel/database/database.ts'
import type { Fleet, Running } from '../support/processes.ts'
import { addPeople, addSlot, addVenue, type Person } from './site.ts'
import { createJournal, createTargets } from './traffic/ask.ts'
import { startTraffic } from './traffic/lives.ts'
import { type Slot, visitor } from './traffic/venue.ts'

// Traffic for the proofs that kill processes while people book.

const THINKING_MS = 40

export const testName = (kills: number) =>
  `${kills} kills lose no acknowledged booking or cancellation, book no place twice, and notify each person exactly once`

/** Adds five slots of one venue with six places each, and 16 people. */
export async function addCrowd(db: Database) {
  const venue = await addVenue(db, { max_reservations_per_user: 100 })
  const slots: Slot[] = []
  for (let hour = 9; hour < 14; hour += 1) slots.push({ id: await addSlot(db, venue, { capacity: 6, hour }), venue })
  return { slots, people: await addPeople(db, 16) }
}

/** Lets people book and cancel at the processes of a fleet. */
export function startBooking(
  fleet: Fleet,
  { slots, people }: { readonly slots: readonly Slot[]; readonly people: readonly Person[] },
) {
  const targets = createTargets()
  const started: Running[] = []
  const journal = createJournal(targets)
  const traffic = startTraffic(
    people.map((person, n) => visitor(journal, person, slots, n % 2 === 0)),
    THINKING_MS,
  )
  const start = async () => {
    const running = await fleet.start('start')
    started.push(running)
    targets.add(running.url ?? '')
    return running
  }
  return {
    journal,
    traffic,
    start,
    /**
     * Starts a process and kills it after at most `mostAnswers` more answers. Counting answers instead of time makes
     * the kill hit running traffic on slow and fast machines.
     */
    async startAndKill(mostAnswers: number): Promise<void> {
      const running = await start()
      await journal.answers(1 + Math.floor(Math.random() * mostAnswers))
      targets.remove(running.url ?? '')
      await running.kill()
    },
    /** Checks that many requests succeeded, some were cut off, verify agrees, and no process logged an error. */
    async expectKilled(kills: number): Promise<void> {
      expect(started).toHaveLength(kills + 1)
      expect(journal.requests.filter(({ made }) => made !== undefined).length).toBeGreaterThan(2 * kills)
      expect(journal.cut()).toBeGreaterThan(0)
      expect(await fleet.run('verify')).toMatchObject({ code: 0 })
      for (const { output } of started) expect(output()).not.toMatch(/ERROR|FATAL/)
    },
  }
}
