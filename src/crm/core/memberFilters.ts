import { Type } from 'typebox'
import { Id, LocalDate } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { dayBounds } from '../../kernel/time.ts'
import { IdList, idsIn } from '../fields.ts'
import { zoneOf } from './days.ts'
import type { MemberFilter } from './memberFilterStore.ts'

const Amount = Type.Number({ minimum: 0, maximum: 1e12 })

/** The filters of the list of members, for what else works on a filtered list. */
export const memberFilters = {
  search: Type.Optional(Type.String({ maxLength: 100, description: 'Name in either order, e-mail address or phone.' })),
  tags: Type.Optional(IdList),
  tags_mode: Type.Optional(Type.Enum(['any', 'all'])),
  source: Type.Optional(Type.Enum(['line', 'crm', 'system'])),
  gender: Type.Optional(Type.Enum(['male', 'female', 'other'])),
  accept_marketing: Type.Optional(Type.Boolean()),
  line: Type.Optional(Type.Enum(['linked', 'unlinked', 'following'])),
  created_from: Type.Optional(LocalDate),
  created_to: Type.Optional(LocalDate),
  last_interaction_from: Type.Optional(LocalDate),
  last_interaction_to: Type.Optional(LocalDate),
  consumption_min: Type.Optional(Amount),
  consumption_max: Type.Optional(Amount),
}

const Filters = Type.Object(memberFilters)

/** The filters of the list, and a segment. */
export const MemberFilters = Type.Object({ ...memberFilters, segment_id: Type.Optional(Id) })

/** The filters of a request. */
export type MemberFilterInput = Type.Static<typeof Filters>

/** Reads the filters of a request. Days are local, and both ends belong to a range. */
export function filterOf(kernel: Pick<Kernel, 'config'>, query: MemberFilterInput): MemberFilter {
  const zone = zoneOf(kernel)
  const start = (day: string | undefined) => (day === undefined ? undefined : dayBounds(day, zone).start)
  const end = (day: string | undefined) => (day === undefined ? undefined : dayBounds(day, zone).end)
  return {
    search: query.search,
    ...(query.tags !== undefined && { tagIds: idsIn(query.tags) }),
    tagsMode: query.tags_mode,
    source: query.source,
    gender: query.gender,
    acceptMarketing: query.accept_marketing,
    line: query.line,
    createdFrom: start(query.created_from),
    createdTo: end(query.created_to),
    interactionFrom: start(query.last_interaction_from),
    interactionTo: end(query.last_interaction_to),
    consumptionMin: query.consumption_min,
    consumptionMax: query.consumption_max,
  }
}
