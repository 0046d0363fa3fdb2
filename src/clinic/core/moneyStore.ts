import { sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'
import { moveFigures } from './numbersStore.ts'
import type { Order } from './ordersStore.ts'

/** A charge or refund of an order. */
export interface LedgerEntry {
  /** In fen, positive. */
  readonly amount: number
  readonly method: string
  /** The payment platform's own number. */
  readonly reference?: string | undefined
  readonly reason?: string | undefined
  /** The platform's payment that is refunded; without it the order's payments, the oldest first. */
  readonly ofPayment?: number | undefined
  /** The user who caused it; null for the system or the platform. */
  readonly by: number | null
  readonly now: Date
}

/**
 * Books a charge of a locked order: the ledger, the order's `paid`, and the revenue of its schedule. Returns false if the
 * platform's payment was booked before.
 */
export async function charge(
  tx: Transaction,
  order: Pick<Order, 'orderId' | 'scheduleId'>,
  entry: LedgerEntry,
): Promise<boolean> {
  const { amount, method, reference = null, reason = null, by, now } = entry
  const { rows } = await sql`
    INSERT INTO order_ledger (order_id, amount, method, reference, reason, created_by, create_time)
    VALUES (${order.orderId}, ${amount}, ${method}, ${reference}, ${reason}, ${by}, ${now})
    ON CONFLICT (reference) WHERE amount > 0 DO NOTHING
    RETURNING entry_id`.execute(tx)
  if (rows.length === 0) return false
  await sql`
    UPDATE registration_order
    SET
      paid = paid + ${amount}::int,
      payment_method = CASE WHEN status = 'pending' THEN ${method} ELSE coalesce(payment_method, ${method}) END,
      payment_time = CASE WHEN status = 'pending' THEN ${now}::timestamptz ELSE coalesce(payment_time, ${now}) END,
      update_time = ${now}
    WHERE order_id = ${order.orderId}`.execute(tx)
  await moveFigures(tx, order.scheduleId, { revenue: amount })
  return true
}

/**
 * Books a refund of a locked order: the ledger, the order's `refunded`, and the revenue of its schedule. The payment
 * counts as refunded once all of it is, unless the order needs none. A refund of a platform's payment is owed until the
 * platform has accepted it. A CHECK refuses more than was paid.
 */
export async function refund(
  tx: Transaction,
  order: Pick<Order, 'orderId' | 'scheduleId'>,
  entry: LedgerEntry,
): Promise<void> {
  const { amount, method, reason = null, by, now } = entry
  await sql`
    INSERT INTO order_ledger (order_id, amount, method, reason, created_by, create_time)
    VALUES (${order.orderId}, ${-amount}, ${method}, ${reason}, ${by}, ${now})`.execute(tx)
  await sql`
    UPDATE registration_order
    SET
      refunded = refunded + ${amount}::int,
      payment_status = CASE
        WHEN refunded + ${amount}::int < paid OR status = 'pending' THEN payment_status
        WHEN price = 0 AND status NOT IN ('cancelled', 'timeout') THEN payment_status
        ELSE 'refunded'
      END,
      refund_time = ${now}, update_time = ${now}
    WHERE order_id = ${order.orderId}`.execute(tx)
  await moveFigures(tx, order.scheduleId, { revenue: -amount })
  await owePlatform(tx, order.orderId, entry)
}

/**
 * Notes what the payment platform has to give back, over the order's payments there: each gives back what is left of it.
 * Of money that nobody needed, the payment that brought it.
 */
async function owePlatform(
  tx: Transaction,
  orderId: number,
  { amount, reason, now, ofPayment }: LedgerEntry,
): Promise<void> {
  const { rows } = await sql<{ paymentId: number; left: number }>`
    SELECT payment_id AS "paymentId", amount - refunded AS left
    FROM platform_payment
    WHERE order_id = ${orderId} AND state = 'paid' AND refunded < amount
      AND (${ofPayment ?? null}::bigint IS NULL OR payment_id = ${ofPayment ?? null})
    ORDER BY payment_id`.execute(tx)
  let owed = amount
  for (const { paymentId, left } of rows) {
    const part = Math.min(owed, left)
    if (part <= 0) break
    owed -= part
    await sql`
      WITH payment AS (
        UPDATE platform_payment
        SET refunded = refunded + ${part}::int, update_time = ${now}
        WHERE payment_id = ${paymentId}
      )
      INSERT INTO platform_refund (payment_id, out_refund_no, amount, reason, next_time, create_time, update_time)
      VALUES (${paymentId}, ${crypto.randomUUID().replaceAll('-', '')}, ${part}, ${reason ?? null},
        ${now}, ${now}, ${now})
    `.execute(tx)
  }
}

/** Moves a locked pending order to confirmed and paid. */
export async function writePaid(tx: Transaction, orderId: number, now: Date): Promise<void> {
  await sql`
    UPDATE registration_order
    SET status = 'confirmed', payment_status = 'paid', expires_at = NULL, update_time = ${now}
    WHERE order_id = ${orderId} AND status = 'pending'`.execute(tx)
}
