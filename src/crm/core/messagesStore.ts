import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { inserted } from '../../kernel/database/inserted.ts'

/** NOTIFY channel of changed conversations. Its payload is the member's id. */
export const CONVERSATION_CHANNEL = 'crm_conversation'

/** A message to be written. */
export interface NewMessage {
  readonly memberId: number
  readonly content: string
  readonly direction: 'incoming' | 'outgoing'
  readonly type: 'text' | 'image' | 'template'
  readonly sender?: 'manual' | 'auto' | undefined
  readonly senderId?: number | undefined
  readonly createdAt: Date
  readonly lineMessageId?: string | undefined
  readonly fileId?: number | undefined
  /** Outgoing: how it is to leave (see `delivery`). Default: it was sent. */
  readonly status?: 'scheduled' | 'queued' | 'sent' | 'failed'
  readonly scheduledAt?: Date | undefined
  readonly payload?: readonly object[] | undefined
  readonly retryKey?: string | undefined
  readonly nextTryAt?: Date | undefined
}

/** Number of rows for each kind of message and day, so that writers at once rarely wait for each other. */
const SLOTS = 16

/**
 * Counts messages of a local day. Every insert of messages calls it in its transaction, as its last statement, so that
 * the row is locked for a short time only.
 */
export async function countMessages(
  tx: Transaction,
  day: string,
  kind: { readonly direction: 'incoming' | 'outgoing'; readonly sender?: 'manual' | 'auto' | 'campaign' | undefined },
  count: number,
): Promise<void> {
  await sql`
    INSERT INTO crm_message_days AS d (day, direction, sender_type, slot, count)
    VALUES (${day}, ${kind.direction}, ${kind.sender ?? ''}, ${randomInt(SLOTS)}, ${count})
    ON CONFLICT (day, direction, sender_type, slot) DO UPDATE SET count = d.count + excluded.count`.execute(tx)
}

/**
 * Writes a message of a conversation: the message, the conversation with its unread count, the figures of the day, and
 * the news for open windows. The member's row must not be locked by a later statement of the transaction.
 * @param day the local day of `createdAt` (`dayOf`)
 * @returns the id of the message
 */
export async function insertMessage(tx: Transaction, message: NewMessage, day: string): Promise<number> {
  const { memberId, direction, sender, createdAt } = message
  const { rows } = await sql<{ id: number }>`
    WITH written AS (
      INSERT INTO messages (member_id, content, direction, message_type, sender_type, sender_id, created_at, status,
        scheduled_at, payload, retry_key, next_try_at, line_message_id, file_id)
      VALUES (${memberId}, ${message.content}, ${direction}, ${message.type}, ${sender ?? null},
        ${message.senderId ?? null}, ${createdAt}, ${message.status ?? 'sent'}, ${message.scheduledAt ?? null},
        ${message.payload === undefined ? null : JSON.stringify(message.payload)}::text::jsonb,
        ${message.retryKey ?? null}::uuid, ${message.nextTryAt ?? null}, ${message.lineMessageId ?? null},
        ${message.fileId ?? null})
      RETURNING id
    ), conversation AS (
      INSERT INTO crm_conversations AS c (member_id, last_message_id, last_message_at, unread_count)
      SELECT ${memberId}, id, ${createdAt}, ${direction === 'incoming' ? 1 : 0} FROM written
      ON CONFLICT (member_id) DO UPDATE SET
        last_message_id = CASE WHEN excluded.last_message_at >= c.last_message_at
          THEN excluded.last_message_id ELSE c.last_message_id END,
        last_message_at = greatest(excluded.last_message_at, c.last_message_at),
        unread_count = c.unread_count + excluded.unread_count
    )
    SELECT id, pg_notify(${CONVERSATION_CHANNEL}, ${String(memberId)}) FROM written`.execute(tx)
  await countMessages(tx, day, { direction, sender }, 1)
  return inserted(rows).id
}

/** Marks a member's incoming messages up to an id as read. Returns their number. */
export async function markRead(tx: Transaction, memberId: number, upTo: number, now: Date): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    WITH locked AS (
      SELECT member_id FROM crm_conversations WHERE member_id = ${memberId} FOR UPDATE
    ), read AS (
      UPDATE messages SET read_at = ${now}
      WHERE member_id IN (SELECT member_id FROM locked) AND direction = 'incoming' AND read_at IS NULL AND id <= ${upTo}
      RETURNING 1
    ), counted AS (
      SELECT count(*)::int AS count FROM read
    ), moved AS (
      UPDATE crm_conversations c SET unread_count = c.unread_count - counted.count
      FROM counted WHERE c.member_id = ${memberId} AND counted.count > 0
    )
    SELECT count, CASE WHEN count > 0 THEN pg_notify(${CONVERSATION_CHANNEL}, ${String(memberId)}) END FROM counted`.execute(
    tx,
  )
  return rows[0]?.count ?? 0
}

/** Whether there is a member who is not deleted. */
export async function isMember(db: Database, memberId: number): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM members WHERE id = ${memberId} AND deleted_at IS NULL`.execute(db)
  return rows.length > 0
}
