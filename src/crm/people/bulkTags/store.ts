import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../../kernel/database/database.ts'
import { allOf } from '../../../kernel/database/lists.ts'
import { type MemberFilter, memberConditions } from '../../core/memberFilterStore.ts'
import type { PhoneCountry } from '../../core/phones.ts'

/**
 * Locks the members that a condition on a row `m` of `members` finds, so that none is deleted or merged until the
 * commit. Returns their ids, in order.
 */
export async function lockMembersWhere(
  tx: Transaction,
  condition: RawBuilder<boolean>,
  limit: number,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT m.id FROM members m WHERE m.deleted_at IS NULL AND ${condition}
    ORDER BY m.id LIMIT ${limit} FOR SHARE OF m`.execute(tx)
  return rows.map(({ id }) => id)
}

/** The condition for members with these ids. */
export function withIds(ids: readonly number[]): RawBuilder<boolean> {
  return sql`m.id = ANY (${ids}::bigint[])`
}

/** The condition for members whom the filters of the list find. */
export function withFilter(filter: MemberFilter, country: PhoneCountry): RawBuilder<boolean> {
  return sql`(${allOf(memberConditions(filter, country))})`
}

/** Those of these members who don't have a tag. */
export async function withoutTag(
  tx: Transaction,
  memberIds: readonly number[],
  tagId: number,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT m.id FROM unnest(${memberIds}::bigint[]) m (id)
    WHERE NOT EXISTS (SELECT FROM member_tag_relations r WHERE r.member_id = m.id AND r.tag_id = ${tagId})
    ORDER BY 1`.execute(tx)
  return rows.map(({ id }) => id)
}
