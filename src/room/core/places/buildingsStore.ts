import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { contains, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { anyOf } from '../../../kernel/database/literals.ts'
import { exists } from '../conditionsStore.ts'

/** Buildings and rooms: `0` in use, `1` out of use. */
export type UsedStatus = '0' | '1'

/** The fields of a building that people can set. */
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

/** Buildings `g`, deleted ones too. */
export const buildings = (db: Database) =>
  db
    .selectFrom('tb_facility_building as g')
    .select(['g.id', 'g.building_name as buildingName', 'g.status', 'g.remark'])
    .select(['g.create_time as createTime', 'g.update_time as updateTime'])

const SORTS = {
  id: sql`g.id`,
  buildingName: sql`g.building_name`,
  status: sql`g.status`,
  createTime: sql`g.create_time`,
} as const

export interface BuildingFilter {
  /** Part of the name. */
  readonly buildingName?: string | undefined
  readonly status?: UsedStatus | undefined
}

/** One page of the buildings, and the total. */
export async function listBuildings(
  db: Database,
  { buildingName, status }: BuildingFilter,
  page: PageOf<keyof typeof SORTS>,
): Promise<{ readonly items: readonly Building[]; readonly total: number }> {
  return await readPage<Building>(db, {
    select: buildings(db),
    counted: sql`tb_facility_building g`,
    conditions: [
      exists('g'),
      buildingName !== undefined && contains(buildingName, sql`g.building_name`),
      status !== undefined && sql`g.status = ${status}`,
    ],
    page: pageClause(page, SORTS, sql`g.id`),
  })
}

/**
 * Locks existing buildings, by id: 'update' to change them, 'share' to keep them without new closures while a room is
 * put into them. Call it before locking rooms.
 */
export async function lockBuildings(
  tx: Transaction,
  ids: readonly number[],
  strength: 'update' | 'share',
): Promise<readonly Building[]> {
  const found = buildings(tx).where('g.id', '=', anyOf(ids)).where(exists('g')).orderBy('g.id')
  return (strength === 'update' ? found.forUpdate() : found.forShare()).execute()
}
