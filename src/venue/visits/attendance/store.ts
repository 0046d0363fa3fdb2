import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { ruleInForce, ruleJoins } from '../../core/bookingRules/store.ts'
import { raiseRevision } from '../../core/membersStore.ts'

/** Secret of a venue's check-in codes, or null when there is no such venue. */
export async function checkInSecret(db: Database, venueId: number): Promise<string | null> {
  const venue = await db
    .selectFrom('venues')
    .select('check_in_secret')
    .where('id', '=', venueId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return venue?.check_in_secret ?? null
}

/** Records the time of a check-in. `moveState` changes the state. */
export async function noteCheckIn(tx: Transaction, id: number, at: Date): Promise<void> {
  await tx.updateTable('reservations').set({ checked_in_at: at }).where('id', '=', id).execute()
}

/**
 * Clears the end of a no-show that is active again, and raises the person's revision, so that decisions about their
 * bookings are made on fresh facts. Returns the credit that the no-show cost. The person must be locked.
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

/** Records the time of a check-out (null: the slot ended without one) and the used minutes of the slot. */
export async function noteCheckOut(tx: Transaction, id: number, at: Date | null, minutes: number): Promise<void> {
  await tx
    .updateTable('reservations')
    .set({ checked_out_at: at, actual_minutes: minutes })
    .where('id', '=', id)
    .execute()
}

/**
 * Last instant of the owner's check-in; the SQL form of `rules.lastCheckIn`. Needs `reservations r` and the rules in
 * scope.
 */
const lastCheckIn = sql`
  greatest(r.start_at, r.created_at) + make_interval(mins => ${ruleInForce('check_in_after_minutes')})`

/**
 * Reservations with a change due by time alone, by id and after `afterId`: pending ones that have begun, confirmed ones
 * whose check-in is over, checked-in ones whose slot has ended. `rules.settlement` decides on the locked row.
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
