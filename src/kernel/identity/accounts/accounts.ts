import { originOf } from '../../audit/origin.ts'
import { Conflict, Invalid, NotFound } from '../../errors.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { notify, record } from '../../outbox/outbox.ts'
import { type Accepted, consentAtRegistration } from '../../privacy/consent.ts'
import { nameTaken } from '../constraints.ts'
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
  /** Phone number in any usual notation. */
  readonly phone?: string | null | undefined
  /** Default: the username. */
  readonly displayName?: string | undefined
  /** The legal texts the person agrees to. */
  readonly accepted?: Accepted | undefined
  /** Whether consent may be given after the registration, as for people who come by a third party. */
  readonly consentLater?: boolean
}

/**
 * Letters and digits of any script, and `_ . -` inside. No `@` and no `+`, so that a username never looks like an
 * address or a number.
 */
export const USERNAME_PATTERN = '^[\\p{L}\\p{N}][\\p{L}\\p{M}\\p{N}._-]{1,63}$'
const usernameForm = new RegExp(USERNAME_PATTERN, 'u')

/**
 * The stored form of a username. A phone number is refused, because its owner could then not log in with it.
 * @throws Invalid `validation`.
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

/** A phone number in E.164; null stays null. @throws Invalid `validation` if it is not a phone number. */
function checkPhone(phone: string | null): string | null {
  if (phone === null) return null
  const normal = normalizePhone(phone)
  if (normal !== undefined) return normal
  const message = 'must be a phone number, with its country code unless it is a Chinese one'
  throw new Invalid('validation', `The phone ${message}.`, { errors: [{ in: 'body', path: '/phone', message }] })
}

/**
 * The row of a new person, checked, with the password hashed. Taken names are refused before the password is judged,
 * which takes long.
 * @throws Invalid `validation`, `weak_password`; Conflict `username_taken`, `email_taken`, `phone_taken`
 */
export async function newUserRow(
  kernel: Pick<Kernel, 'config' | 'secrets' | 'withRetries'>,
  registration: Registration,
): Promise<store.NewUser> {
  const username = checkUsername(registration.username)
  const phone = checkPhone(registration.phone ?? null)
  const displayName = registration.displayName ?? username
  const names = { username, email: registration.email ?? null, ...storedPhone(kernel.secrets.cipher, phone) }
  const taken = await kernel.withRetries((db) => store.takenName(db, names))
  if (taken !== undefined) throw nameTaken[taken]()
  await checkStrength(registration.password, { username, email: registration.email, phone, displayName })
  return {
    ...names,
    password_hash: await hashPassword(registration.password, hashCost(kernel.config)),
    display_name: displayName,
  }
}

/**
 * Creates an account with one role and sends a welcome. Open to everybody.
 * @throws Conflict `username_taken`, `email_taken`, `phone_taken`; Invalid `validation`, `weak_password`,
 * `consent_required`.
 */
export async function register(
  kernel: Kernel,
  registration: Registration,
  role: string,
  visitor: Visitor,
): Promise<User> {
  const row = await newUserRow(kernel, registration)
  const at = kernel.clock.now()
  const user = await kernel.transaction(async (tx) => {
    const id = await store.insertUser(tx, row, at)
    await consentAtRegistration(tx, id, registration, visitor.address, at)
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

/** The account of a person. @throws NotFound, also for people who have left. */
export async function getUser(kernel: Kernel, userId: number): Promise<User> {
  return present(await kernel.withRetries((db) => store.findUser(db, kernel.secrets.cipher, userId)))
}

/** Changes of a person's profile: absent fields stay as they are, null clears a field. */
export interface ProfileChange {
  readonly username?: string | undefined
  readonly email?: string | null | undefined
  readonly phone?: string | null | undefined
  readonly displayName?: string | undefined
  readonly locale?: User['locale'] | undefined
  readonly department?: string | null | undefined
  readonly status?: UserStatus | undefined
}

/** The columns that a profile change sets. @throws Invalid `validation`. */
export function changeFor(kernel: Pick<Kernel, 'secrets'>, profile: ProfileChange): store.UserChange {
  return {
    ...(profile.username !== undefined && { username: checkUsername(profile.username) }),
    ...(profile.email !== undefined && { email: profile.email }),
    ...(profile.phone !== undefined && storedPhone(kernel.secrets.cipher, checkPhone(profile.phone))),
    ...(profile.displayName !== undefined && { display_name: profile.displayName }),
    ...(profile.locale !== undefined && { locale: profile.locale }),
    ...(profile.department !== undefined && { department: profile.department }),
    ...(profile.status !== undefined && { status: profile.status }),
  }
}

/**
 * Changes the caller's own profile. Only administrators change department and status. A new e-mail address or phone
 * number requires proof of ownership, because codes sent to it open the account.
 * @throws Conflict, Invalid like `register`; if a contact changes, also like `checkOwner`
 */
export async function updateMe(
  kernel: Kernel,
  caller: Caller,
  profile: Pick<ProfileChange, 'email' | 'phone' | 'displayName' | 'locale'>,
  proof: Proof,
): Promise<User> {
  const { email, phone, displayName, locale } = profile
  const change = changeFor(kernel, { email, phone, displayName, locale })
  const isOwner = changesContacts(await me(kernel, caller), profile)
  if (isOwner) await checkOwner(kernel, caller, proof)
  const at = kernel.clock.now()
  const user = await kernel.transaction(async (tx) => {
    const before = present(await store.lockUser(tx, kernel.secrets.cipher, caller.userId))
    // Another request changed the contact a moment ago, so this request changes it after all.
    if (!isOwner && changesContacts(before, profile)) throw passwordRequired()
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

function changesContacts(user: User, { email, phone }: ProfileChange): boolean {
  return (email !== undefined && email !== user.email) || (phone !== undefined && checkPhone(phone) !== user.phone)
}

/**
 * Replaces the caller's password and ends all other sessions. A session that only allows this change ends too, so that
 * the new password is used.
 * @throws Invalid `bad_password` if the old one is wrong, `weak_password`; TooMany `locked_out`; Conflict
 * `password_changed` if another request was faster.
 */
export async function changePassword(
  kernel: Kernel,
  caller: Caller,
  change: { readonly oldPassword: string; readonly newPassword: string },
  visitor: Visitor,
): Promise<void> {
  const user = await me(kernel, caller)
  const oldHash = await checkPassword(kernel, caller, change.oldPassword, visitor)
  if (change.newPassword === change.oldPassword)
    throw weakPassword('The new password is the same as the old one.', [], '/new_password')
  await checkStrength(change.newPassword, user, '/new_password')
  const newHash = await hashPassword(change.newPassword, hashCost(kernel.config))
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

/** The user, if found. @throws NotFound otherwise. */
export function present(user: User | undefined): User {
  if (!user) throw new NotFound('not_found', 'There is no such user.')
  return user
}
