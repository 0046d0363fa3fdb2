import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import type { RefundReport } from './port.ts'

/** A payment that was begun at the platform. Amounts are in fen. */
export interface PlatformPayment {
  readonly paymentId: number
  readonly orderId: number
  /** Our number at the platform. */
  readonly number: string
  readonly amount: number
  readonly state: 'open' | 'closing' | 'paid' | 'closed'
  readonly codeUrl: string | null
  readonly expiresAt: Date
  readonly tries: number
  readonly createTime: Date
}

const payments = sql`
    SELECT
      p.payment_id AS "paymentId", p.order_id AS "orderId", p.out_trade_no AS number, p.amount, p.state,
      p.code_url AS "codeUrl", p.expires_at AS "expiresAt", p.tries, p.create_time AS "createTime"
    FROM platform_payment p`

async function onePayment(db: Database, condition: RawBuilder<unknown>): Promise<PlatformPayment | null> {
  const { rows } = await sql<PlatformPayment>`${payments} WHERE ${condition}`.execute(db)
  return rows[0] ?? null
}

/** The payment with our number, or null. */
export async function paymentNumbered(db: Database, number: string): Promise<PlatformPayment | null> {
  return await onePayment(db, sql`p.out_trade_no = ${number}`)
}

/** A payment by its id, as it is now. */
export async function findPayment(db: Database, paymentId: number): Promise<PlatformPayment | null> {
  return await onePayment(db, sql`p.payment_id = ${paymentId}`)
}

/** The payment of an order that people can pay, or null. */
export async function openPaymentOf(db: Database, orderId: number): Promise<PlatformPayment | null> {
  return await onePayment(db, sql`p.order_id = ${orderId} AND p.state = 'open'`)
}

/** The payments of an order that the platform still has to close. */
export async function closingPaymentsOf(db: Database, orderId: number): Promise<readonly PlatformPayment[]> {
  const { rows } = await sql<PlatformPayment>`
    ${payments} WHERE p.order_id = ${orderId} AND p.state = 'closing' ORDER BY p.payment_id`.execute(db)
  return rows
}

/** Adds an open payment of a locked order. An index allows one. */
export async function insertPayment(
  tx: Transaction,
  payment: {
    readonly orderId: number
    readonly amount: number
    readonly expiresAt: Date
    readonly nextTime: Date
    readonly now: Date
  },
): Promise<number> {
  const { orderId, amount, expiresAt, nextTime, now } = payment
  const { rows } = await sql<{ id: number }>`
    INSERT INTO platform_payment (order_id, out_trade_no, amount, expires_at, next_time, create_time, update_time)
    VALUES (${orderId}, ${crypto.randomUUID().replaceAll('-', '')}, ${amount}, ${expiresAt}, ${nextTime}, ${now}, ${now})
    RETURNING payment_id AS id`.execute(tx)
  return inserted(rows).id
}

/** Notes the code of a payment; the first one stays. */
export async function writeCode(db: Database, paymentId: number, codeUrl: string): Promise<void> {
  await sql`
    UPDATE platform_payment SET code_url = ${codeUrl}
    WHERE payment_id = ${paymentId} AND code_url IS NULL`.execute(db)
}

/** Notes that the order does not need an open payment any more. */
export async function writeClosing(db: Database, paymentId: number, now: Date): Promise<void> {
  await sql`
    UPDATE platform_payment SET state = 'closing', next_time = ${now}, tries = 0, update_time = ${now}
    WHERE payment_id = ${paymentId} AND state = 'open'`.execute(db)
}

/** Notes that the platform has closed a payment. */
export async function writeClosed(db: Database, paymentId: number, now: Date): Promise<void> {
  await sql`
    UPDATE platform_payment SET state = 'closed', problem = NULL, update_time = ${now}
    WHERE payment_id = ${paymentId} AND state IN ('open', 'closing')`.execute(db)
}

/** Notes that a payment was paid. False if that is known. */
export async function writePlatformPaid(
  tx: Transaction,
  paymentId: number,
  transactionId: string,
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`
    UPDATE platform_payment
    SET state = 'paid', transaction_id = ${transactionId}, problem = NULL, update_time = ${now}
    WHERE payment_id = ${paymentId} AND state <> 'paid'
    RETURNING payment_id`.execute(tx)
  return rows.length === 1
}

