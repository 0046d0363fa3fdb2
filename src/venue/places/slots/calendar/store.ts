import { sql } from 'kysely'
import type { Interval } from '../../../../booking/interval.ts'
import type { Database } from '../../../../kernel/database/database.ts'
import { among } from '../../../../kernel/database/literals.ts'
import { closesVenue } from '../../../core/closures/store.ts'
import type { ReservationStatus } from '../../../core/states.ts'
import type { Slot } from '../store.ts'

/** A closure of a venue or of its sport venue. */
export interface CalendarClosure {
  readonly kind: 'closed' | 'maintenance'
  readonly startAt: Date
  /** Null: until further notice. */
  readonly endAt: Date | null
  readonly reason: string | null
}

/** A slot, and the reader's reservation in it. */
export interface CalendarSlot extends Slot {
  readonly reservationId: number | null
  readonly reservationStatus: ReservationStatus | null
}

/** States of reservations that the calendar shows: all but cancelled, rejected and displaced. */
const SHOWN: readonly ReservationStatus[] = ['pending', 'confirmed', 'checked_in', 'completed', 'no_show']

/**
 * Closures of a venue and its sport venue that overlap a span, in order of time; null when the venue does not exist or
 * is deleted.
 */
export async function closuresOf(
  db: Database,
  venueId: number,
  { start, end }: Interval,
): Promise<CalendarClosure[] | null> {
  const { rows } = await sql<{ kind: CalendarClosure['kind'] | null } & Omit<CalendarClosure, 'kind'>>`
    SELECT c.kind, c.start_at AS "startAt", c.end_at AS "endAt", c.reason
    FROM venues v
    LEFT JOIN closures c ON ${closesVenue} AND c.during && tstzrange(${start}, ${end}, '[)')
    WHERE v.id = ${venueId} AND v.deleted_at IS NULL
    ORDER BY c.start_at, c.id`.execute(db)
  if (rows.length === 0) return null
  return rows.flatMap(({ kind, ...rest }) => (kind === null ? [] : [{ kind, ...rest }]))
}

/**
 * Slots of a venue that start within a span, in order of time, each with the reader's reservation. Both parts are index
 * range scans, so old rows cost nothing.
 */
export async function slotsOf(
  db: Database,
  venueId: number,
  { start, end }: Interval,
  userId: number | null,
): Promise<CalendarSlot[]> {
  const { rows } = await sql<CalendarSlot>`
    SELECT
      t.id, t.venue_id AS "venueId", t.start_at AS "startAt", t.end_at AS "endAt",
      t.capacity, t.taken, t.held, t.open,
      mine.id AS "reservationId", mine.status AS "reservationStatus"
    FROM time_slots t
    LEFT JOIN (
      SELECT DISTINCT ON (r.slot_id) r.slot_id, r.id, r.status
      FROM reservations r
      WHERE r.user_id = ${userId}::bigint
        AND r.start_at >= ${start} AND r.start_at < ${end}
        AND r.status IN ${among(SHOWN)}
      ORDER BY r.slot_id, r.id DESC
    ) mine ON mine.slot_id = t.id
    WHERE t.venue_id = ${venueId} AND t.deleted_at IS NULL AND t.start_at >= ${start} AND t.start_at < ${end}
    ORDER BY t.start_at`.execute(db)
  return rows
}
