import { sql } from 'kysely'
import type { Database, Transaction } from '../database/database.ts'
import type { Kernel } from '../kernel.ts'

/** The names of the roles that permit something. */
export function rolesWith(kernel: Pick<Kernel, 'roles'>, permission: string): readonly string[] {
  return kernel.roles.filter((role) => role.permissions.includes(permission)).map(({ name }) => name)
}

/** The active people who may do what a permission says, by id. */
export async function staffWith(
  db: Database,
  kernel: Pick<Kernel, 'roles'>,
  permission: string,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT DISTINCT u.id FROM user_roles r JOIN users u ON u.id = r.user_id
    WHERE r.role = ANY (${rolesWith(kernel, permission)}::text[]) AND u.status = 'active' ORDER BY u.id`.execute(db)
  return rows.map(({ id }) => id)
}

/**
 * Whether somebody active may do what a permission says; the answer holds until the transaction ends. To be asked before anything but people is
 * locked.
 */
export async function lockStaff(
  tx: Transaction,
  kernel: Pick<Kernel, 'roles'>,
  permission: string,
  userId: number,
): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM users WHERE id = ${userId} AND status = 'active' FOR SHARE`.execute(tx)
  // Who changed the roles meanwhile has committed: only a statement of its own sees that.
  return rows.length > 0 && (await staffWith(tx, kernel, permission)).includes(userId)
}
