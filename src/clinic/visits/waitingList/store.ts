import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { type Order, orders, ownPatient } from '../../core/ordersStore.ts'
import type { Facts } from '../../core/rules.ts'
import type { TimeSection } from '../../core/types.ts'

/** Puts a patient on the waiting list of a locked schedule. Returns the order's id. */
export async function insertWaiting(
  tx: Transaction,
  { schedule, patient }: Facts,
  entry: { readonly userId: number; readonly price: number; readonly now: Date },
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO registration_order (
      patient_id, initiator_user_id, schedule_id, minor_dept_id, slot_date, slot_type, price, status, payment_status,
      source_type, create_time, update_time
    )
    VALUES (
      ${patient.id}, ${entry.userId}, ${schedule.id}, ${schedule.deptId}, ${schedule.date}, ${schedule.slotType},
      ${entry.price}, 'waitlist', 'pending', 'waitlist', ${entry.now}, ${entry.now}
    )
    RETURNING order_id AS id`.execute(tx)
  return inserted(rows).id
}

/** The place of an order on its waiting list, from 1. */
export async function placeInLine(db: Database, { scheduleId, orderId }: Pick<Order, 'scheduleId' | 'orderId'>) {
  const { rows } = await sql<{ place: number }>`
    SELECT count(*) AS place
    FROM registration_order
    WHERE schedule_id = ${scheduleId} AND status = 'waitlist' AND order_id <= ${orderId}`.execute(db)
  return rows[0]?.place ?? 0
}

/** An order of a waiting list with its place in the line. */
export interface Waiting extends Order {
  readonly place: number
  readonly free: boolean
}

/** The orders on waiting lists that a user made or that are of their own patient record, the latest first. */
export async function listWaiting(db: Database, userId: number): Promise<readonly Waiting[]> {
  return await orders(db)
    .select(
      sql<number>`(
        SELECT count(*)
        FROM registration_order w
        WHERE w.schedule_id = o.schedule_id AND w.status = 'waitlist' AND w.order_id <= o.order_id
      )`.as('place'),
    )
    .select(sql<boolean>`s.remaining_slots > 0`.as('free'))
    .where('o.status', '=', 'waitlist')
    .where(sql<boolean>`(o.initiator_user_id = ${userId} OR o.patient_id = (${ownPatient(userId)}))`)
    .orderBy('o.order_id', 'desc')
    .limit(200)
    .execute()
}

/** Orders on waiting lists of sessions up to a date, after an order id. */
export async function waitingUpTo(
  db: Database,
  date: string,
  after: number,
  limit: number,
): Promise<readonly { readonly orderId: number; readonly date: string; readonly timeSection: TimeSection }[]> {
  return await db
    .selectFrom('registration_order as o')
    .innerJoin('schedule as s', 's.schedule_id', 'o.schedule_id')
    .select(['o.order_id as orderId', 's.date', 's.time_section as timeSection'])
    .where('o.status', '=', 'waitlist')
    .where('o.slot_date', '<=', date)
    .where('o.order_id', '>', after)
    .orderBy('o.order_id')
    .limit(limit)
    .execute()
}
