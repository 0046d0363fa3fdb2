import { sql } from 'kysely'
import type { Database, Transaction } from '../database/database.ts'
import type { Kernel } from '../kernel.ts'

/** Names of the roles that hold a permission. */
export function rolesWith(kernel: Pick<Kernel, 'roles'>, permission: string): readonly string[] {
  return kernel.roles.filter((role) => role.permissions.includes(permission)).map(({ name }) => name)
}

/** Ids of the active people who hold a permission. */
export async function staffWith(
  db: Database,
  kernel: Pick<Kernel, 'roles'>,
  permission: string,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT DISTINCT u.id FROM user_roles r JOIN users u ON u.id = r.user_id
    WHERE r.role = ANY (${rolesWith(kernel, permission)}::text[]) AND u.status = 'active'
    ORDER BY u.id`.execute(db)
  return rows.map(({ id }) => id)
}

/**
 * Whether a person is active and holds a permission; the answer stays true until the transaction ends. Must be called
 * before anything but users is locked.
 */
export async function lockStaff(
  tx: Transaction,
  kernel: Pick<Kernel, 'roles'>,
  permission: string,
  userId: number,
): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM users WHERE id = ${userId} AND status = 'active' FOR SHARE`.execute(tx)
  // A new statement is needed to see roles that were changed while this one waited for the lock.
  return rows.length > 0 && (await staffWith(tx, kernel, permission)).includes(userId)
}
