import { randomUUID } from 'node:crypto'
import { originOf } from '../../audit/origin.ts'
import type { Transaction } from '../../database/database.ts'
import { TooMany, Unauthenticated } from '../../errors.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { notify, record } from '../../outbox/outbox.ts'
import { localTimestamp } from '../../time.ts'
import { typedName } from '../accounts/names.ts'
import { hashCost, hashPassword, isOutdated, verifyPassword } from '../accounts/passwords.ts'
import { findUser } from '../accounts/store.ts'
import type { User } from '../accounts/users.ts'
import { endSession, insertSession } from '../sessions/sessionStore.ts'
import { revoking } from '../sessions/sessions.ts'
import { judge, refuseLocked } from './guesses.ts'
import * as logins from './loginStore.ts'
import type { Visitor } from './visitor.ts'

export interface Credentials {
  /** Username, e-mail address or phone number. */
  readonly name: string
  readonly password: string
}

export interface LogInOptions {
  /** Whether the session lasts as long as it is used, at most SESSION_MAX_DAYS. */
  readonly slides?: boolean
  /** Whether people with these roles may enter here. For others even the right password counts as a wrong one. */
  readonly mayEnter?: (roles: readonly string[]) => boolean
}

export interface LoggedIn {
  readonly accessToken: string
  /** Seconds until the token expires. For a sliding session: seconds without use. */
  readonly expiresIn: number
  /** The password is older than PASSWORD_MAX_AGE_DAYS: the token only allows changing it. */
  readonly passwordChangeRequired: boolean
  readonly user: User
}

const DAY = 86_400_000
/** Minutes for which a token is valid that only allows changing the password. */
const PASSWORD_CHANGE_MINUTES = 15

/**
 * Opens a session for a name and password. Unknown names, disabled accounts and wrong passwords get the same answer
 * after the same time. With `slides` the session lasts as long as it is used, at most SESSION_MAX_DAYS.
 * @throws Unauthenticated `bad_credentials`, and what a part's `beforeLogIn` throws; TooMany `locked_out` with the seconds left, even for the right password.
 */
export async function logIn(
  kernel: Kernel,
  credentials: Credentials,
  visitor: Visitor,
  { slides = false, mayEnter = () => true }: LogInOptions = {},
): Promise<LoggedIn> {
  const name = typedName(kernel.secrets.cipher, credentials.name)
  const candidate = await kernel.withRetries((db) => logins.findCandidate(db, kernel.secrets.cipher, name))
  const attempt = { userId: candidate?.id ?? null, name, visitor, at: kernel.clock.now() }
  await refuseLocked(kernel, attempt)
  const matches = await verifyPassword(candidate?.password_hash, credentials.password, hashCost(kernel.config))

  const outcome = await kernel.transaction(async (tx) => {
    const refusal = await judge(tx, kernel, attempt, async () => {
      if (candidate && matches && (await logins.holdCandidate(tx, candidate))) {
        const held = await findUser(tx, kernel.secrets.cipher, candidate.id)
        return mayEnter(held?.roles ?? []) ? undefined : 'bad_credentials'
      }
      return candidate?.status === 'disabled' && matches ? 'disabled' : 'bad_credentials'
    })
    if (refusal || !candidate) return refusal
    return await enter(tx, kernel, candidate, { name, visitor, at: attempt.at, slides })
  })
  if (outcome instanceof TooMany) throw outcome
  if (outcome === 'bad_credentials' || !outcome || !candidate) throw badCredentials()
  kernel.nudge()
  await renewOutdatedHash(kernel, candidate, credentials.password)
  const user = await findUser(kernel.db, kernel.secrets.cipher, candidate.id)
  if (!user) throw badCredentials()
  return { ...outcome, user }
}

export interface Entry extends Pick<logins.Attempt, 'name' | 'visitor' | 'at'> {
  /** Whether the session lasts as long as it is used, at most SESSION_MAX_DAYS. */
  readonly slides?: boolean
}

/**
 * Opens a session for an authenticated person. A pending request to leave is withdrawn.
 * @throws Unauthenticated if a part refuses the person.
 */
