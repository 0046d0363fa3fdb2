import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'

/** A person's use of one unit of a facility, from start to stop. */
export interface UseSession {
  readonly id: number
  readonly facility_id: number
  readonly facility_name: string
  readonly user_id: number
  readonly unit: number
  readonly started_at: Date
  readonly stopped_at: Date | null
}

function sessions(db: Database) {
  return db
    .selectFrom('use_sessions as o')
    .innerJoin('facilities as f', 'f.id', 'o.facility_id')
    .select(['o.id', 'o.facility_id', 'f.name as facility_name', 'o.user_id', 'o.unit', 'o.started_at', 'o.stopped_at'])
}

/** One session, or null. */
export async function findSession(db: Database, id: number): Promise<UseSession | null> {
  return (await sessions(db).where('o.id', '=', id).executeTakeFirst()) ?? null
}

export interface SessionFilter {
  readonly userId?: number | undefined
  readonly facilityId?: number | undefined
  readonly venueId?: number | undefined
  readonly running?: boolean | undefined
}

/** One page of sessions, and their total number. */
export async function listSessions(
  db: Database,
  { userId, facilityId, venueId, running }: SessionFilter,
  page: PageOf<'id'>,
): Promise<{ readonly items: readonly UseSession[]; readonly total: number }> {
  return await readPage<UseSession>(db, {
    select: sessions(db),
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
 * Starts a session on the lowest free unit. Returns null when all units are in use. The facility must be locked
 * (`lockFacility`); without the lock, the unique index on running units refuses the second session.
 * @throws Conflict `already_using` by constraint.
 */
export async function insertSession(
  tx: Transaction,
  session: { readonly facilityId: number; readonly userId: number; readonly now: Date },
): Promise<number | null> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO use_sessions (facility_id, user_id, unit, started_at)
    SELECT f.id, ${session.userId}::bigint, free.unit, ${session.now}::timestamptz
    FROM facilities f
    CROSS JOIN LATERAL (
      SELECT unit
      FROM generate_series(1, f.quantity) unit
      WHERE NOT EXISTS (
        SELECT FROM use_sessions o WHERE o.facility_id = f.id AND o.unit = unit.unit AND o.stopped_at IS NULL
      )
      ORDER BY unit
      LIMIT 1
    ) free
    WHERE f.id = ${session.facilityId}
    RETURNING id`.execute(tx)
  return rows[0]?.id ?? null
}

/**
 * Stops a running session. Returns false when it does not exist or has ended. A session never ends before it began,
 * even if the clock was turned back.
 */
export async function stopSession(tx: Transaction, id: number, now: Date): Promise<boolean> {
  const stopped = await tx
    .updateTable('use_sessions')
    .set({ stopped_at: sql`greatest(started_at, ${now}::timestamptz)` })
    .where('id', '=', id)
    .where('stopped_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return stopped !== undefined
}
