import { sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'
import { moveFigures } from './numbersStore.ts'
import { type Order, raiseRevision } from './ordersStore.ts'

// The moves of a visit. The caller has locked the order (lockOrder), or its schedule. Each returns false and changes
// nothing if the order is not in the state for it.

/** Calls a patient. A unique index allows one at a time for a schedule. */
export async function writeCall(tx: Transaction, orderId: number, now: Date): Promise<boolean> {
  const { rows } = await sql`
    UPDATE registration_order
    SET is_calling = true, call_time = ${now}, update_time = ${now}
    WHERE order_id = ${orderId} AND status = 'confirmed' AND NOT is_calling
    RETURNING order_id`.execute(tx)
  return rows.length === 1
}

/** Ends the visit of a called patient. */
export async function writeCompletion(
  tx: Transaction,
  order: Pick<Order, 'orderId' | 'scheduleId'>,
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`
    UPDATE registration_order
    SET status = 'completed', is_calling = false, completed_time = ${now}, update_time = ${now}
    WHERE order_id = ${order.orderId} AND status = 'confirmed' AND is_calling
    RETURNING order_id`.execute(tx)
  if (rows.length === 0) return false
  await moveFigures(tx, order.scheduleId, { completed: 1 })
  return true
}

/** Passes a called patient who is not there: they go behind the others. */
export async function writePass(tx: Transaction, orderId: number, now: Date): Promise<boolean> {
  const { rows } = await sql`
    UPDATE registration_order
    SET is_calling = false, pass_count = pass_count + 1, update_time = ${now}
    WHERE order_id = ${orderId} AND status = 'confirmed' AND is_calling
    RETURNING order_id`.execute(tx)
  return rows.length === 1
}

/** Notes that a patient did not come. The patient's revision rises, because missed visits count against registering. */
export async function writeNoShow(
  tx: Transaction,
  order: Pick<Order, 'orderId' | 'patientId'>,
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`
    UPDATE registration_order
    SET status = 'no_show', is_calling = false, update_time = ${now}
    WHERE order_id = ${order.orderId} AND status = 'confirmed'
    RETURNING order_id`.execute(tx)
  if (rows.length === 0) return false
  await raiseRevision(tx, order.patientId)
  return true
}
