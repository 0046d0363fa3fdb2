import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { readPage } from '../../../kernel/database/lists.ts'
import type { SyncType } from './types.ts'

/** A synchronisation. */
export interface Sync {
  /** The `task_id`. */
  readonly id: string
  readonly sync_type: SyncType
  readonly force: boolean
  readonly status: 'pending' | 'running' | 'completed' | 'failed'
  readonly synced_count: number
  readonly failed_count: number
  readonly skipped_count: number
  readonly error: string | null
  readonly pages: number
  readonly tries: number
  readonly runs: number
  readonly cursor: string | null
  readonly created_by: number | null
  readonly created_at: Date
  readonly started_at: Date | null
  readonly completed_at: Date | null
}

const columns = sql`
  id, sync_type, force, status, synced_count, failed_count, skipped_count, error, pages, tries, runs, cursor,
  created_by, created_at, started_at, completed_at`

/** Inserts a pending synchronisation; undefined if one of its type is not finished. */
export async function insertSync(
  tx: Transaction,
  sync: Pick<Sync, 'id' | 'sync_type' | 'force' | 'created_by'>,
  now: Date,
): Promise<Sync | undefined> {
  const { rows } = await sql<Sync>`
    INSERT INTO crm_syncs (id, sync_type, force, status, created_by, created_at)
    VALUES (${sync.id}, ${sync.sync_type}, ${sync.force}, 'pending', ${sync.created_by}, ${now})
    ON CONFLICT (sync_type) WHERE status IN ('pending', 'running') DO NOTHING
    RETURNING ${columns}`.execute(tx)
  return rows[0]
}

export async function unfinishedSync(db: Database, type: SyncType): Promise<Sync | undefined> {
  const { rows } = await sql<Sync>`
    SELECT ${columns} FROM crm_syncs WHERE sync_type = ${type} AND status IN ('pending', 'running')`.execute(db)
  return rows[0]
}

export async function findSync(db: Database, id: string): Promise<Sync | undefined> {
  const { rows } = await sql<Sync>`SELECT ${columns} FROM crm_syncs WHERE id = ${id}`.execute(db)
  return rows[0]
}

/** The latest synchronisation of a type. */
export async function latestSync(db: Database, type: SyncType): Promise<Sync | undefined> {
  const { rows } = await sql<Sync>`
    SELECT ${columns} FROM crm_syncs WHERE sync_type = ${type} ORDER BY created_at DESC, id DESC LIMIT 1`.execute(db)
  return rows[0]
}

export async function listSyncs(
  db: Database,
  type: SyncType | undefined,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly Sync[]; readonly total: number }> {
  return await readPage<Sync>(db, {
    select: sql`SELECT ${columns} FROM crm_syncs`,
    counted: sql`crm_syncs`,
    conditions: [type !== undefined && sql`sync_type = ${type}`],
    page: sql`ORDER BY created_at DESC, id DESC LIMIT ${page.limit} OFFSET ${page.offset}`,
  })
}

export interface LogLine {
  readonly level: 'info' | 'warning' | 'error'
  readonly text: string
}

export async function listLines(
  db: Database,
  syncId: string,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly (LogLine & { readonly at: Date })[]; readonly total: number }> {
  return await readPage(db, {
    select: sql`SELECT at, level, text FROM crm_sync_lines`,
    counted: sql`crm_sync_lines`,
    conditions: [sql`sync_id = ${syncId}`],
    page: sql`ORDER BY id LIMIT ${page.limit} OFFSET ${page.offset}`,
  })
}

export async function writeLines(tx: Database, syncId: string, lines: readonly LogLine[], now: Date): Promise<void> {
  if (lines.length === 0) return
  await sql`
    INSERT INTO crm_sync_lines (sync_id, at, level, text)
    SELECT ${syncId}, ${now}, level, text
    FROM unnest(${lines.map(({ level }) => level)}::text[], ${lines.map(({ text }) => text)}::text[])
      WITH ORDINALITY AS l (level, text, n)
    ORDER BY n`.execute(tx)
}

