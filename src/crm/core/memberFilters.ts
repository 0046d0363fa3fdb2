import { Type } from 'typebox'
import { Id } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { IdList, idsIn } from '../fields.ts'
import { crmSettings } from '../settings.ts'
import type { Condition } from './audience/conditions.ts'
import { plainText } from './audience/conditions.ts'
import { phoneInE164 } from './phones.ts'

/** The filters of the list of members. */
export const memberFilters = {
  search: Type.Optional(
    Type.String({
      maxLength: 100,
      description: 'Part of a name in either order, an e-mail address or a phone number.',
    }),
  ),
  tags: Type.Optional(IdList),
  source: Type.Optional(Type.Enum(['line', 'crm', 'system'])),
}

/** The filters of the list of members, and a segment. */
export const MemberFilters = Type.Object({ ...memberFilters, segment_id: Type.Optional(Id) })

/** The filters of a request. */
export interface MemberFilterInput {
  readonly search?: string | undefined
  readonly tags?: string | undefined
  readonly source?: 'line' | 'crm' | 'system' | undefined
}

/** Filters as `filterSql` takes them. Absent members filter nothing. */
export interface MemberFilter {
  readonly search?: SearchText | undefined
  /** Members with at least one of these tags. */
  readonly tagIds?: readonly number[] | undefined
  readonly source?: string | undefined
  readonly condition?: Condition | undefined
}

interface SearchText {
  readonly text: string
  /** Null: nothing is left without spaces and marks. */
  readonly plain: string | null
  /** E.164, if the text is a whole phone number. */
  readonly phone: string | null
}

/** Reads the filters of a request. */
export function filterOf(
  { config }: Pick<Kernel, 'config'>,
  { search, tags, source }: MemberFilterInput,
  condition?: Condition,
): MemberFilter {
  const text = search?.trim() ?? ''
  return {
    ...(text !== '' && {
      search: {
        text,
        plain: plainText(text) || null,
        phone: phoneInE164(text, crmSettings.of(config).phoneCountry) ?? null,
      },
    }),
    ...(tags !== undefined && { tagIds: idsIn(tags) }),
    ...(source !== undefined && { source }),
    ...(condition && { condition }),
  }
}
