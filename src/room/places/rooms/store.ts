import { sql } from 'kysely'
import type { WeeklyHours } from '../../../booking/openingHours.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { anyOf } from '../../../kernel/database/literals.ts'
import { exists, keepsRoom } from '../../core/conditionsStore.ts'
import {
  matching,
  ROOM_SORTS,
  type Room,
  type RoomFields,
  type RoomFilter,
  rooms,
} from '../../core/places/roomsStore.ts'
import type { RoomLine } from './rules.ts'

/** One page of the rooms, and how many there are in all. */
export async function listRooms(
  db: Database,
  filter: RoomFilter,
  page: PageOf<keyof typeof ROOM_SORTS>,
): Promise<{ readonly items: readonly Room[]; readonly total: number }> {
  return await readPage<Room>(db, {
    select: rooms(db),
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
  return rooms(db)
    .where(matching(filter))
    .where('r.id', '>', after?.id ?? 0)
    .orderBy('r.id')
    .limit(limit)
    .execute()
}

/** One room, or null. */
export async function findRoom(db: Database, id: number): Promise<Room | null> {
  return (await rooms(db).where('r.id', '=', id).where(exists('r')).executeTakeFirst()) ?? null
}

/** Locks existing rooms, by id, to change them. Call it after locking buildings, before locking bookings. */
export async function lockRooms(tx: Transaction, ids: readonly number[]): Promise<readonly Room[]> {
  return rooms(tx).where('r.id', '=', anyOf(ids)).where(exists('r')).orderBy('r.id').forNoKeyUpdate('r').execute()
}

const columnsOf = (fields: RoomFields) => ({
  building_id: fields.buildingId,
  floor_no: fields.floorNo,
  room_name: fields.roomName,
  capacity: fields.capacity,
  equipment_tags: fields.equipmentTags,
  status: fields.status,
  open_hours: sql<string | null>`${hoursJson(fields.openHours)}::text::jsonb`,
})

const hoursJson = (hours: readonly WeeklyHours[] | null) => (hours === null ? null : JSON.stringify(hours))

/** Adds a room. @throws Invalid `name_taken` by constraint. */
export async function insertRoom(tx: Transaction, fields: RoomFields, by: number, now: Date): Promise<number> {
  const { id } = await tx
    .insertInto('tb_facility_room')
    .values({ ...columnsOf(fields), create_by: by, create_time: now })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Every change of a room raises its revision, so that bookings that were decided before are decided again. */
const changed = (by: number, now: Date) => ({
  revision: sql<number>`revision + 1`,
  update_by: by,
  update_time: now,
})

/** Updates a room. @throws Invalid `name_taken` by constraint. */
export async function updateRoom(
  tx: Transaction,
  id: number,
  fields: RoomFields,
  by: number,
  now: Date,
): Promise<void> {
  await tx
    .updateTable('tb_facility_room')
    .set({ ...columnsOf(fields), ...changed(by, now) })
    .where('id', '=', id)
    .execute()
}

/** Marks rooms as deleted, which makes their names available. */
export async function deleteRooms(tx: Transaction, ids: readonly number[], by: number, now: Date): Promise<void> {
  await tx
    .updateTable('tb_facility_room')
    .set({ del_flag: '2', ...changed(by, now) })
    .where('id', '=', anyOf(ids))
    .execute()
}

/** Bookings `b` that keep room `r`, now or later. */
const bookingsFrom = (now: Date) => sql`
  tb_facility_booking b
  WHERE b.room_id = r.id AND b.during && tstzrange(${now}, NULL) AND ${keepsRoom(now)}`

/** The names of the rooms among these that bookings keep, now or later, by id. */
export async function namesWithBookings(
  tx: Transaction,
  ids: readonly number[],
  now: Date,
): Promise<readonly string[]> {
  const used = await tx
    .selectFrom('tb_facility_room as r')
    .select('r.room_name')
    .where('r.id', '=', anyOf(ids))
    .where(sql<boolean>`EXISTS (SELECT FROM ${bookingsFrom(now)})`)
    .orderBy('r.id')
    .execute()
  return used.map(({ room_name }) => room_name)
}

/** The rooms among these whose new capacity is too small for a booking that keeps them, now or later. */
export async function tooSmall(
  tx: Transaction,
  wanted: readonly { readonly id: number; readonly capacity: number }[],
  now: Date,
): Promise<readonly number[]> {
  const ids = wanted.map(({ id }) => id)
  const capacities = wanted.map(({ capacity }) => capacity)
  const { rows } = await sql<{ id: number }>`
    SELECT r.id
    FROM unnest(${ids}::bigint[], ${capacities}::int[]) AS r (id, capacity)
    WHERE EXISTS (
      SELECT FROM ${bookingsFrom(now)} AND r.capacity < (
        SELECT count(*) FROM tb_facility_booking_user j WHERE j.booking_id = b.id AND j.del_flag = '0'
      )
    )
    ORDER BY r.id`.execute(tx)
  return rows.map(({ id }) => id)
}

/** Locks the buildings of these names, by id, so that they stay. Returns their ids by name. */
export async function lockBuildingsNamed(
  tx: Transaction,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const found = await tx
    .selectFrom('tb_facility_building as g')
    .select(['g.id', 'g.building_name'])
    .where('g.building_name', '=', anyOf(names))
    .where(exists('g'))
    .orderBy('g.id')
    .forShare()
    .execute()
  return new Map(found.map(({ id, building_name }) => [building_name, id]))
}

/** A line of a workbook whose building is known. */
export type PlacedLine = RoomLine & { readonly buildingId: number }

/** Lines of a workbook as a table `l`; lines that change a room have its `id`. */
const linesTable = (lines: readonly PlacedLine[]) => sql`
  jsonb_to_recordset(${JSON.stringify(lines)}::text::jsonb) AS l (
    id bigint,
    "buildingId" bigint,
    "floorNo" int,
    "roomName" text,
    capacity int,
    "equipmentTags" text,
    status text,
    "openHours" jsonb
  )`

/** Locks the existing rooms of a workbook's lines, by id, to change them. */
export async function lockRoomsOfLines(tx: Transaction, lines: readonly PlacedLine[]): Promise<readonly Room[]> {
  const described = sql<boolean>`
    (r.building_id, r.floor_no, r.room_name) IN (
      SELECT l."buildingId", l."floorNo", l."roomName" FROM ${linesTable(lines)}
    )`
  return rooms(tx).where(described).where(exists('r')).orderBy('r.id').forNoKeyUpdate('r').execute()
}

/** Adds the rooms of lines. @throws Invalid `name_taken` by constraint if another request has added one meanwhile. */
export async function insertLines(tx: Transaction, lines: readonly PlacedLine[], by: number, now: Date): Promise<void> {
  await sql`
    INSERT INTO tb_facility_room
      (building_id, floor_no, room_name, capacity, equipment_tags, status, open_hours, create_by, create_time)
    SELECT
      "buildingId",
      "floorNo",
      "roomName",
      capacity,
      "equipmentTags",
      status,
      nullif("openHours", 'null'),
      ${by}::bigint,
      ${now}::timestamptz
    FROM ${linesTable(lines)}`.execute(tx)
}

/** Changes locked rooms as the lines describe them. */
export async function updateByLines(
  tx: Transaction,
  lines: readonly (PlacedLine & { readonly id: number })[],
  by: number,
  now: Date,
): Promise<void> {
  await sql`
    UPDATE tb_facility_room r
    SET
      capacity = l.capacity,
      equipment_tags = l."equipmentTags",
      status = l.status,
      open_hours = nullif(l."openHours", 'null'),
      revision = revision + 1,
      update_by = ${by},
      update_time = ${now}
    FROM ${linesTable(lines)}
    WHERE r.id = l.id`.execute(tx)
}
