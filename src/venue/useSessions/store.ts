import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { type PageOf, pageClause, readPage } from '../../kernel/database/lists.ts'

/** Somebody uses one unit of a facility, from starting to stopping. */
export interface UseSession {
  readonly id: number
  readonly facility_id: number
  readonly facility_name: string
  readonly user_id: number
  readonly unit: number
  readonly started_at: Date
  readonly stopped_at: Date | null
}

const sessions = sql`
  SELECT o.id, o.facility_id, f.name AS facility_name, o.user_id, o.unit, o.started_at, o.stopped_at
  FROM use_sessions o JOIN facilities f ON f.id = o.facility_id`

/** One session, or null. */
export async function findSession(db: Database, id: number): Promise<UseSession | null> {
  const { rows } = await sql<UseSession>`${sessions} WHERE o.id = ${id}`.execute(db)
  return rows[0] ?? null
}

/** One page of the sessions of a person, and how many there are. */
export async function sessionsOf(
  db: Database,
  userId: number,
  page: PageOf<'id'>,
): Promise<{ readonly items: readonly UseSession[]; readonly total: number }> {
  return await readPage<UseSession>(db, {
    select: sessions,
    counted: sql`use_sessions o`,
    conditions: [sql`o.user_id = ${userId}`],
    page: pageClause(page, { id: sql`o.id` }, sql`o.id`),
  })
}

/**
 * Starts a session on the lowest unit nobody uses: null when all are in use. The facility must be locked (`lockFacility`); should it not be,
 * the unique index on running units refuses the second.
 * @throws Conflict `already_using` by constraint.
 */
export async function insertSession(
  tx: Transaction,
  session: { readonly facilityId: number; readonly userId: number; readonly now: Date },
): Promise<number | null> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO use_sessions (facility_id, user_id, unit, started_at)
    SELECT f.id, ${session.userId}::bigint, free.unit, ${session.now}::timestamptz
    FROM facilities f, LATERAL (
      SELECT unit FROM generate_series(1, f.quantity) unit
      WHERE NOT EXISTS (SELECT FROM use_sessions o WHERE o.facility_id = f.id AND o.unit = unit.unit AND o.stopped_at IS NULL)
      ORDER BY unit LIMIT 1) free
    WHERE f.id = ${session.facilityId} RETURNING id`.execute(tx)
  return rows[0]?.id ?? null
}

/** Stops a session that runs: false when it does not (any more). The clock may have been turned back; a session never ends before it began. */
export async function stopSession(tx: Transaction, id: number, now: Date): Promise<boolean> {
  const { rows } = await sql`
    UPDATE use_sessions SET stopped_at = greatest(started_at, ${now}::timestamptz) WHERE id = ${id} AND stopped_at IS NULL RETURNING id`.execute(
    tx,
  )
  return rows.length > 0
}

/** Stops what a person uses, because they leave. */
export async function stopSessionsOf(tx: Transaction, userId: number, now: Date): Promise<void> {
  await sql`UPDATE use_sessions SET stopped_at = greatest(started_at, ${now}::timestamptz) WHERE user_id = ${userId} AND stopped_at IS NULL`.execute(
    tx,
  )
}
