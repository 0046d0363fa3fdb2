import { minutesAfter } from '../../../booking/interval.ts'
import { type Origin, originOf, SYSTEM } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict, Invalid, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { staffWith } from '../../../kernel/identity/staff.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import { cancelAhead } from '../../core/moves.ts'
import { nullableMoment } from '../../fields.ts'
import type { RoomPermission } from '../../permissions.ts'
import { refusal } from '../../sentences.ts'
import { NO_SHOW_DAYS, NO_SHOWS, PROPOSED_BAN_DAYS, proposalStep } from './rules.ts'
import * as store from './store.ts'

/** Bans people, and decides about proposals. */
export const BAN: RoomPermission = 'manage:facility:ban:add'

const DAY_MINUTES = 24 * 60

/** Who is to be banned (by id, or else by name), why, until when (null: for ever), and whether their bookings ahead end. */
export interface BanWish {
  readonly userId: number | null
  readonly username: string | null
  readonly reason: string
  readonly expireTime: Date | null
  readonly cancelFuture: boolean
}

/** What a ban did: its id, and the bookings it cancelled. */
export interface BanAnswer {
  readonly id: number
  readonly cancelled: readonly number[]
}

/**
 * Bans somebody from now on, and tells them; a proposal about them is answered by it. `cancelFuture` cancels what they applied for and
 * what has not begun. Bookings of others that they take part in stay: these can neither be approved nor changed while they are in them.
 * @throws Invalid `unknown_user`, `expired` when the end does not lie ahead, `already_banned`.
 */
export async function ban(kernel: Kernel, caller: Caller, wish: BanWish): Promise<BanAnswer> {
  const who = personOf(wish)
  const answer = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    requireAhead(wish.expireTime, now)
    const userId = await store.lockPerson(tx, who)
    if (userId === null) throw refusal('unknown_user', `用户不存在：${'userId' in who ? who.userId : who.username}`)
    await store.endExpired(tx, userId, now)
    await store.dismissProposal(tx, userId, caller.userId, now)
    const { reason, expireTime, cancelFuture } = wish
    const id = await store.insertBan(
      tx,
      { userId, reason, expireTime, cancelFuture, status: store.IN_FORCE, by: caller.userId },
      now,
    )
    const terms = { id, userId, reason, expireTime, cancelFuture }
    return { id, cancelled: await takeEffect(tx, kernel, caller, terms, 'room.ban.add', now) }
  })
  kernel.nudge()
  return answer
}

/** Until when a confirmed ban holds: null for ever, absent for `PROPOSED_BAN_DAYS` days. */
export interface Confirmation {
  readonly expireTime: Date | null | undefined
  readonly cancelFuture: boolean
}

/**
 * Brings a proposed ban into force.
 * @throws NotFound, Conflict `bad_state` when it is no proposal, Invalid `expired`, `already_banned`.
 */
export async function confirmBan(kernel: Kernel, caller: Caller, id: number, wish: Confirmation): Promise<BanAnswer> {
  return changeBan(kernel, id, async (tx, ban, now) => {
    if (ban.status !== store.PROPOSED) throw new Conflict('bad_state', '仅待确认的封禁可以确认')
    const expireTime =
      wish.expireTime === undefined ? minutesAfter(now, PROPOSED_BAN_DAYS * DAY_MINUTES) : wish.expireTime
    requireAhead(expireTime, now)
    await store.endExpired(tx, ban.userId, now)
    await store.enforceBan(tx, id, { expireTime, cancelFuture: wish.cancelFuture }, caller.userId, now)
    const terms = { ...ban, expireTime, cancelFuture: wish.cancelFuture }
    return { id, cancelled: await takeEffect(tx, kernel, caller, terms, 'room.ban.confirm', now) }
  })
}

/**
 * Lifts a ban that is in force and tells the person, or dismisses a proposal, of which they never heard.
 * @throws NotFound, Conflict `bad_state` when it has ended.
 */
