import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { Database, Transaction } from './database/database.ts'
import type { Secrets } from './secrets/secrets.ts'
import type { Config } from './settings.ts'

/** The members of the kernel that its other parts are built on: configuration, secrets, time, log and database. */
export interface Ground {
  readonly config: Config
  /** Encryption, signatures and keyed digests under the keys of this installation. */
  readonly secrets: Secrets
  readonly clock: Clock
  readonly log: Logger
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
  withRetries<T>(work: (db: Database) => Promise<T>): Promise<T>
}
