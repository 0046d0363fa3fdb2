import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import type { TimeSection } from '../../core/types.ts'

/** The id of the next patient's order in a locked schedule; undefined if nobody waits. */
export async function nextOrder(tx: Transaction, scheduleId: number): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    SELECT order_id AS id
    FROM registration_order
    WHERE schedule_id = ${scheduleId} AND status = 'confirmed' AND NOT is_calling
    ORDER BY pass_count, priority, queue_no
    LIMIT 1`.execute(tx)
  return rows[0]?.id
}

/** Whether somebody is being called in a schedule. */
export async function isCalling(tx: Transaction, scheduleId: number): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM registration_order WHERE schedule_id = ${scheduleId} AND is_calling`.execute(tx)
  return rows.length > 0
}

/** Confirmed orders of schedules up to a date, the oldest first: those whose patients may not have come. */
export async function unattended(
  db: Database,
  upTo: string,
  after: number,
  limit: number,
): Promise<readonly { readonly orderId: number; readonly date: string; readonly timeSection: TimeSection }[]> {
  const { rows } = await sql<{ orderId: number; date: string; timeSection: TimeSection }>`
    SELECT o.order_id AS "orderId", s.date, s.time_section AS "timeSection"
    FROM registration_order o
    JOIN schedule s ON s.schedule_id = o.schedule_id
    WHERE o.status = 'confirmed' AND o.slot_date <= ${upTo}::date AND o.order_id > ${after}
    ORDER BY o.order_id
    LIMIT ${limit}`.execute(db)
  return rows
}
