import type { OpenDatabase, Transaction } from './database/database.ts'
import type { Reader } from './database/reader.ts'
import type { ExportSource } from './exports/sources.ts'
import type { App } from './http/app.ts'
import type { Contract } from './http/contract.ts'
import type { RoleDefinition } from './identity/roles.ts'
import type { JobDefinition } from './jobs/jobs.ts'
import type { Kernel } from './kernel.ts'
import type { AudienceCondition } from './notifications/people/conditions.ts'
import type { NotificationType } from './notifications/texts/types.ts'
import type { PersonalRecords } from './privacy/records.ts'
import type { Sockets } from './realtime/sockets.ts'
import type { Config } from './settings.ts'

/** One difference that `npm run verify` found between a stored figure and what the rows say. */
export interface Difference {
  readonly check: string
  readonly subject: string
  readonly stored: string
  readonly computed: string
}

/** The manifest that site, support and every product fill in; `src/app.ts` has the list. */
export interface Part {
  readonly name: string
  readonly title: string
  readonly description: string
  /** What each tag of its routes is about, for the API reference. */
  readonly tags: Readonly<Record<string, string>>
  /** Every permission its routes declare, with the sentence the API reference shows. */
  readonly permissions: Readonly<Record<string, string>>
  /** Roles may also hold permissions of other parts. Those of parts that are switched off are left out. */
  readonly roles: readonly RoleDefinition[]
  /**
   * The role of people who register by themselves: over `/api/v1`, or at their first log-in by a third party. Of several parts that are
   * switched on, the first that names one decides.
   */
  readonly registerRole?: string
  readonly notificationTypes: readonly NotificationType[]
  /** Kinds of conditions on people that audiences may have (`venue:booked`). */
  readonly audienceConditions?: readonly AudienceCondition[]
  readonly jobs: readonly JobDefinition[]
  /** Its lists that a job makes into files. */
  readonly exports?: readonly ExportSource[]
  readonly contract: Contract
  /**
   * First steps of paths that are this part's alone (`/manage`). All its routes lie under them, and unknown paths there are refused by its
   * contract. A part without any shares its paths with others: unknown ones are refused by problem documents.
   */
  readonly pathRoots?: readonly string[]
  /** Further prefixes under which every route of it answers too (`/prod-api`), for clients that were built with one. */
  basePrefixes?(config: Config): readonly string[]
  /** Where the API reference's log-in form is sent; takes an OAuth 2.0 password form. */
  readonly tokenUrl: string
  /**
   * Called inside the transaction that deletes a user, whose row is locked already, so that nothing with a reference to it is being written.
   * Undoes what must not outlive the account (future reservations). If it throws, the user stays.
   */
  beforeUserLeaves?(tx: Transaction, kernel: Kernel, userId: number): Promise<void>
  /**
   * Called inside the transaction that changed somebody's roles or disabled the account, after the change and with the user's row locked.
   * Hands to others whatever the user may not look after any more.
   */
  afterRightsChange?(tx: Transaction, kernel: Kernel, userId: number): Promise<void>
  /** Records about a person beyond the tables with a `user_id`, or in a more readable form than the raw rows. */
  personalRecords?(reader: Reader, userId: number): Promise<readonly PersonalRecords[]>
  /** Registers its routes, once for each prefix; `app` is an encapsulated scope whose errors go through `contract`. */
  routes(app: App, kernel: Kernel, live: Live): void
  /** Recomputes counters, ledgers and states from the rows. */
  verify?(kernel: Kernel): Promise<readonly Difference[]>
  /** Fills an empty database with a believable data set; answers the log-ins to print. Safe to run again. */
  demo?(kernel: Kernel): Promise<readonly DemoLogin[]>
}

/** A part that PRODUCTS switches on. */
export interface Product extends Part {
  readonly registerRole: string
  verify(kernel: Kernel): Promise<readonly Difference[]>
  demo(kernel: Kernel): Promise<readonly DemoLogin[]>
}

/** The running process as routes may need it: its sockets, the news of other processes, and its background work. */
export interface Live {
  readonly sockets: Sockets
  readonly database: Pick<OpenDatabase, 'listen' | 'listenState'>
  /** Does everything that time drives, here and now: for a clock that was moved by hand. */
  catchUp(): Promise<void>
}

export interface DemoLogin {
  readonly role: string
  readonly username: string
  readonly password: string
}
