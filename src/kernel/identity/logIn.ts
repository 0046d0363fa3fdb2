import { randomUUID } from 'node:crypto'
import type { Database, Transaction } from '../database/database.ts'
import { by, type Caller } from '../http/caller.ts'
import { TooMany, Unauthenticated } from '../http/errors.ts'
import type { Kernel } from '../kernel.ts'
import { notify, record } from '../notifications/outbox.ts'
import { localTimestamp } from '../time.ts'
import { lockedUntil } from './lockout.ts'
import * as logins from './loginStore.ts'
import { hashCost, hashPassword, isOutdated, verifyPassword } from './passwords.ts'
import { normalizePhone } from './phones.ts'
import { endSession, insertSession } from './sessionStore.ts'
import { revoking } from './sessions.ts'
import { findUser } from './store.ts'
import { accessTokens } from './tokens.ts'
import { phoneIndex, type User } from './users.ts'
import type { Visitor } from './visitor.ts'

export interface Credentials {
  /** Username, e-mail address or phone number. */
  readonly name: string
  readonly password: string
}

export interface LoggedIn {
  readonly accessToken: string
  /** Seconds the token is good for; when its session slides, without being used. */
  readonly expiresIn: number
  /** The password is older than PASSWORD_MAX_AGE_DAYS: the token can do nothing but change it. */
  readonly passwordChangeRequired: boolean
  readonly user: User
}

const DAY = 86_400_000
/** Minutes for which a token is good that can only change the password. */
const PASSWORD_CHANGE_MINUTES = 15

type Outcome =
  | { readonly result: 'success'; readonly session: Omit<LoggedIn, 'user'> }
  | { readonly result: 'bad_credentials' }
  | { readonly result: 'locked_out'; readonly until: Date }

/**
 * Opens a session for whoever knows the password. Unknown names, disabled accounts and wrong passwords get the same answer after the same
 * time. The verdict on a guess is given while attempts under its name and from its address wait for each other, so guesses sent in
 * parallel are no more than guesses sent one by one.
 * With `slides` the session lasts as long as it is used, at most SESSION_MAX_DAYS.
 * @throws Unauthenticated `bad_credentials`; TooMany `locked_out` with the seconds left, also for the right password.
 */
export async function logIn(
  kernel: Kernel,
  credentials: Credentials,
  visitor: Visitor,
  { slides = false } = {},
): Promise<LoggedIn> {
  const now = kernel.clock.now()
  const name = credentials.name.normalize('NFKC').trim()
  const countedAs = name.toLowerCase()
  const phone = normalizePhone(name)
  const until = await kernel.attempt((db) => lockOf(db, kernel, countedAs, visitor, now))
  if (until) return await kernel.attempt((db) => refuseLocked(db, until, countedAs, visitor, now))

  const candidate = await kernel.attempt((db) =>
    logins.findCandidate(db, name, phone && phoneIndex(kernel.config, phone)),
  )
  const cost = hashCost(kernel.config)
  const matches = await verifyPassword(candidate?.password_hash, credentials.password, cost)
  const guess = { candidate, matches, countedAs, visitor, now, slides }
  const outcome = await kernel.transaction((tx) => judge(tx, kernel, guess))

  if (outcome.result === 'locked_out') throw lockedOut(outcome.until, now)
  if (outcome.result === 'bad_credentials' || !candidate) throw badCredentials()
  kernel.nudge()
  await renewOutdatedHash(kernel, candidate, credentials.password)
  const user = await findUser(kernel.db, kernel.config, candidate.id)
  if (!user) throw badCredentials()
  return { ...outcome.session, user }
}

interface Guess {
  readonly candidate: logins.Candidate | undefined
  readonly matches: boolean
  readonly countedAs: string
  readonly visitor: Visitor
  readonly now: Date
  readonly slides: boolean
}

