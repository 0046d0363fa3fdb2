import { originOf } from '../../audit/origin.ts'
import { Conflict, Invalid, NotFound } from '../../errors.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { notify, record } from '../../outbox/outbox.ts'
import { type Accepted, consentAtRegistration } from '../../privacy/consent.ts'
import type { Visitor } from '../logIn/visitor.ts'
import { endSessions } from '../sessions/sessionStore.ts'
import { revoking } from '../sessions/sessions.ts'
import { changesOf } from './changes.ts'
import { afterContactChange } from './contactChange.ts'
import { checkOwner, checkPassword, type Proof, passwordRequired } from './owner.ts'
import { checkStrength, hashCost, hashPassword, weakPassword } from './passwords.ts'
import { normalizePhone } from './phones.ts'
import * as store from './store.ts'
import { storedPhone, type User, type UserStatus } from './users.ts'

export interface Registration {
  readonly username: string
  readonly password: string
  readonly email?: string | null | undefined
  /** As people write it. */
  readonly phone?: string | null | undefined
  /** The username unless given. */
  readonly displayName?: string | undefined
  /** The texts the person agrees to. */
  readonly accepted?: Accepted | undefined
  /** Whether consent may still come after the registration, as from those who come by a third party. */
  readonly consentLater?: boolean
}

/** Letters and digits of any script, and `_ . -` inside; no `@` and no `+`, so that a username is never taken for an address or a number. */
export const USERNAME_PATTERN = '^[\\p{L}\\p{N}][\\p{L}\\p{M}\\p{N}._-]{1,63}$'
const usernameForm = new RegExp(USERNAME_PATTERN, 'u')

/**
 * The form in which a username is kept. @throws Invalid `validation` when it can't be one; a phone number can't, or its taker would
 * keep the number's owner from logging in with it.
 */
function checkUsername(username: string): string {
  const plain = username.normalize('NFKC').trim()
  if (!usernameForm.test(plain) || normalizePhone(plain) !== undefined) {
    const message = 'must be 2 to 64 letters, digits or ._- and not a phone number'
    throw new Invalid('validation', `The username ${message}.`, {
      errors: [{ in: 'body', path: '/username', message }],
    })
  }
  return plain
}

/** A phone number in E.164; null stays null. @throws Invalid `validation` when it is none. */
function checkPhone(phone: string | null): string | null {
  if (phone === null) return null
  const normal = normalizePhone(phone)
  if (normal !== undefined) return normal
  const message = 'must be a phone number, with its country code unless it is a Chinese one'
  throw new Invalid('validation', `The phone ${message}.`, { errors: [{ in: 'body', path: '/phone', message }] })
}

/** A new person as a row, checked and with the password hashed. @throws Invalid `validation`, `weak_password`. */
export async function newUserRow(
  kernel: Pick<Kernel, 'config' | 'secrets'>,
  wish: Registration,
): Promise<store.NewUser> {
  const username = checkUsername(wish.username)
  const phone = checkPhone(wish.phone ?? null)
  const displayName = wish.displayName ?? username
  await checkStrength(wish.password, { username, email: wish.email, phone, displayName })
  return {
    username,
    email: wish.email ?? null,
    ...storedPhone(kernel.secrets.cipher, phone),
    password_hash: await hashPassword(wish.password, hashCost(kernel.config)),
    display_name: displayName,
  }
}

/**
 * Opens an account with one role, and welcomes the person. Open to everybody.
 * @throws Conflict `username_taken`, `email_taken`, `phone_taken`; Invalid `validation`, `weak_password`, `consent_required`.
 */
export async function register(kernel: Kernel, wish: Registration, role: string, visitor: Visitor): Promise<User> {
  const row = await newUserRow(kernel, wish)
  const at = kernel.clock.now()
  const user = await kernel.transaction(async (tx) => {
    const id = await store.insertUser(tx, row, at)
    await consentAtRegistration(tx, id, wish, visitor.address, at)
    await store.grantRole(tx, id, role, null, at)
    await record(tx, at, {
      actorId: id,
      action: 'user.register',
      resource: 'user',
      resourceId: id,
      address: visitor.address,
      requestId: visitor.requestId,
    })
    await notify(tx, at, {
      type: 'account.welcome',
      userIds: [id],
      data: { username: row.username, display_name: row.display_name },
      key: `account.welcome:${id}`,
    })
    return await store.findUser(tx, kernel.secrets.cipher, id)
  })
  kernel.nudge()
  return present(user)
}

/** The caller's own account. */
export async function me(kernel: Kernel, caller: Pick<Caller, 'userId'>): Promise<User> {
  return await getUser(kernel, caller.userId)
}

