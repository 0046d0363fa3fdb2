import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { Clock } from './clock.ts'
import type { Database, Transaction } from './database/database.ts'
import type { Product } from './product.ts'

/** What every feature is handed. A feature asks for no more of it than it needs (`Pick<Kernel, 'clock' | 'db'>`). */
export interface Kernel {
  readonly config: Config
  readonly clock: Clock
  readonly log: Logger
  /** The products that are switched on: their roles, and what they do when somebody leaves. */
  readonly products: readonly Product[]
  /** For single statements. On the embedded database there is one connection: never use it inside `transaction`. */
  readonly db: Database
  /** A read replica when one is configured (calendars, statistics, exports), else the same as `db`. */
  readonly reads: Database
  /**
   * Runs `work` in one transaction. A serialization failure or a deadlock is retried 3 times and a `Stale` 10 times, each after a short
   * random wait, so `work` must have no effect outside the database. Nothing is sent, hashed or awaited inside but the database.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** The same retries for a use case that is a few single statements without BEGIN/COMMIT (the hot paths). */
  attempt<T>(work: (db: Database) => Promise<T>): Promise<T>
  /** Tells the outbox relay of this process that there is something to hand on (it would find it by itself within half a second). */
  nudge(): void
}
