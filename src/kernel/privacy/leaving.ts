import { sql } from 'kysely'
import { originOf } from '../audit/origin.ts'
import type { Caller } from '../http/request/caller.ts'
import { present } from '../identity/accounts/accounts.ts'
import { keepAnAdministrator, removeLeaver } from '../identity/accounts/administration.ts'
import { checkOwner, type Proof } from '../identity/accounts/owner.ts'
import { lockAdministrators, lockUser } from '../identity/accounts/store.ts'
import { endSessions } from '../identity/sessions/sessionStore.ts'
import { revoking } from '../identity/sessions/sessions.ts'
import type { Kernel } from '../kernel.ts'
import { notify, record } from '../outbox/outbox.ts'
import { localDate } from '../time.ts'

const DAY = 86_400_000

/**
 * Starts the deletion of the caller's account: ends all sessions, and the account is deleted after ACCOUNT_GRACE_DAYS
 * unless its owner logs in before. Answers the date of the deletion.
 * @throws like `checkOwner`; Conflict `last_administrator`
 */
export async function leave(kernel: Kernel, caller: Caller, proof: Proof): Promise<Date> {
  await checkOwner(kernel, caller, proof)
  const at = kernel.clock.now()
  const leavesAt = new Date(at.getTime() + kernel.config.accountGraceDays * DAY)
  await revoking(kernel, caller.userId, async (tx) => {
    await lockAdministrators(tx)
    const user = present(await lockUser(tx, kernel.secrets.cipher, caller.userId))
    await keepAnAdministrator(tx, user)
    await sql`UPDATE users SET leaves_at = ${leavesAt}, updated_at = ${at} WHERE id = ${user.id}`.execute(tx)
    await endSessions(tx, user.id, at)
    const changes = { leaves_at: [null, leavesAt.toISOString()] as const }
    await record(tx, at, { ...originOf(caller), action: 'user.leave', resource: 'user', resourceId: user.id, changes })
    await notify(tx, at, {
      type: 'account.leaving',
      userIds: [user.id],
      data: { username: user.username, date: localDate(leavesAt, kernel.config.timeZone) },
    })
  })
  kernel.nudge()
  return leavesAt
}

/** Deletes the accounts whose date of deletion has come. Runs every hour. */
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