/** Notes when the platform is asked for a payment again, and what was wrong. */
export async function postponePayment(
  db: Database,
  paymentId: number,
  { nextTime, problem }: { readonly nextTime: Date; readonly problem: string | null },
): Promise<void> {
  await sql`
    UPDATE platform_payment SET next_time = ${nextTime}, tries = tries + 1, problem = ${problem}
    WHERE payment_id = ${paymentId} AND state IN ('open', 'closing')`.execute(db)
}

/** Marks open payments that their orders don't need any more: those have ended, are paid, or cost something else. */
export async function closeUnneeded(db: Database, now: Date): Promise<void> {
  await sql`
    UPDATE platform_payment p SET state = 'closing', next_time = ${now}, tries = 0, update_time = ${now}
    FROM registration_order o
    WHERE p.state = 'open' AND o.order_id = p.order_id
      AND (o.status <> 'pending' OR o.price <> p.amount OR o.expires_at <= ${now})`.execute(db)
}

/** Payments about which the platform is to be asked now, the longest overdue first. */
export async function duePayments(db: Database, now: Date, limit: number): Promise<readonly PlatformPayment[]> {
  const { rows } = await sql<PlatformPayment>`
    ${payments}
    WHERE p.state IN ('open', 'closing') AND p.next_time <= ${now}
    ORDER BY p.next_time, p.payment_id
    LIMIT ${limit}`.execute(db)
  return rows
}

/** A refund that the platform owes, with the number and amount of its payment. */
export interface PlatformRefund {
  readonly refundId: number
  readonly refundNumber: string
  readonly amount: number
  readonly reason: string | null
  readonly state: 'owed' | 'accepted'
  readonly tries: number
  readonly number: string
  readonly total: number
}

/** Refunds that have to be sent or asked for now, the longest overdue first. */
export async function dueRefunds(db: Database, now: Date, limit: number): Promise<readonly PlatformRefund[]> {
  const { rows } = await sql<PlatformRefund>`
    SELECT
      r.refund_id AS "refundId", r.out_refund_no AS "refundNumber", r.amount, r.reason, r.state, r.tries,
      p.out_trade_no AS number, p.amount AS total
    FROM platform_refund r
    JOIN platform_payment p ON p.payment_id = r.payment_id
    WHERE r.state IN ('owed', 'accepted') AND r.next_time <= ${now}
    ORDER BY r.next_time, r.refund_id
    LIMIT ${limit}`.execute(db)
  return rows
}

/** Notes when a refund is sent or asked for again, and what was wrong. */
export async function postponeRefund(
  db: Database,
  refundId: number,
  { nextTime, problem }: { readonly nextTime: Date; readonly problem: string | null },
): Promise<void> {
  await sql`
    UPDATE platform_refund SET next_time = ${nextTime}, tries = tries + 1, problem = ${problem}
    WHERE refund_id = ${refundId} AND state IN ('owed', 'accepted')`.execute(db)
}

/**
 * Writes what the platform says about a refund of ours. Final states stay. False if we have no such refund of this
 * payment and amount.
 */
export async function writeRefund(db: Database, report: RefundReport, nextTime: Date, now: Date): Promise<boolean> {
  const { refundNumber, number, state, amount, word } = report
  const problem = state === 'failed' ? word : null
  const { rows } = await sql`
    WITH ours AS (
      SELECT r.refund_id
      FROM platform_refund r
      JOIN platform_payment p ON p.payment_id = r.payment_id
      WHERE r.out_refund_no = ${refundNumber} AND p.out_trade_no = ${number} AND r.amount = ${amount}
    ), written AS (
      UPDATE platform_refund r
      SET state = ${state}, problem = ${problem}, next_time = ${nextTime}, tries = r.tries + 1, update_time = ${now}
      FROM ours
      WHERE r.refund_id = ours.refund_id AND r.state IN ('owed', 'accepted')
    )
    SELECT refund_id FROM ours`.execute(db)
  return rows.length === 1
}
