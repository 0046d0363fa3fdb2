import { sql } from 'kysely'
import type { Database } from '../database/database.ts'
import type { Kernel } from '../kernel.ts'
import { rolesOf } from './roles.ts'

/** The names of the roles that permit something. */
export function rolesWith(kernel: Pick<Kernel, 'products'>, permission: string): readonly string[] {
  return rolesOf(kernel)
    .filter((role) => role.permissions.includes(permission))
    .map(({ name }) => name)
}

/** The active people who may do what a permission says, by id. */
export async function staffWith(
  db: Database,
  kernel: Pick<Kernel, 'products'>,
  permission: string,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT DISTINCT u.id FROM user_roles r JOIN users u ON u.id = r.user_id
    WHERE r.role = ANY (${rolesWith(kernel, permission)}::text[]) AND u.status = 'active' ORDER BY u.id`.execute(db)
  return rows.map(({ id }) => id)
}
