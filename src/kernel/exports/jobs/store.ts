import { sql } from 'kysely'
import type { Database, Transaction } from '../../database/database.ts'
import { readPage } from '../../database/lists.ts'
import type { ExportFormat } from '../exports.ts'

/** An export that a person requested. */
export interface ExportJob {
  readonly id: number
  readonly user_id: number
  readonly what: string
  readonly format: ExportFormat
  readonly filters: unknown
  readonly state: 'queued' | 'running' | 'done' | 'failed' | 'expired'
  /** Number of runs so far; identifies the current run. */
  readonly runs: number
  /** Rows written so far. */
  readonly rows: number
  /** Number of rows when the current run began. */
  readonly estimate: number | null
  /** Code of the failure. */
  readonly reason: string | null
  readonly file_id: number | null
  readonly requested_at: Date
  readonly finished_at: Date | null
  readonly expires_at: Date | null
}

const columns = sql`
  id, user_id, what, format, filters, state, runs, rows, estimate, reason, file_id,
  requested_at, finished_at, expires_at`

/**
 * Number of a person's unfinished exports. Locks the person, so that parallel requests are counted one after the other.
 */
export async function countUnfinished(tx: Transaction, userId: number): Promise<number> {
  await sql`SELECT FROM users WHERE id = ${userId} FOR NO KEY UPDATE`.execute(tx)
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count FROM export_jobs WHERE user_id = ${userId} AND state IN ('queued', 'running')`.execute(tx)
  return rows[0]?.count ?? 0
}

export async function insertJob(
  tx: Transaction,
  request: Pick<ExportJob, 'user_id' | 'what' | 'format' | 'filters'>,
  at: Date,
): Promise<ExportJob> {
  const { rows } = await sql<ExportJob>`
    INSERT INTO export_jobs (user_id, what, format, filters, requested_at)
    VALUES (
      ${request.user_id},
      ${request.what},
      ${request.format},
      ${JSON.stringify(request.filters)}::text::jsonb,
      ${at}
    )
    RETURNING ${columns}`.execute(tx)
  const [made] = rows
  if (!made) throw new Error('no row came back')
  return made
}

export async function findJob(db: Database, id: number): Promise<ExportJob | undefined> {
  const { rows } = await sql<ExportJob>`SELECT ${columns} FROM export_jobs WHERE id = ${id}`.execute(db)
  return rows[0]
}

/** One page of a person's exports, latest first, and their total number. */
export async function listJobs(
  db: Database,
  userId: number,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly ExportJob[]; readonly total: number }> {
  return await readPage<ExportJob>(db, {
    select: sql`SELECT ${columns} FROM export_jobs`,
    counted: sql`export_jobs`,
    conditions: [sql`user_id = ${userId}`],
    page: sql`ORDER BY id DESC LIMIT ${page.limit} OFFSET ${page.offset}`,
  })
}

/** Deletes a job; answers it. */
export async function deleteJob(tx: Transaction, id: number, userId: number): Promise<ExportJob | undefined> {
  const { rows } = await sql<ExportJob>`
    DELETE FROM export_jobs WHERE id = ${id} AND user_id = ${userId} RETURNING ${columns}`.execute(tx)
  return rows[0]
}

/** Begins a run, unless the job is no longer waiting or another export of its owner is running. */
export async function beginRun(tx: Transaction, id: number, at: Date): Promise<ExportJob | undefined> {
  // Lock the owner's row first, so that two jobs of one person cannot begin at the same moment.
  await sql`
    SELECT FROM users
    WHERE id = (SELECT user_id FROM export_jobs WHERE id = ${id})
    FOR NO KEY UPDATE`.execute(tx)
  const { rows } = await sql<ExportJob>`
    UPDATE export_jobs j SET state = 'running', runs = runs + 1, rows = 0, seen_at = ${at}
    WHERE id = ${id} AND state = 'queued'
      AND NOT EXISTS (SELECT FROM export_jobs o WHERE o.user_id = j.user_id AND o.state = 'running')
    RETURNING ${columns}`.execute(tx)
  return rows[0]
}

type Run = Pick<ExportJob, 'id' | 'runs'>

/**
 * Reports the progress of a run, which is also its sign of life. Answers false if the run is void: cancelled, or
 * started again elsewhere.
 */
export async function reportRun(
  db: Database,
  { id, runs }: Run,
  { rows: written, estimate }: { readonly rows: number; readonly estimate?: number },
  at: Date,
): Promise<boolean> {
  const { rows } = await sql`
    UPDATE export_jobs
    SET rows = ${written},
      estimate = coalesce(${estimate ?? null}::bigint, estimate),
      seen_at = ${at}
    WHERE id = ${id} AND runs = ${runs} AND state = 'running'
    RETURNING id`.execute(db)
  return rows.length > 0
}

/** Ends a run with its file. Answers false if the run is void. */
export async function finishRun(
  tx: Transaction,
  { id, runs }: Run,
  file: { readonly id: number; readonly rows: number; readonly expiresAt: Date },
  at: Date,
): Promise<boolean> {
  const { rows } = await sql`
    UPDATE export_jobs
    SET state = 'done',
      rows = ${file.rows},
      estimate = ${file.rows},
      file_id = ${file.id},
      seen_at = NULL,
      finished_at = ${at},
      expires_at = ${file.expiresAt}
    WHERE id = ${id} AND runs = ${runs} AND state = 'running'
    RETURNING id`.execute(tx)
  return rows.length > 0
}

/**
 * Ends a run without a file: it fails with a reason, or is queued again without one. Answers false if the run is void.
 */
export async function breakOff(tx: Transaction, { id, runs }: Run, reason: string | null, at: Date): Promise<boolean> {
  const { rows } = await sql`
    UPDATE export_jobs
    SET state = CASE WHEN ${reason}::text IS NULL THEN 'queued' ELSE 'failed' END,
      reason = ${reason},
      seen_at = NULL,
      finished_at = CASE WHEN ${reason}::text IS NULL THEN NULL ELSE ${at}::timestamptz END
    WHERE id = ${id} AND runs = ${runs} AND state = 'running'
    RETURNING id`.execute(tx)
  return rows.length > 0
}

/**
 * Queues killed runs again, which are those without a sign of life since an instant; fails those with too many runs.
 * Answers how many.
 */
export async function reviveRuns(tx: Transaction, notSince: Date, mostRuns: number, at: Date): Promise<number> {
  const { rows } = await sql`
    UPDATE export_jobs
    SET seen_at = NULL,
      state = CASE WHEN runs < ${mostRuns}::int THEN 'queued' ELSE 'failed' END,
      reason = CASE WHEN runs < ${mostRuns}::int THEN NULL ELSE 'interrupted' END,
      finished_at = CASE WHEN runs < ${mostRuns}::int THEN NULL ELSE ${at}::timestamptz END
    WHERE state = 'running' AND seen_at < ${notSince}
    RETURNING id`.execute(tx)
  return rows.length
}

/** The oldest waiting job of each person without a running one; with `userId`, of that person only. */
export async function nextJobs(tx: Transaction, userId: number | null): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT min(id) AS id FROM export_jobs j
    WHERE state = 'queued'
      AND (${userId}::bigint IS NULL OR user_id = ${userId})
      AND NOT EXISTS (SELECT FROM export_jobs o WHERE o.user_id = j.user_id AND o.state = 'running')
    GROUP BY user_id
    ORDER BY 1
    LIMIT 500`.execute(tx)
  return rows.map(({ id }) => id)
}

/** Marks exports as expired; answers their ids. */
export async function expireJobs(tx: Transaction, now: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    UPDATE export_jobs SET state = 'expired' WHERE state = 'done' AND expires_at <= ${now} RETURNING id`.execute(tx)
  return rows.map(({ id }) => id)
}

/** Deletes failed and expired exports that finished before an instant. */
export async function forgetJobs(tx: Transaction, before: Date): Promise<void> {
  await sql`DELETE FROM export_jobs WHERE state IN ('failed', 'expired') AND finished_at < ${before}`.execute(tx)
}
