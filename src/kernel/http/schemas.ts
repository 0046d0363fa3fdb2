import type { Static, TProperties, TSchema } from 'typebox'
import { Type } from 'typebox'
import { notBlank } from './request/validation.ts'

/** An id: a positive integer that JSON numbers represent exactly. */
export const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, examples: [42] })

/** The `{id}` of a path. */
export const IdParams = Type.Object({ id: Id })

/** An existing day in the local time zone, from 1900 to 2199. */
export const LocalDate = Type.String({ format: 'local-date', examples: ['2026-03-14'] })

/** A time of day in the local time zone, 'HH:MM' or 'HH:MM:SS'. */
export const LocalTime = Type.String({ format: 'local-time', examples: ['09:30'] })

/** A time of day for the end of something: 24:00 is the end of the day. */
export const LocalTimeOrMidnight = Type.String({ format: 'local-time-or-midnight', examples: ['24:00'] })

/** An instant in an answer, RFC 3339. Handlers may return a `Date`: it is written in UTC. */
export const Instant = Type.String({ format: 'date-time', examples: ['2026-03-14T01:30:00.000Z'] })

/** An instant in a request: with an offset, or without one in the local time zone. */
export const InstantInput = Type.String({ format: 'instant', maxLength: 40, examples: ['2026-03-14T09:30:00+08:00'] })

/** A text of at most `max` characters with at least one visible character. It is trimmed before validation. */
export function Text(
  max: number,
  options: { readonly description?: string; readonly examples?: readonly string[] } = {},
) {
  const { description, examples } = options
  return Type.String({
    minLength: 1,
    maxLength: max,
    pattern: notBlank,
    ...(description !== undefined && { description }),
    ...(examples && { examples: [...examples] }),
  })
}

/**
 * A field that may be null; in a request, null clears it. It is written as a list of types rather than a union, because
 * the serializer would have to try the branches of a union for every value.
 */
export function Nullable<Schema extends TSchema>(schema: Schema) {
  const { type, enum: values, ...rest }: { type?: unknown; enum?: readonly unknown[] } = schema
  if ('const' in schema || (typeof type !== 'string' && !values)) {
    return Type.Unsafe<Static<Schema> | null>({ anyOf: [schema, { type: 'null' }] })
  }
  return Type.Unsafe<Static<Schema> | null>({
    ...rest,
    ...(typeof type === 'string' && { type: [type, 'null'] }),
    ...(values && { enum: [...values, null] }),
  })
}

/** The paging part of a parsed query. */
export interface PageQuery {
  readonly page: number
  readonly page_size: number
}

type Sort<Column extends string> = Column | `-${Column}`

/**
 * The query of a list: `page` (from 1), `page_size` (default 20, at most 100), `sort` by one of the listed columns
 * (descending with a `-` before it), and the list's own filters. The default order is the first column ascending, or
 * `defaultSort`.
 */
export function pageQuery<const Column extends string, Filters extends TProperties = Record<never, never>>(
  sortable: readonly [Column, ...Column[]],
  filters?: Filters,
  defaultSort: Sort<Column> = sortable[0],
) {
  const allowed = sortable.flatMap((column) => [column, `-${column}`])
  return Type.Object({
    page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
    page_size: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
    sort: Type.Unsafe<Sort<Column>>({ type: 'string', enum: allowed, default: defaultSort }),
    ...withDefault(filters),
  })
}

function withDefault<Filters extends TProperties>(filters: Filters | undefined): Filters
function withDefault(filters: TProperties | undefined): TProperties {
  return filters ?? {}
}

/** Splits the value of `sort` into column and direction. */
export function sortOrder<Column extends string>(sort: Sort<Column>): { column: Column; direction: 'asc' | 'desc' }
export function sortOrder(sort: string): { column: string; direction: 'asc' | 'desc' } {
  return sort.startsWith('-') ? { column: sort.slice(1), direction: 'desc' } : { column: sort, direction: 'asc' }
}

/** The answer of a list. */
export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    items: Type.Array(item),
    total: Type.Integer({ minimum: 0 }),
    page: Type.Integer({ minimum: 1 }),
    page_size: Type.Integer({ minimum: 1, maximum: 100 }),
    total_pages: Type.Integer({ minimum: 0 }),
  })
}

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly total: number
  readonly page: number
  readonly page_size: number
  readonly total_pages: number
}

/** Builds a page from its rows and the total number of rows. */
export function pageAnswer<Item>(items: readonly Item[], total: number, { page, page_size }: PageQuery): Page<Item> {
  return { items, total, page, page_size, total_pages: Math.ceil(total / page_size) }
}

/** Number of rows before a page, for OFFSET. */
export function pageOffset({ page, page_size }: PageQuery): number {
  return (page - 1) * page_size
}

/** The page and order that the query of a list asks for, in the form that stores take. */
export function pageAsked<Column extends string>(query: PageQuery & { readonly sort: Sort<Column> }) {
  const { column, direction } = sortOrder(query.sort)
  return { offset: pageOffset(query), limit: query.page_size, sort: column, descending: direction === 'desc' }
}

/** The type of a value of a schema, so that services need not import the schema library. */
export type Of<Schema extends TSchema> = Static<Schema>
