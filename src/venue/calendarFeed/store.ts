import { sql } from 'kysely'
import type { Database } from '../../kernel/database/database.ts'
import type { ReservationStatus } from '../reservations/states.ts'

/** One reservation in a calendar. */
export interface Appointment {
  readonly id: number
  readonly venueName: string
  readonly location: string | null
  readonly startAt: Date
  readonly endAt: Date
  readonly partySize: number
  readonly status: ReservationStatus
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** More than anybody has; keeps an answer bounded. */
const MOST = 2000

/** The generation of somebody's calendar link: 1 until it is reset. Null when there is nobody (any more) with an account in use. */
export async function linkGeneration(db: Database, userId: number): Promise<number | null> {
  const { rows } = await sql<{ generation: number }>`
    SELECT coalesce(c.generation, 1) AS generation FROM users u LEFT JOIN calendar_links c ON c.user_id = u.id
    WHERE u.id = ${userId} AND u.status = 'active'`.execute(db)
  return rows[0]?.generation ?? null
}

/** Makes the links of before void; answers the generation that holds now. */
export async function resetLink(db: Database, userId: number, now: Date): Promise<number> {
  const { rows } = await sql<{ generation: number }>`
    INSERT INTO calendar_links AS c (user_id, generation, updated_at) VALUES (${userId}, 2, ${now})
    ON CONFLICT (user_id) DO UPDATE SET generation = c.generation + 1, updated_at = excluded.updated_at RETURNING generation`.execute(
    db,
  )
  const [row] = rows
  if (!row) throw new Error('an INSERT has answered no row')
  return row.generation
}

/** What a calendar shows: all that lies ahead, what was there since an instant, and what was called off since then. */
export async function appointmentsOf(db: Database, userId: number, since: Date): Promise<readonly Appointment[]> {
  const { rows } = await sql<Appointment>`
    SELECT r.id, v.name AS "venueName", coalesce(v.location, h.location, h.name) AS location, r.start_at AS "startAt", r.end_at AS "endAt",
      r.party_size AS "partySize", r.status, r.created_at AS "createdAt", r.updated_at AS "updatedAt"
    FROM reservations r JOIN venues v ON v.id = r.venue_id LEFT JOIN sport_venues h ON h.id = v.sport_venue_id
    WHERE r.user_id = ${userId} AND (r.start_at >= ${since}
      OR r.updated_at >= ${since} AND r.status IN ('cancelled', 'rejected', 'displaced'))
      AND (r.updated_at >= ${since} OR r.status NOT IN ('cancelled', 'rejected', 'displaced'))
    ORDER BY r.start_at DESC, r.id DESC LIMIT ${MOST}`.execute(db)
  return rows.toReversed()
}
