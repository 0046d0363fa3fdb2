import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import type { Order } from '../../core/ordersStore.ts'
import type { Facts } from '../../core/rules.ts'

/** Most sessions that are offered for moving an order. */
const MOST = 60

/** The ids of the doctor's other sessions at the clinic with free numbers of the same kind, the soonest first. */
export async function schedulesLike(db: Database, order: Order, today: string): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT schedule_id AS id
    FROM schedule
    WHERE doctor_id = ${order.doctorId} AND clinic_id = ${order.clinicId} AND slot_type = ${order.slotType}
      AND schedule_id <> ${order.scheduleId} AND date >= ${today}::date
      AND remaining_slots > 0 AND status = '正常' AND deleted_at IS NULL
    ORDER BY date, array_position(ARRAY['上午', '下午', '晚上'], time_section)
    LIMIT ${MOST}`.execute(db)
  return rows.map(({ id }) => id)
}

/**
 * Writes the new schedule, number and price of a locked order. A pending order that costs nothing any more is
 * confirmed; one whose price has changed has to begin its payment again.
 */
export async function writeMove(
  tx: Transaction,
  order: Order,
  move: {
    readonly schedule: Facts['schedule']
    readonly number: number
    readonly price: number
    readonly expiresAt: Date | null
    readonly now: Date
  },
): Promise<void> {
  const { schedule, number, price, expiresAt, now } = move
  const isFree = order.status === 'pending' && price === 0
  const payment = price === order.price ? order.paymentStatus : 'pending'
  await sql`
    UPDATE registration_order
    SET
      schedule_id = ${schedule.id}, minor_dept_id = ${schedule.deptId}, slot_date = ${schedule.date},
      queue_no = ${number}, price = ${price}, status = ${isFree ? 'confirmed' : order.status},
      payment_status = ${isFree ? 'paid' : payment}, expires_at = ${isFree ? null : expiresAt}::timestamptz,
      payment_time = CASE WHEN ${isFree}::boolean THEN ${now}::timestamptz ELSE payment_time END,
      check_in_time = NULL, update_time = ${now}
    WHERE order_id = ${order.orderId}`.execute(tx)
}
