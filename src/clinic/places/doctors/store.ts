import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { allOf, contains } from '../../../kernel/database/lists.ts'

/** A doctor, with whether they have an account that works. */
export interface DoctorRecord {
  readonly id: number
  readonly userId: number | null
  readonly deptId: number
  readonly deptName: string
  readonly name: string
  readonly title: string | null
  readonly specialty: string | null
  readonly introduction: string | null
  readonly photoFileId: number | null
  readonly originalPhotoUrl: string | null
  readonly isHead: boolean
  readonly isRegistered: boolean
  readonly createTime: Date
}

const doctors = (db: Database) =>
  db
    .selectFrom('doctor as d')
    .innerJoin('minor_department as m', 'm.minor_dept_id', 'd.dept_id')
    .leftJoin('users as u', 'u.id', 'd.user_id')
    .select(['d.doctor_id as id', 'd.user_id as userId', 'd.dept_id as deptId', 'm.name as deptName', 'd.name'])
    .select(['d.title', 'd.specialty', 'd.introduction', 'd.photo_file_id as photoFileId'])
    .select(['d.original_photo_url as originalPhotoUrl', 'd.is_department_head as isHead'])
    .select(sql<boolean>`u.status IS NOT DISTINCT FROM 'active'`.as('isRegistered'))
    .select('d.create_time as createTime')
    .where('d.deleted_at', 'is', null)

export interface DoctorFilter {
  readonly deptId?: number | undefined
  /** Part of the name. */
  readonly name?: string | undefined
  readonly limit: number
  readonly offset: number
}

/** Doctors by id, of a department or with a name if they are given. */
export async function listDoctors(
  db: Database,
  { deptId, name, limit, offset }: DoctorFilter,
): Promise<{ readonly items: readonly DoctorRecord[]; readonly total: number }> {
  const conditions = allOf([
    deptId !== undefined && sql`d.dept_id = ${deptId}`,
    name !== undefined && name !== '' && contains(name, sql`d.name`),
  ])
  const items = await doctors(db).where(conditions).orderBy('d.doctor_id').limit(limit).offset(offset).execute()
  const { rows } = await sql<{ total: number }>`
    SELECT count(*) AS total FROM doctor d WHERE d.deleted_at IS NULL AND ${conditions}`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

/** A doctor by id. */
export async function findDoctor(db: Database, id: number): Promise<DoctorRecord | undefined> {
  return await doctors(db).where('d.doctor_id', '=', id).executeTakeFirst()
}

/** Locks a doctor. */
export async function lockDoctor(tx: Transaction, id: number): Promise<DoctorRecord | undefined> {
  return await doctors(tx).where('d.doctor_id', '=', id).forUpdate('d').executeTakeFirst()
}

export interface NewDoctor {
  readonly deptId: number
  readonly name: string
  readonly title: string | null
  readonly specialty: string | null
  readonly introduction: string | null
  readonly userId: number | null
  readonly initials: string
}

export async function insertDoctor(tx: Transaction, doctor: NewDoctor, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO doctor (dept_id, name, title, specialty, introduction, user_id, initials, create_time)
    VALUES (
      ${doctor.deptId}, ${doctor.name}, ${doctor.title}, ${doctor.specialty}, ${doctor.introduction}, ${doctor.userId},
      ${doctor.initials}, ${now}
    )
    RETURNING doctor_id AS id`.execute(tx)
  return inserted(rows).id
}

/** Columns of a doctor that can change. */
export interface DoctorColumns {
  readonly dept_id?: number
  readonly name?: string
  readonly title?: string | null
  readonly specialty?: string | null
  readonly introduction?: string | null
  readonly user_id?: number | null
  readonly initials?: string
  readonly photo_file_id?: number | null
  readonly original_photo_url?: string | null
  readonly is_department_head?: boolean
  readonly deleted_at?: Date
}

export async function updateDoctor(tx: Transaction, id: number, change: DoctorColumns): Promise<void> {
  if (Object.keys(change).length === 0) return
  await tx.updateTable('doctor').set(change).where('doctor_id', '=', id).execute()
}

/** The ids of a doctor's schedules from a date on that have open orders, and of the others. */
export async function schedulesAhead(
  tx: Transaction,
  id: number,
  from: string,
): Promise<{ readonly withOrders: readonly number[]; readonly all: readonly number[] }> {
  const { rows } = await sql<{ id: number; ordered: boolean }>`
    SELECT
      s.schedule_id AS id,
      EXISTS (
        SELECT FROM registration_order o
        WHERE o.schedule_id = s.schedule_id AND o.status IN ('pending', 'confirmed', 'waitlist')
      ) AS ordered
    FROM schedule s
    WHERE s.doctor_id = ${id} AND s.date >= ${from}::date AND s.deleted_at IS NULL
    ORDER BY s.schedule_id`.execute(tx)
  return { all: rows.map((row) => row.id), withOrders: rows.filter(({ ordered }) => ordered).map((row) => row.id) }
}

/** Deletes schedules that are stopped or have no open orders. */
export async function deleteSchedules(tx: Transaction, ids: readonly number[], now: Date): Promise<void> {
  await sql`
    UPDATE schedule
    SET deleted_at = ${now}, revision = revision + 1
    WHERE schedule_id = ANY (${ids}::bigint[])`.execute(tx)
}

/** The number of heads of a department. */
export async function countHeads(tx: Transaction, deptId: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count
    FROM doctor
    WHERE dept_id = ${deptId} AND is_department_head AND deleted_at IS NULL`.execute(tx)
  return rows[0]?.count ?? 0
}
