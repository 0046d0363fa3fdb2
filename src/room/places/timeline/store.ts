import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { allOf } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import { APPROVED, type BookingStatus, COMPLETED, ONGOING, PENDING } from '../../core/states.ts'
import { currentStatus, LONGEST } from '../../core/store.ts'
import type { Window } from '../../window.ts'

/** True for a booking `b` that shares time with a window: it starts no earlier than the longest booking before it. */
export function touches({ from, to }: Window): RawBuilder<unknown> {
  return allOf([
    from !== null && sql`b.start_time > ${from}::timestamptz - ${LONGEST} AND b.end_time > ${from}`,
    to !== null && sql`b.start_time < ${to}`,
  ])
}

/** True for a booking `b` that isn't (or, by the clock, isn't any more) rejected or cancelled: what timelines show and figures count. */
function isShown(now: Date): RawBuilder<unknown> {
  return sql`(b.status IN ${among([PENDING, APPROVED, ONGOING, COMPLETED])} AND (b.status <> '0' OR b.start_time > ${now}))`
}

/** A room as the head of a line. */
export interface Line {
  readonly roomId: number
  readonly roomName: string
  readonly floorNo: number
}

/** The room, or null when there is none. */
export async function findLine(db: Database, roomId: number): Promise<Line | null> {
  const { rows } = await sql<Line>`
    SELECT id AS "roomId", room_name AS "roomName", floor_no AS "floorNo" FROM tb_facility_room
    WHERE id = ${roomId} AND del_flag = '0'`.execute(db)
  return rows[0] ?? null
}

/** The rooms of a building by floor and name, or null when there is no such building. */
export async function linesOf(db: Database, buildingId: number): Promise<readonly Line[] | null> {
  const { rows } = await sql<Line | { readonly roomId: null }>`
    SELECT r.id AS "roomId", r.room_name AS "roomName", r.floor_no AS "floorNo" FROM tb_facility_building g
    LEFT JOIN tb_facility_room r ON r.building_id = g.id AND r.del_flag = '0'
    WHERE g.id = ${buildingId} AND g.del_flag = '0' ORDER BY r.floor_no, r.room_name, r.id`.execute(db)
  return rows.length === 0 ? null : rows.filter((row) => row.roomId !== null)
}

/** A booking on a timeline, in the state it is in by the clock. */
export interface Segment {
  readonly id: number
  readonly roomId: number
  readonly start: Date
  readonly end: Date
  readonly status: BookingStatus
  readonly purpose: string
  readonly applicantName: string
  /** Whether the one who looks takes part. */
  readonly mine: boolean
}

/** The bookings of rooms in a window, as they are at an instant, by their start. OFFSET lets each room be looked up: not all that is booked in the window. */
export async function segmentsOf(
  db: Database,
  roomIds: readonly number[],
  window: Window,
  { now, viewerId }: { readonly now: Date; readonly viewerId: number },
): Promise<readonly Segment[]> {
  const { rows } = await sql<Segment>`
    SELECT b.id, b.room_id AS "roomId", b.start_time AS start, b.end_time AS "end", ${currentStatus(now)} AS status, b.purpose,
      u.display_name AS "applicantName", EXISTS (
        SELECT FROM tb_facility_booking_user j WHERE j.booking_id = b.id AND j.user_id = ${viewerId} AND j.del_flag = '0') AS mine
    FROM unnest(${roomIds}::bigint[]) AS r (id)
    CROSS JOIN LATERAL (
      SELECT * FROM tb_facility_booking b
      WHERE b.room_id = r.id AND ${touches(window)} AND ${isShown(now)} AND b.del_flag = '0' OFFSET 0
    ) b
    JOIN users u ON u.id = b.applicant_id
    ORDER BY b.start_time, b.id`.execute(db)
  return rows
}
