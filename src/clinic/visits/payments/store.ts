import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { allOf } from '../../../kernel/database/lists.ts'

/** States of a refund by the platform. */
export const REFUND_STATES = ['owed', 'accepted', 'done', 'failed', 'settled'] as const
export type RefundState = (typeof REFUND_STATES)[number]

/** A refund by the platform, as the desk sees it. Amounts are in fen. */
export interface ListedRefund {
  readonly refundId: number
  readonly refundNumber: string
  readonly orderId: number
  readonly patientName: string
  readonly amount: number
  readonly state: RefundState
  readonly reason: string | null
  /** What went wrong the last time. */
  readonly problem: string | null
  readonly note: string | null
  readonly createTime: Date
  readonly updateTime: Date
}

export interface RefundQuery {
  readonly state?: RefundState | undefined
  readonly orderId?: number | undefined
  readonly limit: number
  readonly offset: number
}

/** A page of refunds, the latest first. */
export async function listRefunds(
  db: Database,
  { state, orderId, limit, offset }: RefundQuery,
): Promise<{ readonly items: readonly ListedRefund[]; readonly total: number }> {
  const from = sql`
    platform_refund r
    JOIN platform_payment p USING (payment_id)
    JOIN registration_order o USING (order_id)
    JOIN patient t ON t.patient_id = o.patient_id
    WHERE ${allOf([state !== undefined && sql`r.state = ${state}`, orderId !== undefined && sql`o.order_id = ${orderId}`])}`
  const items = await sql<ListedRefund>`
    SELECT
      r.refund_id AS "refundId", r.out_refund_no AS "refundNumber", o.order_id AS "orderId", t.name AS "patientName",
      r.amount, r.state, r.reason, r.problem, r.settled_note AS note, r.create_time AS "createTime",
      r.update_time AS "updateTime"
    FROM ${from}
    ORDER BY r.refund_id DESC
    LIMIT ${limit} OFFSET ${offset}`.execute(db)
  const { rows } = await sql<{ total: number }>`SELECT count(*) AS total FROM ${from}`.execute(db)
  return { items: items.rows, total: rows[0]?.total ?? 0 }
}

/** Locks a refund. Null if there is none. */
export async function lockRefund(
  tx: Transaction,
  refundId: number,
): Promise<{ readonly state: RefundState; readonly orderId: number } | null> {
  const { rows } = await sql<{ state: RefundState; orderId: number }>`
    SELECT r.state, p.order_id AS "orderId"
    FROM platform_refund r
    JOIN platform_payment p ON p.payment_id = r.payment_id
    WHERE r.refund_id = ${refundId}
    FOR NO KEY UPDATE OF r`.execute(tx)
  return rows[0] ?? null
}

/** Writes how the money of a locked failed refund was given back. */
export async function writeSettled(
  tx: Transaction,
  refundId: number,
  { note, by, now }: { readonly note: string; readonly by: number; readonly now: Date },
): Promise<void> {
  await sql`
    UPDATE platform_refund
    SET state = 'settled', settled_note = ${note}, settled_by = ${by}, update_time = ${now}
    WHERE refund_id = ${refundId} AND state = 'failed'`.execute(tx)
}
