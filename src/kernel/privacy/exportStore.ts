import { sql } from 'kysely'
import type { Database, Transaction } from '../database/database.ts'

export interface DataExport {
  readonly id: number
  readonly user_id: number
  readonly state: 'queued' | 'ready' | 'expired'
  readonly file_id: number | null
  readonly requested_at: Date
  readonly ready_at: Date | null
  readonly expires_at: Date | null
}

const columns = sql`id, user_id, state, file_id, requested_at, ready_at, expires_at`

/** The latest copy that a person requested. */
export async function latestExport(db: Database, userId: number): Promise<DataExport | undefined> {
  const { rows } = await sql<DataExport>`
    SELECT ${columns} FROM data_exports WHERE user_id = ${userId} ORDER BY id DESC LIMIT 1`.execute(db)
  return rows[0]
}

export async function findExport(db: Database, id: number): Promise<DataExport | undefined> {
  const { rows } = await sql<DataExport>`SELECT ${columns} FROM data_exports WHERE id = ${id}`.execute(db)
  return rows[0]
}

export async function countExports(tx: Transaction, userId: number, since: Date): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count FROM data_exports WHERE user_id = ${userId} AND requested_at > ${since}`.execute(tx)
  return rows[0]?.count ?? 0
}

/** Requests a copy; undefined while one is being made. */
export async function insertExport(tx: Transaction, userId: number, at: Date): Promise<DataExport | undefined> {
  const { rows } = await sql<DataExport>`
    INSERT INTO data_exports (user_id, requested_at) VALUES (${userId}, ${at})
    ON CONFLICT (user_id) WHERE state = 'queued' DO NOTHING
    RETURNING ${columns}`.execute(tx)
  return rows[0]
}

/** Marks a copy as ready. Answers false if another run was faster or its owner has left. */
export async function finishExport(
  tx: Transaction,
  id: number,
  file: { readonly id: number; readonly expiresAt: Date },
  at: Date,
): Promise<boolean> {
  const { rows } = await sql`
    UPDATE data_exports
    SET state = 'ready', file_id = ${file.id}, ready_at = ${at}, expires_at = ${file.expiresAt}
    WHERE id = ${id} AND state = 'queued'
    RETURNING id`.execute(tx)
  return rows.length > 0
}

/** Ids of copies requested before an instant that are not made yet. */
export async function waitingExports(tx: Transaction, askedBefore: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM data_exports WHERE state = 'queued' AND requested_at <= ${askedBefore} ORDER BY id`.execute(tx)
  return rows.map(({ id }) => id)
}

/** Marks copies as expired; answers their ids. */
export async function expireExports(tx: Transaction, now: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    UPDATE data_exports SET state = 'expired' WHERE state = 'ready' AND expires_at <= ${now} RETURNING id`.execute(tx)
  return rows.map(({ id }) => id)
}
