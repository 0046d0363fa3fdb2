import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Unauthenticated } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { lockUser } from '../../../kernel/identity/accounts/store.ts'
import { requireRightsOver } from '../../../kernel/identity/roles.ts'
import { endSessions } from '../../../kernel/identity/sessions/sessionStore.ts'
import { revoking } from '../../../kernel/identity/sessions/sessions.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { type Ban, banOf } from '../../core/bansStore.ts'
import { plainMoment } from '../../fields.ts'
import { CODES, notAllowed, refusal } from '../../sentences.ts'
import * as store from './store.ts'

const noSuchUser = () => refusal(CODES.user, 'no_such_user', '用户不存在')

/** A user's risk with the history of their bans. @throws Invalid 103. */
export async function riskOf(kernel: Kernel, userId: number) {
  const now = kernel.clock.now()
  return await kernel.withRetries(async (db) => {
    const [risk] = await store.listRisks(db, { userId, limit: 1, offset: 0 }, now)
    if (!risk) throw noSuchUser()
    return { risk, bans: await store.bansOf(db, userId) }
  })
}

/**
 * Bans a user from registering for visits, from logging in, or from both. A ban from logging in ends their sessions.
 * `days` 0: for ever.
 * @throws Invalid 103; 102 for oneself; `already_banned`; Forbidden `beyond_own_rights`.
 */
export async function banUser(
  kernel: Kernel,
  caller: Caller,
  ban: { readonly userId: number; readonly type: Ban['type']; readonly days: number; readonly reason: string },
): Promise<void> {
  const { userId, type, days, reason } = ban
  if (userId === caller.userId) throw notAllowed('不能封禁自己')
  const now = kernel.clock.now()
  const until = days === 0 ? null : new Date(now.getTime() + days * 86_400_000)
  await revoking(kernel, userId, async (tx) => {
    // A registration that was decided before the ban is decided again. Locks patients before the user, like payments.
    await store.raiseRevisions(tx, userId)
    const user = await lockUser(tx, kernel.secrets.cipher, userId)
    if (!user) throw noSuchUser()
    requireRightsOver(kernel, caller, user.roles)
    await store.endExpired(tx, userId, now)
    await store.insertBan(tx, { userId, type, until, reason, by: caller.userId }, now)
    if (type !== 'register') await endSessions(tx, userId, now)
    const changes = { ban: [null, type] as const }
    await record(tx, now, {
      ...originOf(caller),
      action: 'clinic.user.ban',
      resource: 'user',
      resourceId: userId,
      changes,
    })
  })
  kernel.nudge()
}

/**
 * Refuses a log-in, by whatever door, while a ban from logging in is in force.
 * @throws Unauthenticated `banned` with a sentence for people.
 */
export async function refuseBanned(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  const ban = await banOf(tx, userId, kernel.clock.now())
  if (ban === undefined || ban.type === 'register') return
  const until = ban.until === null ? '' : `，${plainMoment(ban.until, kernel.config.timeZone)} 后恢复`
  throw new Unauthenticated('banned', `您的账号已被限制登录${until}，如有疑问请联系医院`)
}

/** Lifts the ban of a user. @throws Invalid `not_banned`. */
export async function unbanUser(kernel: Kernel, caller: Caller, userId: number, reason: string): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await store.liftBan(tx, { userId, reason, by: caller.userId }, now)))
      throw refusal(CODES.request, 'not_banned', '该用户未被封禁')
    await record(tx, now, { ...originOf(caller), action: 'clinic.user.unban', resource: 'user', resourceId: userId })
  })
  kernel.nudge()
}

/** Figures of a user's orders, made between two dates. @throws Invalid 103. */
export async function statsOf(
  kernel: Kernel,
  userId: number,
  range: { readonly from: string | null; readonly to: string | null },
) {
  return await kernel.withRetries(async (db) => {
    const [risk] = await store.listRisks(db, { userId, limit: 1, offset: 0 }, kernel.clock.now())
    if (!risk) throw noSuchUser()
    const counts = await store.countOrders(db, userId, { ...range, zone: kernel.config.timeZone })
    return { counts, logIns: await store.countLogIns(db, userId) }
  })
}
