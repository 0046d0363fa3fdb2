import { type RawBuilder, sql } from 'kysely'
import type { HoursException, OpeningHours, WeeklyHours } from '../../../booking/openingHours.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'

/** Whose opening hours. */
export type HoursOwner = { readonly venueId: number } | { readonly sportVenueId: number }

interface HoursRow {
  readonly own: boolean
  readonly weekday: number | null
  readonly date: string | null
  readonly opens: string | null
  readonly closes: string | null
  readonly reason: string | null
}

/** Opening hours, and whether some of them are those of the sport venue. */
export interface HoursAnswer extends OpeningHours {
  readonly inherited: boolean
}

// The text of a time is 'HH:MM:SS', 24:00 included.
const columns = sql`h.weekday, h.date, left(h.opens::text, 5) AS opens, left(h.closes::text, 5) AS closes, h.reason`

function hoursOf(rows: readonly HoursRow[]): OpeningHours {
  const weekly: WeeklyHours[] = []
  const exceptions: HoursException[] = []
  for (const { weekday, date, opens, closes, reason } of rows) {
    if (weekday !== null && opens !== null && closes !== null) weekly.push({ weekday, opens, closes })
    if (date !== null) exceptions.push({ date, opens, closes, reason })
  }
  return { weekly, exceptions }
}

/**
 * The hours that hold at a venue: those of the week are its own, else its sport venue's, else none; so are those of each day that has an exception.
 * `dates` limits the exceptions to those local days, so that the answer is as quick after ten years of public holidays.
 */
export async function venueHours(
  db: Database,
  venueId: number,
  dates?: { readonly from: string; readonly to: string },
): Promise<HoursAnswer> {
  const within = dates ? sql`AND (h.date IS NULL OR h.date BETWEEN ${dates.from}::date AND ${dates.to}::date)` : sql``
  const { rows } = await sql<HoursRow>`
    SELECT true AS own, ${columns} FROM opening_hours h WHERE h.venue_id = ${venueId} ${within}
    UNION ALL
    SELECT false AS own, ${columns} FROM venues v JOIN opening_hours h ON h.sport_venue_id = v.sport_venue_id
    WHERE v.id = ${venueId} ${within} AND coalesce(h.date, '-infinity') NOT IN (
      SELECT coalesce(o.date, '-infinity') FROM opening_hours o WHERE o.venue_id = ${venueId})
    ORDER BY weekday, date, opens`.execute(db)
  return { ...hoursOf(rows), inherited: rows.some((row) => !row.own) }
}

/** The hours set at a venue or sport venue itself. */
export async function ownHours(db: Database, owner: HoursOwner): Promise<HoursAnswer> {
  const { column, id } = ownerColumn(owner)
  const { rows } = await sql<HoursRow>`SELECT true AS own, ${columns} FROM opening_hours h
    WHERE ${column} = ${id} ORDER BY weekday, date, opens`.execute(db)
  return { ...hoursOf(rows), inherited: false }
}

function ownerColumn(owner: HoursOwner): { column: RawBuilder<unknown>; id: number } {
  return 'venueId' in owner
    ? { column: sql.ref('venue_id'), id: owner.venueId }
    : { column: sql.ref('sport_venue_id'), id: owner.sportVenueId }
}

/** Puts these hours in place of all that the owner had. */
export async function replaceHours(tx: Transaction, owner: HoursOwner, hours: OpeningHours): Promise<void> {
  const { column, id } = ownerColumn(owner)
  await sql`DELETE FROM opening_hours WHERE ${column} = ${id}`.execute(tx)
  const rows = [
    ...hours.weekly.map(({ weekday, opens, closes }) => ({ weekday, opens, closes })),
    ...hours.exceptions.map(({ date, opens, closes, reason }) => ({ date, opens, closes, reason })),
  ]
  await sql`INSERT INTO opening_hours (${column}, weekday, date, opens, closes, reason)
    SELECT ${id}::bigint, weekday, date, opens, closes, reason
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      AS given (weekday smallint, date date, opens time, closes time, reason text)`.execute(tx)
}
