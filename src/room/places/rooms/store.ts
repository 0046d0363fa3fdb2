import { type RawBuilder, sql } from 'kysely'
import type { WeeklyHours } from '../../../booking/openingHours.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { allOf, contains, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import { HOLDING } from '../../core/states.ts'
import { holds } from '../../core/store.ts'
import type { UsedStatus } from '../buildings/store.ts'
import type { RoomLine } from './rules.ts'

/** What people say of a room. */
export interface RoomFields {
  readonly buildingId: number
  /** Negative below the ground. */
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

/** Columns of a Room, from `tables`. */
export const columns = sql`r.id, r.building_id AS "buildingId", g.building_name AS "buildingName", r.floor_no AS "floorNo",
  r.room_name AS "roomName", r.capacity, r.equipment_tags AS "equipmentTags", r.status, r.open_hours AS "openHours",
  r.create_time AS "createTime", r.update_time AS "updateTime"`

/** Where rooms are read from. */
export const tables = sql`tb_facility_room r JOIN tb_facility_building g ON g.id = r.building_id`

/** By what rooms are ordered. */
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
  /** Found anywhere in the name. */
  readonly roomName?: string | undefined
  /** At least so many people. */
  readonly capacity?: number | undefined
  /** All of these, separated by commas. */
  readonly equipmentTags?: string | null | undefined
}

/** True for a room `r` that a filter finds. */
export function matching(filter: RoomFilter): RawBuilder<unknown> {
  const { buildingId, floorNo, status, roomName, capacity, equipmentTags } = filter
  return allOf([
    sql`r.del_flag = '0'`,
    buildingId !== undefined && sql`r.building_id = ${buildingId}`,
    floorNo !== undefined && sql`r.floor_no = ${floorNo}`,
    status !== undefined && sql`r.status = ${status}`,
    roomName !== undefined && contains(roomName, sql`r.room_name`),
    capacity !== undefined && sql`r.capacity >= ${capacity}`,
    Boolean(equipmentTags) && sql`string_to_array(r.equipment_tags, ',') @> string_to_array(${equipmentTags}, ',')`,
  ])
}

/** One page of the rooms, and how many there are in all. */
export async function listRooms(
  db: Database,
  filter: RoomFilter,
  page: PageOf<keyof typeof ROOM_SORTS>,
): Promise<{ readonly items: readonly Room[]; readonly total: number }> {
  return await readPage<Room>(db, {
    select: sql`SELECT ${columns} FROM ${tables}`,
    counted: sql`tb_facility_room r`,
    conditions: [matching(filter)],
    page: pageClause(page, ROOM_SORTS, sql`r.id`),
  })
}

/** The next rooms in order of their id, after one of them (undefined: from the start). */
export async function roomsAfter(
  db: Database,
  filter: RoomFilter,
  after: Room | undefined,
  limit: number,
): Promise<readonly Room[]> {
  const { rows } = await sql<Room>`
    SELECT ${columns} FROM ${tables} WHERE ${matching(filter)} AND r.id > ${after?.id ?? 0} ORDER BY r.id LIMIT ${limit}`.execute(
    db,
  )
  return rows
}

/** One room, or null. */
export async function findRoom(db: Database, id: number): Promise<Room | null> {
  const { rows } = await sql<Room>`SELECT ${columns} FROM ${tables} WHERE r.id = ${id} AND r.del_flag = '0'`.execute(db)
  return rows[0] ?? null
}

/** Those of some rooms that there are, by id, locked to be changed: after buildings, before bookings. */
export async function lockRooms(tx: Transaction, ids: readonly number[]): Promise<readonly Room[]> {
  const { rows } = await sql<Room>`
    SELECT ${columns} FROM ${tables} WHERE r.id = ANY (${ids}::bigint[]) AND r.del_flag = '0'
    ORDER BY r.id FOR NO KEY UPDATE OF r`.execute(tx)
  return rows
}

