import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { contains } from '../../../kernel/database/lists.ts'

/** A system user: somebody whose account holds a role of the CRM. */
export interface SystemUser {
  readonly id: number
  readonly username: string
  readonly email: string | null
  readonly full_name: string
  readonly is_active: boolean
  readonly roles: readonly string[]
  readonly last_login_at: Date | null
  readonly created_at: Date
  readonly updated_at: Date
}

const COLUMNS = sql`
  u.id, u.username, u.email, u.display_name AS full_name, u.status = 'active' AS is_active, u.created_at, u.updated_at,
  ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role) AS roles,
  (SELECT max(l.at) FROM login_log l WHERE l.user_id = u.id AND l.result = 'success') AS last_login_at`

/** A system user; undefined if the account holds none of these roles. */
export async function findSystemUser(
  db: Database,
  id: number,
  roles: readonly string[],
): Promise<SystemUser | undefined> {
  const { rows } = await sql<SystemUser>`
    SELECT ${COLUMNS} FROM users u
    WHERE u.id = ${id} AND u.status <> 'deleted'
      AND EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = ANY (${roles}::text[]))`.execute(db)
  return rows[0]
}

export interface SystemUserFilter {
  /** The roles of the house that make a system user. */
  readonly roles: readonly string[]
  readonly search?: string | undefined
  readonly isActive?: boolean | undefined
  readonly limit: number
  readonly offset: number
}

/** A page of system users by id, and their number. */
export async function listSystemUsers(
  db: Database,
  { roles, search, isActive, limit, offset }: SystemUserFilter,
): Promise<{ readonly items: readonly SystemUser[]; readonly total: number }> {
  const matching = sql`
    FROM users u
    WHERE u.status <> 'deleted'
      AND EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = ANY (${roles}::text[]))
      AND (${isActive ?? null}::boolean IS NULL OR (u.status = 'active') = ${isActive ?? null})
      AND ${search === undefined ? sql`true` : contains(search, sql`u.username`, sql`u.display_name`, sql`u.email`)}`
  const { rows: items } = await sql<SystemUser>`
    SELECT ${COLUMNS} ${matching} ORDER BY u.id LIMIT ${limit} OFFSET ${offset}`.execute(db)
  const { rows } = await sql<{ total: number }>`SELECT count(*)::int AS total ${matching}`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}
