import { expect } from 'vitest'
import type { Database } from '../../src/kernel/database/database.ts'
import type { Fleet, Running } from '../support/processes.ts'
import { addPeople, addSlot, addVenue, type Person } from './site.ts'
import { createBook, createTargets } from './traffic/ask.ts'
import { startTraffic } from './traffic/lives.ts'
import { type Slot, visitor } from './traffic/venue.ts'

// People who book while the processes that serve them are killed.

const THINKING_MS = 40

export const promiseOf = (kills: number) =>
  `After ${kills} kills in the middle of traffic every acknowledged booking and cancellation is there, no place counts twice, and everybody was told exactly once`

/** Five slots of one venue with six places each, and sixteen people. */
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
  const journal = createBook(targets)
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
     * Starts a process and kills it after at most so many more answers: in the middle of things on a slow machine as on
     * a fast one.
     */
    async startAndKill(mostAnswers: number): Promise<void> {
      const running = await start()
      await journal.answers(1 + Math.floor(Math.random() * mostAnswers))
      targets.remove(running.url ?? '')
      await running.kill()
    },
    /** Much was done, some answers were cut off, and no process logged a fault. */
    async expectKilled(kills: number): Promise<void> {
      expect(started).toHaveLength(kills + 1)
      expect(journal.requests.filter(({ made }) => made !== undefined).length).toBeGreaterThan(2 * kills)
      expect(journal.cut()).toBeGreaterThan(0)
      expect(await fleet.run('verify')).toMatchObject({ code: 0 })
      for (const { output } of started) expect(output()).not.toMatch(/ERROR|FATAL/)
    },
  }
}