/** @throws Invalid `name_taken` by constraint. */
export async function insertRoom(tx: Transaction, fields: RoomFields, by: number, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO tb_facility_room
      (building_id, floor_no, room_name, capacity, equipment_tags, status, open_hours, create_by, create_time)
    VALUES (${fields.buildingId}, ${fields.floorNo}, ${fields.roomName}, ${fields.capacity}, ${fields.equipmentTags},
      ${fields.status}, ${hoursJson(fields.openHours)}::text::jsonb, ${by}, ${now})
    RETURNING id`.execute(tx)
  return inserted(rows).id
}

/** Writes a room anew; bookings that were decided on it before are decided again. @throws Invalid `name_taken` by constraint. */
export async function updateRoom(
  tx: Transaction,
  id: number,
  fields: RoomFields,
  by: number,
  now: Date,
): Promise<void> {
  await sql`UPDATE tb_facility_room SET building_id = ${fields.buildingId}, floor_no = ${fields.floorNo},
    room_name = ${fields.roomName}, capacity = ${fields.capacity}, equipment_tags = ${fields.equipmentTags},
    status = ${fields.status}, open_hours = ${hoursJson(fields.openHours)}::text::jsonb, revision = revision + 1,
    update_by = ${by}, update_time = ${now} WHERE id = ${id}`.execute(tx)
}

const hoursJson = (hours: readonly WeeklyHours[] | null) => (hours === null ? null : JSON.stringify(hours))

/** Takes rooms out of the books; their names are free again. */
export async function deleteRooms(tx: Transaction, ids: readonly number[], by: number, now: Date): Promise<void> {
  await sql`UPDATE tb_facility_room SET del_flag = '2', revision = revision + 1, update_by = ${by}, update_time = ${now}
    WHERE id = ANY (${ids}::bigint[])`.execute(tx)
}

/**
 * Lets what was decided about rooms and isn't written yet be decided again: those of the ids that there are, which are answered. They are
 * locked, by id.
 */
export async function touchRooms(tx: Transaction, ids: readonly number[]): Promise<readonly number[]> {
  return touched(tx, sql`id = ANY (${ids}::bigint[])`)
}

/** The same for all rooms of a building, which is locked. */
export async function touchRoomsOf(tx: Transaction, buildingId: number): Promise<readonly number[]> {
  return touched(tx, sql`building_id = ${buildingId}`)
}

async function touched(tx: Transaction, which: RawBuilder<unknown>): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    WITH locked AS (
      SELECT id FROM tb_facility_room WHERE ${which} AND del_flag = '0' ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE tb_facility_room r SET revision = revision + 1 FROM locked WHERE r.id = locked.id RETURNING r.id`.execute(tx)
  return rows.map(({ id }) => id).sort((a, b) => a - b)
}

/** The names of those of some rooms that have bookings which keep them, now or later; by id. */
export async function namesWithBookings(
  tx: Transaction,
  ids: readonly number[],
  now: Date,
): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT r.room_name AS name FROM tb_facility_room r
    WHERE r.id = ANY (${ids}::bigint[]) AND EXISTS (
      SELECT FROM tb_facility_booking b
      WHERE b.room_id = r.id AND b.during && tstzrange(${now}, NULL) AND b.status IN ${among(HOLDING)} AND ${holds(now)})
    ORDER BY r.id`.execute(tx)
  return rows.map(({ name }) => name)
}

/** Those of some rooms that would be too small with these capacities for a booking which keeps them, now or later. */
export async function tooSmall(
  tx: Transaction,
  rooms: readonly { readonly id: number; readonly capacity: number }[],
  now: Date,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT r.id FROM unnest(${rooms.map(({ id }) => id)}::bigint[], ${rooms.map(({ capacity }) => capacity)}::int[]) AS r (id, capacity)
    WHERE EXISTS (
      SELECT FROM tb_facility_booking b
      WHERE b.room_id = r.id AND b.during && tstzrange(${now}, NULL) AND b.status IN ${among(HOLDING)} AND ${holds(now)}
        AND (SELECT count(*) FROM tb_facility_booking_user j WHERE j.booking_id = b.id AND j.del_flag = '0') > r.capacity)
    ORDER BY r.id`.execute(tx)
  return rows.map(({ id }) => id)
}

/** A line of a workbook whose building is known. */
export type PlacedLine = RoomLine & { readonly buildingId: number }

/** The rooms that lines of a workbook describe and that there are, by id, locked to be changed. */
export async function lockRoomsOfLines(tx: Transaction, lines: readonly PlacedLine[]): Promise<readonly Room[]> {
  const { rows } = await sql<Room>`
    SELECT ${columns} FROM ${tables}
    JOIN jsonb_to_recordset(${JSON.stringify(lines)}::text::jsonb) AS l ("buildingId" bigint, "floorNo" int, "roomName" text)
      ON l."buildingId" = r.building_id AND l."floorNo" = r.floor_no AND l."roomName" = r.room_name
    WHERE r.del_flag = '0' ORDER BY r.id FOR NO KEY UPDATE OF r`.execute(tx)
  return rows
}

const lineColumns = sql`"buildingId" bigint, "floorNo" int, "roomName" text, capacity int, "equipmentTags" text,
  status text, "openHours" jsonb`

/** Adds the rooms of lines. @throws Invalid `name_taken` by constraint when somebody else has added one meanwhile. */
export async function insertLines(tx: Transaction, lines: readonly PlacedLine[], by: number, now: Date): Promise<void> {
  await sql`
    INSERT INTO tb_facility_room
      (building_id, floor_no, room_name, capacity, equipment_tags, status, open_hours, create_by, create_time)
    SELECT "buildingId", "floorNo", "roomName", capacity, "equipmentTags", status, nullif("openHours", 'null'),
      ${by}::bigint, ${now}::timestamptz
    FROM jsonb_to_recordset(${JSON.stringify(lines)}::text::jsonb) AS l (${lineColumns})`.execute(tx)
}

/** Writes locked rooms anew, as lines describe them. */
export async function updateByLines(
  tx: Transaction,
  lines: readonly (PlacedLine & { readonly id: number })[],
  by: number,
  now: Date,
): Promise<void> {
  await sql`
    UPDATE tb_facility_room r SET capacity = l.capacity, equipment_tags = l."equipmentTags", status = l.status,
      open_hours = nullif(l."openHours", 'null'), revision = revision + 1, update_by = ${by}, update_time = ${now}
    FROM jsonb_to_recordset(${JSON.stringify(lines)}::text::jsonb) AS l (id bigint, ${lineColumns})
    WHERE r.id = l.id`.execute(tx)
}
