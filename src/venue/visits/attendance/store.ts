import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { ruleInForce, ruleJoins } from '../../core/bookingRules/store.ts'
import { raiseRevision } from '../../core/membersStore.ts'

/** The key of a venue's check-in code, or null when there is no such venue. */
export async function checkInSecret(db: Database, venueId: number): Promise<string | null> {
  const venue = await db
    .selectFrom('venues')
    .select('check_in_secret')
    .where('id', '=', venueId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return venue?.check_in_secret ?? null
}

/** Notes when somebody came. The state is moved by `moveState`. */
export async function noteCheckIn(tx: Transaction, id: number, at: Date): Promise<void> {
  await tx.updateTable('reservations').set({ checked_in_at: at }).where('id', '=', id).execute()
}

/**
 * Forgets what had ended a no-show that counts again: whoever decides on the person's reservations reads them anew.
 * Answers the credit that it cost. The person is locked.
 */
export async function reopenNoShow(
  tx: Transaction,
  { id, userId }: { readonly id: number; readonly userId: number },
): Promise<number> {
  await raiseRevision(tx, userId)
  await tx.updateTable('reservations').set({ ended_by: null, end_reason: null }).where('id', '=', id).execute()
  const { cost } = await tx
    .selectFrom('credit_ledger')
    .select(sql<number>`(-coalesce(sum(delta), 0))::int`.as('cost'))
    .where('reservation_id', '=', id)
    .where('reason', '=', 'no_show')
    .executeTakeFirstOrThrow()
  return cost
}

/** Notes when somebody left (null: nobody said, the slot ended) and the minutes of the slot they used. */
export async function noteCheckOut(tx: Transaction, id: number, at: Date | null, minutes: number): Promise<void> {
  await tx
    .updateTable('reservations')
    .set({ checked_out_at: at, actual_minutes: minutes })
    .where('id', '=', id)
    .execute()
}

/**
 * When the owner can no longer check in. Needs `reservations r` and the rules in scope; `rules.lastCheckIn` says the
 * same.
 */
const lastCheckIn = sql`
  greatest(r.start_at, r.created_at) + make_interval(mins => ${ruleInForce('check_in_after_minutes')})`

/**
 * Reservations that time alone has decided, by id and from after `afterId`: pending ones that have begun, confirmed
 * ones whose check-in is over, checked-in ones whose slot has ended. The decision itself is `rules.settlement`, on the
 * locked row.
 */
export async function dueReservations(
  db: Database,
  now: Date,
  afterId: number,
  limit: number,
): Promise<readonly { readonly id: number; readonly userId: number }[]> {
  const { rows } = await sql<{ id: number; userId: number }>`
    SELECT due.id, due.user_id AS "userId"
    FROM (
      SELECT r.id, r.user_id
      FROM reservations r
      WHERE r.status = 'pending' AND r.start_at <= ${now}
      UNION ALL
      SELECT r.id, r.user_id
      FROM reservations r
      JOIN venues v ON v.id = r.venue_id
      ${ruleJoins}
      WHERE r.status = 'confirmed' AND r.start_at <= ${now} AND (r.end_at <= ${now} OR ${lastCheckIn} < ${now})
      UNION ALL
      SELECT r.id, r.user_id
      FROM reservations r
      WHERE r.status = 'checked_in' AND r.start_at <= ${now} AND r.end_at <= ${now}
    ) due
    WHERE due.id > ${afterId}
    ORDER BY due.id
    LIMIT ${limit}`.execute(db)
  return rows
}
