import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { currentStatus, exists, isShown, touches } from '../../core/conditionsStore.ts'
import type { BookingStatus } from '../../core/states.ts'
import type { Window } from '../../window.ts'

/** The room of a line in the timeline. */
export interface Line {
  readonly roomId: number
  readonly roomName: string
  readonly floorNo: number
}

/** True if there is such a room. */
export async function roomExists(db: Database, roomId: number): Promise<boolean> {
  const room = await db
    .selectFrom('tb_facility_room as r')
    .select('r.id')
    .where('r.id', '=', roomId)
    .where(exists('r'))
    .executeTakeFirst()
  return room !== undefined
}

/** The rooms of a building by floor and name, or null when there is no such building. */
export async function linesOf(db: Database, buildingId: number): Promise<readonly Line[] | null> {
  const building = await db
    .selectFrom('tb_facility_building as g')
    .select('g.id')
    .where('g.id', '=', buildingId)
    .where(exists('g'))
    .executeTakeFirst()
  if (!building) return null
  return db
    .selectFrom('tb_facility_room as r')
    .select(['r.id as roomId', 'r.room_name as roomName', 'r.floor_no as floorNo'])
    .where('r.building_id', '=', buildingId)
    .where(exists('r'))
    .orderBy('r.floor_no')
    .orderBy('r.room_name')
    .orderBy('r.id')
    .execute()
}

/** A booking on a timeline, with its state at the instant of the query. */
export interface Segment {
  readonly id: number
  readonly roomId: number
  readonly start: Date
  readonly end: Date
  readonly status: BookingStatus
  readonly purpose: string
  readonly applicantName: string
  /** True if the viewer takes part. */
  readonly mine: boolean
}

/**
 * The bookings of rooms in a window, as they are at an instant, by their start. OFFSET makes the planner look up each
 * room instead of reading all bookings in the window.
 */
export async function segmentsOf(
  db: Database,
  roomIds: readonly number[],
  window: Window,
  { now, viewerId }: { readonly now: Date; readonly viewerId: number },
): Promise<readonly Segment[]> {
  const { rows } = await sql<Segment>`
    SELECT
      b.id,
      b.room_id AS "roomId",
      b.start_time AS start,
      b.end_time AS "end",
      ${currentStatus(now)} AS status,
      b.purpose,
      u.display_name AS "applicantName",
      EXISTS (
        SELECT FROM tb_facility_booking_user j
        WHERE j.booking_id = b.id AND j.user_id = ${viewerId} AND j.del_flag = '0'
      ) AS mine
    FROM unnest(${roomIds}::bigint[]) AS r (id)
    CROSS JOIN LATERAL (
      SELECT *
      FROM tb_facility_booking b
      WHERE b.room_id = r.id AND ${touches(window)} AND ${isShown(now)} AND b.del_flag = '0'
      OFFSET 0
    ) b
    JOIN users u ON u.id = b.applicant_id
    ORDER BY b.start_time, b.id`.execute(db)
  return rows
}
