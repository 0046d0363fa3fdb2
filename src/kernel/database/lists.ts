import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from './database.ts'

/** Which rows of a list, and in which order. */
export interface PageOf<Column extends string> {
  readonly offset: number
  readonly limit: number
  readonly sort: Column
  readonly descending: boolean
}

/** ORDER BY, LIMIT and OFFSET of a page; the id decides between rows that are equal. */
export function pageClause<Column extends string>(
  page: PageOf<Column>,
  sorts: Readonly<Record<Column, RawBuilder<unknown>>>,
  id: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const direction = page.descending ? sql`DESC NULLS LAST` : sql`ASC NULLS LAST`
  return sql`ORDER BY ${sorts[page.sort]} ${direction}, ${id} ${direction} LIMIT ${page.limit} OFFSET ${page.offset}`
}

/** What must hold of a row; false: this condition is not asked for. */
export type Condition = RawBuilder<unknown> | false

/** True where all conditions that are asked for hold. */
export function allOf(conditions: readonly Condition[]): RawBuilder<SqlBool> {
  return sql.join([sql`true`, ...conditions.filter((condition) => condition !== false)], sql` AND `)
}

/** A query of the query builder that has no conditions and no order yet. */
export interface PageQuery<Row> {
  where(condition: Expression<SqlBool>): PageQuery<Row>
  modifyEnd(clause: Expression<unknown>): PageQuery<Row>
  execute(): Promise<Row[]>
}

/** One page of a list, and how many rows it has in all. */
export async function readPage<Row>(
  db: Database,
  list: {
    /** SELECT and FROM. */
    readonly select: RawBuilder<unknown> | PageQuery<Row>
    /** FROM for counting: joins that only add columns may be left out. */
    readonly counted: RawBuilder<unknown>
    readonly conditions: readonly Condition[]
    /** ORDER BY, LIMIT and OFFSET, as of `pageClause`. */
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

/** True where a text is found in one of the columns, whatever its case; `%` and `_` mean themselves. */
export function contains(text: string, ...columns: RawBuilder<unknown>[]): RawBuilder<unknown> {
  const pattern = `%${text.replace(/[\\%_]/g, '\\$&')}%`
  return sql`(${sql.join(
    columns.map((column) => sql`${column} ILIKE ${pattern}`),
    sql` OR `,
  )})`
}
