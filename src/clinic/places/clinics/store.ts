import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'

/** A clinic (门诊) of a minor department, in an area. */
export interface Clinic {
  readonly id: number
  readonly areaId: number
  readonly deptId: number
  readonly name: string
  readonly address: string | null
  /** 0 general, 1 expert (国疗), 2 special. */
  readonly clinicType: number
  readonly createTime: Date
}

const clinics = (db: Database) =>
  db
    .selectFrom('clinic')
    .select(['clinic_id as id', 'area_id as areaId', 'minor_dept_id as deptId', 'name', 'address'])
    .select(['clinic_type as clinicType', 'create_time as createTime'])
    .where('deleted_at', 'is', null)

export interface ClinicFilter {
  readonly deptId?: number | undefined
  readonly areaId?: number | undefined
  readonly limit: number
  readonly offset: number
}

/** Clinics by id, of a department and area if they are named. */
export async function listClinics(
  db: Database,
  { deptId, areaId, limit, offset }: ClinicFilter,
): Promise<{ readonly items: readonly Clinic[]; readonly total: number }> {
  let matching = clinics(db)
  if (deptId !== undefined) matching = matching.where('minor_dept_id', '=', deptId)
  if (areaId !== undefined) matching = matching.where('area_id', '=', areaId)
  const items = await matching.orderBy('clinic_id').limit(limit).offset(offset).execute()
  const { rows } = await sql<{ total: number }>`
    SELECT count(*) AS total
    FROM clinic
    WHERE deleted_at IS NULL
      AND minor_dept_id = coalesce(${deptId ?? null}::bigint, minor_dept_id)
      AND area_id = coalesce(${areaId ?? null}::bigint, area_id)`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

/** Locks a clinic. */
export async function lockClinic(tx: Transaction, id: number): Promise<Clinic | undefined> {
  return await clinics(tx).where('clinic_id', '=', id).forUpdate().executeTakeFirst()
}

/** The ids of all areas, by id: a clinic without a named area lies in the only one. */
export async function areaIds(tx: Transaction): Promise<readonly number[]> {
  const rows = await tx
    .selectFrom('hospital_area')
    .select('area_id')
    .where('deleted_at', 'is', null)
    .orderBy('area_id')
    .execute()
  return rows.map(({ area_id }) => area_id)
}

export type NewClinic = Omit<Clinic, 'id' | 'createTime'>

export async function insertClinic(tx: Transaction, clinic: NewClinic, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO clinic (area_id, minor_dept_id, name, address, clinic_type, create_time)
    VALUES (${clinic.areaId}, ${clinic.deptId}, ${clinic.name}, ${clinic.address}, ${clinic.clinicType}, ${now})
    RETURNING clinic_id AS id`.execute(tx)
  return inserted(rows).id
}

export async function updateClinic(
  tx: Transaction,
  id: number,
  { areaId, clinicType, ...change }: Partial<Omit<NewClinic, 'deptId'>> & { readonly deleted_at?: Date },
): Promise<void> {
  const columns = {
    ...change,
    ...(areaId !== undefined && { area_id: areaId }),
    ...(clinicType !== undefined && { clinic_type: clinicType }),
  }
  if (Object.keys(columns).length === 0) return
  await tx.updateTable('clinic').set(columns).where('clinic_id', '=', id).execute()
}

/** The number of a clinic's schedules from a date on. */
export async function countSchedules(tx: Transaction, id: number, from: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count
    FROM schedule
    WHERE clinic_id = ${id} AND date >= ${from}::date AND deleted_at IS NULL`.execute(tx)
  return rows[0]?.count ?? 0
}
