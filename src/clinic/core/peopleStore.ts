import type { Database } from '../../kernel/database/database.ts'
import type { Gender, PatientType } from './types.ts'

/** A doctor with the names of their department. */
export interface Doctor {
  readonly doctorId: number
  readonly userId: number | null
  readonly name: string
  readonly title: string | null
  readonly deptId: number
  readonly deptName: string
  readonly isHead: boolean
  readonly photoFileId: number | null
}

const doctors = (db: Database) =>
  db
    .selectFrom('doctor as d')
    .innerJoin('minor_department as m', 'm.minor_dept_id', 'd.dept_id')
    .select(['d.doctor_id as doctorId', 'd.user_id as userId', 'd.name', 'd.title', 'd.dept_id as deptId'])
    .select(['m.name as deptName', 'd.is_department_head as isHead', 'd.photo_file_id as photoFileId'])
    .where('d.deleted_at', 'is', null)

/** The doctor with a user's account. */
export async function doctorOfUser(db: Database, userId: number): Promise<Doctor | undefined> {
  return await doctors(db).where('d.user_id', '=', userId).executeTakeFirst()
}

/** A doctor by id. */
export async function findDoctor(db: Database, doctorId: number): Promise<Doctor | undefined> {
  return await doctors(db).where('d.doctor_id', '=', doctorId).executeTakeFirst()
}

/** A patient's record, without the encrypted fields. */
export interface PatientRow {
  readonly patientId: number
  readonly userId: number | null
  readonly name: string
  readonly gender: Gender
  readonly birthDate: string | null
  readonly patientType: PatientType
  readonly isVerified: boolean
  readonly identifier: string | null
}

export const patients = (db: Database) =>
  db
    .selectFrom('patient as p')
    .select(['p.patient_id as patientId', 'p.user_id as userId', 'p.name', 'p.birth_date as birthDate'])
    .select('p.gender')
    .select('p.patient_type as patientType')
    .select(['p.is_verified as isVerified', 'p.identifier'])
    .where('p.deleted_at', 'is', null)

/** The patient with a user's account. */
export async function patientOfUser(db: Database, userId: number): Promise<PatientRow | undefined> {
  return await patients(db).where('p.user_id', '=', userId).executeTakeFirst()
}
