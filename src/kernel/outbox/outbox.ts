import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../database/database.ts'

/** An event to notify people of. The relay makes one message per person out of it, by the type's templates. */
export interface OutgoingMessage {
  /** Key of a registered NotificationType: `reservation.confirmed`. */
  readonly type: string
  /** Recipients. The list may be empty; duplicates are ignored. */
  readonly userIds: readonly number[]
  /** Data for the templates: plain JSON, instants as ISO 8601 strings, no secrets. */
  readonly data: Readonly<Record<string, unknown>>
  /** Deduplicates: a person gets only one message with this key: `reminder:42:1h`. */
  readonly key?: string
  /** The channels besides the inbox, instead of those of the type. Channels that a person has switched off stay off. */
  readonly channels?: readonly string[]
}

/** An operation to record: it becomes a row of the operation log. */
export interface OutgoingOperation {
  /** Null: the system itself. */
  readonly actorId: number | null
  readonly action: string
  readonly resource: string
  readonly resourceId?: string | number
  /** The changed fields as `{field: [before, after]}`. The caller masks secrets. */
  readonly changes?: Readonly<Record<string, readonly [unknown, unknown]>>
  readonly address?: string
  readonly requestId?: string
}

/**
 * The content of `outbox.message`. For hot paths that insert the row in their own statement:
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

/** The content of `outbox.operation`, for hot paths like `messageJson`. */
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
 * Inserts a message into the outbox. Pass the caller's transaction, so that the message exists exactly if the change
 * does. Call `kernel.nudge()` after the commit to have it handed on at once.
 */
export async function notify(db: Database, at: Date, message: OutgoingMessage): Promise<void> {
  await insert(db, at, sql`${messageJson(message)}::text::jsonb`, sql`NULL`)
}

/** `notify` for several messages, by one INSERT. */
export async function notifyAll(db: Database, at: Date, messages: readonly OutgoingMessage[]): Promise<void> {
  await sql`
    INSERT INTO outbox (message, created_at)
    SELECT message::jsonb, ${at}
    FROM unnest(${messages.map(messageJson)}::text[]) WITH ORDINALITY AS m (message, n)
    ORDER BY n`.execute(db)
}

/** Inserts an entry of the operation log into the outbox. Pass the caller's transaction. */
export async function record(db: Database, at: Date, operation: OutgoingOperation): Promise<void> {
  await insert(db, at, sql`NULL`, sql`${operationJson(operation)}::text::jsonb`)
}

async function insert(db: Database, at: Date, message: RawBuilder<unknown>, operation: RawBuilder<unknown>) {
  await sql`INSERT INTO outbox (message, operation, created_at) VALUES (${message}, ${operation}, ${at})`.execute(db)
}
