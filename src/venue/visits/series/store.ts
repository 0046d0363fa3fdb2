import { sql } from 'kysely'
import type { Week } from '../../../booking/weekly.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'

/** Venue and times of a slot. */
export interface SlotTimes {
  readonly venueId: number
  readonly startAt: Date
  readonly endAt: Date
}

/** Venue and times of a slot, or null when it does not exist or is deleted. */
export async function findTimes(db: Database, slotId: number): Promise<SlotTimes | null> {
  const slot = await db
    .selectFrom('time_slots as s')
    .innerJoin('venues as v', 'v.id', 's.venue_id')
    .select(['s.venue_id as venueId', 's.start_at as startAt', 's.end_at as endAt'])
    .where('s.id', '=', slotId)
    .where('s.deleted_at', 'is', null)
    .where('v.deleted_at', 'is', null)
    .executeTakeFirst()
  return slot ?? null
}

/**
 * Locks the slots of a venue at exactly the times of these weeks, by id. Returns their ids by the number of the week.
 */
export async function lockSlotsOfWeeks(
  tx: Transaction,
  venueId: number,
  weeks: readonly Week[],
): Promise<ReadonlyMap<number, number>> {
  const starts = weeks.map(({ startAt }) => startAt.toISOString())
  const ends = weeks.map(({ endAt }) => endAt.toISOString())
  const { rows } = await sql<{ week: number; id: number }>`
    SELECT w.week::int AS week, s.id
    FROM unnest(${starts}::timestamptz[], ${ends}::timestamptz[]) WITH ORDINALITY AS w (start_at, end_at, week)
    JOIN time_slots s ON s.venue_id = ${venueId}
      AND s.start_at = w.start_at
      AND s.end_at = w.end_at
      AND s.deleted_at IS NULL
    ORDER BY s.id
    FOR UPDATE OF s`.execute(tx)
  return new Map(rows.map(({ week, id }) => [week, id]))
}
