import { sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'
import { isOfVenue } from './closures/store.ts'

/**
 * Stops overdue use sessions, as of the instant at which they should have ended: when the facility or its venue was
 * deleted or closed, or after `longest` minutes. Returns the ids.
 */
export async function stopOverdue(tx: Transaction, longest: number, now: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    WITH overdue AS (
      SELECT o.id, due.at
      FROM use_sessions o
      JOIN facilities f ON f.id = o.facility_id
      JOIN venues v ON v.id = f.venue_id
      CROSS JOIN LATERAL (
        SELECT least(
          f.deleted_at,
          v.deleted_at,
          o.started_at + make_interval(mins => ${longest}::int),
          min(greatest(c.start_at, c.updated_at))
        ) AS at
        FROM closures c
        WHERE (${isOfVenue} OR c.facility_id = f.id)
          AND c.cancelled_at IS NULL
          AND c.during && tstzrange(o.started_at, greatest(o.started_at, ${now}::timestamptz), '[]')
      ) due
      WHERE o.stopped_at IS NULL AND due.at <= ${now}
      ORDER BY o.id
      FOR UPDATE OF o
    )
    UPDATE use_sessions o
    SET stopped_at = greatest(o.started_at, overdue.at)
    FROM overdue
    WHERE o.id = overdue.id
    RETURNING o.id`.execute(tx)
  return rows.map(({ id }) => id)
}
