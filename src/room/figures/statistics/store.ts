import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Interval } from '../../../booking/interval.ts'
import type { WeeklyHours } from '../../../booking/openingHours.ts'
import type { Database } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import { closes, exists, spanOf, touches } from '../../core/conditionsStore.ts'
import { APPROVED, COMPLETED, ONGOING } from '../../core/states.ts'

/**
 * True for a booking `b` in a state that counts as use (approved, ongoing, completed) and that shares time with a span.
 */
const isUsedIn = ({ start, end }: Interval) => sql<SqlBool>`
  b.status IN ${among([APPROVED, ONGOING, COMPLETED])}
  AND b.del_flag = '0'
  AND ${touches({ from: start, to: end })}`

/** An entry of a top list. */
interface Place {
  /** Equal minutes have equal ranks. */
  readonly rank: number
  /** Minutes of bookings inside the window. */
  readonly totalMinutes: number
  readonly bookingCount: number
}

export interface TopRoom extends Place {
  readonly roomId: number
  readonly roomName: string
  readonly buildingName: string
}

export interface TopUser extends Place {
  readonly userId: number
  readonly userName: string
  readonly nickName: string
}

/** The rooms that were used longest within a span. */
export async function topRooms(db: Database, span: Interval, limit: number): Promise<readonly TopRoom[]> {
  const { rows } = await sql<TopRoom>`
    SELECT
      t.rank,
      r.id AS "roomId",
      r.room_name AS "roomName",
      g.building_name AS "buildingName",
      t.minutes AS "totalMinutes",
      t.bookings AS "bookingCount"
    FROM (${top(sql`b.room_id`, span, limit)}) t
    JOIN tb_facility_room r ON r.id = t.id
    JOIN tb_facility_building g ON g.id = r.building_id
    ORDER BY t.rank, t.bookings DESC, t.id`.execute(db)
  return rows
}

/** The people whose bookings lasted longest within a span. */
export async function topUsers(db: Database, span: Interval, limit: number): Promise<readonly TopUser[]> {
  const { rows } = await sql<TopUser>`
    SELECT
      t.rank,
      u.id AS "userId",
      u.username AS "userName",
      u.display_name AS "nickName",
      t.minutes AS "totalMinutes",
      t.bookings AS "bookingCount"
    FROM (${top(sql`b.applicant_id`, span, limit)}) t
    JOIN users u ON u.id = t.id
    ORDER BY t.rank, t.bookings DESC, t.id`.execute(db)
  return rows
}

function top(by: RawBuilder<unknown>, span: Interval, limit: number): RawBuilder<unknown> {
  const seconds = sql`extract(epoch FROM least(b.end_time, ${span.end}) - greatest(b.start_time, ${span.start}))`
  return sql`
    SELECT id, minutes, bookings, rank() OVER (ORDER BY minutes DESC) AS rank
    FROM (
      SELECT ${by} AS id, floor(sum(${seconds}) / 60)::int AS minutes, count(*) AS bookings
      FROM tb_facility_booking b
      WHERE ${isUsedIn(span)}
      GROUP BY 1
    ) s
    WHERE minutes > 0
    ORDER BY minutes DESC, bookings DESC, id
    LIMIT ${limit}`
}

/** A room with its opening hours and closures. */
export interface UsedRoom {
  readonly roomId: number
  readonly roomName: string
  readonly floorNo: number
  readonly buildingId: number
  readonly buildingName: string
  readonly weekly: readonly WeeklyHours[]
  readonly closed: readonly Interval[]
}

/** The closures of room `r` within a span, in milliseconds since 1970. */
const closedIn = (span: Interval) => sql<readonly { readonly start: number; readonly end: number }[]>`
  (
    SELECT coalesce(
      json_agg(
        json_build_object(
          'start', extract(epoch FROM c.start_time) * 1000,
          'end', extract(epoch FROM c.end_time) * 1000
        )
      ),
      '[]'
    )
    FROM tb_facility_closure c
    WHERE ${closes(spanOf(span))}
  )`

/** The rooms (of a building, if given), in use or not, with their closures within a span. */
export async function usedRooms(db: Database, span: Interval, buildingId: number | null): Promise<readonly UsedRoom[]> {
  const found = db
    .selectFrom('tb_facility_room as r')
    .innerJoin('tb_facility_building as g', 'g.id', 'r.building_id')
    .select(['r.id as roomId', 'r.room_name as roomName', 'r.floor_no as floorNo'])
    .select(['g.id as buildingId', 'g.building_name as buildingName'])
    .select(sql<readonly WeeklyHours[]>`coalesce(r.open_hours, '[]')`.as('weekly'))
    .select(closedIn(span).as('closed'))
    .where(exists('r'))
    .orderBy('g.building_name')
    .orderBy('r.floor_no')
    .orderBy('r.room_name')
    .orderBy('r.id')
  const rooms = await (buildingId === null ? found : found.where('g.id', '=', buildingId)).execute()
  return rooms.map((room) => ({
    ...room,
    closed: room.closed.map(({ start, end }) => ({ start: new Date(start), end: new Date(end) })),
  }))
}

/**
 * Booked minutes in a span: of one room (weekday and hour are null), or of all rooms in one hour of the week (roomId is
 * null).
 */
export interface Occupied {
  readonly roomId: number | null
  /** 1 is Monday. */
  readonly weekday: number | null
  readonly hour: number | null
  readonly minutes: number
}

/**
 * The booked minutes of the rooms of `usedRooms` in a span, by room, and by the hours of the week on the wall clock.
 */
export async function occupiedMinutes(
  db: Database,
  span: Interval,
  buildingId: number | null,
  zone: string,
): Promise<readonly Occupied[]> {
  const ofBuilding = buildingId === null ? sql`` : sql`AND building_id = ${buildingId}`
  const { rows } = await sql<Occupied>`
    SELECT
      s.room_id AS "roomId",
      extract(isodow FROM l.hour)::int AS weekday,
      extract(hour FROM l.hour)::int AS hour,
      sum(extract(epoch FROM least(s.until, h + interval '1 hour') - greatest(s.since, h)) / 60)::float8 AS minutes
    FROM
      (
        SELECT b.room_id, greatest(b.start_time, ${span.start}) AS since, least(b.end_time, ${span.end}) AS until
        FROM tb_facility_booking b
        WHERE ${isUsedIn(span)}
          AND b.room_id IN (SELECT id FROM tb_facility_room WHERE del_flag = '0' ${ofBuilding})
      ) s,
      generate_series(
        date_trunc('hour', s.since, ${zone}), s.until - interval '1 microsecond', interval '1 hour'
      ) h,
      LATERAL (SELECT h AT TIME ZONE ${zone} AS hour) l
    GROUP BY GROUPING SETS (
      (s.room_id),
      (extract(isodow FROM l.hour)::int, extract(hour FROM l.hour)::int)
    )`.execute(db)
  return rows
}
