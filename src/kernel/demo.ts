import { sql } from 'kysely'
import { DomainError } from './errors.ts'
import type { Caller } from './http/request/caller.ts'
import { register } from './identity/accounts/accounts.ts'
import { ADMIN, permissionsOf } from './identity/roles.ts'
import type { Kernel } from './kernel.ts'
import type { DemoLogin } from './product.ts'

// Shared by the demos of all products. A demo plays some weeks with the program's own use cases, on its own clock.

/** The password of everybody in a demo. */
const PASSWORD = 'yuyue-demo-2026'

/** A person in a demo. */
export interface DemoPerson {
  readonly username: string
  readonly name: string
  readonly role: string
}

/** The log-ins of a demo, to be printed. */
export function demoLogins(people: readonly DemoPerson[]): DemoLogin[] {
  return people.map(({ role, username }) => ({ role, username, password: PASSWORD }))
}

/**
 * Runs a product's demo unless it has run before, and records that it is complete.
 * @throws Error if there are users that no demo has made, because the demo's passwords are public.
 */
export async function playOnce({ db, clock }: Kernel, product: string, play: () => Promise<void>): Promise<void> {
  const mark = `${product}.demo`
  const { rows } = await sql<{ played: boolean; inUse: boolean }>`
    SELECT EXISTS (SELECT FROM settings WHERE key = ${mark}) AS played,
      EXISTS (SELECT FROM users) AND NOT EXISTS (SELECT FROM settings WHERE key LIKE '%.demo') AS "inUse"`.execute(db)
  const [state] = rows
  if (state?.played) return
  if (state?.inUse)
    throw new Error('The database is in use: the demo needs an empty one (set DATA_DIR or DATABASE_URL to another).')
  await play()
  await sql`
    INSERT INTO settings (key, value, updated_at)
    VALUES (${mark}, 'true', ${clock.now()})
    ON CONFLICT DO NOTHING`.execute(db)
}

/** The caller for a person of a demo: a new account, or the administrator that another product's demo has made. */
export async function enterDemo(kernel: Kernel, { username, name, role }: DemoPerson): Promise<Caller> {
  const visitor = { address: '127.0.0.1', userAgent: 'demo', requestId: 'demo' }
  const registration = { username, password: PASSWORD, displayName: name, email: `${username}@example.com` }
  const known = role === ADMIN ? await administrator(kernel, username) : undefined
  const userId = known ?? (await register(kernel, registration, role, visitor)).id
  return {
    userId,
    sessionId: 'demo',
    roles: new Set([role]),
    permissions: permissionsOf(kernel.roles, [role]),
    isAdmin: role === ADMIN,
    scope: 'full',
    address: visitor.address,
    requestId: visitor.requestId,
  }
}

async function administrator({ db }: Kernel, username: string): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    SELECT u.id FROM users u JOIN user_roles r ON r.user_id = u.id
    WHERE u.username = ${username} AND r.role = ${ADMIN} AND u.status = 'active'`.execute(db)
  return rows[0]?.id
}

/** The result of a call, or null if the rules refuse it: the demo then continues without it. */
export async function perhaps<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call
  } catch (error) {
    if (error instanceof DomainError) return null
    throw error
  }
}
