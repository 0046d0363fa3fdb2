import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { contains, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import type { Condition, Leaf } from '../../core/audience/conditions.ts'
import { type ConditionFacts, joinSql, leafSql } from '../../core/audience/conditionsStore.ts'

/** A segment as it is stored. */
export interface Segment {
  readonly id: number
  readonly name: string
  readonly description: string | null
  readonly condition: Condition
  readonly createdBy: number | null
  readonly createdByName: string | null
  readonly createdAt: Date
  readonly updatedAt: Date | null
}

const select = sql`
  SELECT s.id, s.name, s.description, s.condition, s.created_by AS "createdBy", u.display_name AS "createdByName",
    s.created_at AS "createdAt", s.updated_at AS "updatedAt"
  FROM crm_segments s LEFT JOIN users u ON u.id = s.created_by`

export type SegmentSort = 'created_at' | 'name'

const sorts: Readonly<Record<SegmentSort, RawBuilder<unknown>>> = {
  created_at: sql`s.created_at`,
  name: sql`s.name`,
}

export async function listSegments(
  db: Database,
  { search, ...page }: PageOf<SegmentSort> & { readonly search?: string | undefined },
): Promise<{ readonly items: readonly Segment[]; readonly total: number }> {
  return await readPage<Segment>(db, {
    select,
    counted: sql`crm_segments s`,
    conditions: [search !== undefined && contains(search, sql`s.name`, sql`s.description`)],
    page: pageClause(page, sorts, sql`s.id`),
  })
}

export async function findSegment(db: Database, id: number): Promise<Segment | undefined> {
  const { rows } = await sql<Segment>`${select} WHERE s.id = ${id}`.execute(db)
  return rows[0]
}

/** Locks a segment, so that no campaign can begin to use it. */
export async function lockSegment(tx: Transaction, id: number): Promise<Segment | undefined> {
  await sql`SELECT 1 FROM crm_segments WHERE id = ${id} FOR UPDATE`.execute(tx)
  return await findSegment(tx, id)
}

export interface SegmentFields {
  readonly name: string
  readonly description: string | null
  readonly condition: Condition
}

/** @throws Conflict `name_taken` */
export async function insertSegment(
  tx: Transaction,
  { name, description, condition }: SegmentFields,
  createdBy: number,
  now: Date,
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO crm_segments (name, description, condition, created_by, created_at)
    VALUES (${name}, ${description}, ${JSON.stringify(condition)}::text::jsonb, ${createdBy}, ${now})
    RETURNING id`.execute(tx)
  return inserted(rows).id
}

/** @throws Conflict `name_taken` */
export async function updateSegment(
  tx: Transaction,
  id: number,
  { name, description, condition }: SegmentFields,
  now: Date,
): Promise<void> {
  await sql`
    UPDATE crm_segments
    SET name = ${name}, description = ${description}, condition = ${JSON.stringify(condition)}::text::jsonb,
      updated_at = ${now}
    WHERE id = ${id}`.execute(tx)
}

export async function deleteSegment(tx: Transaction, id: number): Promise<void> {
  await sql`DELETE FROM crm_segments WHERE id = ${id}`.execute(tx)
}

/** Campaigns that have not ended and are sent to a segment. */
export async function campaignsUsing(
  tx: Transaction,
  id: number,
): Promise<readonly { readonly id: number; readonly title: string }[]> {
  const { rows } = await sql<{ id: number; title: string }>`
    SELECT id, title FROM campaigns
    WHERE target_audience ->> 'segment_id' = ${String(id)}
      AND status IN ${among(['draft', 'scheduled', 'sending', 'paused'])}
    ORDER BY id LIMIT 20`.execute(tx)
  return rows
}

/** A branch of a condition and the number of members for whom it holds by itself. */
export interface Branch {
  readonly path: string
  readonly kind: string
  readonly count: number
  readonly parts: readonly Branch[]
}

/** What a condition finds. */
export interface Found {
  readonly count: number
  /** Members who get campaigns: linked, following, and accepting marketing. */
  readonly reachable: number
  readonly explain: Branch
}

/** Counts the members that a condition, and each of its branches, finds. Each leaf is evaluated once for a member. */
export async function countBranches(db: Database, condition: Condition, facts: ConditionFacts): Promise<Found> {
  const leaves: RawBuilder<unknown>[] = []
  const columns = new Map<Leaf, RawBuilder<boolean>>()
  const columnOf = (leaf: Leaf): RawBuilder<boolean> => {
    const known = columns.get(leaf)
    if (known) return known
    const name = sql.id(`l${leaves.length}`)
    leaves.push(sql`${leafSql(leaf, facts)} AS ${name}`)
    const column = sql<boolean>`x.${name}`
    columns.set(leaf, column)
    return column
  }
  const counts: RawBuilder<unknown>[] = []
  const count = (one: RawBuilder<boolean>) => counts.push(sql`count(*) FILTER (WHERE ${one})`) - 1
  const root = joinSql(condition, columnOf)
  count(sql`${root} AND x.reachable`)
  const number = branchesOf(condition, '/condition', (part) => count(joinSql(part, columnOf)))
  const { rows } = await sql<{ counts: readonly number[] }>`
    SELECT ARRAY[${sql.join(counts)}]::bigint[] AS counts
    FROM (
      SELECT m.line_uid IS NOT NULL AND m.unfollowed_at IS NULL AND m.accept_marketing AS reachable,
        ${sql.join(leaves)}
      FROM members m WHERE m.deleted_at IS NULL OFFSET 0
    ) x`.execute(db)
  const found = rows[0]?.counts ?? []
  const explain = withCounts(number, found)
  return { count: explain.count, reachable: found[0] ?? 0, explain }
}

interface NumberedBranch {
  readonly path: string
  readonly kind: string
  readonly column: number
  readonly parts: readonly NumberedBranch[]
}

function branchesOf(condition: Condition, path: string, columnOf: (part: Condition) => number): NumberedBranch {
  const column = columnOf(condition)
  if ('not' in condition)
    return { path, kind: 'not', column, parts: [branchesOf(condition.not, `${path}/not`, columnOf)] }
  if ('kind' in condition) return { path, kind: condition.kind, column, parts: [] }
  const kind = 'all' in condition ? 'all' : 'any'
  const parts = 'all' in condition ? condition.all : condition.any
  return { path, kind, column, parts: parts.map((part, n) => branchesOf(part, `${path}/${kind}/${n}`, columnOf)) }
}

function withCounts({ path, kind, column, parts }: NumberedBranch, counts: readonly number[]): Branch {
  return { path, kind, count: counts[column] ?? 0, parts: parts.map((part) => withCounts(part, counts)) }
}
