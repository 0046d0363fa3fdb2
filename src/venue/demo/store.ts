import type { Database } from '../../kernel/database/database.ts'

/** Id of the slot of a venue that starts at an instant, or null. */
export async function slotAt(db: Database, venueId: number, start: Date): Promise<number | null> {
  const slot = await db
    .selectFrom('time_slots')
    .select('id')
    .where('venue_id', '=', venueId)
    .where('start_at', '=', start)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return slot?.id ?? null
}
