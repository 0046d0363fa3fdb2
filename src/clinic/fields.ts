import { type TProperties, Type } from 'typebox'
import { Id } from '../kernel/http/schemas.ts'
import { localTimestamp } from '../kernel/time.ts'
import { SLOT_TYPES, TIME_SECTIONS } from './core/types.ts'

/** An instant in answers: local time, `YYYY-MM-DDTHH:mm:ss` (page: elsewhere with `T`). */
export const Moment = Type.String({ examples: ['2025-11-01T10:30:00'] })

/** An instant on the patient side: local time, `YYYY-MM-DD HH:mm:ss`. */
export const PlainMoment = Type.String({ examples: ['2025-11-01 10:30:00'] })

export const TimeSection = Type.Enum([...TIME_SECTIONS])
export const SlotType = Type.Enum([...SLOT_TYPES])

/** An amount in yuan in answers. */
export const Yuan = Type.Number({ examples: [50] })

/** The instant of an answer: `2025-11-01T10:30:00`. */
export function moment(instant: Date, zone: string): string {
  return localTimestamp(instant, zone).slice(0, 19)
}

/** The instant of an answer on the patient side: `2025-11-01 10:30:00`. */
export function plainMoment(instant: Date, zone: string): string {
  return moment(instant, zone).replace('T', ' ')
}

/** Applies `show` to an instant that may be null. */
export function whenSet(instant: Date | null, zone: string, show = moment): string | null {
  return instant === null ? null : show(instant, zone)
}

/** The paths of an operation of the administration: under `/admin`, and at the root (page «Settled», prefix). */
export function admin(path: `/${string}`): [string, string] {
  return [`/admin${path}`, path]
}

/** Path parameters that are ids: `ids('dept_id')`. */
export function ids<const Name extends string>(...names: readonly Name[]) {
  const members = Object.fromEntries(names.map((name) => [name, Id]))
  // The keys of the object are exactly the names.
  return Type.Object(members as Record<Name, typeof Id>)
}

/** The most rows of a page: the published clients ask for this many. */
const MOST_ROWS = 10_000

/** Query of a list with `page` and `page_size`. */
export function paged<const Filters extends TProperties>(filters: Filters, size = 20) {
  return Type.Object({
    page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
    page_size: Type.Integer({ minimum: 1, maximum: MOST_ROWS, default: size }),
    ...filters,
  })
}

/** Query of a list that is complete unless a page is asked for. */
export function maybePaged<const Filters extends TProperties>(filters: Filters) {
  return Type.Object({
    page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    page_size: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_ROWS })),
    ...filters,
  })
}

/** LIMIT and OFFSET of a page; a list that is complete has MOST_ROWS at most. */
export function limits({ page, page_size: size }: { readonly page?: number; readonly page_size?: number }) {
  if (page === undefined && size === undefined) return { limit: MOST_ROWS, offset: 0 }
  const limit = size ?? 20
  return { limit, offset: ((page ?? 1) - 1) * limit }
}
