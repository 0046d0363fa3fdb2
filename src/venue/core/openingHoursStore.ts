import { sql } from 'kysely'
import type { HoursException, OpeningHours, WeeklyHours } from '../../booking/openingHours.ts'
import type { Database } from '../../kernel/database/database.ts'

export interface HoursRow {
  readonly own: boolean
  readonly weekday: number | null
  readonly date: string | null
  readonly opens: string | null
  readonly closes: string | null
  readonly reason: string | null
}

/** Opening hours, and whether some of them are inherited from the sport venue. */
export interface HoursAnswer extends OpeningHours {
  readonly inherited: boolean
}

/** Columns of a HoursRow, from `opening_hours h`. The text of a time is 'HH:MM:SS', 24:00 included. */
export const hoursColumns = sql`
  h.weekday, h.date, left(h.opens::text, 5) AS opens, left(h.closes::text, 5) AS closes, h.reason`

/** Builds opening hours from rows. */
export function hoursOf(rows: readonly HoursRow[]): HoursAnswer {
  const weekly: WeeklyHours[] = []
  const exceptions: HoursException[] = []
  for (const { weekday, date, opens, closes, reason } of rows) {
    if (weekday !== null && opens !== null && closes !== null) weekly.push({ weekday, opens, closes })
    if (date !== null) exceptions.push({ date, opens, closes, reason })
  }
  return { weekly, exceptions, inherited: rows.some((row) => !row.own) }
}

/**
 * Opening hours in force at a venue. Weekly hours are its own, else its sport venue's, else none; the same holds for
 * each day that has an exception. `dates` limits the exceptions to these local days, which keeps the query fast after
 * ten years of public holidays.
 */
export async function venueHours(
  db: Database,
  venueId: number,
  dates?: { readonly from: string; readonly to: string },
): Promise<HoursAnswer> {
  const within = dates ? sql`AND (h.date IS NULL OR h.date BETWEEN ${dates.from}::date AND ${dates.to}::date)` : sql``
  const { rows } = await sql<HoursRow>`
    SELECT true AS own, ${hoursColumns}
    FROM opening_hours h
    WHERE h.venue_id = ${venueId} ${within}
    UNION ALL
    SELECT false AS own, ${hoursColumns}
    FROM venues v
    JOIN opening_hours h ON h.sport_venue_id = v.sport_venue_id
    WHERE v.id = ${venueId} ${within}
      AND coalesce(h.date, '-infinity') NOT IN (
        SELECT coalesce(o.date, '-infinity') FROM opening_hours o WHERE o.venue_id = ${venueId}
      )
    ORDER BY weekday, date, opens`.execute(db)
  return hoursOf(rows)
}
