import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { among, anyOf } from '../../kernel/database/literals.ts'
import { Stale } from '../../kernel/database/transaction.ts'
import type { OrderStatus, PaymentStatus, SourceType } from './states.ts'
import { lifecycle } from './states.ts'
import type { Gender, PatientType, SlotType, TimeSection } from './types.ts'

/** An order with the names of its places and people. Amounts are in fen. */
export interface Order {
  readonly orderId: number
  readonly patientId: number
  readonly patientName: string
  readonly patientGender: Gender
  readonly patientBirthDate: string | null
  readonly patientType: PatientType
  /** The patient's own account, if there is one. */
  readonly patientUserId: number | null
  readonly initiatorId: number
  readonly scheduleId: number
  readonly date: string
  readonly timeSection: TimeSection
  readonly slotType: SlotType
  readonly doctorId: number
  readonly doctorUserId: number | null
  readonly doctorName: string
  readonly doctorTitle: string | null
  readonly doctorSpecialty: string | null
  readonly clinicId: number
  readonly clinicName: string
  readonly clinicAddress: string | null
  readonly deptId: number
  readonly deptName: string
  readonly areaId: number
  readonly areaName: string
  readonly areaAddress: string | null
  readonly price: number
  readonly symptoms: string
  readonly notes: string | null
  readonly status: OrderStatus
  readonly paymentStatus: PaymentStatus
  readonly paymentMethod: string | null
  readonly paymentTime: Date | null
  readonly expiresAt: Date | null
  readonly paid: number
  readonly refunded: number
  readonly refundTime: Date | null
  readonly cancelTime: Date | null
  readonly cancelReason: string | null
  readonly sourceType: SourceType
  readonly queueNo: number | null
  readonly checkInTime: Date | null
  readonly isCalling: boolean
  readonly callTime: Date | null
  readonly passCount: number
  readonly priority: number
  readonly completedTime: Date | null
  readonly createTime: Date
  readonly updateTime: Date
}

/** Orders `o` with schedule `s`, doctor `d`, clinic `k`, department `m`, area `a` and patient `p`. */
export function orders(db: Database) {
  return db
    .selectFrom('registration_order as o')
    .innerJoin('schedule as s', 's.schedule_id', 'o.schedule_id')
    .innerJoin('doctor as d', 'd.doctor_id', 's.doctor_id')
    .innerJoin('clinic as k', 'k.clinic_id', 's.clinic_id')
    .innerJoin('minor_department as m', 'm.minor_dept_id', 's.minor_dept_id')
    .innerJoin('hospital_area as a', 'a.area_id', 'k.area_id')
    .innerJoin('patient as p', 'p.patient_id', 'o.patient_id')
    .select(['o.order_id as orderId', 'o.patient_id as patientId', 'p.name as patientName'])
    .select(['p.birth_date as patientBirthDate', 'p.user_id as patientUserId', 'o.initiator_user_id as initiatorId'])
    .select('p.gender as patientGender')
    .select('p.patient_type as patientType')
    .select(['o.schedule_id as scheduleId', 's.date', 's.doctor_id as doctorId', 'd.user_id as doctorUserId'])
    .select('s.time_section as timeSection')
    .select('o.slot_type as slotType')
    .select(['d.name as doctorName', 'd.title as doctorTitle', 'd.specialty as doctorSpecialty'])
    .select(['s.clinic_id as clinicId', 'k.name as clinicName', 'k.address as clinicAddress'])
    .select(['s.minor_dept_id as deptId', 'm.name as deptName', 'k.area_id as areaId', 'a.name as areaName'])
    .select(['a.destination as areaAddress', 'o.price', 'o.symptoms', 'o.notes'])
    .select('o.status')
    .select('o.payment_status as paymentStatus')
    .select(['o.payment_method as paymentMethod', 'o.payment_time as paymentTime', 'o.expires_at as expiresAt'])
    .select(['o.paid', 'o.refunded', 'o.refund_time as refundTime', 'o.cancel_time as cancelTime'])
    .select(['o.cancel_reason as cancelReason', 'o.queue_no as queueNo', 'o.check_in_time as checkInTime'])
    .select('o.source_type as sourceType')
    .select(['o.is_calling as isCalling', 'o.call_time as callTime', 'o.pass_count as passCount', 'o.priority'])
    .select(['o.completed_time as completedTime', 'o.create_time as createTime', 'o.update_time as updateTime'])
}

/** SQL: the id of a user's own patient record. */
export const ownPatient = (userId: number) =>
  sql<number>`SELECT patient_id FROM patient WHERE user_id = ${userId} AND deleted_at IS NULL`

/** One order, or null. */
export async function findOrder(db: Database, orderId: number): Promise<Order | null> {
  const order = await orders(db).where('o.order_id', '=', orderId).executeTakeFirst()
  return order ?? null
}

