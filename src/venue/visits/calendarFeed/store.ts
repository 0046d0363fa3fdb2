import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import type { ReservationStatus } from '../../core/states.ts'

/** A reservation in a calendar. */
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

/** Most reservations in an answer; more than any person has. */
const MOST = 2000

const CALLED_OFF = among(['cancelled', 'rejected', 'displaced'])

/**
 * Reservations that a calendar shows: all that start after `since`, except those that were called off before it, and
 * those that were called off since then.
 */
export async function appointmentsOf(db: Database, userId: number, since: Date): Promise<readonly Appointment[]> {
  const { rows } = await sql<Appointment>`
    SELECT
      r.id, v.name AS "venueName", coalesce(v.location, h.location, h.name) AS location,
      r.start_at AS "startAt", r.end_at AS "endAt", r.party_size AS "partySize", r.status,
      r.created_at AS "createdAt", r.updated_at AS "updatedAt"
    FROM reservations r
    JOIN venues v ON v.id = r.venue_id
    LEFT JOIN sport_venues h ON h.id = v.sport_venue_id
    WHERE r.user_id = ${userId}
      AND (r.start_at >= ${since} OR r.updated_at >= ${since} AND r.status IN ${CALLED_OFF})
      AND (r.updated_at >= ${since} OR r.status NOT IN ${CALLED_OFF})
    ORDER BY r.start_at DESC, r.id DESC
    LIMIT ${MOST}`.execute(db)
  return rows.toReversed()
}
