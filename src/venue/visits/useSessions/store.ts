import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'

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

/** Which sessions. */
export interface SessionFilter {
  readonly userId?: number | undefined
  readonly facilityId?: number | undefined
  readonly venueId?: number | undefined
  readonly running?: boolean | undefined
}

/** One page of sessions, and how many there are. */
export async function listSessions(
  db: Database,
  { userId, facilityId, venueId, running }: SessionFilter,
  page: PageOf<'id'>,
): Promise<{ readonly items: readonly UseSession[]; readonly total: number }> {
  return await readPage<UseSession>(db, {
    select: sessions,
    counted: sql`use_sessions o`,
    conditions: [
      userId !== undefined && sql`o.user_id = ${userId}`,
      facilityId !== undefined && sql`o.facility_id = ${facilityId}`,
      venueId !== undefined && sql`o.facility_id IN (SELECT id FROM facilities WHERE venue_id = ${venueId})`,
      running !== undefined && (running ? sql`o.stopped_at IS NULL` : sql`o.stopped_at IS NOT NULL`),
    ],
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

/**
 * Stops what should have ended by now, at the instant at which it should have: the facility or its venue went or closed, or somebody forgot it for
 * `longest` minutes. Answers which.
 */
export async function stopOverdue(tx: Transaction, longest: number, now: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    WITH overdue AS (
      SELECT o.id, due.at FROM use_sessions o
      JOIN facilities f ON f.id = o.facility_id
      JOIN venues v ON v.id = f.venue_id
      CROSS JOIN LATERAL (
        SELECT least(f.deleted_at, v.deleted_at, o.started_at + make_interval(mins => ${longest}::int), min(greatest(c.start_at, c.updated_at))) AS at
        FROM closures c
        WHERE (c.venue_id = v.id OR c.sport_venue_id = v.sport_venue_id OR c.facility_id = f.id)
          AND c.cancelled_at IS NULL AND c.during && tstzrange(o.started_at, greatest(o.started_at, ${now}::timestamptz), '[]')
      ) due
      WHERE o.stopped_at IS NULL AND due.at <= ${now}
      ORDER BY o.id FOR UPDATE OF o
    )
    UPDATE use_sessions o SET stopped_at = greatest(o.started_at, overdue.at) FROM overdue WHERE o.id = overdue.id
    RETURNING o.id`.execute(tx)
  return rows.map(({ id }) => id)
}

/** Stops what a person uses, because they leave. */
export async function stopSessionsOf(tx: Transaction, userId: number, now: Date): Promise<void> {
  await sql`UPDATE use_sessions SET stopped_at = greatest(started_at, ${now}::timestamptz) WHERE user_id = ${userId} AND stopped_at IS NULL`.execute(
    tx,
  )
}
