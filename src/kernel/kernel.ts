import type { FileStorage } from './files/storage.ts'
import type { Ground } from './ground.ts'
import type { ThirdParty } from './identity/logIn/thirdParty/provider.ts'
import type { SessionCache } from './identity/sessions/sessionCache.ts'
import type { AccessTokens } from './identity/sessions/tokens.ts'
import type { Jobs } from './jobs/queues.ts'
import type { NotificationEngine } from './notifications/engine.ts'
import type { SecretCodeSenders } from './notifications/secretCodes.ts'
import type { Product } from './product.ts'
import type { Secrets } from './secrets/secrets.ts'

/**
 * What every feature is handed: the ground, and the parts of this process, made once in `app.ts`. A feature asks for no more of it than it
 * needs (`Pick<Kernel, 'clock' | 'db'>`).
 */
export interface Kernel extends Ground {
  /** The products that are switched on: their roles, and what they do when somebody leaves. */
  readonly products: readonly Product[]
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
  /** Encryption, signatures and keyed digests under the keys of this installation. */
  readonly secrets: Secrets
  /** Tells the outbox relay of this process that there is something to hand on (it would find it by itself within half a second). */
  nudge(): void
}
