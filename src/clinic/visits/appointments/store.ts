import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { anyOf } from '../../../kernel/database/literals.ts'
import { type Order, orders, ownPatient } from '../../core/ordersStore.ts'
import type { OrderStatus } from '../../core/states.ts'

export interface OrderFilter {
  /** Orders of this user's own patient record, or those that the user made. */
  readonly of: 'own' | 'initiated'
  readonly userId: number
  readonly statuses: readonly OrderStatus[]
  readonly limit: number
  readonly offset: number
}

/** A page of a user's orders, the latest first, and their number. Orders of the waiting list are listed elsewhere. */
export async function listOrders(
  db: Database,
  { of, userId, statuses, limit, offset }: OrderFilter,
): Promise<{ readonly items: readonly Order[]; readonly total: number }> {
  const mine =
    of === 'own' ? sql<boolean>`o.patient_id = (${ownPatient(userId)})` : sql<boolean>`o.initiator_user_id = ${userId}`
  const items = await orders(db)
    .where(mine)
    .where('o.status', '=', anyOf(statuses))
    .orderBy('o.order_id', 'desc')
    .limit(limit)
    .offset(offset)
    .execute()
  const { rows } = await sql<{ total: number }>`
    SELECT count(*) AS total
    FROM registration_order o
    WHERE ${mine} AND o.status = ANY (${statuses}::text[])`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

/** Ids of pending orders that have expired, with their schedules, the longest overdue first. */
export async function expiredOrders(
  db: Database,
  now: Date,
  limit: number,
): Promise<readonly { readonly orderId: number }[]> {
  return await db
    .selectFrom('registration_order')
    .select('order_id as orderId')
    .where('expires_at', '<=', now)
    .where('status', '=', 'pending')
    .orderBy('expires_at')
    .limit(limit)
    .execute()
}

/** Marks a locked pending order as being paid. */
export async function markPaying(db: Database, orderId: number, method: string, now: Date): Promise<void> {
  await db
    .updateTable('registration_order')
    .set({ payment_status: 'paying', payment_method: method, update_time: now })
    .where('order_id', '=', orderId)
    .where('status', '=', 'pending')
    .execute()
}

/** Adds the review of a visit. @throws Invalid `already_reviewed` by constraint. */
export async function insertReview(
  db: Database,
  order: Pick<Order, 'orderId' | 'patientId' | 'doctorId'>,
  { rating, comment }: { readonly rating: number; readonly comment: string | null },
  now: Date,
): Promise<void> {
  const { orderId, patientId, doctorId } = order
  await db
    .insertInto('visit_review')
    .values({ order_id: orderId, patient_id: patientId, doctor_id: doctorId, rating, comment, create_time: now })
    .execute()
}
