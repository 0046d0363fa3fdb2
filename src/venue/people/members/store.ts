import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import type { Cause, PointsReason } from '../../core/membersStore.ts'

/** A change of credit or points. `after`: the score or balance after it. */
export interface LedgerEntry {
  readonly id: number
  readonly delta: number
  readonly after: number
  readonly reason: string
  readonly note: string | null
  readonly reservationId: number | null
  readonly createdAt: Date
}

/** One page of a person's credit or points history, the newest first, and the number of entries. */
export async function listLedger(
  db: Database,
  ledger: 'credit' | 'points',
  userId: number,
  page: { readonly offset: number; readonly limit: number },
): Promise<{ items: readonly LedgerEntry[]; total: number }> {
  // The two ledgers differ only in the name of one column.
  const of =
    ledger === 'credit'
      ? db.selectFrom('credit_ledger as l').select('l.score as after')
      : db.selectFrom('points_ledger as l').select('l.balance as after')
  const items = await of
    .select(['l.id', 'l.delta', 'l.reason', 'l.note', 'l.reservation_id as reservationId', 'l.created_at as createdAt'])
    .where('l.user_id', '=', userId)
    .orderBy('l.id', 'desc')
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  const { total } = await db
    .selectFrom(ledger === 'credit' ? 'credit_ledger' : 'points_ledger')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow()
  return { items, total }
}

/** Whether this person has an account that is not deleted. */
export async function personExists(db: Database, userId: number): Promise<boolean> {
  const person = await db
    .selectFrom('users')
    .select('id')
    .where('id', '=', userId)
    .where('status', '<>', 'deleted')
    .executeTakeFirst()
  return person !== undefined
}

/** Most points that a person can have. */
export const MOST_POINTS = 1_000_000_000

/** People who get points: named people, or all active people with one of these roles. */
export type Grantees = { readonly userIds: readonly number[] } | { readonly roles: readonly string[] }

/**
 * Grants points to many people and writes the ledger, in one statement that locks them by id. People who are not
 * active, or would have more than `MOST_POINTS`, get none. Returns the ids of those who got points.
 */
export async function grantPoints(
  tx: Transaction,
  to: Grantees,
  points: number,
  reason: Extract<PointsReason, 'grant' | 'adjustment'>,
  cause: Cause,
): Promise<readonly number[]> {
  const chosen =
    'userIds' in to
      ? sql`u.id = ANY (${to.userIds}::bigint[])`
      : sql`EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = ANY (${to.roles}::text[]))`
  const { rows } = await sql<{ id: number }>`
    WITH granted AS (
      INSERT INTO venue_members AS m (user_id, points, created_at)
      SELECT u.id, ${points}::int, ${cause.now}::timestamptz
      FROM users u
      WHERE u.status = 'active' AND ${chosen}
      ORDER BY u.id
      ON CONFLICT (user_id) DO UPDATE
        SET points = m.points + excluded.points
        WHERE m.points <= ${MOST_POINTS - points}::int
      RETURNING user_id, points
    )
    INSERT INTO points_ledger (user_id, delta, balance, reason, note, created_by, created_at)
    SELECT
      user_id, ${points}::int, points, ${reason}::text, ${cause.note ?? null}::text, ${cause.createdBy ?? null}::bigint,
      ${cause.now}::timestamptz
    FROM granted
    ORDER BY user_id
    RETURNING user_id AS id`.execute(tx)
  return rows.map(({ id }) => id)
}
