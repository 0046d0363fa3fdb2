import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { PersonalRecords } from '../../../kernel/privacy/records.ts'
import { orders } from '../../core/ordersStore.ts'

/**
 * A person's orders: of their own patient record, and those they made for others; what doctors wrote about their own
 * visits; and their reviews. The kernel copies the rows of the product's tables with a `user_id` (the patient record
 * with its medical history, relations, bans, feedback).
 */
export async function personalRecords(db: Database, userId: number): Promise<readonly PersonalRecords[]> {
  const found = await orders(db)
    .where(({ eb, or }) => or([eb('o.initiator_user_id', '=', userId), eb('p.user_id', '=', userId)]))
    .orderBy('o.order_id')
    .execute()
  const rows = found.map((order) => ({
    id: order.orderId,
    patient: order.patientName,
    hospital: order.areaName,
    department: order.deptName,
    doctor: order.doctorName,
    date: order.date,
    section: order.timeSection,
    price: order.price / 100,
    paid: order.paid / 100,
    refunded: order.refunded / 100,
    status: order.status,
    symptoms: order.symptoms,
    create_time: order.createTime,
  }))
  const visits = await sql<Readonly<Record<string, unknown>>>`
    SELECT
      v.order_id AS id, d.name AS doctor, v.visit_date, v.patient_name, v.patient_gender, v.patient_birth_date,
      v.chief_complaint, v.present_illness, v.auxiliary_exam, v.diagnosis, v.prescription, v.advice, v.followup_date,
      v.version, v.create_time, v.update_time
    FROM visit_history v
    JOIN patient p ON p.patient_id = v.patient_id
    JOIN doctor d ON d.doctor_id = v.doctor_id
    WHERE p.user_id = ${userId}
    ORDER BY v.visit_id`.execute(db)
  const reviews = await sql<Readonly<Record<string, unknown>>>`
    SELECT v.order_id, v.rating, v.comment, v.create_time
    FROM visit_review v
    JOIN patient p ON p.patient_id = v.patient_id
    WHERE p.user_id = ${userId}
    ORDER BY v.order_id`.execute(db)
  return [
    { name: 'orders', rows },
    { name: 'visits', rows: visits.rows },
    { name: 'reviews', rows: reviews.rows },
  ]
}