/**
 * Locks the patient, the schedule and the order, in the order in which registering locks them, and returns the order as
 * it is then. Null if there is none.
 * @throws Stale if the order was rescheduled meanwhile: the whole work is done again.
 */
export async function lockOrder(tx: Transaction, orderId: number): Promise<Order | null> {
  const place = await tx
    .selectFrom('registration_order')
    .select(['patient_id', 'schedule_id'])
    .where('order_id', '=', orderId)
    .executeTakeFirst()
  if (!place) return null
  await lockPatient(tx, place.patient_id)
  await tx
    .selectFrom('schedule')
    .select('schedule_id')
    .where('schedule_id', '=', place.schedule_id)
    .forNoKeyUpdate()
    .execute()
  const [order] = await lockOrders(tx, [orderId])
  if (order?.scheduleId !== place.schedule_id) throw new Stale('the order was rescheduled')
  return order
}

/** Locks a patient, before any schedule. */
export async function lockPatient(tx: Transaction, patientId: number): Promise<void> {
  await tx.selectFrom('patient').select('patient_id').where('patient_id', '=', patientId).forNoKeyUpdate().execute()
}

/** Locks orders of locked schedules by id, and returns them. */
export async function lockOrders(tx: Transaction, orderIds: readonly number[]): Promise<readonly Order[]> {
  return orders(tx).where('o.order_id', '=', anyOf(orderIds)).orderBy('o.order_id').forNoKeyUpdate('o').execute()
}

/** The ids of a schedule's orders in some states, by id. */
export async function orderIdsOf(
  tx: Transaction,
  scheduleId: number,
  states: readonly OrderStatus[],
): Promise<readonly number[]> {
  const rows = await tx
    .selectFrom('registration_order')
    .select('order_id')
    .where('schedule_id', '=', scheduleId)
    .where('status', '=', anyOf(states))
    .orderBy('order_id')
    .execute()
  return rows.map(({ order_id }) => order_id)
}

/** An end of orders that gives up their numbers. */
export interface Ending {
  readonly to: Extract<OrderStatus, 'cancelled' | 'timeout'>
  readonly reason: string | null
  /** The user who ends them; null for the system. */
  readonly by: number | null
  readonly now: Date
}

/**
 * Writes the end of locked orders whose state allows it, and returns the ids of those that ended. Their payment ends as
 * `failed` (timed out) or `cancelled`, unless it was paid.
 */
export async function writeEnding(
  tx: Transaction,
  orderIds: readonly number[],
  { to, reason, by, now }: Ending,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    UPDATE registration_order o
    SET
      status = ${to},
      payment_status = CASE
        WHEN o.payment_status IN ('pending', 'paying') THEN ${to === 'timeout' ? 'failed' : 'cancelled'}
        ELSE o.payment_status
      END,
      expires_at = NULL, queue_no = NULL, is_calling = false,
      cancel_time = ${now}, cancel_reason = ${reason}, cancelled_by = ${by}::bigint, update_time = ${now}
    WHERE o.order_id = ANY (${orderIds}::bigint[]) AND o.status IN ${among(lifecycle.sourcesOf(to))}
    RETURNING o.order_id AS id`.execute(tx)
  return rows.map(({ id }) => id)
}

/** Gives a locked order of the waiting list a number. It is pending, or confirmed if there is nothing to pay. */
export async function writePromotion(
  tx: Transaction,
  promotion: {
    readonly orderId: number
    readonly number: number
    readonly price: number
    readonly expiresAt: Date
    readonly now: Date
  },
): Promise<void> {
  const { orderId, number, price, expiresAt, now } = promotion
  const pays = price > 0
  await sql`
    UPDATE registration_order
    SET
      status = ${pays ? 'pending' : 'confirmed'}, payment_status = ${pays ? 'pending' : 'paid'},
      payment_time = ${pays ? null : now}::timestamptz, expires_at = ${pays ? expiresAt : null}::timestamptz,
      price = ${price}, queue_no = ${number}, source_type = 'waitlist', update_time = ${now}
    WHERE order_id = ${orderId} AND status = 'waitlist'`.execute(tx)
}

/** Raises the revision of a locked patient: decisions based on the old revision can no longer be written. */
export async function raiseRevision(tx: Transaction, patientId: number): Promise<void> {
  await tx
    .updateTable('patient')
    .set((eb) => ({ revision: eb('revision', '+', 1) }))
    .where('patient_id', '=', patientId)
    .execute()
}

/** Writes the arrival of a locked confirmed order's patient. */
export async function writeCheckIn(tx: Transaction, orderId: number, now: Date): Promise<void> {
  await tx
    .updateTable('registration_order')
    .set({ check_in_time: now, update_time: now })
    .where('order_id', '=', orderId)
    .where('status', '=', 'confirmed')
    .execute()
}
