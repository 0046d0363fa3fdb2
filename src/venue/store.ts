import { type RawBuilder, sql } from 'kysely'

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

/** True where a text is found in one of the columns, whatever its case; `%` and `_` mean themselves. */
export function contains(text: string, ...columns: RawBuilder<unknown>[]): RawBuilder<unknown> {
  const pattern = `%${text.replace(/[\\%_]/g, '\\$&')}%`
  return sql`(${sql.join(
    columns.map((column) => sql`${column} ILIKE ${pattern}`),
    sql` OR `,
  )})`
}
