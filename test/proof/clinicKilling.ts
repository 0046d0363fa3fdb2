import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Database } from '../../src/kernel/database/database.ts'
import type { Site } from '../support/clinic.ts'
import type { Duty, Fleet, Running } from '../support/processes.ts'
import { findClinicFaults } from './clinic/faults.ts'
import { addHospital, type Hospital, LIMITS } from './clinic/hospital.ts'
import { readRecord } from './clinic/record.ts'
import { addSignedIn, allowMessages } from './site.ts'
import { createJournal, createTargets } from './traffic/ask.ts'
import { hospitalLife } from './traffic/clinic.ts'
import { startTraffic } from './traffic/lives.ts'

// Traffic for the proofs that kill processes of the clinic.

const THINKING_MS = 40
/** A worker is killed after this time at the latest. */
const LONGEST_MS = 3000
/** Six seconds: an unpaid order expires at the next run of the job. */
const PAYMENT_MINUTES = 0.1
const CLINIC = { PRODUCTS: 'clinic' }

export const clinicTestName = (kills: number) =>
  `${kills} kills lose no acknowledged order, payment or cancellation, sell no number twice, balance the money, and tell everybody once`

/** Adds a hospital to the database of real processes. */
export async function addRealHospital(db: Database): Promise<Hospital> {
  await allowMessages(db)
  const site: Site = {
    database: { db },
    clock: { now: () => new Date() },
    config: { timeZone: 'Asia/Shanghai' },
    person: (role = 'clinic:patient') => addSignedIn(db, role),
  }
  return await addHospital(site, { people: 16, doctors: 4, paymentTimeoutMinutes: PAYMENT_MINUTES })
}

/** Lets the people of a hospital use the processes of a fleet. */
export function startHospital(fleet: Fleet, hospital: Hospital) {
  const targets = createTargets()
  const started: Running[] = []
  const journal = createJournal(targets)
  const traffic = startTraffic(hospitalLife(journal, hospital), THINKING_MS)
  const start = async (duty: Duty = 'start') => {
    const running = await fleet.start(duty, CLINIC)
    started.push(running)
    if (running.url !== undefined) targets.add(running.url)
    return running
  }
  return {
    journal,
    traffic,
    start,
    /** Starts a process and kills it after at most `mostAnswers` more answers, a worker after a while without any. */
    async startAndKill(mostAnswers: number, duty?: Duty): Promise<void> {
      const running = await start(duty)
      const answers = journal.answers(1 + Math.floor(Math.random() * mostAnswers))
      await (duty === 'worker' ? Promise.race([answers, pause(LONGEST_MS)]) : answers)
      if (running.url !== undefined) targets.remove(running.url)
      await running.kill()
    },
    /** Checks the record against the answers, once no work is left. */
    async expectKilled(db: Database, kills: number): Promise<void> {
      const acknowledged = journal.requests.filter(({ outcome }) => outcome === 'done').length
      if (process.env.PROOF_KILLS) console.info(kills, 'kills', { acknowledged, cut: journal.cut() }, tally())
      expect(journal.wrong).toEqual([])
      expect(findClinicFaults(journal.requests, await readRecord(db, [hospital.chief.id]), LIMITS)).toEqual([])
      expect(started).toHaveLength(kills + 1)
      expect(acknowledged).toBeGreaterThan(2 * kills)
      expect(journal.cut()).toBeGreaterThan(0)
      for (const { output } of started) expect(output()).not.toMatch(/ERROR|FATAL/)
    },
  }

  /** The number of requests by action and outcome. */
  function tally(): Readonly<Record<string, number>> {
    const groups = Map.groupBy(journal.requests, ({ action, outcome }) => `${action} ${outcome}`)
    return Object.fromEntries([...groups].map(([key, own]) => [key, own.length]).toSorted())
  }
}

/** `verify` of the clinic must find no difference. */
export async function expectVerified(fleet: Fleet): Promise<void> {
  expect(await fleet.run('verify', CLINIC)).toMatchObject({ code: 0 })
}
