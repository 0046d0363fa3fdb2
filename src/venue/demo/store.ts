import { sql } from 'kysely'
import type { Database } from '../../kernel/database/database.ts'

/** The slot of a venue that starts at an instant. */
export async function slotAt(db: Database, venueId: number, start: Date): Promise<number | null> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM time_slots WHERE venue_id = ${venueId} AND start_at = ${start} AND deleted_at IS NULL`.execute(db)
  return rows[0]?.id ?? null
}
