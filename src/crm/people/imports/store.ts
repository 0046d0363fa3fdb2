import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import type { Difference } from '../../../kernel/product.ts'
import type { Match, OnExisting, RowFault } from './types.ts'

export type ImportState = 'previewed' | 'queued' | 'running' | 'done' | 'cancelled' | 'expired'
export type RowState = 'valid' | 'invalid' | 'created' | 'updated' | 'skipped' | 'failed'
export type RowAction = 'create' | 'update' | 'skip'

/** A file that was uploaded. */
export interface Import {
  readonly id: number
  readonly fileName: string
  readonly state: ImportState
  readonly total: number
  readonly valid: number
  readonly created: number
  readonly updated: number
  readonly skipped: number
  readonly failed: number
  readonly onExisting: OnExisting
  readonly createTags: boolean
  readonly columns: readonly { readonly heading: string; readonly field: string }[]
  readonly ignored: readonly string[]
  readonly createdBy: number | null
  readonly createdByName: string | null
  readonly createdAt: Date
  readonly finishedAt: Date | null
}

const SELECT = sql`
  SELECT i.id, i.file_name AS "fileName", i.state, i.total, i.valid, i.created, i.updated, i.skipped, i.failed,
    i.on_existing AS "onExisting", i.create_tags AS "createTags", i.columns, i.ignored, i.created_by AS "createdBy",
    u.display_name AS "createdByName", i.created_at AS "createdAt", i.finished_at AS "finishedAt"
  FROM crm_imports i LEFT JOIN users u ON u.id = i.created_by`

export async function findImport(db: Database, id: number): Promise<Import | undefined> {
  const { rows } = await sql<Import>`${SELECT} WHERE i.id = ${id}`.execute(db)
  return rows[0]
}

