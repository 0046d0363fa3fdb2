import { setTimeout as pause } from 'node:timers/promises'
import type { BenchDatabase } from './database.ts'
import { checkpoint } from './database.ts'
import { WHO_AM_I } from './fixture.ts'
import type { Ask, LoadOutcome } from './load.ts'
import { median } from './median.ts'
import { cpuSecondsOf, cpuSecondsOfAll, type Memory, memoryOf } from './memory.ts'
import { type Bare, runBare } from './pgbench.ts'
import { load } from './processes.ts'
import type { Site } from './site.ts'

/**
 * Number of connections to the database, the same for everything that is compared: for pgbench, and for all serving
 * processes together.
 */
export const CONNECTIONS = 10
/** Number of keep-alive connections of the load generator: people who book at the same time. */
export const CLIENTS = 200
const DEPLOYMENTS = [1, 2] as const

/** Milliseconds after which a started process has released the memory that it needs only at its start. */
const REST_MS = 2000

/** More bookings than a machine makes in a second. */
const MOST_A_SECOND = 12_000

/** A kind of booking, and the bare work of a database for comparison. */
export interface Subject {
  readonly name: string
  readonly bareName: string
  readonly bare: Bare
  /** Returns this number of new bookings. */
  readonly bookings: (count: number) => readonly Ask[]
}

/** A number of serving processes and one worker, measured beside the bare work. */
interface Deployment {
  readonly processes: number
  readonly rounds: readonly (LoadOutcome & {
    readonly tps: number
    /** Outbox rows of the bookings that the worker had not handed on at the end. */
    readonly backlog: number
    /** Memory of one serving process: before, and after 200 people booked at once. */
    readonly atRest: Memory | undefined
    readonly underLoad: Memory | undefined
    /** Processor cores in use under load: of the serving processes together, and of all processes of the machine. */
    readonly cores: { readonly serving: number; readonly all: number }
  })[]
  readonly tps: number
  /** Bookings divided by transactions of the bare work. */
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
      const work = () => [servers.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0), cpuSecondsOfAll()] as const
      const [began, before] = [performance.now(), work()]
      const outcome = await load({
        ports: servers.map(({ port }) => port),
        connections: CLIENTS,
        warmUpSeconds,
        seconds,
        tokens,
        asks: bookings((warmUpSeconds + seconds) * MOST_A_SECOND),
        introduce: WHO_AM_I,
      })
      const [serving, all] = work().map(
        (seconds, n) => (seconds - (before[n] ?? 0)) / ((performance.now() - began) / 1000),
      )
      const cores = { serving: serving ?? 0, all: all ?? 0 }
      const underLoad = memoryOf(first?.pid ?? 0)
      const backlog = await emptyOutbox(database)
      await Promise.all(servers.map(({ stop }) => stop()))
      const tps = outcome.granted.count / outcome.seconds
      seen.set(processes, [...(seen.get(processes) ?? []), { ...outcome, tps, backlog, atRest, underLoad, cores }])
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

/**
 * Counts the remaining outbox rows and deletes them, so that the worker does not work on them during the next
 * measurement.
 */
async function emptyOutbox({ pool }: BenchDatabase): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('SELECT count(*)::int AS count FROM outbox')
  await pool.query('TRUNCATE outbox')
  return rows[0]?.count ?? 0
}
