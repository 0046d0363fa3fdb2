import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import type { Gender } from '../../core/types.ts'

/** The content of a patient's own record when they register. */
export interface NewPatient {
  readonly userId: number
  readonly name: string
  readonly gender: Gender
  readonly birthDate: string | null
}

export async function insertPatient(tx: Transaction, patient: NewPatient, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO patient (user_id, name, gender, birth_date, create_time)
    VALUES (${patient.userId}, ${patient.name}, ${patient.gender}, ${patient.birthDate}, ${now})
    RETURNING patient_id AS id`.execute(tx)
  return inserted(rows).id
}

export interface PatientChange {
  readonly name?: string
  readonly gender?: Gender
  readonly birth_date?: string | null
}

/** Changes a user's own patient record. Returns false if there is none. */
export async function updatePatient(tx: Transaction, userId: number, change: PatientChange): Promise<boolean> {
  const row = await tx
    .updateTable('patient')
    .set(change)
    .where('user_id', '=', userId)
    .where('deleted_at', 'is', null)
    .returning('patient_id')
    .executeTakeFirst()
  return row !== undefined
}

/** The number of people who may administer the hospital. */
export async function countAdministrators(tx: Transaction, roles: readonly string[]): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count
    FROM user_roles r
    JOIN users u ON u.id = r.user_id
    WHERE r.role = ANY (${roles}::text[]) AND u.status = 'active'`.execute(tx)
  return rows[0]?.count ?? 0
}

/** A user's own patient record with its encrypted id card. */
export async function ownPatient(db: Database, userId: number) {
  return await db
    .selectFrom('patient')
    .select(['patient_id as patientId', 'name', 'gender', 'birth_date as birthDate', 'patient_type as patientType'])
    .select(['is_verified as isVerified', 'identifier', 'id_card_encrypted as idCard', 'create_time as createTime'])
    .where('user_id', '=', userId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
}
