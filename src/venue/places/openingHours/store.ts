import { type RawBuilder, sql } from 'kysely'
import type { OpeningHours } from '../../../booking/openingHours.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type HoursAnswer, type HoursRow, hoursColumns, hoursOf } from '../../core/openingHoursStore.ts'
import type { Place } from '../../core/venues/types.ts'

/** Hours set at a venue or sport venue itself. */
export async function ownHours(db: Database, place: Place): Promise<HoursAnswer> {
  const { column, id } = ownerColumn(place)
  const { rows } = await sql<HoursRow>`
    SELECT true AS own, ${hoursColumns}
    FROM opening_hours h
    WHERE ${column} = ${id}
    ORDER BY weekday, date, opens`.execute(db)
  return hoursOf(rows)
}

function ownerColumn(place: Place): { column: RawBuilder<unknown>; id: number } {
  return 'venueId' in place
    ? { column: sql.ref('venue_id'), id: place.venueId }
    : { column: sql.ref('sport_venue_id'), id: place.sportVenueId }
}

/** Replaces all hours set at a venue or sport venue. */
export async function replaceHours(tx: Transaction, place: Place, hours: OpeningHours): Promise<void> {
  const { column, id } = ownerColumn(place)
  await sql`DELETE FROM opening_hours WHERE ${column} = ${id}`.execute(tx)
  const rows = [
    ...hours.weekly.map(({ weekday, opens, closes }) => ({ weekday, opens, closes })),
    ...hours.exceptions.map(({ date, opens, closes, reason }) => ({ date, opens, closes, reason })),
  ]
  await sql`
    INSERT INTO opening_hours (${column}, weekday, date, opens, closes, reason)
    SELECT ${id}::bigint, weekday, date, opens, closes, reason
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      AS given (weekday smallint, date date, opens time, closes time, reason text)`.execute(tx)
}
