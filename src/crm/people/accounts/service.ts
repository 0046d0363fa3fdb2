import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict, Unauthenticated } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { newUserRow } from '../../../kernel/identity/accounts/accounts.ts'
import * as administration from '../../../kernel/identity/accounts/administration.ts'
import * as users from '../../../kernel/identity/accounts/store.ts'
import { logIn } from '../../../kernel/identity/logIn/logIn.ts'
import type { Visitor } from '../../../kernel/identity/logIn/visitor.ts'
import { ADMIN, requireRightsOver } from '../../../kernel/identity/roles.ts'
import { refreshSession } from '../../../kernel/identity/sessions/refreshing.ts'
import { endSession } from '../../../kernel/identity/sessions/sessionStore.ts'
import { revoking } from '../../../kernel/identity/sessions/sessions.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { GUEST_ROLE, SYSTEM_ROLES, type SystemRole, systemRoleOf } from '../../permissions.ts'
import { missing } from '../../refusals.ts'
import * as store from './store.ts'

/** A system user with the document's role. */
export interface ShownUser extends Omit<store.SystemUser, 'roles'> {
  readonly role: SystemRole
}

/** A session of a system user. */
export interface Entered {
  readonly accessToken: string
  readonly expiresIn: number
  readonly user: ShownUser
}

/** All roles of the house that make somebody a system user. */
const HOUSE_ROLES: readonly string[] = [ADMIN, ...Object.values(SYSTEM_ROLES)]

function shown({ roles, ...user }: store.SystemUser): ShownUser {
  const role = systemRoleOf(new Set(roles))
  if (role === undefined) throw missing('system user')
  return { ...user, role }
}

/**
 * Opens a session for a system user. People without a role of the CRM get the answer of a wrong password.
 * @throws Unauthenticated `bad_credentials`; TooMany `locked_out`
 */
export async function enter(
  kernel: Kernel,
  credentials: { readonly name: string; readonly password: string },
  visitor: Visitor,
): Promise<Entered> {
  const { user, accessToken, expiresIn } = await logIn(kernel, credentials, visitor)
  if (systemRoleOf(new Set(user.roles)) === undefined) {
    const now = kernel.clock.now()
    const { sessionId } = await kernel.accessTokens.verify(accessToken, now)
    await revoking(kernel, user.id, (tx) => endSession(tx, sessionId, now))
    throw new Unauthenticated('bad_credentials', 'The name or the password is wrong.')
  }
  return { accessToken, expiresIn, user: await getSystemUser(kernel, user.id) }
}

/** Exchanges the caller's token for a new one. @throws Unauthenticated; NotFound without a role of the CRM */
export async function refresh(kernel: Kernel, caller: Caller, visitor: Visitor): Promise<Entered> {
  const user = await getSystemUser(kernel, caller.userId)
  return { ...(await refreshSession(kernel, caller, visitor)), user }
}

/** @throws NotFound */
export async function getSystemUser(kernel: Kernel, id: number): Promise<ShownUser> {
  const found = await kernel.withRetries((db) => store.findSystemUser(db, id, HOUSE_ROLES))
  if (!found) throw missing('system user')
  return shown(found)
}

export interface ListAsked {
  readonly role?: SystemRole | undefined
  readonly search?: string | undefined
  readonly isActive?: boolean | undefined
  readonly limit: number
  readonly offset: number
}

/** A page of the system users, and their number. */
export async function listSystemUsers(
  kernel: Kernel,
  { role, ...asked }: ListAsked,
): Promise<{ readonly items: readonly ShownUser[]; readonly total: number }> {
  const wanted = role === undefined ? HOUSE_ROLES : [SYSTEM_ROLES[role], ...(role === 'admin' ? [ADMIN] : [])]
  const { items, total } = await kernel.withRetries((db) => store.listSystemUsers(db, { ...asked, roles: wanted }))
  return { items: items.map(shown), total }
}

export interface NewSystemUser {
  readonly username: string
  readonly email: string
  readonly password: string
  readonly fullName: string | undefined
  readonly role: SystemRole
}

/** Adds a system user. @throws Conflict `username_taken`, `email_taken`; Invalid `weak_password` */
export async function addSystemUser(kernel: Kernel, caller: Caller, added: NewSystemUser): Promise<ShownUser> {
  const role = SYSTEM_ROLES[added.role]
  requireRightsOver(kernel, caller, [role])
  const { username, email, password, fullName: displayName } = added
  const row = await newUserRow(kernel, { username, email, password, displayName })
  const at = kernel.clock.now()
  const id = await kernel.transaction(async (tx) => {
    const made = await users.insertUser(tx, row, at)
    await users.grantRole(tx, made, role, caller.userId, at)
    const changes = { username: [null, row.username], role: [null, role] } as const
    await record(tx, at, { ...originOf(caller), action: 'user.add', resource: 'user', resourceId: made, changes })
    return made
  })
  kernel.nudge()
  return await getSystemUser(kernel, id)
}

export interface SystemUserChange {
  readonly email?: string | undefined
  readonly fullName?: string | undefined
  readonly role?: SystemRole | undefined
  readonly isActive?: boolean | undefined
}

/**
 * Changes a system user; another role or disabling ends what they could do at once.
 * @throws NotFound; Forbidden `beyond_own_rights`; Conflict `own_account`, `last_administrator`, `email_taken`
 */
export async function changeSystemUser(
  kernel: Kernel,
  caller: Caller,
  id: number,
  { email, fullName: displayName, role, isActive }: SystemUserChange,
): Promise<ShownUser> {
  const before = await getSystemUser(kernel, id)
  const loses = (role !== undefined && role !== before.role) || isActive === false
  if (id === caller.userId && loses)
    throw new Conflict('own_account', 'You can’t take your own role, nor disable your own account.')
  const status = isActive === undefined ? undefined : isActive ? ('active' as const) : ('disabled' as const)
  if (email !== undefined || displayName !== undefined || status !== undefined)
    await administration.updateUser(kernel, caller, id, { email, displayName, status })
  if (role !== undefined && role !== before.role)
    await administration.changeRoles(kernel, caller, id, (held) => [...others(held), SYSTEM_ROLES[role]])
  return await getSystemUser(kernel, id)
}

/** The roles of an account that are none of the CRM's. */
const others = (held: readonly string[]) =>
  held.filter((one) => one !== GUEST_ROLE && !Object.values(SYSTEM_ROLES).includes(one))

/**
 * Removes a system user: the account is deleted, or keeps its roles of other parts if it has any.
 * @throws NotFound; Conflict `own_account`, `last_administrator`
 */
export async function removeSystemUser(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  await getSystemUser(kernel, id)
  if (id === caller.userId) throw new Conflict('own_account', 'You can’t remove your own account.')
  const { roles } = await administrationView(kernel, id)
  const kept = others(roles)
  if (kept.length > 0) await administration.changeRoles(kernel, caller, id, others)
  else await administration.deleteUser(kernel, caller, id)
}

async function administrationView(kernel: Kernel, id: number): Promise<{ readonly roles: readonly string[] }> {
  const user = await kernel.withRetries((db) => users.findUser(db, kernel.secrets.cipher, id))
  if (!user) throw missing('system user')
  return user
}
