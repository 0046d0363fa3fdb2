import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../database/database.ts'

/** An event that people are told of: the relay makes one message a person out of it, by the type's templates. */
export interface OutgoingMessage {
  /** Key of a registered NotificationType: `reservation.confirmed`. */
  readonly type: string
  /** Who is told. Nobody is fine; a person named twice is told once. */
  readonly userIds: readonly number[]
  /** What the templates may show. Plain JSON: instants as ISO 8601 strings. No secret. */
  readonly data: Readonly<Record<string, unknown>>
  /** Makes a message that is produced twice appear once a person: `reminder:42:1h`. */
  readonly key?: string
  /** Exactly these besides the inbox, instead of those of the type; what a person has switched off stays off. */
  readonly channels?: readonly string[]
}

/** Somebody did something: becomes a row of the operation log. */
export interface OutgoingOperation {
  /** Null: the system itself. */
  readonly actorId: number | null
  readonly action: string
  readonly resource: string
  readonly resourceId?: string | number
  /** `{field: [before, after]}` of what changed; secrets masked by the caller. */
  readonly changes?: Readonly<Record<string, readonly [unknown, unknown]>>
  readonly address?: string
  readonly requestId?: string
}

/**
 * What stands in `outbox.message`. For a hot path that writes the row in its own statement:
 * ``INSERT INTO outbox (message, created_at) SELECT ${messageJson(m)}::text::jsonb, ${now} FROM …``.
 */
export function messageJson(message: OutgoingMessage): string {
  return JSON.stringify({
    type: message.type,
    userIds: message.userIds,
    data: message.data,
    ...(message.key === undefined ? {} : { key: message.key }),
    ...(message.channels === undefined ? {} : { channels: message.channels }),
  })
}

/** What stands in `outbox.operation`; used like `messageJson`. */
export function operationJson(operation: OutgoingOperation): string {
  return JSON.stringify({
    actorId: operation.actorId,
    action: operation.action,
    resource: operation.resource,
    resourceId: operation.resourceId === undefined ? null : String(operation.resourceId),
    changes: operation.changes ?? null,
    address: operation.address ?? null,
    requestId: operation.requestId ?? null,
  })
}

/**
 * Leaves a message in the outbox: one INSERT, on the caller's transaction when `db` is one, so that the message exists
 * exactly when the change does. Call `kernel.nudge()` after the commit to have it handed on at once.
 */
export async function notify(db: Database, at: Date, message: OutgoingMessage): Promise<void> {
  await insert(db, at, sql`${messageJson(message)}::text::jsonb`, sql`NULL`)
}

/** The same for several messages, by one INSERT. */
export async function notifyAll(db: Database, at: Date, messages: readonly OutgoingMessage[]): Promise<void> {
  await sql`INSERT INTO outbox (message, created_at)
    SELECT message::jsonb, ${at} FROM unnest(${messages.map(messageJson)}::text[]) WITH ORDINALITY AS m (message, n) ORDER BY n`.execute(
    db,
  )
}

/** Leaves an entry of the operation log in the outbox: one INSERT, on the caller's transaction when `db` is one. */
export async function record(db: Database, at: Date, operation: OutgoingOperation): Promise<void> {
  await insert(db, at, sql`NULL`, sql`${operationJson(operation)}::text::jsonb`)
}

async function insert(db: Database, at: Date, message: RawBuilder<unknown>, operation: RawBuilder<unknown>) {
  await sql`INSERT INTO outbox (message, operation, created_at) VALUES (${message}, ${operation}, ${at})`.execute(db)
}
