import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { matching, type ReservationFilter } from '../../core/reservationsStore.ts'

/** A reservation as a row of an export, with fields of its person and venue. */
export interface ReservationRecord {
  readonly id: number
  readonly user_id: number
  readonly username: string
  readonly display_name: string
  readonly department: string | null
  readonly venue_id: number
  readonly venue_name: string
  readonly sport_venue_name: string | null
  readonly time_slot_id: number
  readonly start_at: Date
  readonly end_at: Date
  readonly party_size: number
  readonly status: string
  readonly points_paid: number
  readonly checked_in_at: Date | null
  readonly checked_out_at: Date | null
  readonly actual_minutes: number | null
  readonly end_reason: string | null
  readonly created_at: Date
}

/** Next reservations in order of their ids, after one of them (undefined: from the start). */
export async function reservationsAfter(
  db: Database,
  filter: ReservationFilter,
  after: ReservationRecord | undefined,
  limit: number,
): Promise<readonly ReservationRecord[]> {
  const { rows } = await sql<ReservationRecord>`
    SELECT
      r.id, r.user_id, u.username, u.display_name, u.department,
      r.venue_id, v.name AS venue_name, h.name AS sport_venue_name,
      r.slot_id AS time_slot_id, r.start_at, r.end_at, r.party_size, r.status, r.points_paid,
      r.checked_in_at, r.checked_out_at, r.actual_minutes, r.end_reason, r.created_at
    FROM (
      SELECT *
      FROM reservations r
      WHERE r.id > ${after?.id ?? 0} AND ${matching(filter)}
      ORDER BY r.id
      LIMIT ${limit}
    ) r
    JOIN users u ON u.id = r.user_id
    JOIN venues v ON v.id = r.venue_id
    LEFT JOIN sport_venues h ON h.id = v.sport_venue_id
    ORDER BY r.id`.execute(db)
  return rows
}

/** Number of reservations that a filter finds, counted up to `most`. */
export async function countReservations(db: Database, filter: ReservationFilter, most: number): Promise<number> {
  const { rows } = await sql<{ total: number }>`
    SELECT count(*) AS total FROM (SELECT FROM reservations r WHERE ${matching(filter)} LIMIT ${most}) found`.execute(
    db,
  )
  return rows[0]?.total ?? 0
}
