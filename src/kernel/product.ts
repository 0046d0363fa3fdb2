import type { OpenDatabase, Transaction } from './database/database.ts'
import type { Reader } from './database/reader.ts'
import type { ExportSource } from './exports/sources.ts'
import type { App } from './http/app.ts'
import type { Contract } from './http/contract.ts'
import type { RoleDefinition } from './identity/roles.ts'
import type { JobDefinition } from './jobs/jobs.ts'
import type { Kernel, TrackedLinks } from './kernel.ts'
import type { AudienceCondition } from './notifications/people/conditions.ts'
import type { NotificationType } from './notifications/texts/types.ts'
import type { PersonalRecords } from './privacy/records.ts'
import type { Sockets } from './realtime/sockets.ts'
import type { Config } from './settings.ts'

/** A difference that `npm run verify` found between a stored figure and the one computed from the rows. */
export interface Difference {
  readonly check: string
  readonly subject: string
  readonly stored: string
  readonly computed: string
}

/** The manifest of a part: of the site, support, or a product. */
export interface Part {
  readonly name: string
  readonly title: string
  readonly description: string
  /** Descriptions of the tags of its routes, for the API reference. */
  readonly tags: Readonly<Record<string, string>>
  /** Every permission its routes declare, with its description in the API reference. */
  readonly permissions: Readonly<Record<string, string>>
  /** Roles may also hold permissions of other parts; those of parts that are switched off are left out. */
  readonly roles: readonly RoleDefinition[]
  /**
   * The role of people who register by themselves: through `/api/v1`, or at their first log-in by a third party. The
   * first part that is switched on and has one decides.
   */
  readonly registerRole?: string
  readonly notificationTypes: readonly NotificationType[]
  /** Kinds of audience conditions (`venue:booked`). */
  readonly audienceConditions?: readonly AudienceCondition[]
  readonly jobs: readonly JobDefinition[]
  /** Links of its own below `/t/` and `/o/`. */
  readonly trackedLinks?: TrackedLinks
  /** Its lists that can be exported as files by a job. */
  readonly exports?: readonly ExportSource[]
  readonly contract: Contract
  /**
   * First steps of paths that belong to this part alone (`/manage`, `/api/v1/members`). All its routes except WebSockets (`/ws/…`) are
   * below them, and its contract answers unknown paths there. A part without path roots shares its paths with others;
   * unknown ones get problem documents.
   */
  readonly pathRoots?: readonly string[]
  /** Additional prefixes of all its routes (`/prod-api`), for clients that were built with one. */
  basePrefixes?(config: Config): readonly string[]
  /** Path to which the log-in form of the API reference is sent; takes an OAuth 2.0 password form. */
  readonly tokenUrl: string
  /**
   * Called inside the transaction that deletes a user, with the user's row locked, so that no reference to it is being
   * written. Undoes what must not outlive the account (future reservations). If it throws, the user is not deleted.
   */
  beforeUserLeaves?(tx: Transaction, kernel: Kernel, userId: number): Promise<void>
  /**
   * Called inside the transaction that opens a session, after the password or the third party has proved who it is and
   * with the user's row locked. If it throws, no session is opened. It throws Unauthenticated for people who may not log
   * in.
   */
  beforeLogIn?(tx: Transaction, kernel: Kernel, userId: number): Promise<void>
  /**
   * Called inside the transaction that changed a user's e-mail address or phone number, after the change and with the
   * user's row locked. Voids links and codes that were sent before.
   */
  afterContactChange?(tx: Transaction, kernel: Kernel, userId: number): Promise<void>
  /**
   * Called inside the transaction that changed a user's roles or disabled the account, after the change and with the
   * user's row locked. Hands over to others the tasks that the user may no longer do.
   */
  afterRightsChange?(tx: Transaction, kernel: Kernel, userId: number): Promise<void>
  /** Records about a person beyond the tables with a `user_id`, or in a more readable form than the raw rows. */
  personalRecords?(reader: Reader, userId: number): Promise<readonly PersonalRecords[]>
  /** Registers its routes, once per prefix; `app` is an encapsulated scope whose errors go through `contract`. */
  routes(app: App, kernel: Kernel, live: Live): void
  /** Recomputes counters, ledgers and states from the rows. */
  verify?(kernel: Kernel): Promise<readonly Difference[]>
  /** Fills an empty database with a realistic data set; answers the log-ins to print. Safe to run again. */
  demo?(kernel: Kernel): Promise<readonly DemoLogin[]>
}

/** A part that PRODUCTS can switch on. */
export interface Product extends Part {
  readonly registerRole: string
  verify(kernel: Kernel): Promise<readonly Difference[]>
  demo(kernel: Kernel): Promise<readonly DemoLogin[]>
}

/**
 * The running process as routes may need it: its sockets, the notifications of other processes, and its background
 * work.
 */
export interface Live {
  readonly sockets: Sockets
  readonly database: Pick<OpenDatabase, 'listen' | 'listenState'>
  /** Runs everything that is due by the clock now: for a clock that was moved by hand. */
  catchUp(): Promise<void>
}

export interface DemoLogin {
  readonly role: string
  readonly username: string
  readonly password: string
}
