import type { Transaction } from './database/database.ts'
import type { ExportSource } from './exports/sources.ts'
import type { FileStorage } from './files/storage.ts'
import type { Ground } from './ground.ts'
import type { ThirdParty } from './identity/logIn/thirdParty/provider.ts'
import type { RoleDefinition } from './identity/roles.ts'
import type { SessionCache } from './identity/sessions/sessionCache.ts'
import type { AccessTokens } from './identity/sessions/tokens.ts'
import type { Jobs } from './jobs/queues.ts'
import type { NotificationEngine } from './notifications/engine.ts'
import type { AudienceCondition } from './notifications/people/conditions.ts'
import type { SecretCodeSenders } from './notifications/secretCodes.ts'
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

/**
 * What every feature is handed: the ground, the members of this process, made once in `app.ts`, and whatever
 * the parts of the program bring. A feature asks for no more of it than it
 * needs (`Pick<Kernel, 'clock' | 'db'>`).
 */
export interface Kernel extends Ground, Collected {
  /** Background work. */
  readonly jobs: Jobs
  /** The types and texts of notifications, and the providers that carry them. */
  readonly notifications: NotificationEngine
  /** The providers of codes that must not stand in an inbox or a log. */
  readonly secretCodes: SecretCodeSenders
  /** The checked access tokens that this process remembers. */
  readonly sessions: SessionCache
  readonly accessTokens: AccessTokens
  /** The third parties by which people log in. */
  readonly thirdParties: readonly ThirdParty[]
  /** The bytes of stored files. */
  readonly files: FileStorage
  /** Tells the outbox relay of this process that there is something to hand on (it would find it by itself within half a second). */
  nudge(): void
}
