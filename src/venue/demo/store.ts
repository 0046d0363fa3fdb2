import { sql } from 'kysely'
import type { Database } from '../../kernel/database/database.ts'

const MARK = 'venue.demo'

/** What is known of the database before the demo fills it. */
export async function demoState(db: Database): Promise<{ readonly filled: boolean; readonly hasUsers: boolean }> {
  const { rows } = await sql<{ filled: boolean; hasUsers: boolean }>`
    SELECT EXISTS (SELECT FROM settings WHERE key = ${MARK}) AS filled, EXISTS (SELECT FROM users) AS "hasUsers"`.execute(
    db,
  )
  return rows[0] ?? { filled: false, hasUsers: false }
}

/** Remembers that the demo is complete. */
export async function markFilled(db: Database, now: Date): Promise<void> {
  await sql`INSERT INTO settings (key, value, updated_at) VALUES (${MARK}, 'true', ${now}) ON CONFLICT DO NOTHING`.execute(
    db,
  )
}

/** The slot of a venue that starts at an instant. */
export async function slotAt(db: Database, venueId: number, start: Date): Promise<number | null> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM time_slots WHERE venue_id = ${venueId} AND start_at = ${start} AND deleted_at IS NULL`.execute(db)
  return rows[0]?.id ?? null
}
