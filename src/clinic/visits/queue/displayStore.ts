import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import type { Scope } from './lineStore.ts'

/** The NOTIFY channel that names displays whose token has ended. */
export const DISPLAY_CHANNEL = 'clinic_display'

/** A display in a hall. */
export interface Display extends Scope {
  readonly displayId: number
  readonly name: string
  readonly areaName: string
  readonly clinicName: string | null
  readonly createTime: Date
}

const displays = (db: Database) =>
  db
    .selectFrom('clinic_display as x')
    .innerJoin('hospital_area as a', 'a.area_id', 'x.area_id')
    .leftJoin('clinic as k', 'k.clinic_id', 'x.clinic_id')
    .select(['x.display_id as displayId', 'x.name', 'x.area_id as areaId', 'x.clinic_id as clinicId'])
    .select(['a.name as areaName', 'k.name as clinicName', 'x.create_time as createTime'])

/** All displays. */
export async function listDisplays(db: Database): Promise<readonly Display[]> {
  return await displays(db).orderBy('x.display_id').execute()
}

/** The display with the hash of a token. */
export async function displayOfToken(db: Database, tokenHash: string): Promise<Display | undefined> {
  return await displays(db).where('x.token_hash', '=', tokenHash).executeTakeFirst()
}

/** The area of a clinic that exists; undefined otherwise. */
export async function areaOfClinic(db: Database, clinicId: number): Promise<number | undefined> {
  const clinic = await db
    .selectFrom('clinic')
    .select('area_id')
    .where('clinic_id', '=', clinicId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return clinic?.area_id
}

/** Whether an area exists. */
export async function hasArea(db: Database, areaId: number): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM hospital_area WHERE area_id = ${areaId} AND deleted_at IS NULL`.execute(db)
  return rows.length > 0
}

/** Adds a display. Returns its id. */
export async function insertDisplay(
  tx: Transaction,
  display: Scope & { readonly name: string; readonly tokenHash: string; readonly by: number; readonly now: Date },
): Promise<number> {
  const { name, areaId, clinicId, tokenHash, by, now } = display
  const { rows } = await sql<{ id: number }>`
    INSERT INTO clinic_display (name, area_id, clinic_id, token_hash, created_by, create_time)
    VALUES (${name}, ${areaId}, ${clinicId}, ${tokenHash}, ${by}, ${now})
    RETURNING display_id AS id`.execute(tx)
  return inserted(rows).id
}

/** Deletes a display and announces that its token has ended. Returns its name; undefined if there is none. */
export async function deleteDisplay(tx: Transaction, id: number): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`
    DELETE FROM clinic_display WHERE display_id = ${id} RETURNING name`.execute(tx)
  if (rows[0]) await sql`SELECT pg_notify(${DISPLAY_CHANNEL}, ${String(id)})`.execute(tx)
  return rows[0]?.name
}