/**
 * Starts a run of a pending synchronisation. It goes on where the last one stopped, unless that was of another adapter,
 * or this one is to read everything again (files are read once in any case). Undefined if it is not pending any more.
 */
export async function beginRun(tx: Transaction, id: string, adapter: string, now: Date): Promise<Sync | undefined> {
  const { rows } = await sql<Sync>`
    UPDATE crm_syncs s SET status = 'running', runs = runs + 1, started_at = coalesce(started_at, ${now}),
      seen_at = ${now}, cursor = CASE WHEN s.force AND ${adapter} <> 'files' THEN NULL ELSE (
        SELECT substr(c.cursor, char_length(${adapter}) + 2) FROM crm_sync_cursors c
        WHERE c.sync_type = s.sync_type AND starts_with(c.cursor, ${`${adapter}:`})) END
    WHERE id = ${id} AND status = 'pending'
    RETURNING ${columns}`.execute(tx)
  return rows[0]
}

/** Gives a synchronisation to a new run, if its last sign of life was before `notSince`. */
export async function takeOver(tx: Transaction, notSince: Date, now: Date): Promise<readonly Sync[]> {
  const { rows } = await sql<Sync>`
    UPDATE crm_syncs SET seen_at = ${now}, runs = runs + CASE WHEN status = 'running' THEN 1 ELSE 0 END
    WHERE status IN ('pending', 'running') AND coalesce(seen_at, created_at) <= ${notSince}
    RETURNING ${columns}`.execute(tx)
  return rows
}

/** Locks a synchronisation for a run; undefined if the run is late: another one has it, or it is finished. */
export async function lockRun(tx: Transaction, id: string, run: number): Promise<Sync | undefined> {
  const { rows } = await sql<Sync>`
    SELECT ${columns} FROM crm_syncs WHERE id = ${id} AND runs = ${run} AND status = 'running' FOR UPDATE`.execute(tx)
  return rows[0]
}

/** What a page adds to a synchronisation. */
export interface PageCounts {
  readonly synced: number
  readonly failed: number
  readonly skipped: number
}

/** Commits a page: counts, cursor and the sign of life. An incremental run also moves the start of the next one. */
export async function advance(
  tx: Transaction,
  { id, sync_type: type, force }: Pick<Sync, 'id' | 'sync_type' | 'force'>,
  page: { readonly counts: PageCounts; readonly cursor: string | null; readonly isLast: boolean },
  adapter: string,
  now: Date,
): Promise<void> {
  const { counts, cursor, isLast } = page
  await sql`
    UPDATE crm_syncs SET synced_count = synced_count + ${counts.synced}, failed_count = failed_count + ${counts.failed},
      skipped_count = skipped_count + ${counts.skipped}, pages = pages + 1, tries = 0, cursor = ${cursor},
      seen_at = ${now}, status = ${isLast ? 'completed' : 'running'}, completed_at = ${isLast ? now : null}
    WHERE id = ${id}`.execute(tx)
  if (cursor === null || (force && !isLast)) return
  await sql`
    INSERT INTO crm_sync_cursors (sync_type, cursor, updated_at) VALUES (${type}, ${`${adapter}:${cursor}`}, ${now})
    ON CONFLICT (sync_type) DO UPDATE SET cursor = excluded.cursor, updated_at = excluded.updated_at`.execute(tx)
}

/** Notes a failed call. */
export async function noteTry(tx: Transaction, id: string, now: Date): Promise<void> {
  await sql`UPDATE crm_syncs SET tries = tries + 1, seen_at = ${now} WHERE id = ${id}`.execute(tx)
}

export async function failSync(tx: Transaction, id: string, error: string, now: Date): Promise<void> {
  await sql`
    UPDATE crm_syncs SET status = 'failed', error = ${error}, completed_at = ${now} WHERE id = ${id}`.execute(tx)
}

/** Deletes synchronisations that ended before an instant, with their logs. */
export async function forgetSyncs(tx: Transaction, before: Date): Promise<void> {
  await sql`DELETE FROM crm_syncs WHERE status IN ('completed', 'failed') AND created_at < ${before}`.execute(tx)
}
