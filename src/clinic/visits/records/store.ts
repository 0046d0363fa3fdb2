import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'

/** The roles of a person whose account is active; undefined for other people. */
export async function rolesOfActive(db: Database, userId: number): Promise<readonly string[] | undefined> {
  const { rows } = await sql<{ roles: readonly string[] }>`
    SELECT array(SELECT r.role FROM user_roles r WHERE r.user_id = u.id) AS roles
    FROM users u
    WHERE u.id = ${userId} AND u.status = 'active'`.execute(db)
  return rows[0]?.roles
}