export async function enter(
  tx: Transaction,
  kernel: Kernel,
  candidate: logins.Candidate,
  { name, visitor, at, slides = false }: Entry,
): Promise<Omit<LoggedIn, 'user'>> {
  for (const check of kernel.beforeLogIn) await check(tx, kernel, candidate.id)
  const strange = await logins.isNewPlace(tx, candidate.id, visitor.address)
  await logins.insertAttempt(tx, { userId: candidate.id, name, visitor, at }, 'success')
  const session = await openSession(tx, kernel, candidate, { visitor, at, slides })
  if (strange) await warnOfNewPlace(tx, kernel, candidate, visitor, at)
  if (await logins.stay(tx, candidate.id, at)) {
    await record(tx, at, {
      actorId: candidate.id,
      action: 'user.stay',
      resource: 'user',
      resourceId: candidate.id,
      address: visitor.address,
      requestId: visitor.requestId,
    })
    await notify(tx, at, { type: 'account.stays', userIds: [candidate.id], data: { username: candidate.username } })
  }
  return session
}

async function openSession(
  tx: Transaction,
  kernel: Kernel,
  candidate: logins.Candidate,
  { visitor, at: now, slides }: { readonly visitor: Visitor; readonly at: Date; readonly slides: boolean },
): Promise<Omit<LoggedIn, 'user'>> {
  const { config } = kernel
  const age = candidate.password_changed_at ? now.getTime() - candidate.password_changed_at.getTime() : 0
  const tooOld = config.passwordMaxAgeDays > 0 && age > config.passwordMaxAgeDays * DAY
  const minutes = tooOld ? PASSWORD_CHANGE_MINUTES : config.jwtTtlMinutes
  // Tokens carry whole seconds: so the session and its token expire at the same moment.
  const start = Math.floor(now.getTime() / 1000) * 1000
  const endsAt = slides && !tooOld ? new Date(start + config.sessionMaxDays * DAY) : null
  const expiresAt = new Date(Math.min(start + minutes * 60_000, endsAt?.getTime() ?? Number.POSITIVE_INFINITY))
  const id = randomUUID()
  await insertSession(
    tx,
    {
      id,
      user_id: candidate.id,
      scope: tooOld ? 'password_change' : 'full',
      address: visitor.address,
      user_agent: visitor.userAgent,
      expires_at: expiresAt,
      ends_at: endsAt,
    },
    now,
  )
  return {
    accessToken: kernel.accessTokens.sign({ sessionId: id, userId: candidate.id, expiresAt: endsAt ?? expiresAt }, now),
    expiresIn: (expiresAt.getTime() - start) / 1000,
    passwordChangeRequired: tooOld,
  }
}

async function warnOfNewPlace(
  tx: Transaction,
  kernel: Kernel,
  candidate: logins.Candidate,
  visitor: Visitor,
  at: Date,
) {
  await notify(tx, at, {
    type: 'account.new_place',
    userIds: [candidate.id],
    data: {
      username: candidate.username,
      time: localTimestamp(at, kernel.config.timeZone),
      address: visitor.address,
      user_agent: visitor.userAgent,
    },
  })
}

function badCredentials(): Unauthenticated {
  return new Unauthenticated('bad_credentials', 'The name or the password is wrong.')
}

async function renewOutdatedHash(kernel: Kernel, { id, password_hash: oldHash }: logins.Candidate, password: string) {
  const cost = hashCost(kernel.config)
  if (!oldHash || !isOutdated(oldHash, cost)) return
  const newHash = await hashPassword(password, cost)
  await kernel.withRetries((db) => logins.renewHash(db, id, oldHash, newHash))
}

/** Ends the caller's session: its token is refused from then on. */
export async function logOut(kernel: Kernel, caller: Caller): Promise<void> {
  const at = kernel.clock.now()
  await revoking(kernel, caller.userId, async (tx) => {
    const ended = await endSession(tx, caller.sessionId, at)
    const session = { resource: 'session', resourceId: caller.sessionId }
    if (ended) await record(tx, at, { ...originOf(caller), action: 'session.end', ...session })
  })
  kernel.nudge()
}
