import { minutesAfter } from '../../../booking/interval.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict, Invalid, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import { PROPOSED_BAN_DAYS } from '../../core/bans/rules.ts'
import { banRecord, DAY_MINUTES } from '../../core/bans/service.ts'
import { type Ban, ENDED, IN_FORCE, insertBan, lockPerson, PROPOSED } from '../../core/bans/store.ts'
import { cancelAhead } from '../../core/moves.ts'
import { nullableMoment } from '../../fields.ts'
import { refusal } from '../../sentences.ts'
import { dismissProposal, endBan, endExpired, enforceBan, findBan } from './store.ts'

/**
 * A request to ban a person (by id, or else by name): the reason, the end (null: none), and whether to cancel future
 * bookings.
 */
export interface BanRequest {
  readonly userId: number | null
  readonly username: string | null
  readonly reason: string
  readonly expireTime: Date | null
  readonly cancelFuture: boolean
}

/** A ban that is in force: its id, and the bookings it cancelled. */
export interface BanAnswer {
  readonly id: number
  readonly cancelled: readonly number[]
}

/**
 * Bans a person from now on and tells them. An open proposal about them is dismissed. `cancelFuture` cancels their own
 * bookings that have not begun. Others' bookings that they take part in stay, but can neither be approved nor changed
 * with the person in them.
 * @throws Invalid `unknown_user`, `expired` if the end is not in the future, `already_banned`.
 */
export async function ban(kernel: Kernel, caller: Caller, request: BanRequest): Promise<BanAnswer> {
  const who = personOf(request)
  const answer = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    requireAhead(request.expireTime, now)
    const userId = await lockPerson(tx, who)
    if (userId === null) throw refusal('unknown_user', `用户不存在：${'userId' in who ? who.userId : who.username}`)
    await endExpired(tx, userId, now)
    await dismissProposal(tx, userId, caller.userId, now)
    const { reason, expireTime, cancelFuture } = request
    const id = await insertBan(
      tx,
      { userId, reason, expireTime, cancelFuture, status: IN_FORCE, by: caller.userId },
      now,
    )
    const terms = { id, userId, reason, expireTime, cancelFuture }
    return { id, cancelled: await takeEffect(tx, kernel, caller, terms, 'room.ban.add', now) }
  })
  kernel.nudge()
  return answer
}

/** The terms of a confirmed ban. `expireTime`: null means no end, absent means `PROPOSED_BAN_DAYS` days. */
export interface Confirmation {
  readonly expireTime: Date | null | undefined
  readonly cancelFuture: boolean
}

/**
 * Brings a proposed ban into force.
 * @throws NotFound, Conflict `bad_state` if it is not a proposal, Invalid `expired`, `already_banned`.
 */
export async function confirmBan(kernel: Kernel, caller: Caller, id: number, terms: Confirmation): Promise<BanAnswer> {
  return changeBan(kernel, id, async (tx, ban, now) => {
    if (ban.status !== PROPOSED) throw new Conflict('bad_state', '仅待确认的封禁可以确认')
    const { cancelFuture } = terms
    const expireTime =
      terms.expireTime === undefined ? minutesAfter(now, PROPOSED_BAN_DAYS * DAY_MINUTES) : terms.expireTime
    requireAhead(expireTime, now)
    await endExpired(tx, ban.userId, now)
    await enforceBan(tx, id, { expireTime, cancelFuture }, caller.userId, now)
    const confirmed = { ...ban, expireTime, cancelFuture }
    return { id, cancelled: await takeEffect(tx, kernel, caller, confirmed, 'room.ban.confirm', now) }
  })
}

/**
 * Lifts a ban that is in force and tells the person, or dismisses a proposal, of which the person is not told.
 * @throws NotFound, Conflict `bad_state` if it has ended.
 */
export async function liftBan(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  await changeBan(kernel, id, async (tx, ban, now) => {
    if (ban.status === ENDED) throw new Conflict('bad_state', '该封禁已失效')
    const proposed = ban.status === PROPOSED
    if (proposed) await dismissProposal(tx, ban.userId, caller.userId, now)
    else {
      await endBan(tx, id, caller.userId, now)
      await notify(tx, now, {
        type: 'room.ban.lifted',
        userIds: [ban.userId],
        data: { reason: ban.reason },
        key: `room.ban:${id}:lifted`,
      })
    }
    await record(tx, now, {
      ...originOf(caller),
      action: proposed ? 'room.ban.dismiss' : 'room.ban.lift',
      resource: 'room_ban',
      resourceId: id,
      changes: { userId: [ban.userId, ban.userId], status: [ban.status, ENDED] },
    })
  })
}

/** Runs one change of a ban, with the row of its person locked before the ban is read. @throws NotFound */
async function changeBan<T>(
  kernel: Kernel,
  id: number,
  work: (tx: Transaction, ban: Ban, now: Date) => Promise<T>,
): Promise<T> {
  const answer = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const found = await findBan(tx, id, now)
    if (found) await lockPerson(tx, { userId: found.userId })
    const ban = found && (await findBan(tx, id, now))
    if (!ban) throw new NotFound('not_found', '封禁记录不存在')
    return work(tx, ban, now)
  })
  kernel.nudge()
  return answer
}

type Terms = Pick<Ban, 'id' | 'userId' | 'reason' | 'expireTime' | 'cancelFuture'>

/**
 * Tells a person that they are banned from now on, and cancels their bookings if the terms say so. Returns the
 * cancelled bookings.
 */
async function takeEffect(
  tx: Transaction,
  kernel: Kernel,
  caller: Caller,
  terms: Terms,
  action: string,
  now: Date,
): Promise<readonly number[]> {
  const zone = kernel.config.timeZone
  const { id, userId, reason, expireTime, cancelFuture } = terms
  await notify(tx, now, {
    type: 'room.ban.added',
    userIds: [userId],
    data: { reason, until: nullableMoment(expireTime, zone) ?? '' },
    key: `room.ban:${id}:added`,
  })
  await record(tx, now, banRecord(originOf(caller), action, terms))
  if (!cancelFuture) return []
  const cancelling = { now, staff: true, reason: '申请人已被封禁' }
  return (await cancelAhead(tx, userId, cancelling, originOf(caller), zone)).map((booking) => booking.id)
}

/** Selects the person by id or name. @throws Invalid `validation` if neither is given. */
function personOf({ userId, username }: Pick<BanRequest, 'userId' | 'username'>) {
  if (userId !== null) return { userId }
  if (username !== null) return { username }
  throw new Invalid('validation', 'The request is not valid.', {
    errors: [{ in: 'body', path: '/userId', message: 'is required' }],
  })
}

function requireAhead(expireTime: Date | null, now: Date): void {
  if (expireTime !== null && expireTime <= now) throw refusal('expired', '封禁截止时间必须晚于当前时间')
}
