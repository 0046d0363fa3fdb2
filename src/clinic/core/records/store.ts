import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import type { Order } from '../ordersStore.ts'
import type { Gender } from '../types.ts'
import type { RecordContent } from './rules.ts'

/** The record of a visit. It has the id of the order in all routes. */
export interface VisitRecord extends RecordContent {
  readonly orderId: number
  readonly visitDate: string
  /** The patient as they were when the record was first written. */
  readonly patientName: string
  readonly patientGender: Gender
  readonly patientBirthDate: string | null
  readonly areaName: string
  readonly deptName: string
  readonly clinicName: string
  readonly doctorName: string
  readonly doctorTitle: string | null
  /** The time at which the order was made, which its number contains. */
  readonly orderTime: Date
  /** Counts the changes, from 1. */
  readonly version: number
  readonly updateTime: Date
}

/** Most records of a patient that are listed: the latest ones. */
const MOST = 200

/** Records `v` with order `o`, schedule `s`, doctor `d`, clinic `k`, department `m` and area `a`. */
const records = (db: Database) =>
  db
    .selectFrom('visit_history as v')
    .innerJoin('registration_order as o', 'o.order_id', 'v.order_id')
    .innerJoin('schedule as s', 's.schedule_id', 'o.schedule_id')
    .innerJoin('doctor as d', 'd.doctor_id', 'v.doctor_id')
    .innerJoin('clinic as k', 'k.clinic_id', 's.clinic_id')
    .innerJoin('minor_department as m', 'm.minor_dept_id', 's.minor_dept_id')
    .innerJoin('hospital_area as a', 'a.area_id', 'k.area_id')
    .select(['v.order_id as orderId', 'v.visit_date as visitDate', 'v.patient_name as patientName'])
    .select(sql<Gender>`v.patient_gender`.as('patientGender'))
    .select(['v.patient_birth_date as patientBirthDate', 'a.name as areaName', 'm.name as deptName'])
    .select(['k.name as clinicName', 'd.name as doctorName', 'd.title as doctorTitle', 'o.create_time as orderTime'])
    .select(['v.chief_complaint as chiefComplaint', 'v.present_illness as presentIllness'])
    .select(['v.auxiliary_exam as auxiliaryExam', 'v.diagnosis', 'v.prescription', 'v.advice'])
    .select(['v.followup_date as followupDate', 'v.version', 'v.update_time as updateTime'])

/** The record of an order's visit. */
export async function recordOf(db: Database, orderId: number): Promise<VisitRecord | undefined> {
  return await records(db).where('v.order_id', '=', orderId).executeTakeFirst()
}

/** The records of a patient's completed visits, the latest first. */
export async function recordsOfPatient(db: Database, patientId: number): Promise<readonly VisitRecord[]> {
  return await records(db)
    .where('v.patient_id', '=', patientId)
    .where('o.status', '=', 'completed')
    .orderBy('v.visit_date', 'desc')
    .orderBy('v.order_id', 'desc')
    .limit(MOST)
    .execute()
}

const columnsOf = (content: RecordContent) => ({
  chief_complaint: content.chiefComplaint,
  present_illness: content.presentIllness,
  auxiliary_exam: content.auxiliaryExam,
  diagnosis: content.diagnosis,
  prescription: content.prescription,
  advice: content.advice,
  followup_date: content.followupDate,
})

/** Adds the record of an order's visit. @throws Stale if there is one already. */
export async function insertRecord(tx: Transaction, order: Order, content: RecordContent, now: Date): Promise<void> {
  const row = await tx
    .insertInto('visit_history')
    .values({
      ...{ patient_id: order.patientId, doctor_id: order.doctorId, order_id: order.orderId, visit_date: order.date },
      ...{ patient_name: order.patientName, patient_gender: order.patientGender },
      ...{ patient_birth_date: order.patientBirthDate, create_time: now, update_time: now },
      ...columnsOf(content),
    })
    .onConflict((conflict) => conflict.constraint('visit_history_order').doNothing())
    .returning('visit_id')
    .executeTakeFirst()
  if (!row) throw new Stale()
}

/** Writes the next version of a record. @throws Stale if it is not in the version `before` any more. */
export async function updateRecord(
  tx: Transaction,
  orderId: number,
  before: number,
  content: RecordContent,
  now: Date,
): Promise<void> {
  const row = await tx
    .updateTable('visit_history')
    .set({ ...columnsOf(content), version: before + 1, update_time: now })
    .where('order_id', '=', orderId)
    .where('version', '=', before)
    .returning('visit_id')
    .executeTakeFirst()
  if (!row) throw new Stale()
}
