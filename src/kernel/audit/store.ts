import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../database/database.ts'

/** One row of the operation log, before it has an id. */
export interface OperationRow {
  readonly at: Date
  /** Null: the system itself. */
  readonly actorId: number | null
  readonly action: string
  readonly resource: string
  readonly resourceId: string | null
  readonly changes: object | null
  readonly address: string | null
  readonly requestId: string | null
}

/** Who did what, as it is read back. */
export interface Operation extends OperationRow {
  readonly id: number
}

export interface OperationFilter {
  readonly actorId?: number | undefined
  readonly action?: string | undefined
  readonly resource?: string | undefined
  readonly resourceId?: string | undefined
  /** From here on. */
  readonly from?: Date | undefined
  /** Before here. */
  readonly to?: Date | undefined
}

/** Which part of a log. */
export interface LogPage {
  readonly limit: number
  readonly offset: number
  /** `desc`: newest first. */
  readonly direction: 'asc' | 'desc'
}

/** Appends to the operation log, in the order given, with one statement. */
export async function insertOperations(tx: Transaction, rows: readonly OperationRow[]): Promise<void> {
  if (rows.length === 0) return
  await sql`
    INSERT INTO operation_log (at, actor_id, action, resource, resource_id, changes, address, request_id)
    SELECT at, "actorId", action, resource, "resourceId", changes, address, "requestId"
    FROM ROWS FROM (jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS
      (at timestamptz, "actorId" bigint, action text, resource text, "resourceId" text, changes jsonb, address text, "requestId" text))
      WITH ORDINALITY AS given(at, "actorId", action, resource, "resourceId", changes, address, "requestId", place)
    ORDER BY place
  `.execute(tx)
}

/** Part of a log in one go: what comes after an entry. */
export interface LogStretch<Entry> {
  readonly after: Entry | undefined
  readonly limit: number
  readonly direction: 'asc' | 'desc'
}

/** True of the entries of a log (ordered by time, then id) that come after the given one. */
export function beyond(
  direction: 'asc' | 'desc',
  after: { readonly at: Date; readonly id: number } | undefined,
): RawBuilder<boolean> {
  const sign = direction === 'asc' ? sql`>` : sql`<`
  return sql<boolean>`(at, id) ${sign} (${after?.at ?? null}::timestamptz, ${after?.id ?? null}::bigint)`
}

function matchingOperations(db: Database, filter: OperationFilter) {
  return db
    .selectFrom('operation_log')
    .$if(filter.actorId !== undefined, (query) => query.where('actor_id', '=', filter.actorId ?? null))
    .$if(filter.action !== undefined, (query) => query.where('action', '=', filter.action ?? ''))
    .$if(filter.resource !== undefined, (query) => query.where('resource', '=', filter.resource ?? ''))
    .$if(filter.resourceId !== undefined, (query) => query.where('resource_id', '=', filter.resourceId ?? ''))
    .$if(filter.from !== undefined, (query) => query.where('at', '>=', filter.from ?? new Date(0)))
    .$if(filter.to !== undefined, (query) => query.where('at', '<', filter.to ?? new Date(0)))
}

const operationColumns = [
  'id',
  'at',
  'actor_id as actorId',
  'action',
  'resource',
  'resource_id as resourceId',
  'address',
  'request_id as requestId',
] as const

/** One page of the operation log, in order of time, and how many entries the filter finds. */
export async function listOperations(
  db: Database,
  filter: OperationFilter,
  page: LogPage,
): Promise<{ readonly items: Operation[]; readonly total: number }> {
  const matching = matchingOperations(db, filter)
  const items = await matching
    .select(operationColumns)
    .select(sql<object | null>`changes`.as('changes'))
    .orderBy('at', page.direction)
    .orderBy('id', page.direction)
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  const { total } = await matching.select(sql<number>`count(*)`.as('total')).executeTakeFirstOrThrow()
  return { items, total }
}

/** The entries that come after one of them (undefined: from the start) in the given order of time, for exports. */
export async function operationsAfter(
  db: Database,
  filter: OperationFilter,
  { after, limit, direction }: LogStretch<Operation>,
): Promise<Operation[]> {
  return await matchingOperations(db, filter)
    .$if(after !== undefined, (query) => query.where(beyond(direction, after)))
    .select(operationColumns)
    .select(sql<object | null>`changes`.as('changes'))
    .orderBy('at', direction)
    .orderBy('id', direction)
    .limit(limit)
    .execute()
}

/** How many entries a filter finds, counted up to `most`. */
export async function countOperations(db: Database, filter: OperationFilter, most: number): Promise<number> {
  const found = matchingOperations(db, filter).select('id').limit(most).as('found')
  const { total } = await db.selectFrom(found).select(sql<number>`count(*)`.as('total')).executeTakeFirstOrThrow()
  return total
}
