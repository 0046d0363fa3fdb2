import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import * as accounts from '../../../kernel/identity/accounts/accounts.ts'
import * as administration from '../../../kernel/identity/accounts/administration.ts'
import * as users from '../../../kernel/identity/accounts/store.ts'
import type { User } from '../../../kernel/identity/accounts/users.ts'
import type { Visitor } from '../../../kernel/identity/logIn/visitor.ts'
import { permissionsOf } from '../../../kernel/identity/roles.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { isAdministrator } from '../../permissions.ts'
import { CODES, notAllowed, refusal } from '../../sentences.ts'
import { asProfileChange, changeOwnContacts } from './contacts.ts'
import * as store from './store.ts'

/** A user with whether they administer the hospital. */
export interface ShownUser extends User {
  readonly isAdministrator: boolean
}

function shown(kernel: Kernel, user: User): ShownUser {
  const permissions = permissionsOf(kernel.roles, user.roles)
  return { ...user, isAdministrator: isAdministrator({ permissions }) }
}

const noSuchUser = () => refusal(CODES.user, 'no_such_user', '用户不存在')

/** One page of the users, by id. */
export async function listUsers(
  kernel: Kernel,
  page: { readonly limit: number; readonly offset: number },
): Promise<readonly ShownUser[]> {
  const { items } = await administration.listUsers(kernel, {}, { column: 'id', direction: 'asc' }, page)
  return items.map((user) => shown(kernel, user))
}

/** A user: oneself, or anybody for administrators. @throws Invalid 102, 103. */
export async function getUser(kernel: Kernel, caller: Caller, userId: number): Promise<ShownUser> {
  if (userId !== caller.userId && !isAdministrator(caller)) throw notAllowed('只能查看自己的信息')
  const user = await kernel.withRetries((db) => users.findUser(db, kernel.secrets.cipher, userId))
  if (!user) throw noSuchUser()
  return shown(kernel, user)
}

/** A change of a user's names and contacts. */
export interface UserChange {
  readonly username?: string | undefined
  readonly email?: string | undefined
  readonly phone?: string | undefined
  /** Proof of ownership for changing one's own contacts. */
  readonly password?: string | undefined
}

/**
 * Changes a user: oneself, or anybody for administrators. Who changes their own contacts proves that the account is
 * theirs, because codes sent there open it.
 * @throws Invalid 102; 103; 104 with the reason.
 */
export async function changeUser(
  kernel: Kernel,
  caller: Caller,
  userId: number,
  { password, ...change }: UserChange,
  visitor: Visitor,
): Promise<ShownUser> {
  const before = await getUser(kernel, caller, userId)
  return await asProfileChange(async () => {
    if (userId !== caller.userId) return shown(kernel, await administration.updateUser(kernel, caller, userId, change))
    const { username, email, phone } = change
    if (email !== undefined || phone !== undefined)
      await changeOwnContacts(kernel, caller, { email, phone }, { password, visitor })
    if (username !== undefined && username !== before.username) await rename(kernel, caller, username, before.username)
    return await getUser(kernel, caller, userId)
  })
}

async function rename(kernel: Kernel, caller: Caller, username: string, before: string): Promise<void> {
  const change = accounts.changeFor(kernel, { username })
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    await users.updateUser(tx, caller.userId, change, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'user.update',
      resource: 'user',
      resourceId: caller.userId,
      changes: { username: [before, username] },
    })
  })
  kernel.nudge()
}

/** Deletes a user. Administrators are not deleted. Returns the username. @throws Invalid 102, 103. */
export async function deleteUser(kernel: Kernel, caller: Caller, userId: number): Promise<string> {
  const user = await getUser(kernel, caller, userId)
  if (user.isAdministrator) throw notAllowed('不能删除管理员')
  await administration.deleteUser(kernel, caller, userId)
  return user.username
}

/** Changes the caller's own patient record, and the name of the account. Returns the changed fields. */
export async function changeProfile(
  kernel: Kernel,
  caller: Caller,
  change: store.PatientChange,
): Promise<readonly string[]> {
  const now = kernel.clock.now()
  const fields = Object.keys(change)
  if (fields.length === 0) return []
  await kernel.transaction(async (tx) => {
    if (!(await store.updatePatient(tx, caller.userId, change)))
      throw refusal(CODES.profile, 'no_patient', '当前账号没有患者档案')
    if (change.name !== undefined) await users.updateUser(tx, caller.userId, { display_name: change.name }, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'clinic.patient.change',
      resource: 'user',
      resourceId: caller.userId,
      changes: Object.fromEntries(fields.map((field) => [field, ['***', '***'] as const])),
    })
  })
  kernel.nudge()
  return fields
}
