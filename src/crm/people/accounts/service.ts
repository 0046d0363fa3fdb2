import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict, Forbidden } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { newUserRow, updateMe } from '../../../kernel/identity/accounts/accounts.ts'
import * as administration from '../../../kernel/identity/accounts/administration.ts'
import { checkOwner, type Proof } from '../../../kernel/identity/accounts/owner.ts'
import * as users from '../../../kernel/identity/accounts/store.ts'
import { logIn } from '../../../kernel/identity/logIn/logIn.ts'
import { askForCode } from '../../../kernel/identity/logIn/passwordReset/service.ts'
import type { Visitor } from '../../../kernel/identity/logIn/visitor.ts'
import { ADMIN, requireRightsOver } from '../../../kernel/identity/roles.ts'
import { refreshSession } from '../../../kernel/identity/sessions/refreshing.ts'
import { revoking } from '../../../kernel/identity/sessions/sessions.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { GUEST_ROLE, SYSTEM_ROLES, type SystemRole, systemRoleOf } from '../../permissions.ts'
import { missing, taken } from '../../refusals.ts'
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
  const mayEnter = (roles: readonly string[]) => systemRoleOf(new Set(roles)) !== undefined
  const { user, accessToken, expiresIn } = await logIn(kernel, credentials, visitor, { mayEnter })
  return { accessToken, expiresIn, user: await ownAccount(kernel, user.id) }
}

/** The caller's own account. @throws Forbidden without a role of the CRM */
export async function ownAccount(kernel: Kernel, userId: number): Promise<ShownUser> {
  const found = await kernel.withRetries((db) => store.findSystemUser(db, userId, HOUSE_ROLES))
  if (!found) throw new Forbidden('no_crm_role', 'Your account has no role of the CRM.')
  return shown(found)
}

/** Exchanges the caller's token for a new one. @throws Unauthenticated; Forbidden without a role of the CRM */
export async function refresh(kernel: Kernel, caller: Caller, visitor: Visitor): Promise<Entered> {
  const user = await ownAccount(kernel, caller.userId)
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

/**
 * Adds a system user. The caller proves that the account is theirs: a stolen token must not make accounts that outlive
 * it.
 * @throws Conflict `username_taken`, `email_taken`; Invalid `weak_password`, and like `checkOwner`
 */
export async function addSystemUser(
  kernel: Kernel,
  caller: Caller,
  added: NewSystemUser,
  proof: Proof,
): Promise<ShownUser> {
  const role = SYSTEM_ROLES[added.role]
  requireRightsOver(kernel, caller, [role])
  await checkOwner(kernel, caller, proof)
  const { username, email, password, fullName: displayName } = added
  const row = await namingFields(() => newUserRow(kernel, { username, email, password, displayName }))
  const at = kernel.clock.now()
  const id = await namingFields(() =>
    kernel.transaction(async (tx) => {
      const made = await users.insertUser(tx, row, at)
      await users.grantRole(tx, made, role, caller.userId, at)
      const changes = { username: [null, row.username], role: [null, role] } as const
      await record(tx, at, { ...originOf(caller), action: 'user.add', resource: 'user', resourceId: made, changes })
      return made
    }),
  )
  kernel.nudge()
  return await getSystemUser(kernel, id)
}

export interface SystemUserChange {
  readonly email?: string | undefined
  readonly fullName?: string | undefined
  readonly role?: SystemRole | undefined
  readonly isActive?: boolean | undefined
}

/** Runs the work, and names the field of a name that is taken. */
async function namingFields<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const field = error instanceof Conflict && /^(username|email)_taken$/.exec(error.code)?.[1]
    throw field && error instanceof Conflict ? taken(field, error.message) : error
  }
}

/**
 * Changes a system user; another role or disabling ends what they could do at once. The caller proves that the account
 * is theirs for another role or e-mail address, because a code sent there opens the account.
 * @throws NotFound; Forbidden `beyond_own_rights`; Conflict `own_account`, `house_administrator`, `email_taken`; Invalid
 * like `checkOwner`
 */
export async function changeSystemUser(
  kernel: Kernel,
  caller: Caller,
  id: number,
  { email, fullName: displayName, role, isActive }: SystemUserChange,
  proof: Proof,
): Promise<ShownUser> {
  const before = await getSystemUser(kernel, id)
  const changesRole = role !== undefined && role !== before.role
  if (id === caller.userId) {
    if (changesRole || isActive === false)
      throw new Conflict('own_account', 'You can’t take your own role, nor disable your own account.')
    await namingFields(() => updateMe(kernel, caller, { email, displayName }, proof))
    return await getSystemUser(kernel, id)
  }
  const held = await rolesOf(kernel, id)
  if (changesRole && held.includes(ADMIN)) throw houseAdministrator()
  requireRightsOver(kernel, caller, [...held, ...(changesRole ? [SYSTEM_ROLES[role]] : [])])
  if (changesRole || (email !== undefined && email !== before.email)) await checkOwner(kernel, caller, proof)
  const status = isActive === undefined ? undefined : isActive ? ('active' as const) : ('disabled' as const)
  if (email !== undefined || displayName !== undefined || status !== undefined)
    await namingFields(() => administration.updateUser(kernel, caller, id, { email, displayName, status }))
  if (changesRole) await administration.changeRoles(kernel, caller, id, (all) => [...others(all), SYSTEM_ROLES[role]])
  return await getSystemUser(kernel, id)
}

function houseAdministrator(): Conflict {
  return new Conflict('house_administrator', 'This is an administrator of the whole house: change that role there.')
}

/** The roles of an account that are none of the CRM's. */
const others = (held: readonly string[]) =>
  held.filter((one) => one !== GUEST_ROLE && !Object.values(SYSTEM_ROLES).includes(one))

/**
 * Removes a system user: the account is deleted, or keeps its roles of other parts if it has any.
 * @throws NotFound; Forbidden `beyond_own_rights`; Conflict `own_account`, `house_administrator`
 */
export async function removeSystemUser(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  if (id === caller.userId) throw new Conflict('own_account', 'You can’t remove your own account.')
  const isDeleted = await revoking(kernel, id, async (tx) => {
    await users.lockAdministrators(tx)
    const user = await users.lockUser(tx, kernel.secrets.cipher, id, { leaves: true })
    if (!user || systemRoleOf(new Set(user.roles)) === undefined) throw missing('system user')
    if (user.roles.includes(ADMIN)) throw houseAdministrator()
    if (others(user.roles).length > 0) return false
    await administration.deleteUserWithin(tx, kernel, caller, id, kernel.clock.now())
    return true
  })
  if (!isDeleted) await administration.changeRoles(kernel, caller, id, others)
  kernel.nudge()
}

/** Sends a system user a code for a new password. @throws NotFound */
export async function sendResetCode(kernel: Kernel, caller: Caller, id: number, visitor: Visitor): Promise<void> {
  const { username: name } = await getSystemUser(kernel, id)
  requireRightsOver(kernel, caller, await rolesOf(kernel, id))
  await askForCode(kernel, { name }, visitor)
}

async function rolesOf(kernel: Kernel, id: number): Promise<readonly string[]> {
  const user = await kernel.withRetries((db) => users.findUser(db, kernel.secrets.cipher, id))
  if (!user) throw missing('system user')
  return user.roles
}
