import { Type } from 'typebox'
import { Id, Instant, Nullable, type Of } from '../../kernel/http/schemas.ts'
import { TagMark } from '../fields.ts'
import type { Tag } from './taggingStore.ts'

/** A member in a list, as the document's list of members shows them. */
export const MemberBrief = Type.Object({
  id: Id,
  line_uid: Nullable(Type.String()),
  line_display_name: Nullable(Type.String()),
  first_name: Nullable(Type.String()),
  last_name: Nullable(Type.String()),
  email: Nullable(Type.String()),
  phone: Nullable(Type.String()),
  tags: Type.Array(TagMark),
  created_at: Instant,
  last_interaction_at: Nullable(Instant),
})

/** The columns of a member in a list. */
export interface MemberBriefRow {
  readonly id: number
  readonly line_uid: string | null
  readonly line_display_name: string | null
  readonly first_name: string | null
  readonly last_name: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly created_at: Date
  readonly last_interaction_at: Date | null
}

/** A member in a list with their tags, for an answer. */
export function presentBrief(row: MemberBriefRow & { readonly tags: readonly Tag[] }): Of<typeof MemberBrief> {
  return {
    ...row,
    tags: [...row.tags],
    created_at: row.created_at.toISOString(),
    last_interaction_at: row.last_interaction_at?.toISOString() ?? null,
  }
}
