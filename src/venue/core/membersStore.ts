import { sql } from 'kysely'
import { creditChange } from '../../booking/credit.ts'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { anyOf } from '../../kernel/database/literals.ts'
import type { CreditLedgerTable, PointsLedgerTable } from '../../kernel/database/tables.ts'

export type PointsReason = PointsLedgerTable['reason']
export type CreditReason = CreditLedgerTable['reason']

/** Context of a change of points or credit. */
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

/** A person's row in `venue_members`, or null if they have never booked or received points. */
export async function findMember(db: Database, userId: number): Promise<Member | null> {
  const member = await members(db).where('user_id', '=', userId).executeTakeFirst()
  return member ?? null
}

const members = (db: Database) => db.selectFrom('venue_members').select(['user_id as userId', 'credit', 'points'])

/** Creates the rows in `venue_members` that people don't have yet. */
export async function ensureMembers(db: Database, userIds: readonly number[], now: Date): Promise<void> {
  await sql`
    INSERT INTO venue_members (user_id, created_at)
    SELECT id, ${now}::timestamptz
    FROM unnest(${userIds}::bigint[]) AS id
    ORDER BY id
    ON CONFLICT DO NOTHING`.execute(db)
}

/** Locks people's rows by id, before any slot. Every transaction that changes several people must use this function. */
export async function lockMembers(tx: Transaction, userIds: readonly number[]): Promise<readonly Member[]> {
  return members(tx).where('user_id', '=', anyOf(userIds)).orderBy('user_id').forUpdate().execute()
}

/**
 * Locks a person's row, creates it if needed, and raises its revision: decisions based on the old revision can no
 * longer be written.
 */
export async function outdateMember(tx: Transaction, userId: number, now: Date): Promise<void> {
  await tx
    .insertInto('venue_members')
    .values({ user_id: userId, revision: 1, created_at: now })
    .onConflict((conflict) =>
      conflict.column('user_id').doUpdateSet((eb) => ({ revision: eb('venue_members.revision', '+', 1) })),
    )
    .execute()
}

/** Raises the revision of a locked person: decisions based on the old revision can no longer be written. */
export async function raiseRevision(tx: Transaction, userId: number): Promise<void> {
  await tx
    .updateTable('venue_members')
    .set((eb) => ({ revision: eb('revision', '+', 1) }))
    .where('user_id', '=', userId)
    .execute()
}

/**
 * Adds points (takes them if negative) and writes the ledger. Returns false and changes nothing if the balance would
 * fall below 0.
 */
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
      UPDATE venue_members
      SET points = points + ${delta}::int
      WHERE user_id = ${userId} AND points + ${delta}::int >= 0
      RETURNING user_id, points
    )
    INSERT INTO points_ledger (user_id, delta, balance, reason, note, reservation_id, created_by, created_at)
    SELECT user_id, ${delta}::int, points, ${reason}::text, ${causeValues(cause)}
    FROM person
    RETURNING id`.execute(tx)
  return rows.length === 1
}

/** Changes a person's credit within 0 and 100 and writes the actual change to the ledger. Returns the new score. */
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
    WITH person AS (
      UPDATE venue_members
      SET credit = credit + ${delta}::int
      WHERE user_id = ${userId}
      RETURNING user_id, credit
    )
    INSERT INTO credit_ledger (user_id, delta, score, reason, note, reservation_id, created_by, created_at)
    SELECT user_id, ${delta}::int, credit, ${reason}::text, ${causeValues(cause)}
    FROM person`.execute(tx)
  return member.credit + delta
}

/** The columns note, reservation_id, created_by and created_at of a ledger. */
const causeValues = ({ note, reservationId, createdBy, now }: Cause) => sql`
      ${note ?? null}::text, ${reservationId ?? null}::bigint, ${createdBy ?? null}::bigint, ${now}::timestamptz`
