import { sql } from 'kysely'
import { creditChange } from '../../../booking/credit.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'

export type PointsReason = 'grant' | 'adjustment' | 'booking' | 'refund' | 'expiry'
export type CreditReason = 'no_show' | 'no_show_undone' | 'late_cancel' | 'kept' | 'adjustment'

/** What a change of points or credit is about. */
export interface Cause {
  readonly reservationId?: number | null
  readonly createdBy?: number | null
  readonly note?: string | null
  readonly now: Date
}

export interface Member {
  readonly userId: number
  readonly credit: number
  readonly points: number
}

/** The venue product's row of a person, or null when they never booked nor got points. */
export async function findMember(db: Database, userId: number): Promise<Member | null> {
  const { rows } = await sql<Member>`
    SELECT user_id AS "userId", credit, points FROM venue_members WHERE user_id = ${userId}`.execute(db)
  return rows[0] ?? null
}

/** Gives people the row that bookings count on. Nothing happens where it is there. */
export async function ensureMembers(db: Database, userIds: readonly number[], now: Date): Promise<void> {
  await sql`
    INSERT INTO venue_members (user_id, created_at) SELECT id, ${now}::timestamptz FROM unnest(${userIds}::bigint[]) AS id ORDER BY id
    ON CONFLICT DO NOTHING`.execute(db)
}

/** Locks people's rows in one order (by id), before any slot: whoever changes several people comes through here. */
export async function lockMembers(tx: Transaction, userIds: readonly number[]): Promise<readonly Member[]> {
  const { rows } = await sql<Member>`
    SELECT user_id AS "userId", credit, points FROM venue_members
    WHERE user_id = ANY (${userIds}) ORDER BY user_id FOR UPDATE`.execute(tx)
  return rows
}

/** Locks somebody's row, made where there is none, and moves its revision on: what was decided on it before can't be written any more. */
export async function outdateMember(tx: Transaction, userId: number, now: Date): Promise<void> {
  await sql`INSERT INTO venue_members AS m (user_id, revision, created_at) VALUES (${userId}, 1, ${now})
    ON CONFLICT (user_id) DO UPDATE SET revision = m.revision + 1`.execute(tx)
}

/** Adds points (or takes them, when negative) and writes the ledger: false, and nothing done, when the balance would fall below 0. */
export async function changePoints(
  tx: Transaction,
  userId: number,
  delta: number,
  reason: PointsReason,
  cause: Cause,
): Promise<boolean> {
  if (delta === 0) return true
  const { rows } = await sql`
    WITH person AS (
      UPDATE venue_members SET points = points + ${delta}::int WHERE user_id = ${userId} AND points + ${delta}::int >= 0
      RETURNING user_id, points)
    INSERT INTO points_ledger (user_id, delta, balance, reason, note, reservation_id, created_by, created_at)
    SELECT user_id, ${delta}::int, points, ${reason}::text, ${cause.note ?? null}::text, ${cause.reservationId ?? null}::bigint,
      ${cause.createdBy ?? null}::bigint, ${cause.now}::timestamptz FROM person
    RETURNING id`.execute(tx)
  return rows.length === 1
}

/** Moves a person's credit within 0 and 100 and writes what really changed to the ledger. Answers the new score. */
export async function changeCredit(
  tx: Transaction,
  userId: number,
  wanted: number,
  reason: CreditReason,
  cause: Cause,
): Promise<number> {
  const [member] = await lockMembers(tx, [userId])
  if (!member) return 0
  const delta = creditChange(member.credit, wanted)
  if (delta === 0) return member.credit
  await sql`
    WITH person AS (UPDATE venue_members SET credit = credit + ${delta}::int WHERE user_id = ${userId} RETURNING user_id, credit)
    INSERT INTO credit_ledger (user_id, delta, score, reason, note, reservation_id, created_by, created_at)
    SELECT user_id, ${delta}::int, credit, ${reason}::text, ${cause.note ?? null}::text, ${cause.reservationId ?? null}::bigint,
      ${cause.createdBy ?? null}::bigint, ${cause.now}::timestamptz FROM person`.execute(tx)
  return member.credit + delta
}

/** A change of credit or points. `after`: the score or balance it left. */
export interface LedgerEntry {
  readonly id: number
  readonly delta: number
  readonly after: number
  readonly reason: string
  readonly note: string | null
  readonly reservationId: number | null
  readonly createdAt: Date
}

/** One page of a person's credit or points history, the newest first, and how many entries there are. */
export async function listLedger(
  db: Database,
  ledger: 'credit' | 'points',
  userId: number,
  page: { readonly offset: number; readonly limit: number },
): Promise<{ items: readonly LedgerEntry[]; total: number }> {
  const table = sql.table(ledger === 'credit' ? 'credit_ledger' : 'points_ledger')
  const after = sql.ref(ledger === 'credit' ? 'score' : 'balance')
  const { rows } = await sql<LedgerEntry>`
    SELECT id, delta, ${after} AS after, reason, note, reservation_id AS "reservationId", created_at AS "createdAt"
    FROM ${table} WHERE user_id = ${userId} ORDER BY id DESC LIMIT ${page.limit} OFFSET ${page.offset}`.execute(db)
  const counted = await sql<{ total: number }>`
    SELECT count(*) AS total FROM ${table} WHERE user_id = ${userId}`.execute(db)
  return { items: rows, total: counted.rows[0]?.total ?? 0 }
}

/** Has this person an account that was not deleted? */
export async function personExists(db: Database, userId: number): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM users WHERE id = ${userId} AND status <> 'deleted'`.execute(db)
  return rows.length > 0
}

/** Nobody has more points than this. */
export const MOST_POINTS = 1_000_000_000

/** To whom points are granted: named people, or everybody active who has one of these roles. */
export type Grantees = { readonly userIds: readonly number[] } | { readonly roles: readonly string[] }

/**
 * Grants points to many people and writes the ledger, in one statement that locks them in order of their ids. Who would have more than
 * `MOST_POINTS`, or is no (active) user, gets none. Answers who got them.
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
      SELECT u.id, ${points}::int, ${cause.now}::timestamptz FROM users u WHERE u.status = 'active' AND ${chosen} ORDER BY u.id
      ON CONFLICT (user_id) DO UPDATE SET points = m.points + excluded.points WHERE m.points <= ${MOST_POINTS - points}::int
      RETURNING user_id, points
    )
    INSERT INTO points_ledger (user_id, delta, balance, reason, note, created_by, created_at)
    SELECT user_id, ${points}::int, points, ${reason}::text, ${cause.note ?? null}::text, ${cause.createdBy ?? null}::bigint, ${cause.now}::timestamptz
    FROM granted ORDER BY user_id
    RETURNING user_id AS id`.execute(tx)
  return rows.map(({ id }) => id)
}
