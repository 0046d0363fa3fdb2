import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { allOf, contains } from '../../../kernel/database/lists.ts'
import { among, anyOf } from '../../../kernel/database/literals.ts'
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
  const { date, scheduleId, doctorId, patientId, number, patientName, phone } = filter
  const isNarrow = [date, scheduleId, doctorId, patientId, number, patientName, phone].some((one) => one !== undefined)
  // Found first and sorted then: for the latest ones, the database would read all orders backwards.
  const { rows } = await sql<{ total: number; ids: number[] }>`
    WITH found AS ${isNarrow ? sql`MATERIALIZED` : sql`NOT MATERIALIZED`} (
      SELECT o.order_id FROM registration_order o WHERE ${conditionsOf(filter)}
    )
    SELECT
      (SELECT count(*) FROM found) AS total,
      ARRAY (SELECT order_id FROM found ORDER BY order_id DESC LIMIT ${limit} OFFSET ${offset}) AS ids`.execute(db)
  const { total = 0, ids = [] } = rows[0] ?? {}
  const items = await orders(db).where('o.order_id', '=', anyOf(ids)).orderBy('o.order_id', 'desc').execute()
  return { items, total }
}

function conditionsOf(filter: Omit<OrderFilter, 'limit' | 'offset'>) {
  const { date, scheduleId, doctorId, patientId, status, paymentStatus, patientName, phone, number, zone } = filter
  return allOf([
    date !== undefined && sql`o.schedule_id IN (SELECT schedule_id FROM schedule WHERE date = ${date}::date)`,
    scheduleId !== undefined && sql`o.schedule_id = ${scheduleId}`,
    doctorId !== undefined && sql`o.schedule_id IN (SELECT schedule_id FROM schedule WHERE doctor_id = ${doctorId})`,
    patientId !== undefined && sql`o.patient_id = ${patientId}`,
    // Literals, because parameters cannot use the partial indexes.
    status !== undefined && sql`o.status IN ${among([status])}`,
    paymentStatus !== undefined && sql`o.payment_status IN ${among([paymentStatus])}`,
    patientName !== undefined &&
      patientName !== '' &&
      sql`o.patient_id IN (SELECT p.patient_id FROM patient p WHERE ${contains(patientName, sql`p.name`)})`,
    phone !== undefined &&
      sql`o.patient_id IN (
        SELECT p.patient_id FROM patient p WHERE p.phone_index = ${phone.patient}
        UNION
        SELECT p.patient_id FROM patient p JOIN users u ON u.id = p.user_id WHERE u.phone_index = ${phone.account}
      )`,
    number !== undefined &&
      sql`o.order_id IN (${idsEndingWith(number.digits)})
        AND (o.create_time AT TIME ZONE ${zone})::date = ${number.date}::date`,
  ])
}

/** SQL: all ids with these last eight digits. */
const idsEndingWith = (digits: number) =>
  sql`SELECT generate_series(${digits}::bigint, (SELECT max(order_id) FROM registration_order), 100000000)`
