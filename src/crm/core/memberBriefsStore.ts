import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../kernel/database/database.ts'
import type { MemberBriefRow } from './memberBriefs.ts'
import { type Tag, tagsOf } from './taggingStore.ts'

/** The columns of `MemberBriefRow`, of a row `m` of `members`. */
export const BRIEF_COLUMNS = sql`m.id, m.line_uid, m.line_display_name, m.first_name, m.last_name, m.email, m.phone,
  m.created_at, m.last_interaction_at`

/**
 * One page of the members that a condition on a row `m` of `members` finds, those who interacted last first, with their
 * tags. Deleted members are left out.
 */
export async function briefsWhere(
  db: Database,
  condition: RawBuilder<boolean>,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<readonly (MemberBriefRow & { readonly tags: readonly Tag[] })[]> {
  const { rows } = await sql<MemberBriefRow>`
    SELECT ${BRIEF_COLUMNS} FROM members m
    WHERE m.deleted_at IS NULL AND ${condition}
    ORDER BY m.last_interaction_at DESC NULLS LAST, m.id DESC LIMIT ${limit} OFFSET ${offset}`.execute(db)
  const tags = await tagsOf(
    db,
    rows.map(({ id }) => id),
  )
  return rows.map((row) => ({ ...row, tags: tags.get(row.id) ?? [] }))
}

/** The number of members, deleted ones left out, that a condition on a row `m` of `members` finds. */
export async function countWhere(db: Database, condition: RawBuilder<boolean>): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count FROM members m WHERE m.deleted_at IS NULL AND ${condition}`.execute(db)
  return rows[0]?.count ?? 0
}

/** The members with these ids, deleted ones left out. */
export async function briefsWithIds(db: Database, ids: readonly number[]) {
  return await briefsWhere(db, sql`m.id = ANY (${ids}::bigint[])`, { limit: ids.length, offset: 0 })
}
