import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../database/database.ts'
import { allOf, type Condition, readPage } from '../database/lists.ts'

type Direction = 'asc' | 'desc'

/** A page of a log. */
export interface LogPage {
  readonly limit: number
  readonly offset: number
  /** `desc`: newest first. */
  readonly direction: Direction
}

/** A part of a log that follows an entry (undefined: from the start). */
export interface LogStretch<Entry> {
  readonly after: Entry | undefined
  readonly limit: number
  readonly direction: Direction
}

/** A period of time. */
export interface LogSpan {
  /** Inclusive. */
  readonly from?: Date | undefined
  /** Exclusive. */
  readonly to?: Date | undefined
}

/** A log with its entries in order of time, then id. */
export interface Log<Filter, Entry> {
  /** Reads one page, and the total number of entries that the filter finds. */
  list(db: Database, filter: Filter, page: LogPage): Promise<{ readonly items: Entry[]; readonly total: number }>
  /** Reads the entries that follow an entry, for exports. */
  after(db: Database, filter: Filter, stretch: LogStretch<Entry>): Promise<Entry[]>
  /** Counts the entries that a filter finds, at most up to `most`. */
  count(db: Database, filter: Filter, most: number): Promise<number>
}

/** Builds the log of a table with `id` and `at`. `conditionsOf`: the conditions of a filter, besides the period. */
export function logOf<Filter extends LogSpan, Entry extends { readonly id: number; readonly at: Date }>(
  table: RawBuilder<unknown>,
  columns: RawBuilder<unknown>,
  conditionsOf: (filter: Filter) => readonly Condition[],
): Log<Filter, Entry> {
  const select = sql`SELECT ${columns} FROM ${table}`
  const found = (filter: Filter): readonly Condition[] => [
    ...conditionsOf(filter),
    filter.from !== undefined && sql`at >= ${filter.from}::timestamptz`,
    filter.to !== undefined && sql`at < ${filter.to}::timestamptz`,
  ]
  const inOrder = (direction: Direction) =>
    direction === 'asc' ? sql`ORDER BY at, id` : sql`ORDER BY at DESC, id DESC`
  return {
    list: (db, filter, { limit, offset, direction }) =>
      readPage<Entry>(db, {
        select,
        counted: table,
        conditions: found(filter),
        page: sql`${inOrder(direction)} LIMIT ${limit} OFFSET ${offset}`,
      }),
    async after(db, filter, { after, limit, direction }) {
      const sign = direction === 'asc' ? sql`>` : sql`<`
      const beyond = after !== undefined && sql`(at, id) ${sign} (${after.at}::timestamptz, ${after.id}::bigint)`
      const { rows } = await sql<Entry>`
        ${select} WHERE ${allOf([...found(filter), beyond])} ${inOrder(direction)} LIMIT ${limit}`.execute(db)
      return rows
    },
    async count(db, filter, most) {
      const { rows } = await sql<{ total: number }>`
        SELECT count(*) AS total
        FROM (SELECT FROM ${table} WHERE ${allOf(found(filter))} LIMIT ${most}) AS found`.execute(db)
      return rows[0]?.total ?? 0
    },
  }
}
