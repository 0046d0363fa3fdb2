import type { BenchDatabase } from './database.ts'
import { checkpoint } from './database.ts'
import type { Fixture } from './fixture.ts'
import type { LoadOutcome } from './load.ts'
import { median } from './median.ts'
import { runPair } from './pgbench.ts'
import { load, type Running, type Setting, startProgram } from './processes.ts'

/** Connections to the database of everything that is compared: pgbench's, and those of all serving processes together. */
export const CONNECTIONS = 10
/** Keep-alive connections of the load generator. */
const CLIENTS = 48
const DEPLOYMENTS = [1, 2] as const

/** So many serving processes and one worker, side by side with the bare pair. */
export interface Deployment {
  readonly processes: number
  readonly rounds: readonly (LoadOutcome & {
    readonly tps: number
    /** Outbox rows that the worker had not handed on at the end, of those that the bookings made. */
    readonly backlog: number
  })[]
  readonly tps: number
  /** To the bare pair. */
  readonly ratio: number
}

export interface Comparison {
  readonly pgbench: { readonly rounds: readonly number[]; readonly tps: number }
  readonly deployments: readonly Deployment[]
}

export interface ComparisonOrder {
  readonly database: BenchDatabase
  readonly fixture: Fixture
  readonly setting: Setting
  readonly pgbench: string
  readonly script: string
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly stack: AsyncDisposableStack
  readonly say: (line: string) => void
}

/** Measures the bare pair and the bookings in turns. */
export async function compare(order: ComparisonOrder): Promise<Comparison> {
  const { database, fixture, setting, stack, say, seconds, rounds } = order
  const start = async (command: 'server' | 'worker', poolSize: number): Promise<Running> => {
    const running = await startProgram(command, { ...setting, DATABASE_POOL_SIZE: String(poolSize) })
    stack.defer(running.stop)
    return running
  }
  await start('worker', 4)
  const pairs: number[] = []
  const seen = new Map<number, Deployment['rounds'][number][]>()
  for (let round = 1; round <= rounds; round += 1) {
    await checkpoint(database.pool)
    const tps = await runPair({
      ...order,
      url: database.url,
      connections: CONNECTIONS,
      slots: fixture.slots.length,
      people: fixture.tokens.length,
    })
    pairs.push(tps)
    say(`round ${round}: bare pair ${Math.round(tps)} tps`)
    for (const processes of DEPLOYMENTS) {
      const servers = await Promise.all(
        Array.from({ length: processes }, () => start('server', CONNECTIONS / processes)),
      )
      await checkpoint(database.pool)
      const outcome = await load({
        ports: servers.map(({ port }) => port),
        connections: CLIENTS,
        warmUpSeconds: order.warmUpSeconds,
        seconds,
        ...fixture,
        introduce: true,
      })
      const backlog = await emptyOutbox(database)
      await Promise.all(servers.map(({ stop }) => stop()))
      seen.set(processes, [...(seen.get(processes) ?? []), { ...outcome, tps: outcome.booked / seconds, backlog }])
      say(`round ${round}: ${processes} serving: ${Math.round(outcome.booked / seconds)} bookings/s`)
    }
  }
  const pair = median(pairs)
  return {
    pgbench: { rounds: pairs, tps: pair },
    deployments: [...seen].map(([processes, rounds]) => {
      const tps = median(rounds.map((round) => round.tps))
      return { processes, rounds, tps, ratio: tps / pair }
    }),
  }
}

/** Answers what was left, and takes it away: the worker must not be at it while the next one is measured. */
async function emptyOutbox({ pool }: BenchDatabase): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('SELECT count(*)::int AS count FROM outbox')
  await pool.query('TRUNCATE outbox')
  return rows[0]?.count ?? 0
}
