import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ProductName } from '../config/variables.ts'
import type { Config } from '../config.ts'
import type { OpenDatabase, Transaction } from './database/database.ts'
import type { DomainError } from './errors.ts'
import type { ExportSource } from './exports/sources.ts'
import type { App } from './http/app.ts'
import type { Refusals } from './http/fastifyTypes.ts'
import type { JobDefinition } from './jobs/jobs.ts'
import type { Kernel } from './kernel.ts'
import type { AudienceCondition } from './notifications/people/conditions.ts'
import type { NotificationType } from './notifications/texts/types.ts'
import type { PersonalRecords } from './privacy/records.ts'
import type { Sockets } from './realtime/sockets.ts'

/** A role a product offers: `venue:employee`. People see `title`; the permissions are what its holders may do. */
export interface RoleDefinition {
  readonly name: string
  readonly title: string
  readonly permissions: readonly string[]
}

/** The only thing that knows a product's wire: how a refusal is answered, and how strictly requests are read. */
export interface Contract {
  /** Sends the answer for a domain error in the product's envelope. `requestId` is also in the X-Request-Id header. */
  refuse(error: DomainError, request: FastifyRequest, reply: FastifyReply): unknown
  /** True where `?fields=a,b` leaves the rest out of a GET’s answer: for plain objects, not for envelopes. */
  readonly sparseAnswers?: boolean
  /** What its refusals look like in the API reference; problem documents unless said. */
  readonly refusals?: Refusals
  /** True where members of a body that no schema names are overlooked instead of refused: for clients that send whole rows back. */
  readonly overlooksUnknownFields?: boolean
  /**
   * True where an empty query parameter (`?status=`) is one that was not sent, whatever its type; in a body an empty text for an optional id,
   * time or choice.
   */
  readonly emptyParametersAreAbsent?: boolean
  /** True where an id in a path or a body that is too large to be one is an id that nothing has, and not a fault of the request. */
  readonly largestIdsAreUnknown?: boolean
}

/** One difference that `npm run verify` found between a stored figure and what the rows say. */
export interface Difference {
  readonly check: string
  readonly subject: string
  readonly stored: string
  readonly computed: string
}

/** The manifest a product fills in; `src/app.ts` has the list. */
export interface Product {
  readonly name: ProductName
  readonly title: string
  readonly description: string
  /** What each tag of its routes is about, for the API reference. */
  readonly tags: Readonly<Record<string, string>>
  /** Every permission its routes declare, with the sentence the API reference shows. */
  readonly permissions: Readonly<Record<string, string>>
  readonly roles: readonly RoleDefinition[]
  readonly notificationTypes: readonly NotificationType[]
  /** Kinds of conditions on people that its audiences may have (`venue:booked`). */
  readonly audienceConditions?: readonly AudienceCondition[]
  readonly jobs: readonly JobDefinition[]
  /** Lists of it that a job makes into files. */
  readonly exports?: readonly ExportSource[]
  readonly contract: Contract
  /** Further prefixes under which every route of it answers too (`/prod-api`), for clients that were built with one. */
  basePrefixes?(config: Config): readonly string[]
  /** Where the API reference's log-in form is sent; takes an OAuth 2.0 password form. */
  readonly tokenUrl?: string
  /**
   * Called inside the transaction that deletes a user, whose row is locked already, so that nothing with a reference to it is being written:
   * what the product must undo for somebody who leaves (future reservations). What it throws keeps the user.
   */
  beforeUserLeaves?(tx: Transaction, kernel: Kernel, userId: number): Promise<void>
  /**
   * Called inside the transaction that changed somebody's roles or disabled the account, after the change and with the user's row locked: what
   * they may not look after any more goes to others.
   */
  afterRightsChange?(tx: Transaction, kernel: Kernel, userId: number): Promise<void>
  /** What it holds about a person beyond its tables with a `user_id`, or says better than their rows do. */
  personalRecords?(kernel: Kernel, userId: number): Promise<readonly PersonalRecords[]>
  /** Registers its routes, once for each prefix; `app` is an encapsulated scope whose errors go through `contract`. */
  routes(app: App, kernel: Kernel, live: Live): void
  /** Recomputes counters, ledgers and states from the rows. */
  verify(kernel: Kernel): Promise<readonly Difference[]>
  /** Fills an empty database with a believable data set; answers the log-ins to print. Safe to run again. */
  demo(kernel: Kernel): Promise<readonly DemoLogin[]>
}

/** What a product needs for WebSocket routes of its own: the sockets, and the news of other processes. */
export interface Live {
  readonly sockets: Sockets
  readonly database: Pick<OpenDatabase, 'listen' | 'listenState'>
}

export interface DemoLogin {
  readonly role: string
  readonly username: string
  readonly password: string
}
