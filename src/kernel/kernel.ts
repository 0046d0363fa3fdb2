import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { Clock } from './clock.ts'
import type { Database, Transaction } from './database/database.ts'
import type { ExportSource } from './exports/sources.ts'
import type { RoleDefinition } from './identity/roles.ts'
import type { AudienceCondition } from './notifications/people/conditions.ts'
import type { RecordsOfPart } from './privacy/records.ts'

/** A step that a part takes in the transaction that changes a user, whose row is locked. */
export type UserHook = (tx: Transaction, kernel: Kernel, userId: number) => Promise<void>

/** Everything that the kernel takes over from the parts that are switched on. `collect` in parts.ts puts it together. */
export interface Collected {
  /** Every role that somebody can have: the administrator's, which holds every permission, and those of the parts. */
  readonly roles: readonly RoleDefinition[]
  /** The role of people who register by themselves. */
  readonly registerRole: string
  /** Called inside the transaction that deletes a user. */
  readonly beforeUserLeaves: readonly UserHook[]
  /** Called inside the transaction that changed somebody's roles or disabled the account, after the change. */
  readonly afterRightsChange: readonly UserHook[]
  /** Lists that a job makes into files. */
  readonly exportSources: readonly ExportSource[]
  /** Kinds of conditions on people that audiences may have: the kernel's own and those of the parts. */
  readonly audienceConditions: readonly AudienceCondition[]
  /** Records about a person beyond the tables with a `user_id`. */
  readonly personalRecords: readonly RecordsOfPart[]
}

/** What every feature is handed. A feature asks for no more of it than it needs (`Pick<Kernel, 'clock' | 'db'>`). */
export interface Kernel extends Collected {
  readonly config: Config
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
  attempt<T>(work: (db: Database) => Promise<T>): Promise<T>
  /** Tells the outbox relay of this process that there is something to hand on (it would find it by itself within half a second). */
  nudge(): void
}