export async function liftBan(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  await changeBan(kernel, id, async (tx, ban, now) => {
    if (ban.status === store.ENDED) throw new Conflict('bad_state', '该封禁已失效')
    const proposed = ban.status === store.PROPOSED
    if (proposed) await store.dismissProposal(tx, ban.userId, caller.userId, now)
    else {
      await store.endBan(tx, id, caller.userId, now)
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
      changes: { userId: [ban.userId, ban.userId], status: [ban.status, store.ENDED] },
    })
  })
}

/**
 * Proposes a ban when the no-shows of somebody have become enough, and takes an open proposal back when they no longer are. Call it with
 * their row locked (`store.lockPerson`) after the no-shows have changed.
 */
export async function reviewNoShows(tx: Transaction, kernel: Kernel, userId: number, now: Date): Promise<void> {
  const since = minutesAfter(now, -NO_SHOW_DAYS * DAY_MINUTES)
  const { name, banned, proposalId, noShows } = await store.readStanding(tx, userId, since, now)
  const step = proposalStep({ banned, proposed: proposalId !== null, noShows })
  if (step === 'withdraw' && proposalId !== null) {
    await store.withdrawProposal(tx, proposalId)
    await record(tx, now, recordOf(SYSTEM, 'room.ban.withdraw', { id: proposalId, userId, expireTime: null }))
  }
  if (step !== 'propose') return
  const reason = `${NO_SHOW_DAYS} 天内 ${NO_SHOWS} 次预约未到场`
  const proposal = { userId, reason, expireTime: null, cancelFuture: false, status: store.PROPOSED, by: null } as const
  const id = await store.insertBan(tx, proposal, now)
  await notify(tx, now, {
    type: 'room.ban.proposed',
    userIds: await staffWith(tx, kernel, BAN),
    data: { ban_id: id, name, reason },
    key: `room.ban:${id}:proposed`,
  })
  await record(tx, now, recordOf(SYSTEM, 'room.ban.propose', { ...proposal, id }))
}

/** One change of a ban, with the row of its person locked before the ban is read. @throws NotFound */
async function changeBan<T>(
  kernel: Kernel,
  id: number,
  work: (tx: Transaction, ban: store.Ban, now: Date) => Promise<T>,
): Promise<T> {
  const answer = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const found = await store.findBan(tx, id, now)
    if (found) await store.lockPerson(tx, { userId: found.userId })
    const ban = found && (await store.findBan(tx, id, now))
    if (!ban) throw new NotFound('not_found', '封禁记录不存在')
    return work(tx, ban, now)
  })
  kernel.nudge()
  return answer
}

type Terms = Pick<store.Ban, 'id' | 'userId' | 'reason' | 'expireTime' | 'cancelFuture'>

/** Tells somebody that they are banned from now on, and cancels what they had booked if it is to be. Answers the bookings cancelled. */
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
  await record(tx, now, recordOf(originOf(caller), action, terms))
  if (!cancelFuture) return []
  const cancelling = { now, staff: true, reason: '申请人已被封禁' }
  return (await cancelAhead(tx, userId, cancelling, originOf(caller), zone)).map((booking) => booking.id)
}

function recordOf(origin: Origin, action: string, terms: Pick<Terms, 'id' | 'userId' | 'expireTime'>) {
  const { id, userId, expireTime } = terms
  const changes = { userId: [null, userId], expireTime: [null, expireTime?.toISOString() ?? null] } as const
  return { ...origin, action, resource: 'room_ban', resourceId: id, changes }
}

/** @throws Invalid `validation` when neither id nor name is given. */
function personOf({ userId, username }: Pick<BanWish, 'userId' | 'username'>) {
  if (userId !== null) return { userId }
  if (username !== null) return { username }
  throw new Invalid('validation', 'The request is not valid.', {
    errors: [{ in: 'body', path: '/userId', message: 'is required' }],
  })
}

function requireAhead(expireTime: Date | null, now: Date): void {
  if (expireTime !== null && expireTime <= now) throw refusal('expired', '封禁截止时间必须晚于当前时间')
}
