import type pg from 'pg'
import { DAY_MS, tomorrow } from './fixture.ts'
import { written } from './written.ts'

const HOURS_A_DAY = 16
const BETWEEN_ROOMS_AND_PEOPLE = 7919

/**
 * Adds completed bookings of rooms before all existing ones, with three people each, in one statement. Their references
 * are right by construction, so foreign keys are not checked; the server's user must be allowed to switch the check
 * off.
 */
export async function fillPastBookings(pool: pg.Pool, count: number): Promise<void> {
  const { rows } = await pool.query<{ rooms: number; people: number; first: Date | null }>(
    `SELECT (SELECT count(*) FROM tb_facility_room)::int AS rooms, (SELECT count(*) FROM users)::int AS people,
       (SELECT min(start_time) FROM tb_facility_booking) AS first`,
  )
  const { rooms = 0, people = 0, first = null } = rows[0] ?? {}
  const days = Math.ceil(count / (rooms * HOURS_A_DAY))
  const before = Math.min(first?.getTime() ?? Number.POSITIVE_INFINITY, tomorrow(new Date()).getTime() - 2 * DAY_MS)
  const from = new Date((Math.floor(before / DAY_MS) - days) * DAY_MS)
  const tables = ['tb_facility_booking', 'tb_facility_booking_user']
  await written(pool, count, tables, (client) =>
    client.query(
      `WITH b AS (
         INSERT INTO tb_facility_booking (room_id, applicant_id, purpose, start_time, end_time, status, create_time)
         SELECT 1 + n % $2::int, 1 + (n::bigint * ${BETWEEN_ROOMS_AND_PEOPLE}) % $3::int, '会议',
           start, start + interval '1 hour', '5', start
         FROM generate_series(0, $1::int - 1) n, LATERAL (
           SELECT $4::timestamptz + n / ($2::int * ${HOURS_A_DAY}) * interval '1 day'
             + n / $2::int % ${HOURS_A_DAY} * interval '1 hour' AS start
         ) s
         RETURNING id, applicant_id, end_time)
       INSERT INTO tb_facility_booking_user (booking_id, user_id, is_applicant, ends_by, create_time)
       SELECT id, 1 + (applicant_id - 1 + p) % $3::int, CASE p WHEN 0 THEN '1' ELSE '0' END, end_time, end_time
       FROM b, generate_series(0, 2) p`,
      [count, rooms, people, from],
    ),
  )
}
