import { sql } from 'kysely'
import type { Database } from '../database/database.ts'
import { saidBy } from './recipients.ts'
import type { Catalogue } from './texts/catalogue.ts'
import { isMandatory } from './texts/types.ts'

/** One message in a person's inbox. */
export interface InboxMessage {
  readonly id: number
  readonly type: string
  readonly subject: string
  readonly body: string
  readonly data: Record<string, unknown>
  readonly urgent: boolean
  readonly createdAt: Date
  readonly readAt: Date | null
}

export interface InboxFilter {
  readonly unread?: boolean | undefined
  readonly type?: string | undefined
}

const columns = sql`id, type, subject, body, data, urgent, created_at AS "createdAt", read_at AS "readAt"`

/** Reads one page of a person's messages, by id, and their total number. */
export async function listMessages(
  db: Database,
  userId: number,
  filter: InboxFilter,
  page: { readonly limit: number; readonly offset: number; readonly descending: boolean },
): Promise<{ items: readonly InboxMessage[]; total: number }> {
  const direction = page.descending ? sql`DESC` : sql`ASC`
  const where = sql`user_id = ${userId}
    AND (${filter.unread ?? null}::boolean IS NULL OR (read_at IS NULL) = ${filter.unread ?? null}::boolean)
    AND (${filter.type ?? null}::text IS NULL OR type = ${filter.type ?? null}::text)`
  const items = await sql<InboxMessage>`
    SELECT ${columns}
    FROM notification_messages
    WHERE ${where}
    ORDER BY id ${direction}
    LIMIT ${page.limit} OFFSET ${page.offset}`.execute(db)
  const counted = await sql<{
    total: number
  }>`SELECT count(*)::int AS total FROM notification_messages WHERE ${where}`.execute(db)
  return { items: items.rows, total: counted.rows[0]?.total ?? 0 }
}

/** Counts a person's unread messages. */
export async function countUnread(db: Database, userId: number): Promise<number> {
  const answer = await sql<{ unread: number }>`
    SELECT count(*)::int AS unread FROM notification_messages WHERE user_id = ${userId} AND read_at IS NULL`.execute(db)
  return answer.rows[0]?.unread ?? 0
}

/**
 * Marks some or all of a person's messages as read. Ids of other people's messages are ignored. Returns the number of
 * messages that were unread before.
 */
export async function markRead(
  db: Database,
  at: Date,
  userId: number,
  which: readonly number[] | 'all',
): Promise<number> {
  const chosen = which === 'all' ? sql`true` : sql`id = ANY (${which}::bigint[])`
  const answer = await sql`
    UPDATE notification_messages SET read_at = ${at} WHERE user_id = ${userId} AND read_at IS NULL AND ${chosen}`.execute(
    db,
  )
  return Number(answer.numAffectedRows ?? 0)
}

/** A message with its recipient. */
export interface AddressedMessage extends InboxMessage {
  readonly userId: number
}

/**
 * Reads the messages of some people with `after` < id ≤ `upTo`, oldest first, at most `limit`. Only messages that the
 * person gets live (channel `websocket`) count, by the same rules as in `readPreferences`.
 */
export async function messagesAfter(
  db: Database,
  catalogue: Pick<Catalogue, 'types'>,
  userIds: readonly number[],
  after: number,
  limit: number,
  upTo: number = Number.MAX_SAFE_INTEGER,
): Promise<readonly AddressedMessage[]> {
  const types = catalogue.types()
  const silent = types.filter((type) => !type.channels.includes('websocket')).map(({ key }) => key)
  const mandatory = types.filter(isMandatory).map(({ key }) => key)
  const said = saidBy(sql`notification_messages.user_id`, {
    type: sql`notification_messages.type`,
    channel: sql`'websocket'`,
    mandatory: sql`notification_messages.type = ANY (${mandatory}::text[])`,
  })
  const answer = await sql<AddressedMessage>`
    SELECT ${columns}, user_id AS "userId" FROM notification_messages
    WHERE user_id = ANY (${userIds}::bigint[]) AND id > ${after} AND id <= ${upTo}
      AND coalesce(${said}, type <> ALL (${silent}::text[]))
    ORDER BY id LIMIT ${limit}`.execute(db)
  return answer.rows
}

/** The id of the newest message; 0 when there is none. */
export async function lastMessageId(db: Database): Promise<number> {
  const answer = await sql<{ last: number }>`SELECT coalesce(max(id), 0) AS last FROM notification_messages`.execute(db)
  return answer.rows[0]?.last ?? 0
}

/**
 * Finds where to start sending a person's messages again: at `after`, or later if more than `most` messages follow it.
 * `cut`: older ones are left out.
 */
export async function replayStart(
  db: Database,
  userId: number,
  after: number,
  most: number,
): Promise<{ after: number; cut: boolean }> {
  const answer = await sql<{ id: number }>`
    SELECT id
    FROM notification_messages
    WHERE user_id = ${userId} AND id > ${after}
    ORDER BY id DESC
    OFFSET ${most}
    LIMIT 1`.execute(db)
  const id = answer.rows[0]?.id
  return id === undefined ? { after, cut: false } : { after: id, cut: true }
}
