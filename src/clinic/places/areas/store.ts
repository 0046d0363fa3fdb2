import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'

/** An area of the hospital (院区). */
export interface Area {
  readonly id: number
  readonly name: string
  readonly destination: string | null
  readonly latitude: number | null
  readonly longitude: number | null
  readonly imageFileId: number | null
  readonly createTime: Date
}

export type AreaContent = Omit<Area, 'id' | 'imageFileId' | 'createTime'>

const areas = (db: Database) =>
  db
    .selectFrom('hospital_area')
    .select(['area_id as id', 'name', 'destination', 'latitude', 'longitude'])
    .select(['image_file_id as imageFileId', 'create_time as createTime'])
    .where('deleted_at', 'is', null)

/** The areas by id, or one of them. */
export async function listAreas(db: Database, id?: number): Promise<readonly Area[]> {
  const all = areas(db).orderBy('area_id')
  return await (id === undefined ? all : all.where('area_id', '=', id)).execute()
}

/** Locks an area against changes, deletion, and new clinics in it. */
export async function lockArea(tx: Transaction, id: number): Promise<Area | undefined> {
  return await areas(tx).where('area_id', '=', id).forUpdate().executeTakeFirst()
}

export async function insertArea(tx: Transaction, area: AreaContent, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO hospital_area (name, destination, latitude, longitude, create_time)
    VALUES (${area.name}, ${area.destination}, ${area.latitude}, ${area.longitude}, ${now})
    RETURNING area_id AS id`.execute(tx)
  return inserted(rows).id
}

export async function updateArea(
  tx: Transaction,
  id: number,
  change: Partial<AreaContent> & { readonly image_file_id?: number | null; readonly deleted_at?: Date },
): Promise<void> {
  if (Object.keys(change).length === 0) return
  await tx.updateTable('hospital_area').set(change).where('area_id', '=', id).execute()
}

/** The number of clinics in an area. */
export async function countClinics(tx: Transaction, id: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count FROM clinic WHERE area_id = ${id} AND deleted_at IS NULL`.execute(tx)
  return rows[0]?.count ?? 0
}
