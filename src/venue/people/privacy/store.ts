import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { PersonalRecords } from '../../../kernel/privacy/records.ts'

/**
 * A person's reservations with place and time. Rows of the product's tables that have a `user_id` are copied elsewhere.
 */
export async function personalRecords(db: Database, userId: number): Promise<readonly PersonalRecords[]> {
  const { rows } = await sql<Readonly<Record<string, unknown>>>`
    SELECT r.id, v.name AS venue, s.name AS sport_venue, r.start_at, r.end_at, r.status
    FROM reservations r
    JOIN venues v ON v.id = r.venue_id
    LEFT JOIN sport_venues s ON s.id = v.sport_venue_id
    WHERE r.user_id = ${userId}
    ORDER BY r.start_at, r.id`.execute(db)
  return [{ name: 'visits', rows }]
}
