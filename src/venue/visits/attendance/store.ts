import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { DEFAULT_RULES } from '../../core/bookingRules/rules.ts'
import { ruleJoins } from '../../core/bookingRules/store.ts'

/** The key of a venue's check-in code, or null when there is no such venue. */
export async function checkInSecret(db: Database, venueId: number): Promise<string | null> {
  const { rows } = await sql<{ check_in_secret: string }>`
    SELECT check_in_secret FROM venues WHERE id = ${venueId} AND deleted_at IS NULL`.execute(db)
  return rows[0]?.check_in_secret ?? null
}

/** Notes when somebody came. The state is moved by `moveState`. */
export async function noteCheckIn(tx: Transaction, id: number, at: Date): Promise<void> {
  await sql`UPDATE reservations SET checked_in_at = ${at} WHERE id = ${id}`.execute(tx)
}

/**
 * Forgets what had ended a no-show that counts again: whoever decides on the person's reservations reads them anew. Answers the credit that it cost.
 * The person is locked.
 */
export async function reopenNoShow(
  tx: Transaction,
  { id, userId }: { readonly id: number; readonly userId: number },
): Promise<number> {
  const { rows } = await sql<{ cost: number }>`
    WITH person AS (UPDATE venue_members SET revision = revision + 1 WHERE user_id = ${userId}
    ), reopened AS (UPDATE reservations SET ended_by = NULL, end_reason = NULL WHERE id = ${id})
    SELECT (-coalesce(sum(delta), 0))::int AS cost FROM credit_ledger WHERE reservation_id = ${id} AND reason = 'no_show'`.execute(
    tx,
  )
  return rows[0]?.cost ?? 0
}

/** Notes when somebody left (null: nobody said, the slot ended) and the minutes of the slot they used. */
export async function noteCheckOut(tx: Transaction, id: number, at: Date | null, minutes: number): Promise<void> {
  await sql`UPDATE reservations SET checked_out_at = ${at}, actual_minutes = ${minutes} WHERE id = ${id}`.execute(tx)
}

/**
 * Reservations that time alone has decided, by id and from after `afterId`: pending ones that have begun, confirmed ones whose check-in is
 * over, checked-in ones whose slot has ended. The decision itself is `rules.settlement`, on the locked row.
 */
export async function dueReservations(
  db: Database,
  now: Date,
  afterId: number,
  limit: number,
): Promise<readonly { readonly id: number; readonly userId: number }[]> {
  const { rows } = await sql<{ id: number; userId: number }>`
    SELECT due.id, due.user_id AS "userId" FROM (
      SELECT r.id, r.user_id FROM reservations r
      WHERE r.status = 'pending' AND r.start_at <= ${now}
      UNION ALL
      SELECT r.id, r.user_id FROM reservations r
      JOIN venues v ON v.id = r.venue_id
      ${ruleJoins}
      WHERE r.status = 'confirmed' AND r.start_at <= ${now} AND (r.end_at <= ${now}
        OR greatest(r.start_at, r.created_at) + make_interval(mins => coalesce(r1.check_in_after_minutes, r2.check_in_after_minutes,
          r3.check_in_after_minutes, ${DEFAULT_RULES.check_in_after_minutes}::int)) < ${now})
      UNION ALL
      SELECT r.id, r.user_id FROM reservations r
      WHERE r.status = 'checked_in' AND r.start_at <= ${now} AND r.end_at <= ${now}
    ) due
    WHERE due.id > ${afterId} ORDER BY due.id LIMIT ${limit}`.execute(db)
  return rows
}
