import { sql } from 'kysely'
import type { Transaction } from '../../../kernel/database/database.ts'

/**
 * Whether the owner of a reservation was reminded of it after an instant, by hand or automatically. Messages in the
 * outbox count.
 */
export async function wasReminded(
  tx: Transaction,
  reservation: { readonly id: number; readonly userId: number },
  after: Date,
): Promise<boolean> {
  const prefix = `reservation:${reservation.id}:reminder:`
  const { rows } = await sql<{ reminded: boolean }>`
    SELECT
      EXISTS (
        SELECT FROM outbox
        WHERE starts_with(message ->> 'key', ${prefix}) AND created_at > ${after}
      )
      OR EXISTS (
        SELECT FROM notification_messages
        WHERE user_id = ${reservation.userId} AND starts_with(key, ${prefix}) AND created_at > ${after}
      )
      AS reminded`.execute(tx)
  return rows[0]?.reminded ?? false
}
