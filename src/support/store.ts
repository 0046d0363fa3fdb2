import { sql } from 'kysely'
import type { Database, Transaction } from '../kernel/database/database.ts'
import type { PersonalRecords } from '../kernel/privacy/records.ts'

/** One message of feedback or a ticket. */
export interface Reply {
  readonly id: number
  readonly authorId: number
  readonly authorName: string
  readonly fromStaff: boolean
  readonly content: string
  readonly createdAt: Date
}

/** Common columns of feedback and tickets. */
export interface Thread {
  readonly id: number
  readonly userId: number
  readonly userName: string
  /** Number of messages. */
  readonly replies: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** The kinds of threads, which have the same messages. */
export type Subject = 'feedback' | 'ticket'

const tables = { feedback: sql.table('feedback_messages'), ticket: sql.table('ticket_messages') } as const
const keys = { feedback: sql.ref('feedback_id'), ticket: sql.ref('ticket_id') } as const

/**
 * Adds a message. The row of the subject must be locked: this keeps the messages in the order of their ids, and makes
 * the limit `most` exact. Returns false if the limit is reached.
 */
export async function addReply(
  tx: Transaction,
  subject: Subject,
  id: number,
  reply: {
    readonly authorId: number
    readonly fromStaff: boolean
    readonly content: string
    readonly now: Date
    readonly most: number
  },
): Promise<boolean> {
  const answer = await sql`
    INSERT INTO ${tables[subject]} (${keys[subject]}, author_id, from_staff, content, created_at)
    SELECT ${id}::bigint, ${reply.authorId}::bigint, ${reply.fromStaff}::boolean, ${reply.content}::text,
      ${reply.now}::timestamptz
    WHERE (SELECT count(*) FROM ${tables[subject]} WHERE ${keys[subject]} = ${id}) < ${reply.most}`.execute(tx)
  return Number(answer.numAffectedRows ?? 0) > 0
}

/** All messages of a subject, oldest first. */
export async function listReplies(db: Database, subject: Subject, id: number): Promise<readonly Reply[]> {
  const { rows } = await sql<Reply>`
    SELECT
      m.id,
      m.author_id AS "authorId",
      u.display_name AS "authorName",
      m.from_staff AS "fromStaff",
      m.content,
      m.created_at AS "createdAt"
    FROM ${tables[subject]} m
    JOIN users u ON u.id = m.author_id
    WHERE m.${keys[subject]} = ${id}
    ORDER BY m.id`.execute(db)
  return rows
}

/** Deletes the contact data of a person who leaves. */
export async function forgetContacts(tx: Transaction, userId: number): Promise<void> {
  await sql`
    UPDATE feedback
    SET contact_encrypted = NULL
    WHERE user_id = ${userId} AND contact_encrypted IS NOT NULL`.execute(tx)
}

/** Releases the open tickets of an assignee. */
export async function releaseTickets(tx: Transaction, userId: number): Promise<void> {
  await sql`UPDATE tickets SET assignee_id = NULL WHERE assignee_id = ${userId} AND ended_at IS NULL`.execute(tx)
}

/** The messages between a person and staff. The kernel copies the rows with a `user_id` in support's tables. */
export async function personalRecords(db: Database, userId: number): Promise<readonly PersonalRecords[]> {
  return Promise.all(CONVERSATIONS.map((one) => messagesOf(db, userId, one)))
}

/**
 * Conversations between people and staff. `owned` is the table that has the conversation's owner; a message has its
 * writer.
 */
const CONVERSATIONS = [
  { name: 'chat_messages', of: 'session_id', owned: 'chat_sessions', writer: sql`m.author, m.event` },
  { name: 'ticket_messages', of: 'ticket_id', owned: 'tickets', writer: sql`m.from_staff` },
  { name: 'feedback_messages', of: 'feedback_id', owned: 'feedback', writer: sql`m.from_staff` },
] as const

/** All messages of a person's own conversations, and the person's messages in those of others. */
async function messagesOf(
  db: Database,
  userId: number,
  { name, of, owned, writer }: (typeof CONVERSATIONS)[number],
): Promise<PersonalRecords> {
  const [table, conversation] = [sql.table(name), sql.ref(of)]
  const { rows } = await sql<Readonly<Record<string, unknown>>>`
    SELECT m.id, m.${conversation}, ${writer}, coalesce(m.author_id = ${userId}, false) AS mine, m.content, m.created_at
    FROM (
      SELECT * FROM ${table} WHERE ${conversation} IN (SELECT id FROM ${sql.table(owned)} WHERE user_id = ${userId})
      UNION SELECT * FROM ${table} WHERE author_id = ${userId}
    ) m ORDER BY m.id`.execute(db)
  return { name, rows }
}
