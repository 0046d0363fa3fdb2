import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { contains, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'

/** Buildings and rooms: `0` in use, `1` out of use. */
export type UsedStatus = '0' | '1'

/** What people say of a building. */
export interface BuildingFields {
  readonly buildingName: string
  readonly status: UsedStatus
  readonly remark: string | null
}

export interface Building extends BuildingFields {
  readonly id: number
  readonly createTime: Date
  readonly updateTime: Date | null
}

const columns = sql`g.id, g.building_name AS "buildingName", g.status, g.remark,
  g.create_time AS "createTime", g.update_time AS "updateTime"`

const BUILDING_SORTS = {
  id: sql`g.id`,
  buildingName: sql`g.building_name`,
  status: sql`g.status`,
  createTime: sql`g.create_time`,
} as const

export interface BuildingFilter {
  /** Found anywhere in the name. */
  readonly buildingName?: string | undefined
  readonly status?: UsedStatus | undefined
}

/** One page of the buildings, and how many there are in all. */
export async function listBuildings(
  db: Database,
  { buildingName, status }: BuildingFilter,
  page: PageOf<keyof typeof BUILDING_SORTS>,
): Promise<{ readonly items: readonly Building[]; readonly total: number }> {
  return await readPage<Building>(db, {
    select: sql`SELECT ${columns} FROM tb_facility_building g`,
    counted: sql`tb_facility_building g`,
    conditions: [
      sql`g.del_flag = '0'`,
      buildingName !== undefined && contains(buildingName, sql`g.building_name`),
      status !== undefined && sql`g.status = ${status}`,
    ],
    page: pageClause(page, BUILDING_SORTS, sql`g.id`),
  })
}

/** One building, or null. */
export async function findBuilding(db: Database, id: number): Promise<Building | null> {
  const { rows } = await sql<Building>`
    SELECT ${columns} FROM tb_facility_building g WHERE g.id = ${id} AND g.del_flag = '0'`.execute(db)
  return rows[0] ?? null
}

/**
 * Those of some buildings that there are, by id, locked: to be changed ('update'), or so that they stay and get no closure while a room is put
 * into them ('share'). Before any lock of a room.
 */
export async function lockBuildings(
  tx: Transaction,
  ids: readonly number[],
  strength: 'update' | 'share',
): Promise<readonly Building[]> {
  const { rows } = await sql<Building>`
    SELECT ${columns} FROM tb_facility_building g WHERE g.id = ANY (${ids}::bigint[]) AND g.del_flag = '0' ORDER BY g.id
    ${strength === 'update' ? sql`FOR UPDATE` : sql`FOR SHARE`}`.execute(tx)
  return rows
}

/** The buildings of these names, by id, locked so that they stay. */
export async function lockBuildingsNamed(tx: Transaction, names: readonly string[]): Promise<readonly Building[]> {
  const { rows } = await sql<Building>`
    SELECT ${columns} FROM tb_facility_building g
    WHERE g.building_name = ANY (${names}::text[]) AND g.del_flag = '0' ORDER BY g.id FOR SHARE`.execute(tx)
  return rows
}

/** @throws Invalid `name_taken` by constraint. */
export async function insertBuilding(tx: Transaction, fields: BuildingFields, by: number, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO tb_facility_building (building_name, status, remark, create_by, create_time)
    VALUES (${fields.buildingName}, ${fields.status}, ${fields.remark}, ${by}, ${now}) RETURNING id`.execute(tx)
  return inserted(rows).id
}

/** @throws Invalid `name_taken` by constraint. */
export async function updateBuilding(
  tx: Transaction,
  id: number,
  fields: BuildingFields,
  by: number,
  now: Date,
): Promise<void> {
  await sql`UPDATE tb_facility_building SET building_name = ${fields.buildingName}, status = ${fields.status},
    remark = ${fields.remark}, update_by = ${by}, update_time = ${now} WHERE id = ${id}`.execute(tx)
}

/** The names of those of some buildings that have rooms, by id. */
export async function namesWithRooms(tx: Transaction, ids: readonly number[]): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT g.building_name AS name FROM tb_facility_building g
    WHERE g.id = ANY (${ids}::bigint[])
      AND EXISTS (SELECT FROM tb_facility_room r WHERE r.building_id = g.id AND r.del_flag = '0')
    ORDER BY g.id`.execute(tx)
  return rows.map(({ name }) => name)
}

/** Takes buildings out of the books; their names are free again. */
export async function deleteBuildings(tx: Transaction, ids: readonly number[], by: number, now: Date): Promise<void> {
  await sql`UPDATE tb_facility_building SET del_flag = '2', update_by = ${by}, update_time = ${now}
    WHERE id = ANY (${ids}::bigint[])`.execute(tx)
}
