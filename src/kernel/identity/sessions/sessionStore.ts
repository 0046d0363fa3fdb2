import { sql } from 'kysely'
import type { Database, Transaction } from '../../database/database.ts'

/** NOTIFY channel for changes of a user's sessions, roles or rights; the payload is the user's id. */
export const SESSIONS_CHANNEL = 'sessions'

export interface SessionRow {
  readonly user_id: number
  readonly scope: 'full' | 'password_change'
  readonly expires_at: Date
  /** Latest time to which use can move `expires_at`; null if use does not move it. */
  readonly ends_at: Date | null
  readonly roles: readonly string[]
}

/** A session that is valid at `now`: not revoked, not expired, its user active. */
export async function findSession(
  db: Database,
  id: string,
  userId: number,
  now: Date,
): Promise<SessionRow | undefined> {
  const { rows } = await sql<SessionRow>`
    SELECT s.user_id, s.scope, s.expires_at, s.ends_at,
      ARRAY(SELECT role FROM user_roles r WHERE r.user_id = s.user_id) AS roles
    FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = ${id}
      AND s.user_id = ${userId}
      AND s.revoked_at IS NULL
      AND s.expires_at > ${now}
      AND u.status = 'active'
  `.execute(db)
  return rows[0]
}

/** Whether a session was opened after an instant. */
export async function beganSince(db: Database, id: string, since: Date): Promise<boolean> {
  const { rows } = await sql`SELECT FROM sessions WHERE id = ${id} AND created_at > ${since}`.execute(db)
  return rows.length > 0
}

/** The instant at which a session was opened, by a log-in. */
export async function sessionStart(db: Database, id: string): Promise<Date | undefined> {
  const { rows } = await sql<{ created_at: Date }>`SELECT created_at FROM sessions WHERE id = ${id}`.execute(db)
  return rows[0]?.created_at
}

export interface NewSession {
  readonly id: string
  readonly user_id: number
  readonly scope: 'full' | 'password_change'
  readonly address: string
  readonly user_agent: string
  readonly expires_at: Date
  readonly ends_at: Date | null
}

export async function insertSession(tx: Transaction, session: NewSession, at: Date): Promise<void> {
  await tx
    .insertInto('sessions')
    .values({ ...session, created_at: at })
    .execute()
}

/**
 * Moves the end of a session. Of several requests that saw the same end, only one moves it; a revoked session stays
 * revoked.
 */
export async function slideSession(db: Database, id: string, seen: Date, to: Date): Promise<void> {
  await db
    .updateTable('sessions')
    .set({ expires_at: to })
    .where('id', '=', id)
    .where('expires_at', '=', seen)
    .where('revoked_at', 'is', null)
    .execute()
}

/** Ends one session. Answers false if it had ended before. */
export async function endSession(tx: Transaction, id: string, at: Date): Promise<boolean> {
  const result = await tx
    .updateTable('sessions')
    .set({ revoked_at: at })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Ends all sessions of a person, or all but one. */
export async function endSessions(tx: Transaction, userId: number, at: Date, except?: string): Promise<void> {
  await tx
    .updateTable('sessions')
    .set({ revoked_at: at })
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .$if(except !== undefined, (query) => query.where('id', '<>', except ?? ''))
    .execute()
}

/** Tells every process, at the commit, to forget a person's sessions. */
export async function announceRevocation(tx: Transaction, userId: number): Promise<void> {
  await sql`SELECT pg_notify(${SESSIONS_CHANNEL}, ${String(userId)})`.execute(tx)
}

const KEPT_DAYS = 30

/**
 * Deletes sessions that expired over 30 days ago; the log-in log keeps who logged in and when. Answers how many. Runs
 * once a day.
 */
export async function deleteOldSessions(db: Database, now: Date): Promise<number> {
  const before = new Date(now.getTime() - KEPT_DAYS * 86_400_000)
  const result = await db.deleteFrom('sessions').where('expires_at', '<', before).executeTakeFirst()
  return Number(result.numDeletedRows)
}
