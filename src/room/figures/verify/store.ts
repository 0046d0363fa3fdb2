import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { Difference } from '../../../kernel/product.ts'
import { type Check, runChecks } from '../../../kernel/verify.ts'
import { closes, isHolding, LONGEST } from '../../core/conditionsStore.ts'
import { FEWEST_PEOPLE } from '../../core/rules.ts'
import { CANCELLED, COMPLETED, ONGOING, REJECTED } from '../../core/states.ts'

/** True for a booking `b` whose stored state keeps its room. */
const stands = sql`b.del_flag = '0' AND ${isHolding}`

/** The delay that the job may have. */
const LATE = sql`interval '10 minutes'`

const checks: readonly Check[] = [
  {
    name: 'the applicant among the participants',
    differences: sql`
      SELECT
        'booking ' || b.id AS subject,
        coalesce(string_agg(j.user_id::text, ', ' ORDER BY j.user_id), 'nobody') AS stored,
        b.applicant_id::text AS computed
      FROM tb_facility_booking b
      LEFT JOIN tb_facility_booking_user j ON j.booking_id = b.id AND j.is_applicant = '1' AND j.del_flag = '0'
      WHERE b.del_flag = '0'
      GROUP BY b.id
      HAVING array_agg(j.user_id) <> ARRAY[b.applicant_id] OR count(j.user_id) = 0
      ORDER BY b.id`,
  },
  {
    name: 'participants of bookings that stand',
    differences: sql`
      SELECT
        'booking ' || b.id AS subject,
        count(j.user_id)::text AS stored,
        ${FEWEST_PEOPLE}::text || ' to ' || r.capacity AS computed
      FROM tb_facility_booking b
      JOIN tb_facility_room r ON r.id = b.room_id
      LEFT JOIN tb_facility_booking_user j ON j.booking_id = b.id AND j.del_flag = '0'
      WHERE ${stands}
      GROUP BY b.id, r.capacity
      HAVING count(j.user_id) NOT BETWEEN ${FEWEST_PEOPLE} AND r.capacity
      ORDER BY b.id`,
  },
  {
    name: 'tb_facility_booking_user.ends_by',
    differences: sql`
      SELECT
        'booking ' || b.id || ' of user ' || j.user_id AS subject,
        j.ends_by::text AS stored,
        b.end_time::text AS computed
      FROM tb_facility_booking b
      JOIN tb_facility_booking_user j ON j.booking_id = b.id
      WHERE ${stands} AND (j.ends_by < b.end_time OR j.ends_by > b.start_time + ${LONGEST})
      ORDER BY b.id, j.user_id`,
  },
  {
    name: 'bookings that stand in what was deleted',
    differences: sql`
      SELECT
        'booking ' || b.id AS subject,
        b.status AS stored,
        CASE WHEN r.del_flag <> '0' THEN 'room ' || r.id ELSE 'building ' || g.id END || ' is deleted' AS computed
      FROM tb_facility_booking b
      JOIN tb_facility_room r ON r.id = b.room_id
      JOIN tb_facility_building g ON g.id = r.building_id
      WHERE ${stands} AND (r.del_flag <> '0' OR g.del_flag <> '0')
      ORDER BY b.id`,
  },
  {
    name: 'bookings that stand in closures',
    differences: sql`
      SELECT 'booking ' || b.id AS subject, b.status AS stored, 'closure ' || min(c.id) AS computed
      FROM tb_facility_booking b
      JOIN tb_facility_room r ON r.id = b.room_id
      JOIN tb_facility_closure c ON ${closes(sql`b.during`)}
      WHERE ${stands}
      GROUP BY b.id
      ORDER BY b.id`,
  },
  {
    name: 'bookings that stand of people who have left',
    differences: sql`
      SELECT 'booking ' || b.id AS subject, b.status AS stored, 'user ' || u.id || ' has left' AS computed
      FROM tb_facility_booking b
      JOIN tb_facility_booking_user j ON j.booking_id = b.id AND j.del_flag = '0'
      JOIN users u ON u.id = j.user_id
      WHERE ${stands} AND u.status = 'deleted' AND b.start_time > u.deleted_at
      ORDER BY b.id, u.id`,
  },
  {
    name: 'reasons of rejection and cancellation',
    differences: sql`
      SELECT
        'booking ' || b.id AS subject,
        b.status AS stored,
        CASE
          WHEN b.reject_reason IS NOT NULL THEN ${REJECTED}
          WHEN b.status = ${REJECTED} THEN 'a reason'
          ELSE ${CANCELLED}
        END AS computed
      FROM tb_facility_booking b
      WHERE b.del_flag = '0' AND (
        (b.reject_reason IS NOT NULL) <> (b.status = ${REJECTED})
        OR (num_nonnulls(b.cancel_reason, b.cancelled_by) > 0 AND b.status <> ${CANCELLED})
      )
      ORDER BY b.id`,
  },
  {
    name: 'no-shows of bookings that were not held',
    differences: sql`
      SELECT 'booking ' || b.id AS subject, b.status AS stored, ${COMPLETED}::text AS computed
      FROM tb_facility_booking b
      WHERE b.del_flag = '0'
        AND b.no_show_at IS NOT NULL
        AND (b.status IN ('0', ${REJECTED}) OR b.no_show_at < b.start_time)
      ORDER BY b.id`,
  },
  {
    name: 'series of more than one person',
    differences: sql`
      SELECT 'series ' || series_id AS subject, count(DISTINCT applicant_id)::text AS stored, '1' AS computed
      FROM tb_facility_booking
      WHERE series_id IS NOT NULL
      GROUP BY series_id
      HAVING count(DISTINCT applicant_id) > 1
      ORDER BY series_id`,
  },
  {
    // Compared with the latest change by the job, not with the clock: after a night without the program nothing is
    // wrong.
    name: 'states that were not settled when others were',
    differences: sql`
      WITH latest AS (
        SELECT max(update_time) AS at
        FROM tb_facility_booking
        WHERE update_by IS NULL AND status IN (${ONGOING}, ${COMPLETED})
      ), due AS (
        SELECT b.id, b.status, CASE WHEN b.status = ${ONGOING} THEN b.end_time ELSE b.start_time END AS at
        FROM tb_facility_booking b
        WHERE ${stands}
      )
      SELECT 'booking ' || due.id AS subject, due.status AS stored, 'due at ' || due.at AS computed
      FROM due, latest
      WHERE due.at + ${LATE} < latest.at
      ORDER BY due.id`,
  },
  {
    name: 'tb_facility_setting',
    differences: sql`
      SELECT 'rows' AS subject, count(*)::text AS stored, '1' AS computed
      FROM tb_facility_setting
      WHERE del_flag = '0'
      HAVING count(*) <> 1`,
  },
]

/** Recomputes redundant values and looks for rows that must not exist. Names each difference. */
export function findDifferences(db: Database): Promise<readonly Difference[]> {
  return runChecks(db, checks)
}
