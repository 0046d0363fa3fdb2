import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { inserted } from '../../kernel/database/inserted.ts'
import { NotFound } from '../../kernel/errors.ts'
import { missing } from '../refusals.ts'
import type { MemberColumns } from './members.ts'

/** Inserts a member. @throws Conflict `email_taken`, `phone_taken`, `id_number_taken`, `line_uid_taken` */
export async function insertMember(
  tx: Transaction,
  columns: MemberColumns & { readonly source: 'line' | 'crm' | 'system'; readonly followed_at?: Date | null },
  now: Date,
): Promise<number> {
  const rows = await tx
    .insertInto('members')
    .values({ ...columns, created_at: now })
    .returning('id')
    .execute()
  const { id } = inserted(rows)
  return id
}

/** Changes a member who is not deleted; answers whether there is one. @throws as `insertMember` */
export async function updateMember(tx: Transaction, id: number, columns: MemberColumns, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('members')
    .set({ ...columns, updated_at: now })
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Notes that something happened between the hotel and a member. */
export async function touchMember(tx: Transaction, id: number, at: Date): Promise<void> {
  await sql`
    UPDATE members SET last_interaction_at = greatest(last_interaction_at, ${at}) WHERE id = ${id}`.execute(tx)
}

/** The members with an id number, phone number or e-mail address, by what fits; deleted ones are not among them. */
export async function membersWith(
  db: Database,
  keys: { readonly idNumberIndex: string | null; readonly phone: string | null; readonly email: string | null },
): Promise<readonly { readonly id: number; readonly by: 'id_number' | 'phone' | 'email' }[]> {
  const { rows } = await sql<{ id: number; by: 'id_number' | 'phone' | 'email' }>`
    SELECT id, 'id_number' AS by FROM members WHERE id_number_index = ${keys.idNumberIndex}
    UNION ALL
    SELECT id, 'phone' FROM members WHERE phone_e164 = ${keys.phone}
    UNION ALL
    SELECT id, 'email' FROM members WHERE lower(email) = lower(${keys.email})`.execute(db)
  return rows
}

/**
 * Locks members until the transaction ends, in the order of their ids.
 * @returns the ids of those who are not deleted
 */
export async function lockMembers(tx: Transaction, ids: readonly number[]): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM members WHERE id = ANY (${ids}::bigint[]) AND deleted_at IS NULL ORDER BY id FOR UPDATE`.execute(tx)
  return new Set(rows.map(({ id }) => id))
}

/** Empties everything personal of a locked member; the row stays for the totals. `into`: the member it was merged into. */
export async function anonymise(tx: Transaction, id: number, now: Date, into: number | null = null): Promise<void> {
  await sql`
    UPDATE members
    SET line_uid = NULL, line_display_name = NULL, line_picture_url = NULL, first_name = NULL, last_name = NULL,
      gender = NULL, birthday = NULL, email = NULL, phone = NULL, phone_e164 = NULL, id_number = NULL,
      id_number_index = NULL, id_number_masked = NULL, notes = NULL, accept_marketing = false,
      deleted_at = ${now}, updated_at = ${now}, merged_into = ${into}
    WHERE id = ${id}`.execute(tx)
}

/**
 * The refusal for a member who is not there: `merged` with the other member's id if they were merged, else `not_found`.
 */
export async function noSuchMember(db: Database, id: number): Promise<NotFound> {
  const { rows } = await sql<{ into: number }>`
    SELECT merged_into AS into FROM members WHERE id = ${id} AND merged_into IS NOT NULL`.execute(db)
  const [merged] = rows
  if (!merged) return missing('member')
  return new NotFound('merged', `This member was merged into member ${merged.into}.`, {
    facts: { merged_into: merged.into },
  })
}