/** One page of the imports, the latest first. */
export async function listImports(
  db: Database,
  {
    state,
    limit,
    offset,
  }: { readonly state?: ImportState | undefined; readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly Import[]; readonly total: number }> {
  const where = state === undefined ? sql`true` : sql`i.state = ${state}`
  const { rows: items } = await sql<Import>`
    ${SELECT} WHERE ${where} ORDER BY i.id DESC LIMIT ${limit} OFFSET ${offset}`.execute(db)
  const { rows } = await sql<{ total: number }>`SELECT count(*) AS total FROM crm_imports i WHERE ${where}`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

export interface NewImport
  extends Pick<Import, 'fileName' | 'total' | 'valid' | 'onExisting' | 'createTags' | 'columns' | 'ignored'> {
  readonly createdBy: number
  readonly createdAt: Date
}

export async function insertImport(tx: Transaction, one: NewImport): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO crm_imports (file_name, state, total, valid, created_by, created_at, on_existing, create_tags, columns,
      ignored)
    VALUES (${one.fileName}, 'previewed', ${one.total}, ${one.valid}, ${one.createdBy}, ${one.createdAt},
      ${one.onExisting}, ${one.createTags}, ${JSON.stringify(one.columns)}::text::jsonb, ${one.ignored}::text[])
    RETURNING id`.execute(tx)
  return inserted(rows).id
}

/** A row of an import. `member` is encrypted. */
export interface ImportRow {
  readonly line: number
  readonly member: string | null
  readonly state: RowState
  readonly action: RowAction | null
  readonly memberId: number | null
  readonly errors: readonly RowFault[]
}

const AT_ONCE = 1000

export async function insertRows(tx: Transaction, importId: number, given: readonly ImportRow[]): Promise<void> {
  for (let start = 0; start < given.length; start += AT_ONCE) {
    const rows = given.slice(start, start + AT_ONCE)
    await sql`
      INSERT INTO crm_import_rows (import_id, line, member, state, action, member_id, errors)
      SELECT ${importId}, line, member, state, action, member_id, errors::jsonb
      FROM unnest(${rows.map(({ line }) => line)}::int[], ${rows.map(({ member }) => member)}::text[],
        ${rows.map(({ state }) => state)}::text[], ${rows.map(({ action }) => action)}::text[],
        ${rows.map(({ memberId }) => memberId)}::bigint[], ${rows.map(({ errors }) => JSON.stringify(errors))}::text[])
        AS r (line, member, state, action, member_id, errors)`.execute(tx)
  }
}

/** One page of the rows of an import, by line. */
export async function listRows(
  db: Database,
  importId: number,
  { states, limit, offset }: { readonly states?: readonly RowState[]; readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly ImportRow[]; readonly total: number }> {
  const where = sql`import_id = ${importId} AND (${states ?? null}::text[] IS NULL OR state = ANY (${states ?? null}))`
  const { rows: items } = await sql<ImportRow>`
    SELECT line, member, state, action, member_id AS "memberId", errors FROM crm_import_rows
    WHERE ${where} ORDER BY line LIMIT ${limit} OFFSET ${offset}`.execute(db)
  const { rows } = await sql<{ total: number }>`
    SELECT count(*) AS total FROM crm_import_rows WHERE ${where}`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

/** What the preview said its rows would do. */
export async function countActions(db: Database, importId: number): Promise<ReadonlyMap<RowAction, number>> {
  const { rows } = await sql<{ action: RowAction; count: number }>`
    SELECT action, count(*) AS count FROM crm_import_rows
    WHERE import_id = ${importId} AND action IS NOT NULL GROUP BY 1`.execute(db)
  return new Map(rows.map(({ action, count }) => [action, count]))
}

/** Moves an import to a state if it is in one of others; answers whether it was. */
export async function moveImport(
  tx: Transaction,
  id: number,
  from: readonly ImportState[],
  to: ImportState,
  now: Date,
): Promise<boolean> {
  const ends = to === 'done' || to === 'cancelled' || to === 'expired'
  const { rows } = await sql`
    UPDATE crm_imports SET state = ${to}, seen_at = ${now}, finished_at = ${ends ? now : null}
    WHERE id = ${id} AND state = ANY (${from}::text[]) RETURNING 1 AS moved`.execute(tx)
  if (rows.length > 0 && ends)
    await sql`UPDATE crm_import_rows SET member = NULL WHERE import_id = ${id} AND member IS NOT NULL`.execute(tx)
  return rows.length > 0
}

/** The rows that still wait, by line. */
export async function waitingRows(
  db: Database,
  importId: number,
  limit: number,
): Promise<readonly { readonly line: number; readonly member: string }[]> {
  const { rows } = await sql<{ line: number; member: string }>`
    SELECT line, member FROM crm_import_rows WHERE import_id = ${importId} AND state = 'valid'
    ORDER BY line LIMIT ${limit}`.execute(db)
  return rows
}

/** Locks an import that is running and a row of it that waits; false if one of them is not any more. */
export async function lockWaiting(tx: Transaction, importId: number, line: number): Promise<boolean> {
  const { rows: running } = await sql`
    SELECT 1 AS locked FROM crm_imports WHERE id = ${importId} AND state = 'running' FOR UPDATE`.execute(tx)
  if (running.length === 0) return false
  const { rows } = await sql`
    SELECT 1 AS locked FROM crm_import_rows WHERE import_id = ${importId} AND line = ${line} AND state = 'valid'
    FOR UPDATE`.execute(tx)
  return rows.length > 0
}

/** Writes what became of a row, and counts it. */
export async function finishRow(
  tx: Transaction,
  importId: number,
  line: number,
  outcome: {
    readonly state: 'created' | 'updated' | 'skipped' | 'failed'
    readonly memberId: number | null
    readonly errors: readonly RowFault[]
  },
  now: Date,
): Promise<void> {
  await sql`
    UPDATE crm_import_rows
    SET state = ${outcome.state}, member = NULL, member_id = ${outcome.memberId},
      errors = ${JSON.stringify(outcome.errors)}::text::jsonb
    WHERE import_id = ${importId} AND line = ${line}`.execute(tx)
  const counter = sql.ref(outcome.state)
  await sql`UPDATE crm_imports SET ${counter} = ${counter} + 1, seen_at = ${now} WHERE id = ${importId}`.execute(tx)
}

/** Imports whose job has given no sign of life since an instant. */
export async function stalledImports(db: Database, before: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM crm_imports WHERE state IN ('queued', 'running') AND seen_at < ${before} ORDER BY id`.execute(db)
  return rows.map(({ id }) => id)
}

/** Previews that nobody has committed since an instant. */
export async function oldPreviews(db: Database, before: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM crm_imports WHERE state = 'previewed' AND created_at <= ${before} ORDER BY id LIMIT 100`.execute(db)
  return rows.map(({ id }) => id)
}

/** The members with these keys, by the key. Deleted members have none. */
export async function matchingMembers(
  db: Database,
  keys: {
    readonly idNumbers: readonly string[]
    readonly phones: readonly string[]
    readonly emails: readonly string[]
  },
): Promise<readonly (Match & { readonly key: string })[]> {
  const { rows } = await sql<Match & { key: string }>`
    SELECT id, 'id_number' AS by, id_number_index AS key, id_number_index AS "idNumberIndex"
    FROM members WHERE id_number_index = ANY (${keys.idNumbers}::text[])
    UNION ALL
    SELECT id, 'phone', phone_e164, id_number_index FROM members WHERE phone_e164 = ANY (${keys.phones}::text[])
    UNION ALL
    SELECT id, 'email', lower(email), id_number_index FROM members
    WHERE lower(email) = ANY (${keys.emails}::text[])`.execute(db)
  return rows
}

/** The names of all member tags. */
export async function tagNames(db: Database): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`SELECT name FROM member_tags`.execute(db)
  return new Set(rows.map(({ name }) => name))
}

/** The ids of member tags by name; with `create`, missing ones are added. */
export async function tagsNamed(
  tx: Transaction,
  names: readonly string[],
  { create, now }: { readonly create: boolean; readonly now: Date },
): Promise<ReadonlyMap<string, number>> {
  if (create)
    await sql`
      INSERT INTO member_tags (name, source, created_at)
      SELECT name, 'manual', ${now} FROM unnest(${names.toSorted()}::text[]) name
      ON CONFLICT (name) DO NOTHING`.execute(tx)
  const { rows } = await sql<{ id: number; name: string }>`
    SELECT id, name FROM member_tags WHERE name = ANY (${names}::text[]) ORDER BY id FOR KEY SHARE`.execute(tx)
  return new Map(rows.map(({ id, name }) => [name, id]))
}

/** A member's columns, locked; undefined if the member is deleted. */
export async function lockMember(tx: Transaction, id: number): Promise<ReadonlyMap<string, unknown> | undefined> {
  const { rows } = await sql<Record<string, unknown>>`
    SELECT first_name, last_name, gender, birthday, email, phone, phone_e164, id_number, id_number_index,
      id_number_masked, accept_marketing, notes
    FROM members WHERE id = ${id} AND deleted_at IS NULL FOR UPDATE`.execute(tx)
  return rows[0] && new Map(Object.entries(rows[0]))
}

/** Imports whose counters differ from their rows. */
export async function findImportDifferences(db: Database): Promise<readonly Difference[]> {
  const { rows } = await sql<Difference>`
    SELECT 'rows of an import' AS check, 'import ' || i.id AS subject,
      concat_ws('/', i.total, i.valid, i.created, i.updated, i.skipped, i.failed) AS stored,
      concat_ws('/', count(r.line), count(*) FILTER (WHERE r.state <> 'invalid'),
        count(*) FILTER (WHERE r.state = 'created'), count(*) FILTER (WHERE r.state = 'updated'),
        count(*) FILTER (WHERE r.state = 'skipped'), count(*) FILTER (WHERE r.state = 'failed')) AS computed
    FROM crm_imports i LEFT JOIN crm_import_rows r ON r.import_id = i.id
    GROUP BY i.id`.execute(db)
  return rows.filter(({ stored, computed }) => stored !== computed)
}
