import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expireOrders } from '../../src/clinic/visits/appointments/service.ts'
import { noteNoShows } from '../../src/clinic/visits/queue/service.ts'
import { endClosedWaiting } from '../../src/clinic/visits/waitingList/service.ts'
import { onServer } from '../support/database.ts'
import { openWorld, type Process, type World } from '../support/world.ts'
import { findClinicFaults } from './clinic/faults.ts'
import { addHospital, type Hospital, LIMITS } from './clinic/hospital.ts'
import { readRecord, startRecord } from './clinic/record.ts'
import { randomOf } from './random.ts'
import { createJournal, createTargets, type Journal } from './traffic/ask.ts'
import { hospitalLife } from './traffic/clinic.ts'

const SECONDS = Number(process.env.PROOF_SECONDS ?? 6)
/** Without PROOF_SEED every run is the same; `npm run prove` uses another seed each time. */
const SEED = Number(process.env.PROOF_SEED ?? 20_260_302)
/** Most additional seconds until each kind of change has been seen. */
const MORE_SECONDS = 90
const STEPS = 4
const PAYMENT_MINUTES = 15
/** The clock stops here, before the sessions of the day begin. */
const LAST = new Date('2026-03-02T15:30:00Z')

/**
 * Changes that must occur, so that the run tests them. Walk-ins are not among them: they need a free number, and in a
 * slow run all may be sold before one comes.
 */
const TO_BE_SEEN = [
  ...['clinic.register', 'clinic.join', 'clinic.leave', 'clinic.pay', 'clinic.cancel', 'clinic.move'],
  ...['clinic.confirm', 'clinic.refund', 'clinic.check_in', 'clinic.call', 'clinic.complete'],
  ...['clinic.pass', 'clinic.add', 'clinic.total', 'clinic.stop', 'clinic.open'],
]
const STATES_TO_BE_SEEN = ['timeout', 'no_show', 'completed', 'cancelled', 'confirmed', 'pending', 'waitlist']

describe.runIf(onServer)(`Random operations at two processes of the clinic (PROOF_SEED=${SEED})`, () => {
  let world: World
  let processes: readonly Process[]
  let hospital: Hospital
  let journal: Journal
  beforeAll(async () => {
    world = await openWorld({ PRODUCTS: 'clinic' })
    processes = [world, await world.anotherProcess({}, { apart: true })]
    await startRecord(world.database.db)
    hospital = await addHospital(world, { people: 24, doctors: 4, paymentTimeoutMinutes: PAYMENT_MINUTES })
    const targets = createTargets()
    for (const process of processes) targets.add(await process.listen())
    journal = createJournal(targets)
  })
  afterAll(() => world?.close())

  const random = randomOf(SEED)

  /** What has not happened yet. */
  async function lacking(): Promise<readonly string[]> {
    const done = new Set<string>(
      journal.requests.filter(({ outcome }) => outcome === 'done').map(({ action }) => action),
    )
    const rows = await world.rows<{ status: string }>(`SELECT DISTINCT made->>'status' AS status FROM proof_orders`)
    const states = new Set(rows.map(({ status }) => status))
    return [
      ...TO_BE_SEEN.filter((action) => !done.has(action)),
      ...STATES_TO_BE_SEEN.filter((state) => !states.has(state)),
    ]
  }

  /** Checks at a moment at which nothing is under way. */
  async function expectNumbers(): Promise<void> {
    const wrong =
      await world.rows(`SELECT s.schedule_id, s.total_slots - s.remaining_slots AS sold, count(o.queue_no) AS held
      FROM schedule s LEFT JOIN registration_order o ON o.schedule_id = s.schedule_id
      GROUP BY s.schedule_id HAVING s.total_slots - s.remaining_slots <> count(o.queue_no)`)
    expect(wrong).toEqual([])
    const overdue = await world.rows(
      `SELECT order_id FROM registration_order WHERE expires_at <= '${world.clock.now().toISOString()}'`,
    )
    expect(overdue).toEqual([])
  }

  test(
    `for ${SECONDS} s sell no number twice, keep limits and the order of the line, balance the money, and tell everybody once`,
    async () => {
      const life = hospitalLife(journal, hospital, random)
      const end = performance.now() + SECONDS * 1000
      let rounds = 0
      while (
        performance.now() < end ||
        (performance.now() < end + MORE_SECONDS * 1000 && (await lacking()).length > 0)
      ) {
        await Promise.all([
          ...life.map(async (step) => {
            for (let n = 0; n < STEPS; n += 1) {
              // Every step has its own instant.
              world.clock.advance(1 / 60_000)
              await step()
            }
          }),
          ...processes.flatMap(({ kernel }) => [expireOrders(kernel), endClosedWaiting(kernel), noteNoShows(kernel)]),
        ])
        if (world.clock.now() < LAST) world.clock.advance(Math.floor(random() * 4) * 5)
        await Promise.all(processes.map(({ kernel }) => expireOrders(kernel)))
        await expectNumbers()
        rounds += 1
      }
      await world.drain()
      const stored = await readRecord(world.database.db, [hospital.chief.id])
      if (process.env.PROOF_SECONDS) console.info(rounds, 'rounds', tally())
      expect(findClinicFaults(journal.requests, stored, LIMITS)).toEqual([])
      expect(await world.verify()).toEqual([])
      expect(journal.wrong).toEqual([])
      expect(await lacking()).toEqual([])
    },
    (SECONDS + MORE_SECONDS + 60) * 1000,
  )

  /** The number of answers by action and outcome. */
  function tally(): Readonly<Record<string, number>> {
    const groups = Map.groupBy(journal.requests, ({ action, outcome }) => `${action} ${outcome}`)
    return Object.fromEntries([...groups].map(([key, own]) => [key, own.length]).toSorted())
  }
})
