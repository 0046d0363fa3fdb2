import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { WeeklyHours } from '../../../booking/openingHours.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { allOf, contains } from '../../../kernel/database/lists.ts'
import { exists } from '../conditionsStore.ts'
import type { UsedStatus } from './buildingsStore.ts'

/** The fields of a room that people can set. */
export interface RoomFields {
  readonly buildingId: number
  /** Negative for floors below the ground. */
  readonly floorNo: number
  readonly roomName: string
  readonly capacity: number
  /** Separated by commas. */
  readonly equipmentTags: string | null
  readonly status: UsedStatus
  /** Null: always open. */
  readonly openHours: readonly WeeklyHours[] | null
}

export interface Room extends RoomFields {
  readonly id: number
  readonly buildingName: string
  readonly createTime: Date
  readonly updateTime: Date | null
}

/** Rooms `r` with their buildings `g`, deleted ones too. */
export const rooms = (db: Database) =>
  db
    .selectFrom('tb_facility_room as r')
    .innerJoin('tb_facility_building as g', 'g.id', 'r.building_id')
    .select(['r.id', 'r.building_id as buildingId', 'g.building_name as buildingName', 'r.floor_no as floorNo'])
    .select(['r.room_name as roomName', 'r.capacity', 'r.equipment_tags as equipmentTags', 'r.status'])
    .select(sql<readonly WeeklyHours[] | null>`r.open_hours`.as('openHours'))
    .select(['r.create_time as createTime', 'r.update_time as updateTime'])

/** Columns that rooms can be sorted by. */
export const ROOM_SORTS = {
  id: sql`r.id`,
  buildingName: sql`g.building_name`,
  floorNo: sql`r.floor_no`,
  roomName: sql`r.room_name`,
  capacity: sql`r.capacity`,
  status: sql`r.status`,
  createTime: sql`r.create_time`,
} as const

export interface RoomFilter {
  readonly buildingId?: number | undefined
  readonly floorNo?: number | undefined
  readonly status?: UsedStatus | undefined
  /** Part of the name. */
  readonly roomName?: string | undefined
  /** Least capacity. */
  readonly capacity?: number | undefined
  /** Tags that the room must have, separated by commas. */
  readonly equipmentTags?: string | null | undefined
}

/** True for a room `r` that a filter finds. */
export function matching(filter: RoomFilter): RawBuilder<SqlBool> {
  const { buildingId, floorNo, status, roomName, capacity, equipmentTags } = filter
  return allOf([
    exists('r'),
    buildingId !== undefined && sql`r.building_id = ${buildingId}`,
    floorNo !== undefined && sql`r.floor_no = ${floorNo}`,
    status !== undefined && sql`r.status = ${status}`,
    roomName !== undefined && contains(roomName, sql`r.room_name`),
    capacity !== undefined && sql`r.capacity >= ${capacity}`,
    Boolean(equipmentTags) && sql`string_to_array(r.equipment_tags, ',') @> string_to_array(${equipmentTags}, ',')`,
  ])
}

/**
 * Raises the revision of rooms, so that bookings that are decided but not yet written are decided again. Locks the
 * existing rooms, by id, and returns their ids.
 */
export async function touchRooms(tx: Transaction, ids: readonly number[]): Promise<readonly number[]> {
  return touched(tx, sql`id = ANY (${ids}::bigint[])`)
}

/** Does the same for all rooms of a building. The building is locked. */
export async function touchRoomsOf(tx: Transaction, buildingId: number): Promise<readonly number[]> {
  return touched(tx, sql`building_id = ${buildingId}`)
}

async function touched(tx: Transaction, which: RawBuilder<unknown>): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    WITH locked AS (
      SELECT id
      FROM tb_facility_room
      WHERE ${which} AND del_flag = '0'
      ORDER BY id
      FOR NO KEY UPDATE
    )
    UPDATE tb_facility_room r
    SET revision = revision + 1
    FROM locked
    WHERE r.id = locked.id
    RETURNING r.id`.execute(tx)
  return rows.map(({ id }) => id).sort((a, b) => a - b)
}
