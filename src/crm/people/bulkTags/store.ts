import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../../kernel/database/database.ts'

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
