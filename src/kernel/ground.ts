import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { Database, Transaction } from './database/database.ts'
import type { Secrets } from './secrets/secrets.ts'
import type { Config } from './settings.ts'

/** The basic members of the kernel: configuration, secrets, time, log and database. */
export interface Ground {
  readonly config: Config
  /** Encryption, signatures and keyed digests with the keys of this installation. */
  readonly secrets: Secrets
  readonly clock: Clock
  readonly log: Logger
  /** For single statements. The embedded database has one connection, so never use it inside `transaction`. */
  readonly db: Database
  /** A read replica if one is configured (for calendars, statistics, exports), otherwise the same as `db`. */
  readonly reads: Database
  /**
   * Runs `work` in one transaction. After a short random wait, a serialization failure or deadlock is retried 3 times
   * and a `Stale` 10 times, so `work` must have no effects outside the database. Inside, only await the database: no
   * sending, no hashing.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** The same retries for a use case of a few single statements without BEGIN/COMMIT (the hot paths). */
  withRetries<T>(work: (db: Database) => Promise<T>): Promise<T>
}
