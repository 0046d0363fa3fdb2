import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { PersonalRecords } from '../../../kernel/privacy/records.ts'

/**
 * A person's reservations as they would tell of them, where and when, and what they and staff wrote to each other. Rows
 * of the product's tables with a `user_id` are copied anyway.
 */
export async function personalRecords(db: Database, userId: number): Promise<readonly PersonalRecords[]> {
  const { rows } = await sql<Readonly<Record<string, unknown>>>`
    SELECT r.id, v.name AS venue, s.name AS sport_venue, r.start_at, r.end_at, r.status
    FROM reservations r
    JOIN venues v ON v.id = r.venue_id
    LEFT JOIN sport_venues s ON s.id = v.sport_venue_id
    WHERE r.user_id = ${userId}
    ORDER BY r.start_at, r.id`.execute(db)
  const messages = await Promise.all(CONVERSATIONS.map((one) => messagesOf(db, userId, one)))
  return [{ name: 'visits', rows }, ...messages]
}

/**
 * Where people and staff write to each other. Whose a conversation is, its own table says; who wrote a message, the
 * message.
 */
const CONVERSATIONS = [
  { name: 'chat_messages', of: 'session_id', owned: 'chat_sessions', writer: sql`m.author, m.event` },
  { name: 'ticket_messages', of: 'ticket_id', owned: 'tickets', writer: sql`m.from_staff` },
  { name: 'feedback_messages', of: 'feedback_id', owned: 'feedback', writer: sql`m.from_staff` },
] as const

/** All that was said in a person's own conversations, and what they wrote in those of others. */
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
