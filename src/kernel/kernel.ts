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

/** A part's step in the transaction that changes a user. The user's row is locked. */
export type UserHook = (tx: Transaction, kernel: Kernel, userId: number) => Promise<void>

/** What the tokens of a part in tracked links mean. */
export interface TrackedLinks {
  /**
   * Follows a link (`/t/<token>`). `url` null: there is no page to show. Undefined if the token is not one of the part's.
   */
  follow(kernel: Kernel, token: string): Promise<{ readonly url: string | null } | undefined>
  /** Notes that an image (`/o/<token>.png`) was loaded. Returns whether the token is one of the part's. */
  open(kernel: Kernel, token: string): Promise<boolean>
}

/** Everything that the parts which are switched on contribute to the kernel; built by `collect` in parts.ts. */
export interface Collected {
  /** Every role: the administrator's, which holds every permission, and those of the parts. */
  readonly roles: readonly RoleDefinition[]
  /** The role of people who register by themselves. */
  readonly registerRole: string
  /** Called inside the transaction that deletes a user. */
  readonly beforeUserLeaves: readonly UserHook[]
  /** Called inside the transaction that opens a session. A hook that throws refuses the log-in. */
  readonly beforeLogIn: readonly UserHook[]
  /** Called inside the transaction that changed a user's e-mail address or phone number, after the change. */
  readonly afterContactChange: readonly UserHook[]
  /** Called inside the transaction that changed a user's roles or disabled the account, after the change. */
  readonly afterRightsChange: readonly UserHook[]
  /** Tracked links of the parts. */
  readonly trackedLinks: readonly TrackedLinks[]
  /** Lists that can be exported as files by a job. */
  readonly exportSources: readonly ExportSource[]
  /** Kinds of audience conditions: the kernel's own and those of the parts. */
  readonly audienceConditions: readonly AudienceCondition[]
  /** Records about a person beyond the tables with a `user_id`. */
  readonly personalRecords: readonly RecordsOfPart[]
}

/**
 * Everything a feature can use: the basic members, the members of this process (created in `app.ts`), and the
 * contributions of the parts. A feature asks only for the members it needs (`Pick<Kernel, 'clock' | 'db'>`).
 */
export interface Kernel extends Ground, Collected {
  /** Background work. */
  readonly jobs: Jobs
  /** The types and texts of notifications, and the providers that deliver them. */
  readonly notifications: NotificationEngine
  /** The providers for secret codes, which must not appear in an inbox or a log. */
  readonly secretCodes: SecretCodeSenders
  /** This process's cache of checked access tokens. */
  readonly sessions: SessionCache
  readonly accessTokens: AccessTokens
  /** The third parties at which people can log in. */
  readonly thirdParties: readonly ThirdParty[]
  /** The storage for the bytes of files. */
  readonly files: FileStorage
  /**
   * Tells this process's outbox relay and senders that there is work. They would notice it by themselves within half a
   * second.
   */
  nudge(): void
}
