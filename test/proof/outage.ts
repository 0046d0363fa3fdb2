import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Database } from '../../src/kernel/database/database.ts'
import type { Fleet } from '../support/processes.ts'
import { findFaults } from './history/faults.ts'
import { readRecord, startRecord, underWay } from './history/record.ts'
import { addPeople, addSlot, addVenue, only, type Person } from './site.ts'
import { createJournal, createTargets } from './traffic/ask.ts'
import { startTraffic } from './traffic/lives.ts'
import { type Slot, visitor } from './traffic/venue.ts'

export interface Outage {
  /** Processes that reach the database by the connection that is going to fail. */
  readonly fleet: Fleet
  /** The same database, by a connection that stays as reliable as possible. */
  readonly db: Database
  readonly seconds: number
  begin(): Promise<void>
  end(): Promise<void>
}

/** The measurements of people and probes. */
export interface OutageFigures {
  readonly acknowledged: number
  /** Requests that were answered with 503. */
  readonly refused: number
  /** The longest time of an answer, in milliseconds. */
  readonly longestMs: number
  /** The same for requests that were sent after `/readyz` had failed. */
  readonly longestWhileKnownMs: number
  /** From the beginning of the outage until `/readyz` failed. */
  readonly noticedMs: number
  /** From the end of the outage until `/readyz` succeeded, a booking was made, and all messages were handed on. */
  readonly readyMs: number
  readonly bookingMs: number
  readonly handedOnMs: number
  /** The lines of the log, without those of requests. */
  readonly said: readonly string[]
}

interface Sample {
  readonly kind: 'venue' | 'room' | 'ready' | 'alive'
  readonly sentAt: number
  readonly ms: number
  readonly status: number
  readonly retryAfter: string | null
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: answers have no static type
  readonly body: any
}

const SAMPLE_EVERY_MS = 100
const GOES_ON_MS = 1500
const THINKING_MS = 40

/**
 * Lets people book and cancel during an outage of the database, and compares their answers with the stored rows. The
 * process must answer 503 in each product's form, and recover by itself.
 * @throws AssertionError when a check fails.
 */
export async function databaseOutage({ fleet, db, seconds, begin, end }: Outage): Promise<OutageFigures> {
  await startRecord(db)
  const venue = await addVenue(db, { max_reservations_per_user: 100 })
  const slots: Slot[] = []
  for (let hour = 9; hour < 14; hour += 1) slots.push({ id: await addSlot(db, venue, { capacity: 6, hour }), venue })
  const people = await addPeople(db, 12)
  const looker = only(await addPeople(db, 1))
  const running = await fleet.start('start', { PRODUCTS: 'venue,room', LOG_LEVEL: 'info' })
  const url = running.url ?? ''
  const targets = createTargets()
  targets.add(url)
  const journal = createJournal(targets)
  const traffic = startTraffic(
    people.map((person, n) => visitor(journal, person, slots, n % 2 === 0)),
    THINKING_MS,
  )
  const samples = startSamples(url, looker)
  await pause(GOES_ON_MS)

  const begun = Date.now()
  await begin()
  await pause(seconds * 1000)
  const ended = Date.now()
  await end()
  const ready = await until(async () =>
    samples.taken.find((one) => one.kind === 'ready' && one.sentAt > ended && one.status === 200),
  )
  const booked = await until(async () =>
    journal.requests.find(
      ({ action, made, sentAt, answeredAt = 0 }) =>
        action === 'book' && made !== undefined && Math.max(sentAt, answeredAt) > ended,
    ),
  )
  await pause(GOES_ON_MS)
  await traffic.stop()
  await samples.stop()
  await expect.poll(() => underWay(db), { timeout: 20_000, interval: 50 }).toBe(0)
  const handedOnMs = Math.max(0, Date.now() - ended - GOES_ON_MS)
  expect(running.output()).not.toMatch(/unexpected error|FATAL|[Uu]nhandled/)
  expect(await running.end()).toBe(0)

  const during = samples.taken.filter(({ sentAt }) => sentAt >= begun && sentAt < ended)
  const red = during.find(({ kind, status }) => kind === 'ready' && status === 503)
  const noticed = red ? red.sentAt + red.ms : Number.NaN
  expect(red, 'readyz is red').toBeDefined()
  expect(samples.taken.filter(({ kind, status }) => kind === 'alive' && status !== 200)).toEqual([])
  expectRefusals(during)
  expect(samples.taken.filter(({ status, kind }) => status >= 500 && (status !== 503 || kind === 'alive'))).toEqual([])
  expect(journal.unavailable.at(-1)).toBeGreaterThan(begun)
  expect(journal.wrong).toEqual([])
  expect(findFaults(journal.requests, await readRecord(db))).toEqual([])
  const verified = await fleet.run('verify')
  expect(verified.output).toContain('Everything agrees.')

  const known = during.filter(({ sentAt }) => sentAt > noticed)
  return {
    acknowledged: journal.requests.filter(({ made }) => made !== undefined).length,
    refused: journal.unavailable.length + during.filter(({ status }) => status === 503).length,
    longestMs: longest(samples.taken),
    longestWhileKnownMs: longest(known),
    noticedMs: noticed - begun,
    readyMs: ready.sentAt + ready.ms - ended,
    bookingMs: (booked.answeredAt ?? booked.sentAt) - ended,
    handedOnMs,
    said: running
      .output()
      .split('\n')
      .filter((line) => /^\S+ (INFO|WARN|ERROR) /.test(line) && !/INFO +request/.test(line)),
  }
}

/** Checks that refusals are 503 with Retry-After, in the form of their product. */
function expectRefusals(during: readonly Sample[]): void {
  const of = (kind: Sample['kind']) => during.filter((one) => one.kind === kind && one.status === 503)
  expect(of('venue').length).toBeGreaterThan(0)
  expect(of('room').length).toBeGreaterThan(0)
  for (const { retryAfter, type, body } of of('venue')) {
    expect(Number(retryAfter)).toBeGreaterThan(0)
    expect(type).toContain('application/problem+json')
    expect(body).toMatchObject({ status: 503, code: expect.stringMatching(/^database_(unavailable|busy)$/) })
  }
  for (const { retryAfter, body } of of('room')) {
    expect(Number(retryAfter)).toBeGreaterThan(0)
    expect(body).toEqual({ code: 503, msg: expect.any(String) })
  }
}

/** Repeats the requests of people and probes, each kind independently. */
function startSamples(url: string, { token }: Person) {
  const taken: Sample[] = []
  let stopping = false
  const ask = async (kind: Sample['kind'], path: string) => {
    while (!stopping) {
      const sentAt = Date.now()
      const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
      const body: unknown = await answer.json()
      taken.push({
        kind,
        sentAt,
        ms: Date.now() - sentAt,
        status: answer.status,
        retryAfter: answer.headers.get('retry-after'),
        type: answer.headers.get('content-type') ?? '',
        body,
      })
      await pause(SAMPLE_EVERY_MS)
    }
  }
  const asking = [
    ask('venue', '/api/v1/venues'),
    ask('room', '/getInfo'),
    ask('ready', '/readyz'),
    ask('alive', '/healthz'),
  ]
  return {
    taken,
    async stop() {
      stopping = true
      await Promise.all(asking)
    },
  }
}

function longest(samples: readonly Sample[]): number {
  return Math.max(0, ...samples.map(({ ms }) => ms))
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + 30_000; ; await pause(20)) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error('it did not happen within 30 s')
  }
}
