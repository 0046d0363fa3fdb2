import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { anyOf } from '../../../kernel/database/literals.ts'
import { exists } from '../../core/conditionsStore.ts'
import { type Building, type BuildingFields, buildings } from '../../core/places/buildingsStore.ts'

/** One building, or null. */
export async function findBuilding(db: Database, id: number): Promise<Building | null> {
  return (await buildings(db).where('g.id', '=', id).where(exists('g')).executeTakeFirst()) ?? null
}

const columnsOf = ({ buildingName, status, remark }: BuildingFields) => ({
  building_name: buildingName,
  status,
  remark,
})

/** Adds a building. @throws Invalid `name_taken` by constraint. */
export async function insertBuilding(tx: Transaction, fields: BuildingFields, by: number, now: Date): Promise<number> {
  const { id } = await tx
    .insertInto('tb_facility_building')
    .values({ ...columnsOf(fields), create_by: by, create_time: now })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Updates a building. @throws Invalid `name_taken` by constraint. */
export async function updateBuilding(
  tx: Transaction,
  id: number,
  fields: BuildingFields,
  by: number,
  now: Date,
): Promise<void> {
  await tx
    .updateTable('tb_facility_building')
    .set({ ...columnsOf(fields), update_by: by, update_time: now })
    .where('id', '=', id)
    .execute()
}

/** The names of the buildings among these that have rooms, by id. */
export async function namesWithRooms(tx: Transaction, ids: readonly number[]): Promise<readonly string[]> {
  const used = await tx
    .selectFrom('tb_facility_building as g')
    .select('g.building_name')
    .where('g.id', '=', anyOf(ids))
    .where(({ exists: some, selectFrom }) =>
      some(
        selectFrom('tb_facility_room as r').select('r.id').whereRef('r.building_id', '=', 'g.id').where(exists('r')),
      ),
    )
    .orderBy('g.id')
    .execute()
  return used.map(({ building_name }) => building_name)
}

/** Marks buildings as deleted, which makes their names available. */
export async function deleteBuildings(tx: Transaction, ids: readonly number[], by: number, now: Date): Promise<void> {
  await tx
    .updateTable('tb_facility_building')
    .set({ del_flag: '2', update_by: by, update_time: now })
    .where('id', '=', anyOf(ids))
    .execute()
}
