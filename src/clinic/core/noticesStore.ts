import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { among } from '../../kernel/database/literals.ts'
import type { OrderStatus } from './states.ts'

/** A message that an order gets once for each day of its visit. */
export type NoticeKind = 'evening' | 'day' | 'near'

/** Notes a notice for locked orders. Returns the ids of those that had not got it for the day of their visit. */
export async function noteNotice(
  tx: Transaction,
  orderIds: readonly number[],
  kind: NoticeKind,
  now: Date,
): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO order_notice (order_id, kind, slot_date, create_time)
    SELECT order_id, ${kind}, slot_date, ${now}
    FROM registration_order
    WHERE order_id = ANY (${orderIds}::bigint[])
    ON CONFLICT DO NOTHING
    RETURNING order_id AS id`.execute(tx)
  return new Set(rows.map(({ id }) => id))
}

/** Notes that somebody asked for a reminder of a locked order. Returns false if one was sent after an instant. */
export async function noteAskedReminder(tx: Transaction, orderId: number, since: Date, now: Date): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO order_notice (order_id, kind, slot_date, create_time)
    SELECT order_id, 'asked', slot_date, ${now}
    FROM registration_order
    WHERE order_id = ${orderId}
    ON CONFLICT (order_id, kind, slot_date) DO UPDATE
      SET create_time = excluded.create_time
      WHERE order_notice.create_time <= ${since}
    RETURNING order_id`.execute(tx)
  return rows.length > 0
}

/**
 * Whether the order of a message is still in one of the states, and still at the session that the message names.
 * `calling`: whether its patient must be called, or must not be; absent: either.
 */
export async function isStill(
  db: Database,
  data: Readonly<Record<string, unknown>>,
  states: readonly OrderStatus[],
  calling?: boolean,
): Promise<boolean> {
  const orderId = Number(data.order_id)
  if (!Number.isSafeInteger(orderId)) return false
  const { rows } = await sql`
    SELECT
    FROM registration_order o
    JOIN schedule s ON s.schedule_id = o.schedule_id
    WHERE o.order_id = ${orderId} AND o.status IN ${among(states)}
      AND s.date::text = ${String(data.date)} AND s.time_section = ${String(data.section)}
      AND (${calling ?? null}::boolean IS NULL OR o.is_calling = ${calling ?? null}::boolean)`.execute(db)
  return rows.length > 0
}
