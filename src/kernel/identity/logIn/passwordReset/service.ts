import { randomBytes, timingSafeEqual } from 'node:crypto'
import { Invalid } from '../../../errors.ts'
import type { Kernel } from '../../../kernel.ts'
import { channels } from '../../../notifications/channels.ts'
import { isFinal, Refused } from '../../../notifications/providers/provider.ts'
import type { SecretCodeSenders } from '../../../notifications/secretCodes.ts'
import { notify, record } from '../../../outbox/outbox.ts'
import type { Secrets } from '../../../secrets/secrets.ts'
import { localDate, localTimestamp } from '../../../time.ts'
import { type TypedName, typedName } from '../../accounts/names.ts'
import { checkStrength, hashCost, hashPassword } from '../../accounts/passwords.ts'
import { findUser } from '../../accounts/store.ts'
import type { User } from '../../accounts/users.ts'
import { endSessions } from '../../sessions/sessionStore.ts'
import { revoking } from '../../sessions/sessions.ts'
import { type Candidate, findCandidate } from '../loginStore.ts'
import type { Visitor } from '../visitor.ts'
import { codeMail } from './mail.ts'
import * as store from './store.ts'

/** Name of the job that sends a code. */
export const SEND_CODE_JOB = 'kernel.password-reset-code'

/** Seconds for which a code is valid. */
export const CODE_SECONDS = 600
const MOST_TRIES = 5
/**
 * Most codes for one person: with 5 tries each, a guesser gets 25 of a million per hour. Also protects mailboxes from
 * floods.
 */
const MOST_CODES = { hour: 5, day: 10 } as const
const HOUR = 3_600_000
const DAY = 24 * HOUR
const DIGITS = 6

export interface CodeRequest {
  /** Username, e-mail address or phone number. */
  readonly name: string
  /** Default: e-mail when the person has an address and mail is configured, otherwise SMS. */
  readonly channel?: store.ResetChannel | undefined
}

/**
 * Sends a password reset code to the person with this name. Unknown names, disabled accounts, people without an address
 * and people over their limit are not refused: the answer and its time must not tell them apart.
 */
export async function askForCode(kernel: Kernel, request: CodeRequest, visitor: Visitor): Promise<void> {
  const name = typedName(kernel.secrets.cipher, request.name)
  const candidate = await kernel.withRetries((db) => findCandidate(db, kernel.secrets.cipher, name))
  const user = await kernel.withRetries((db) => findUser(db, kernel.secrets.cipher, candidate?.id ?? 0))
  const at = kernel.clock.now()
  const channel = user && channelFor(kernel.secretCodes, user, request.channel)
  const subject = subjectOf(name, candidate)
  const reset = {
    subject,
    user_id: channel && candidate?.status === 'active' ? candidate.id : null,
    channel: channel ?? 'email',
    salt: randomBytes(16).toString('base64url'),
    expires_at: new Date(at.getTime() + CODE_SECONDS * 1000),
  } as const
  await kernel.transaction(async (tx) => {
    await store.lockSubject(tx, subject)
    const lastHour = await store.countSince(tx, subject, new Date(at.getTime() - HOUR))
    const lastDay = await store.countSince(tx, subject, new Date(at.getTime() - DAY))
    if (lastHour >= MOST_CODES.hour || lastDay >= MOST_CODES.day) return
    const id = await store.insertReset(tx, reset, at)
    await kernel.jobs.send(tx, SEND_CODE_JOB, { id })
    await record(tx, at, {
      actorId: null,
      action: 'user.ask_password_reset',
      resource: 'user',
      ...(reset.user_id !== null && { resourceId: reset.user_id }),
      address: visitor.address,
      requestId: visitor.requestId,
    })
  })
  kernel.nudge()
}

/** Job: sends a code. Does nothing if the code has expired, or was used or sent already. */
export async function sendCode(kernel: Kernel, payload: unknown): Promise<void> {
  const id = typeof payload === 'object' && payload !== null && 'id' in payload ? Number(payload.id) : 0
  const reset = await store.findUnsent(kernel.db, id, kernel.clock.now())
  const user = reset && (await findUser(kernel.db, kernel.secrets.cipher, reset.user_id))
  if (!reset || !user) return
  const to = addressOf(user, reset.channel)
  const send = kernel.secretCodes[reset.channel]
  if (to === null || !send) return
  try {
    // Negative, so that it never equals the id of a notification delivery.
    const named = { id: -reset.id, at: reset.created_at, to, toName: user.displayName }
    await send.send({ ...named, ...codeMail(user.locale, codeOf(kernel.secrets, reset)) })
  } catch (error) {
    // A code that may have arrived is not sent twice: the person can ask for another one.
    const permanent = error instanceof Refused && (isFinal(error.kind) || error.kind === 'unheard')
    kernel.log.warn({ resetId: id, permanent, channel: reset.channel }, 'a password reset code was not taken')
    if (!permanent) throw error
  }
  await store.markSent(kernel.db, id, kernel.clock.now())
}

