import { sql } from 'kysely'
import type { Transaction } from '../../../kernel/database/database.ts'

/** Whether this reservation has been confirmed before (and moved since to a venue that requires approval). */
export async function wasConfirmed(
  tx: Transaction,
  reservation: { readonly id: number; readonly userId: number },
): Promise<boolean> {
  const key = `reservation:${reservation.id}:confirmed`
  const { rows } = await sql<{ known: boolean }>`
    SELECT
      EXISTS (SELECT FROM notification_messages WHERE user_id = ${reservation.userId} AND key = ${key})
      OR EXISTS (SELECT FROM outbox WHERE message->>'key' = ${key})
      AS known`.execute(tx)
  return rows[0]?.known ?? false
}