/** Somebody's account. @throws NotFound, also for people who have left. */
export async function getUser(kernel: Kernel, userId: number): Promise<User> {
  return present(await kernel.withRetries((db) => store.findUser(db, kernel.secrets.cipher, userId)))
}

/** What can be said anew of a person; what is left out stays, null clears. */
export interface ProfileWish {
  readonly username?: string | undefined
  readonly email?: string | null | undefined
  readonly phone?: string | null | undefined
  readonly displayName?: string | undefined
  readonly locale?: User['locale'] | undefined
  readonly department?: string | null | undefined
  readonly status?: UserStatus | undefined
}

/** The columns a wish sets. @throws Invalid `validation`. */
export function changeFor(kernel: Pick<Kernel, 'secrets'>, wish: ProfileWish): store.UserChange {
  return {
    ...(wish.username !== undefined && { username: checkUsername(wish.username) }),
    ...(wish.email !== undefined && { email: wish.email }),
    ...(wish.phone !== undefined && storedPhone(kernel.secrets.cipher, checkPhone(wish.phone))),
    ...(wish.displayName !== undefined && { display_name: wish.displayName }),
    ...(wish.locale !== undefined && { locale: wish.locale }),
    ...(wish.department !== undefined && { department: wish.department }),
    ...(wish.status !== undefined && { status: wish.status }),
  }
}

/**
 * Changes the caller's own profile. Department and status are the administrators' to change. Who gives another e-mail address or phone number
 * shows to be the owner: whoever gets codes at these can make the account theirs.
 * @throws Conflict, Invalid like `register`; when a contact changes like `checkOwner`
 */
export async function updateMe(
  kernel: Kernel,
  caller: Caller,
  wish: Pick<ProfileWish, 'email' | 'phone' | 'displayName' | 'locale'>,
  proof: Proof,
): Promise<User> {
  const { email, phone, displayName, locale } = wish
  const change = changeFor(kernel, { email, phone, displayName, locale })
  const isOwner = changesContacts(await me(kernel, caller), wish)
  if (isOwner) await checkOwner(kernel, caller, proof)
  const at = kernel.clock.now()
  const user = await kernel.transaction(async (tx) => {
    const before = present(await store.lockUser(tx, kernel.secrets.cipher, caller.userId))
    // Changed by somebody else a moment ago: what was no change is one now.
    if (!isOwner && changesContacts(before, wish)) throw passwordRequired()
    await store.updateUser(tx, caller.userId, change, at)
    const after = present(await store.findUser(tx, kernel.secrets.cipher, caller.userId))
    await afterContactChange(tx, kernel, before, after, at)
    const changes = changesOf(before, after)
    await record(tx, at, {
      ...originOf(caller),
      action: 'user.update',
      resource: 'user',
      resourceId: before.id,
      changes,
    })
    return after
  })
  kernel.nudge()
  return user
}

function changesContacts(user: User, { email, phone }: ProfileWish): boolean {
  return (email !== undefined && email !== user.email) || (phone !== undefined && checkPhone(phone) !== user.phone)
}

/**
 * Replaces the caller's password. All other sessions end; one that could do nothing else ends too, so that the new password is used.
 * @throws Invalid `bad_password` when the old one is wrong, `weak_password`; TooMany `locked_out`; Conflict `password_changed` when somebody
 * was faster.
 */
export async function changePassword(
  kernel: Kernel,
  caller: Caller,
  wish: { readonly oldPassword: string; readonly newPassword: string },
  visitor: Visitor,
): Promise<void> {
  const user = await me(kernel, caller)
  const oldHash = await checkPassword(kernel, caller, wish.oldPassword, visitor)
  if (wish.newPassword === wish.oldPassword) throw weakPassword('The new password is the old one.', [], '/new_password')
  await checkStrength(wish.newPassword, user, '/new_password')
  const newHash = await hashPassword(wish.newPassword, hashCost(kernel.config))
  const at = kernel.clock.now()
  await revoking(kernel, caller.userId, async (tx) => {
    if (!(await store.replacePassword(tx, caller.userId, oldHash, newHash, at))) {
      throw new Conflict('password_changed', 'The password was changed by another request.')
    }
    await endSessions(tx, caller.userId, at, caller.scope === 'full' ? caller.sessionId : undefined)
    const changes = { password: ['***', '***'] as const }
    await record(tx, at, {
      ...originOf(caller),
      action: 'user.change_password',
      resource: 'user',
      resourceId: caller.userId,
      changes,
    })
  })
  kernel.nudge()
}

/** A user that has to be there. @throws NotFound otherwise. */
export function present(user: User | undefined): User {
  if (!user) throw new NotFound('not_found', 'There is no such user.')
  return user
}