/** Decides on a guess and writes it down. Throws nothing, as that would undo what is written. */
async function judge(tx: Transaction, kernel: Kernel, guess: Guess): Promise<Outcome> {
  const { candidate, countedAs: name, visitor, now: at, slides } = guess
  await logins.lockAttempts(tx, name, visitor.address)
  const userId = candidate?.id ?? null
  const until = await lockOf(tx, kernel, name, visitor, at)
  if (until) {
    await logins.insertAttempt(tx, { userId, name, result: 'locked_out', at }, visitor)
    return { result: 'locked_out', until }
  }
  if (!candidate || !guess.matches || !(await logins.holdCandidate(tx, candidate))) {
    const result = candidate?.status === 'disabled' && guess.matches ? 'disabled' : 'bad_credentials'
    await logins.insertAttempt(tx, { userId, name, result, at }, visitor)
    return { result: 'bad_credentials' }
  }
  return { result: 'success', session: await enter(tx, kernel, candidate, { name, visitor, at, slides }) }
}

export interface Entry {
  /** As the log of log-ins shows it. */
  readonly name: string
  readonly visitor: Visitor
  readonly at: Date
  /** Whether the session lasts as long as it is used, at most SESSION_MAX_DAYS. */
  readonly slides?: boolean
}

/** Opens a session for somebody who has proved who they are. Whoever had asked to leave stays. */
export async function enter(
  tx: Transaction,
  kernel: Kernel,
  candidate: logins.Candidate,
  { name, visitor, at, slides = false }: Entry,
): Promise<Omit<LoggedIn, 'user'>> {
  const strange = await logins.isNewPlace(tx, candidate.id, visitor.address)
  await logins.insertAttempt(tx, { userId: candidate.id, name, result: 'success', at }, visitor)
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
  // A token knows whole seconds: both end at the same moment.
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
    accessToken: accessTokens(config).sign(
      { sessionId: id, userId: candidate.id, expiresAt: endsAt ?? expiresAt },
      now,
    ),
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

/** Until when the name or the address is locked, whichever is longer. */
async function lockOf(
  db: Database,
  kernel: Kernel,
  name: string,
  visitor: Visitor,
  now: Date,
): Promise<Date | undefined> {
  const { lockoutFailures, lockoutAddressFailures, lockoutMinutes: minutes } = kernel.config
  const byName = { failures: lockoutFailures, minutes }
  const byAddress = { failures: lockoutAddressFailures, minutes }
  const locks = [
    lockedUntil(await logins.failuresOfName(db, name, byName, now), byName, now),
    lockedUntil(await logins.failuresOfAddress(db, visitor.address, byAddress, now), byAddress, now),
  ]
  return locks.filter((lock) => lock !== undefined).sort((a, b) => b.getTime() - a.getTime())[0]
}

async function refuseLocked(db: Database, until: Date, name: string, visitor: Visitor, at: Date): Promise<never> {
  await logins.insertAttempt(db, { userId: null, name, result: 'locked_out', at }, visitor)
  throw lockedOut(until, at)
}

function lockedOut(until: Date, now: Date): TooMany {
  return new TooMany('locked_out', 'Too many failed log-ins. Try again later.', {
    retryAfter: Math.ceil((until.getTime() - now.getTime()) / 1000),
  })
}

function badCredentials(): Unauthenticated {
  return new Unauthenticated('bad_credentials', 'The name or the password is wrong.')
}

async function renewOutdatedHash(kernel: Kernel, { id, password_hash: oldHash }: logins.Candidate, password: string) {
  const cost = hashCost(kernel.config)
  if (!oldHash || !isOutdated(oldHash, cost)) return
  const newHash = await hashPassword(password, cost)
  await kernel.attempt((db) => logins.renewHash(db, id, oldHash, newHash))
}

/** Ends the caller's session: its token is refused from now on. */
export async function logOut(kernel: Kernel, caller: Caller): Promise<void> {
  const at = kernel.clock.now()
  await revoking(kernel, caller.userId, async (tx) => {
    const ended = await endSession(tx, caller.sessionId, at)
    const session = { resource: 'session', resourceId: caller.sessionId }
    if (ended) await record(tx, at, { ...by(caller), action: 'session.end', ...session })
  })
  kernel.nudge()
}