export interface ResetRequest {
  readonly name: string
  readonly code: string
  readonly newPassword: string
}

/**
 * Sets a new password for the holder of a code and ends all their sessions.
 * @throws Invalid `bad_code` if the code is wrong, expired, used, or tried too often, and for unknown names;
 * `weak_password`.
 */
export async function resetPassword(kernel: Kernel, request: ResetRequest, visitor: Visitor): Promise<void> {
  // Checked before the person is looked up: this refusal must not tell whether the person exists.
  await checkStrength(request.newPassword, { username: request.name }, '/new_password')
  const name = typedName(kernel.secrets.cipher, request.name)
  const candidate = await kernel.withRetries((db) => findCandidate(db, kernel.secrets.cipher, name))
  const at = kernel.clock.now()
  const subject = subjectOf(name, candidate)
  const reset = await kernel.withRetries((db) => store.takeTry(db, subject, MOST_TRIES, at))
  if (!isCode(kernel.secrets, reset, request.code) || !reset || reset.user_id === null || !candidate) throw badCode()
  const userId = reset.user_id
  const user = await kernel.withRetries((db) => findUser(db, kernel.secrets.cipher, userId))
  if (!user) throw badCode()
  await checkStrength(request.newPassword, user, '/new_password')
  const hash = await hashPassword(request.newPassword, hashCost(kernel.config))
  await revoking(kernel, userId, async (tx) => {
    if (!(await store.useReset(tx, reset.id, at)) || !(await store.setPassword(tx, userId, hash, at))) throw badCode()
    await endSessions(tx, userId, at)
    await record(tx, at, {
      actorId: userId,
      action: 'user.reset_password',
      resource: 'user',
      resourceId: userId,
      changes: { password: ['***', '***'] },
      address: visitor.address,
      requestId: visitor.requestId,
    })
    await notify(tx, at, {
      type: 'account.password_reset',
      userIds: [userId],
      data: { username: user.username, time: localTimestamp(at, kernel.config.timeZone), address: visitor.address },
    })
  })
  kernel.nudge()
}

const WARNED_DAYS = 7

/** Sends one reminder to each person whose password expires within 7 days. Runs once a day. */
export async function remindOfExpiry(kernel: Kernel): Promise<void> {
  const { passwordMaxAgeDays: days, timeZone } = kernel.config
  if (days === 0) return
  const at = kernel.clock.now()
  const oldest = new Date(at.getTime() - days * DAY)
  const newest = new Date(oldest.getTime() + WARNED_DAYS * DAY)
  for (const due of await store.passwordsMadeBetween(kernel.db, oldest, newest)) {
    const until = new Date(due.password_changed_at.getTime() + days * DAY)
    await notify(kernel.db, at, {
      type: 'account.password_expiring',
      userIds: [due.id],
      data: { username: due.username, date: localDate(until, timeZone) },
      key: `account.password_expiring:${due.password_changed_at.getTime()}`,
    })
  }
  kernel.nudge()
}

/** The key by which codes and tries are counted: the person, whichever name was used, or else the unknown name. */
function subjectOf(name: TypedName, candidate: Candidate | undefined): string {
  return candidate ? `user:${candidate.id}` : `name:${name.index}`
}

function channelFor(
  senders: SecretCodeSenders,
  user: User,
  requested?: store.ResetChannel,
): store.ResetChannel | undefined {
  const canSend = (channel: store.ResetChannel) => senders[channel] && addressOf(user, channel) !== null
  const open = { email: canSend('email'), sms: canSend('sms') }
  if (requested !== undefined) return open[requested] ? requested : undefined
  if (open.email) return 'email'
  return open.sms ? 'sms' : undefined
}

function addressOf(user: User, channel: store.ResetChannel): string | null {
  const account = channels.delivery(channel)?.address.account
  return account ? user[account] : null
}

/** The 6 digits of a reset code. They are not stored: computing them takes the row and SECRET_KEY. */
function codeOf(secrets: Secrets, { id, salt }: Pick<store.OpenReset, 'id' | 'salt'>): string {
  // 48 random bits modulo a million: the probabilities of two codes differ by less than one in 10^8.
  const number = secrets.keyedHash('password reset code', `${id} ${salt}`).readUIntBE(0, 6)
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0')
}

function isCode(secrets: Secrets, reset: store.OpenReset | undefined, given: string): boolean {
  const expected = Buffer.from(codeOf(secrets, reset ?? { id: 0, salt: '' }))
  const code = Buffer.from(given)
  return code.length === expected.length && timingSafeEqual(code, expected) && reset !== undefined
}

function badCode(): Invalid {
  const message = 'is wrong, too old, or was tried too often'
  return new Invalid('bad_code', `The code ${message}. Ask for another one.`, {
    errors: [{ in: 'body', path: '/code', message }],
  })
}
