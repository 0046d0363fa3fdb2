import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { allOf, contains } from '../../../kernel/database/lists.ts'
import { type Order, orders } from '../../core/ordersStore.ts'
import type { PhoneIndexes } from '../../core/phones.ts'
import type { OrderStatus, PaymentStatus } from '../../core/states.ts'

export interface OrderFilter {
  readonly date?: string | undefined
  readonly scheduleId?: number | undefined
  readonly doctorId?: number | undefined
  readonly patientId?: number | undefined
  readonly status?: OrderStatus | undefined
  readonly paymentStatus?: PaymentStatus | undefined
  /** A part of the patient's name. */
  readonly patientName?: string | undefined
  readonly phone?: PhoneIndexes | undefined
  /** Local date of creation, and the last eight digits of the id. */
  readonly number?: { readonly date: string; readonly digits: number } | undefined
  readonly zone: string
  readonly limit: number
  readonly offset: number
}

/** A page of orders, the latest first. */
export async function listOrders(
  db: Database,
  { limit, offset, ...filter }: OrderFilter,
): Promise<{ readonly items: readonly Order[]; readonly total: number }> {
  const conditions = conditionsOf(filter)
  const items = await orders(db).where(conditions).orderBy('o.order_id', 'desc').limit(limit).offset(offset).execute()
  const { rows } = await sql<{ total: number }>`
    SELECT count(*) AS total
    FROM registration_order o
    JOIN schedule s ON s.schedule_id = o.schedule_id
    JOIN patient p ON p.patient_id = o.patient_id
    WHERE ${conditions}`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

function conditionsOf(filter: Omit<OrderFilter, 'limit' | 'offset'>) {
  const { date, scheduleId, doctorId, patientId, status, paymentStatus, patientName, phone, number, zone } = filter
  return allOf([
    date !== undefined && sql`o.slot_date = ${date}::date`,
    scheduleId !== undefined && sql`o.schedule_id = ${scheduleId}`,
    doctorId !== undefined && sql`s.doctor_id = ${doctorId}`,
    patientId !== undefined && sql`o.patient_id = ${patientId}`,
    status !== undefined && sql`o.status = ${status}`,
    paymentStatus !== undefined && sql`o.payment_status = ${paymentStatus}`,
    patientName !== undefined && patientName !== '' && contains(patientName, sql`p.name`),
    phone !== undefined &&
      sql`(p.phone_index = ${phone.patient}
        OR EXISTS (SELECT FROM users u WHERE u.id = p.user_id AND u.phone_index = ${phone.account}))`,
    number !== undefined &&
      sql`o.order_id % 100000000 = ${number.digits}
        AND (o.create_time AT TIME ZONE ${zone})::date = ${number.date}::date`,
  ])
}
