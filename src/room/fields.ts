import { type TProperties, Type } from 'typebox'
import { Id, InstantInput } from '../kernel/http/schemas.ts'
import { localTimestamp, parseInstant } from '../kernel/time.ts'

/** The first part of every path: of the administration and of the portal (seed 概览). */
export const MANAGE = '/manage/facility'
export const PORTAL = '/portal/facility'

/** A local time in requests and answers, `yyyy-MM-dd HH:mm:ss` (seed 约定与通用). */
export const Moment = Type.String({ examples: ['2025-11-10 09:00:00'] })
export const NullableMoment = Type.Union([Moment, Type.Null()])

/** The same in a request; `parseInstant` reads it. */
export const MomentInput = InstantInput
export { parseInstant }

/** An instant in this product's answers: `yyyy-MM-dd HH:mm:ss` on the wall clock of the zone. */
export function moment(instant: Date, zone: string): string {
  return localTimestamp(instant, zone).slice(0, 19).replace('T', ' ')
}

export function nullableMoment(instant: Date | null, zone: string): string | null {
  return instant === null ? null : moment(instant, zone)
}

/** Buildings and rooms: `0` in use, `1` out of use. */
export const UsedStatus = Type.Enum(['0', '1'])

/**
 * `{id}` of a path that takes one or several ids, separated by commas. (The seed calls it `{ids}`, but a path of the
 * API reference has one name.)
 */
export const IdsParams = Type.Object({
  id: Type.String({ pattern: '^[1-9]\\d{0,15}(,[1-9]\\d{0,15}){0,99}$', examples: ['1,2,3'] }),
})

/** The ids of such a path, each once. */
export function idsOf({ id }: { readonly id: string }): number[] {
  return [...new Set(id.split(',').map(Number))]
}

/** The most rows of a page. A request for more gets this many and the true `total`. */
const MOST_ROWS = 100

/**
 * The query of a list (seed 约定与通用): `pageNum` from 1; `pageSize`, default 10; `orderByColumn`, one of the allowed
 * columns, with `isAsc`; and the list's own filters. Columns may be spelled as in the tables (`create_time`). `isAsc`
 * is `asc` or `desc`, or `ascending` or `descending` as the published client sends them.
 */
export function listQuery<const Column extends string, Filters extends TProperties = Record<never, never>>(
  sortable: readonly [Column, ...Column[]],
  filters: Filters,
) {
  return Type.Object({
    pageNum: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
    pageSize: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 10,
      description: `A page has at most ${MOST_ROWS} rows.`,
    }),
    orderByColumn: Type.Optional(
      Type.Unsafe<Column>({ type: 'string', enum: [...new Set(sortable.flatMap((name) => [name, snakeCase(name)]))] }),
    ),
    isAsc: Type.Optional(Type.Enum(['asc', 'desc', 'ascending', 'descending'])),
    ...filters,
  })
}

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The camelCase name of a column in either spelling. */
function camelCase<Column extends string>(name: Column): Column
function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}

interface ListQuery<Column extends string> {
  readonly pageNum: number
  readonly pageSize: number
  readonly orderByColumn?: Column
  readonly isAsc?: 'asc' | 'desc' | 'ascending' | 'descending'
}

/** Page and order of a query; `by` is the default order. */
export function pageOf<Column extends string>(
  query: ListQuery<Column>,
  by: { readonly sort: Column; readonly descending: boolean },
) {
  const limit = Math.min(query.pageSize, MOST_ROWS)
  return {
    limit,
    offset: (query.pageNum - 1) * limit,
    sort: query.orderByColumn === undefined ? by.sort : camelCase(query.orderByColumn),
    descending:
      query.isAsc === undefined ? query.orderByColumn === undefined && by.descending : query.isAsc.startsWith('desc'),
  }
}

export { Id }
