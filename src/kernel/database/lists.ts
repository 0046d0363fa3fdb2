import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from './database.ts'

/** The page of a list, and its order. */
export interface PageOf<Column extends string> {
  readonly offset: number
  readonly limit: number
  readonly sort: Column
  readonly descending: boolean
}

/** ORDER BY, LIMIT and OFFSET of a page; equal rows are ordered by id. */
export function pageClause<Column extends string>(
  page: PageOf<Column>,
  sorts: Readonly<Record<Column, RawBuilder<unknown>>>,
  id: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const direction = page.descending ? sql`DESC NULLS LAST` : sql`ASC NULLS LAST`
  return sql`ORDER BY ${sorts[page.sort]} ${direction}, ${id} ${direction} LIMIT ${page.limit} OFFSET ${page.offset}`
}

/** A condition on a row; false: no condition. */
export type Condition = RawBuilder<unknown> | false

/** Joins conditions with AND; true when there are none. */
export function allOf(conditions: readonly Condition[]): RawBuilder<SqlBool> {
  return sql.join([sql`true`, ...conditions.filter((condition) => condition !== false)], sql` AND `)
}

/** A query of the query builder, without conditions and order. */
export interface PageQuery<Row> {
  where(condition: Expression<SqlBool>): PageQuery<Row>
  modifyEnd(clause: Expression<unknown>): PageQuery<Row>
  execute(): Promise<Row[]>
}

/** Reads one page of a list, and its total number of rows. */
export async function readPage<Row>(
  db: Database,
  list: {
    /** SELECT and FROM. */
    readonly select: RawBuilder<unknown> | PageQuery<Row>
    /** FROM for counting: joins that only add columns may be left out. */
    readonly counted: RawBuilder<unknown>
    readonly conditions: readonly Condition[]
    /** ORDER BY, LIMIT and OFFSET: see `pageClause`. */
    readonly page: RawBuilder<unknown>
  },
): Promise<{ items: Row[]; total: number }> {
  const where = allOf(list.conditions)
  const items = await pageRows(db, list.select, where, list.page)
  const counted = await sql<{ total: number }>`SELECT count(*) AS total FROM ${list.counted} WHERE ${where}`.execute(db)
  return { items, total: counted.rows[0]?.total ?? 0 }
}

async function pageRows<Row>(
  db: Database,
  select: RawBuilder<unknown> | PageQuery<Row>,
  where: RawBuilder<SqlBool>,
  page: RawBuilder<unknown>,
): Promise<Row[]> {
  if ('modifyEnd' in select) return await select.where(where).modifyEnd(page).execute()
  return (await sql<Row>`${select} WHERE ${where} ${page}`.execute(db)).rows
}

/** Condition: one of the columns contains a text, ignoring case. `%` and `_` are no wildcards. */
export function contains(text: string, ...columns: RawBuilder<unknown>[]): RawBuilder<unknown> {
  const pattern = `%${text.replace(/[\\%_]/g, '\\$&')}%`
  return sql`(${sql.join(
    columns.map((column) => sql`${column} ILIKE ${pattern}`),
    sql` OR `,
  )})`
}
