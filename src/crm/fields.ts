import { type TProperties, Type } from 'typebox'
import { Id } from '../kernel/http/schemas.ts'

/** The `{id}` of a path. */
export const IdPath = Type.Object({ id: Id })

/** The paging of the document's lists: `page` from 1, `page_size` at most 100. */
export function pages<Filters extends TProperties>(usual: number, filters: Filters) {
  return Type.Object({
    page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
    page_size: Type.Integer({ minimum: 1, maximum: 100, default: usual }),
    ...filters,
  })
}

/** The order of the document's lists: `sort_by` one of the columns, `order`. */
export function sorting<const Column extends string>(columns: readonly [Column, ...Column[]], usual: 'asc' | 'desc') {
  return {
    sort_by: Type.Unsafe<Column>({ type: 'string', enum: [...columns], default: columns[0] }),
    order: Type.Unsafe<'asc' | 'desc'>({ type: 'string', enum: ['asc', 'desc'], default: usual }),
  }
}

/** Ids separated by commas: `1,2`. */
export const IdList = Type.String({ pattern: '^\\d{1,15}(,\\d{1,15}){0,99}$', examples: ['1,2'] })

/** The ids of an `IdList`. */
export function idsIn(list: string | undefined): readonly number[] {
  return list === undefined ? [] : [...new Set(list.split(',').map(Number))]
}

/** Start of the tag type of all tags. */
export type TagType = 'member' | 'interaction'

/** A tag beside the thing that has it. */
export const TagMark = Type.Object({
  id: Id,
  name: Type.String(),
  type: Type.Unsafe<TagType>({ type: 'string', enum: ['member', 'interaction'] }),
})
