import { sql } from 'kysely'
import type { Database } from '../database/database.ts'
import { by, type Caller } from '../http/caller.ts'
import { Invalid } from '../http/errors.ts'
import { present } from '../identity/accounts.ts'
import { keepAnAdministrator, removeLeaver } from '../identity/administration.ts'
import { hashCost, verifyPassword } from '../identity/passwords.ts'
import { endSessions } from '../identity/sessionStore.ts'
import { revoking } from '../identity/sessions.ts'
import { lockAdministrators, lockUser, passwordHashOf } from '../identity/store.ts'
import type { Kernel } from '../kernel.ts'
import { notify, record } from '../notifications/outbox.ts'
import { localDate } from '../time.ts'

const DAY = 86_400_000
/** How old a log-in may be that stands for the password. */
const FRESH_MS = 10 * 60_000

/**
 * The caller gives their account up. All sessions end; after ACCOUNT_GRACE_DAYS the account is deleted, unless its owner logs in before.
 * Answers when.
 * @throws Invalid `bad_password`, `password_required` without one and without a log-in of the last 10 minutes; Conflict
 * `last_administrator`
 */
export async function leave(kernel: Kernel, caller: Caller, password: string | undefined): Promise<Date> {
  await checkOwner(kernel, caller, password)
  const at = kernel.clock.now()
  const leavesAt = new Date(at.getTime() + kernel.config.accountGraceDays * DAY)
  await revoking(kernel, caller.userId, async (tx) => {
    await lockAdministrators(tx)
    const user = present(await lockUser(tx, kernel.config, caller.userId))
    await keepAnAdministrator(tx, user)
    await sql`UPDATE users SET leaves_at = ${leavesAt}, updated_at = ${at} WHERE id = ${user.id}`.execute(tx)
    await endSessions(tx, user.id, at)
    const changes = { leaves_at: [null, leavesAt.toISOString()] as const }
    await record(tx, at, { ...by(caller), action: 'user.leave', resource: 'user', resourceId: user.id, changes })
    await notify(tx, at, {
      type: 'account.leaving',
      userIds: [user.id],
      data: { username: user.username, date: localDate(leavesAt, kernel.config.timeZone) },
    })
  })
  kernel.nudge()
  return leavesAt
}

async function checkOwner(kernel: Kernel, caller: Caller, password: string | undefined): Promise<void> {
  if (password === undefined) {
    const since = new Date(kernel.clock.now().getTime() - FRESH_MS)
    if (await kernel.attempt((db) => beganSince(db, caller.sessionId, since))) return
    throw new Invalid('password_required', 'Give your password, or log in again first.')
  }
  const hash = await kernel.attempt((db) => passwordHashOf(db, caller.userId))
  if (await verifyPassword(hash, password, hashCost(kernel.config))) return
  throw new Invalid('bad_password', 'The password is wrong.')
}

async function beganSince(db: Database, sessionId: string, since: Date): Promise<boolean> {
  const { rows } = await sql`SELECT FROM sessions WHERE id = ${sessionId} AND created_at > ${since}`.execute(db)
  return rows.length > 0
}

/** Deletes the accounts whose time has come. To be called every hour. */
export async function deleteLeavers(kernel: Kernel): Promise<void> {
  const due = await kernel.db
    .selectFrom('users')
    .select('id')
    .where('leaves_at', '<=', kernel.clock.now())
    .where('status', '<>', 'deleted')
    .orderBy('id')
    .execute()
  for (const { id } of due) await removeLeaver(kernel, id)
}
