import { setTimeout as pause } from 'node:timers/promises'
import type { BenchDatabase } from './database.ts'
import { checkpoint } from './database.ts'
import { WHO_AM_I } from './fixture.ts'
import type { Ask, LoadOutcome } from './load.ts'
import { median } from './median.ts'
import { type Memory, memoryOf } from './memory.ts'
import { type Bare, runBare } from './pgbench.ts'
import { load } from './processes.ts'
import type { Site } from './site.ts'

/** Connections to the database of everything that is compared: pgbench's, and those of all serving processes together. */
export const CONNECTIONS = 10
/** Keep-alive connections of the load generator: people who book at the same time. */
export const CLIENTS = 200
const DEPLOYMENTS = [1, 2] as const

/** A process that has just started gives back what it doesn't need by then. */
const REST_MS = 2000

/** More bookings than a machine makes in a second. */
const MOST_A_SECOND = 12_000

/** Something that is booked, and the bare work of a database that it is compared to. */
export interface Subject {
  readonly name: string
  readonly bareName: string
  readonly bare: Bare
  /** So many bookings that nobody has made yet. */
  readonly bookings: (count: number) => readonly Ask[]
}

/** So many serving processes and one worker, side by side with the bare work. */
interface Deployment {
  readonly processes: number
  readonly rounds: readonly (LoadOutcome & {
    readonly tps: number
    /** Outbox rows that the worker had not handed on at the end, of those that the bookings made. */
    readonly backlog: number
    /** What one serving process holds: before, and after 200 people booked at once. */
    readonly atRest: Memory | undefined
    readonly underLoad: Memory | undefined
  })[]
  readonly tps: number
  /** To the bare work. */
  readonly ratio: number
}

export interface Comparison {
  readonly name: string
  readonly bare: { readonly name: string; readonly rounds: readonly number[]; readonly tps: number }
  readonly deployments: readonly Deployment[]
}

export interface ComparisonOrder {
  readonly database: BenchDatabase
  readonly tokens: readonly string[]
  readonly subjects: readonly Subject[]
  readonly start: Site['start']
  readonly pgbench: string
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly say: (line: string) => void
}

/** Measures the bare work and the bookings in turns. */
export async function compare(order: ComparisonOrder): Promise<readonly Comparison[]> {
  const worker = await order.start('worker', 4)
  const comparisons: Comparison[] = []
  for (const subject of order.subjects) comparisons.push(await compareOne(order, subject))
  await worker.stop()
  return comparisons
}

async function compareOne(order: ComparisonOrder, { name, bareName, bare, bookings }: Subject): Promise<Comparison> {
  const { database, tokens, start, say, seconds, warmUpSeconds, rounds } = order
  const bareRounds: number[] = []
  const seen = new Map<number, Deployment['rounds'][number][]>()
  for (let round = 1; round <= rounds; round += 1) {
    await checkpoint(database.pool)
    const tps = await runBare({ ...order, ...bare, url: database.url, connections: CONNECTIONS })
    bareRounds.push(tps)
    say(`${name}, round ${round}: ${bareName} ${Math.round(tps)} tps`)
    for (const processes of DEPLOYMENTS) {
      const servers = await Promise.all(
        Array.from({ length: processes }, () => start('server', CONNECTIONS / processes)),
      )
      await checkpoint(database.pool)
      await pause(REST_MS)
      const [first] = servers
      const atRest = memoryOf(first?.pid ?? 0)
      const outcome = await load({
        ports: servers.map(({ port }) => port),
        connections: CLIENTS,
        warmUpSeconds,
        seconds,
        tokens,
        asks: bookings((warmUpSeconds + seconds) * MOST_A_SECOND),
        introduce: WHO_AM_I,
      })
      const underLoad = memoryOf(first?.pid ?? 0)
      const backlog = await emptyOutbox(database)
      await Promise.all(servers.map(({ stop }) => stop()))
      const tps = outcome.granted.count / outcome.seconds
      seen.set(processes, [...(seen.get(processes) ?? []), { ...outcome, tps, backlog, atRest, underLoad }])
      say(`${name}, round ${round}: ${processes} serving: ${Math.round(tps)} bookings/s`)
    }
  }
  const bareTps = median(bareRounds)
  return {
    name,
    bare: { name: bareName, rounds: bareRounds, tps: bareTps },
    deployments: [...seen].map(([processes, rounds]) => {
      const tps = median(rounds.map((round) => round.tps))
      return { processes, rounds, tps, ratio: tps / bareTps }
    }),
  }
}

/** Answers what was left, and takes it away: the worker must not be at it while the next one is measured. */
async function emptyOutbox({ pool }: BenchDatabase): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('SELECT count(*)::int AS count FROM outbox')
  await pool.query('TRUNCATE outbox')
  return rows[0]?.count ?? 0
}
