import { type Origin, originOf, SYSTEM } from '../../audit/origin.ts'
import type { Transaction } from '../../database/database.ts'
import { Conflict } from '../../errors.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { record } from '../../outbox/outbox.ts'
import { ADMIN, knownRoles, requireRightsOver } from '../roles.ts'
import { endSessions } from '../sessions/sessionStore.ts'
import { revoking } from '../sessions/sessions.ts'
import { changeFor, type ProfileChange, present } from './accounts.ts'
import { changesOf } from './changes.ts'
import { afterContactChange } from './contactChange.ts'
import * as store from './store.ts'
import type { User } from './users.ts'

/** One page of the people with an account. */
export async function listUsers(
  kernel: Kernel,
  filter: store.UserFilter,
  order: store.UserOrder,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly User[]; readonly total: number }> {
  return await kernel.withRetries((db) => store.listUsers(db, kernel.secrets.cipher, filter, order, page))
}

/**
 * Changes an account. Disabling it ends all its sessions and hands its tasks over to others.
 * @throws NotFound; Forbidden `beyond_own_rights`; Conflict `last_administrator`, `username_taken`, `email_taken`,
 * `phone_taken`; Invalid `validation`.
 */
export async function updateUser(
  kernel: Kernel,
  caller: Caller,
  userId: number,
  profile: ProfileChange,
): Promise<User> {
  const change = changeFor(kernel, profile)
  const at = kernel.clock.now()
  const user = await revoking(kernel, userId, async (tx) => {
    if (profile.status !== undefined) await store.lockAdministrators(tx)
    const before = present(await store.lockUser(tx, kernel.secrets.cipher, userId))
    requireRightsOver(kernel, caller, before.roles)
    if (profile.status === 'disabled') await keepAnAdministrator(tx, before)
    await store.updateUser(tx, userId, change, at)
    if (profile.status === 'disabled') {
      await endSessions(tx, userId, at)
      await handOver(tx, kernel, userId)
    }
    const after = present(await store.findUser(tx, kernel.secrets.cipher, userId))
    await afterContactChange(tx, kernel, before, after, at)
    const changes = changesOf(before, after)
    await record(tx, at, { ...originOf(caller), action: 'user.update', resource: 'user', resourceId: userId, changes })
    return after
  })
  kernel.nudge()
  return user
}

/**
 * Deletes an account: ends its sessions, removes its roles and personal data, and frees its names. Past bookings stay
 * as history; the products undo future ones in the same transaction.
 * @throws NotFound; Forbidden `beyond_own_rights`; Conflict `own_account` for the caller's own account,
 * `last_administrator`.
 */
export async function deleteUser(kernel: Kernel, caller: Caller, userId: number): Promise<void> {
  await revoking(kernel, userId, (tx) => deleteUserWithin(tx, kernel, caller, userId, kernel.clock.now()))
  kernel.nudge()
}

/**
 * Like `deleteUser`, in the caller's transaction, which must be one of `revoking`: for a part that deletes a person's
 * account together with its own records.
 */
export async function deleteUserWithin(
  tx: Transaction,
  kernel: Kernel,
  caller: Caller,
  userId: number,
  at: Date,
): Promise<void> {
  if (userId === caller.userId) throw new Conflict('own_account', 'Administrators cannot delete their own account.')
  await store.lockAdministrators(tx)
  const user = present(await store.lockUser(tx, kernel.secrets.cipher, userId, { leaves: true }))
  requireRightsOver(kernel, caller, user.roles)
  await keepAnAdministrator(tx, user)
  await remove(tx, kernel, user, originOf(caller), at)
}

/**
 * Deletes the account of a person who asked for it, if the date has come and they have not logged in since. The last
 * administrator is kept.
 */
export async function removeLeaver(kernel: Kernel, userId: number): Promise<void> {
  const at = kernel.clock.now()
  await revoking(kernel, userId, async (tx) => {
    await store.lockAdministrators(tx)
    const user = await store.lockUser(tx, kernel.secrets.cipher, userId, { leaves: true })
    if (!user || !(await store.isLeaving(tx, userId, at))) return
    if (await isLastAdministrator(tx, user)) {
      kernel.log.warn({ userId }, 'the last administrator asked to leave and was kept')
      return
    }
    await remove(tx, kernel, user, SYSTEM, at)
  })
  kernel.nudge()
}

async function remove(tx: Transaction, kernel: Kernel, user: User, origin: Origin, at: Date): Promise<void> {
  for (const leave of kernel.beforeUserLeaves) await leave(tx, kernel, user.id)
  await endSessions(tx, user.id, at)
  await store.scrubUser(tx, kernel.secrets.cipher, user, at)
  const changes = { status: [user.status, 'deleted'] as const }
  await record(tx, at, { ...origin, action: 'user.delete', resource: 'user', resourceId: user.id, changes })
}

/**
 * Sets a person's roles; they apply from the next request on.
 * @throws NotFound; Forbidden `beyond_own_rights`; Invalid `unknown_role`; Conflict `last_administrator` if no
 * administrator would be left.
 */
export async function setRoles(
  kernel: Kernel,
  caller: Caller,
  userId: number,
  names: readonly string[],
): Promise<User> {
  const roles = knownRoles(kernel, names)
  return await changeRoles(kernel, caller, userId, () => roles)
}

/** Sets a person's roles to what `change` makes of the current ones. Throws like `setRoles`. */
export async function changeRoles(
  kernel: Kernel,
  caller: Caller,
  userId: number,
  change: (roles: readonly string[]) => readonly string[],
): Promise<User> {
  const at = kernel.clock.now()
  const user = await revoking(kernel, userId, async (tx) => {
    await store.lockAdministrators(tx)
    const before = present(await store.lockUser(tx, kernel.secrets.cipher, userId))
    const roles = change(before.roles)
    requireRightsOver(kernel, caller, new Set(roles).symmetricDifference(new Set(before.roles)))
    if (!roles.includes(ADMIN)) await keepAnAdministrator(tx, before)
    await store.replaceRoles(tx, userId, roles, caller.userId, at)
    await handOver(tx, kernel, userId)
    const after = present(await store.findUser(tx, kernel.secrets.cipher, userId))
    const changes = changesOf(before, after)
    await record(tx, at, {
      ...originOf(caller),
      action: 'user.set_roles',
      resource: 'user',
      resourceId: userId,
      changes,
    })
    return after
  })
  kernel.nudge()
  return user
}

/** Lets the products hand over tasks that the person may no longer do. */
async function handOver(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  for (const handOver of kernel.afterRightsChange) await handOver(tx, kernel, userId)
}

/**
 * Refuses to remove the only administrator. The caller must hold the lock of `lockAdministrators`.
 * @throws Conflict `last_administrator`
 */
export async function keepAnAdministrator(tx: Transaction, user: User): Promise<void> {
  if (!(await isLastAdministrator(tx, user))) return
  throw new Conflict('last_administrator', 'This is the only administrator. Make somebody else one first.')
}

async function isLastAdministrator(tx: Transaction, user: User): Promise<boolean> {
  return user.roles.includes(ADMIN) && user.status === 'active' && (await store.countAdministrators(tx, user.id)) === 0
}
