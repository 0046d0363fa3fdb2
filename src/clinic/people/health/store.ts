import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import type { Gender } from '../../core/types.ts'

/** A patient with what is known about their health. */
export interface HealthPatient {
  readonly patientId: number
  readonly name: string
  readonly gender: Gender
  readonly birthDate: string | null
  readonly height: number | null
  /** Encrypted; that of the account, if there is one. */
  readonly phone: string | null
  /** Encrypted. */
  readonly idCard: string | null
  readonly identifier: string | null
  readonly address: string | null
  readonly pastHistory: readonly string[]
  readonly allergyHistory: readonly string[]
  readonly familyHistory: readonly string[]
}

const patients = (db: Database) =>
  db
    .selectFrom('patient as p')
    .leftJoin('users as u', 'u.id', 'p.user_id')
    .select(['p.patient_id as patientId', 'p.name', 'p.gender', 'p.birth_date as birthDate', 'p.height'])
    .select(sql<string | null>`coalesce(u.phone_encrypted, p.phone_encrypted)`.as('phone'))
    .select(['p.id_card_encrypted as idCard', 'p.identifier', 'p.address', 'p.past_history as pastHistory'])
    .select(['p.allergy_history as allergyHistory', 'p.family_history as familyHistory'])
    .where('p.deleted_at', 'is', null)

/** A patient by id. */
export async function patientOf(db: Database, patientId: number): Promise<HealthPatient | undefined> {
  return await patients(db).where('p.patient_id', '=', patientId).executeTakeFirst()
}

/** The id of a user's own patient record. */
export async function ownPatientId(db: Database, userId: number): Promise<number | undefined> {
  const patient = await db
    .selectFrom('patient')
    .select('patient_id as patientId')
    .where('user_id', '=', userId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return patient?.patientId
}

/** Fields of a patient that the patient writes. */
export interface HealthChange {
  readonly height?: number | null
  readonly address?: string | null
  readonly past_history?: string[]
  readonly allergy_history?: string[]
  readonly family_history?: string[]
}

/** Changes what a patient has written. Returns false if there is no such patient. */
export async function updateHealth(tx: Transaction, patientId: number, change: HealthChange): Promise<boolean> {
  const row = await tx
    .updateTable('patient')
    .set(change)
    .where('patient_id', '=', patientId)
    .where('deleted_at', 'is', null)
    .returning('patient_id')
    .executeTakeFirst()
  return row !== undefined
}

/** States of orders by which a doctor knows a patient. */
const KNOWN = ['pending', 'confirmed', 'completed', 'no_show'] as const

/** Whether a patient has or had an order with a doctor, or has one in the doctor's department on a date. */
export async function isKnownTo(
  db: Database,
  patientId: number,
  { doctorId, deptId, today }: { readonly doctorId: number; readonly deptId: number; readonly today: string },
): Promise<boolean> {
  const { rows } = await sql`
    SELECT
    FROM registration_order o
    JOIN schedule s ON s.schedule_id = o.schedule_id
    WHERE o.patient_id = ${patientId} AND o.status IN ${among(KNOWN)}
      AND (s.doctor_id = ${doctorId} OR s.minor_dept_id = ${deptId} AND s.date = ${today}::date)
    LIMIT 1`.execute(db)
  return rows.length > 0
}
