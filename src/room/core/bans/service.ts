import { minutesAfter } from '../../../booking/interval.ts'
import { type Origin, SYSTEM } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { staffWith } from '../../../kernel/identity/staff.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import type { RoomPermission } from '../../permissions.ts'
import { NO_SHOW_DAYS, NO_SHOWS, proposalStep } from './rules.ts'
import { type Ban, insertBan, PROPOSED, readStanding, withdrawProposal } from './store.ts'

/** Permission to ban people and to decide about proposals. */
export const BAN: RoomPermission = 'manage:facility:ban:add'

export const DAY_MINUTES = 24 * 60

/** The entry of the operation log about a ban. */
export function banRecord(origin: Origin, action: string, ban: Pick<Ban, 'id' | 'userId' | 'expireTime'>) {
  const { id, userId, expireTime } = ban
  const changes = { userId: [null, userId], expireTime: [null, expireTime?.toISOString() ?? null] } as const
  return { ...origin, action, resource: 'room_ban', resourceId: id, changes }
}

/**
 * Proposes a ban when a person has enough no-shows, and withdraws an open proposal when they no longer have. Call it
 * after the no-shows have changed, with the person's row locked (`lockPerson`).
 */
export async function reviewNoShows(tx: Transaction, kernel: Kernel, userId: number, now: Date): Promise<void> {
  const since = minutesAfter(now, -NO_SHOW_DAYS * DAY_MINUTES)
  const { name, banned, proposalId, noShows } = await readStanding(tx, userId, since, now)
  const step = proposalStep({ banned, proposed: proposalId !== null, noShows })
  if (step === 'withdraw' && proposalId !== null) {
    await withdrawProposal(tx, proposalId)
    await record(tx, now, banRecord(SYSTEM, 'room.ban.withdraw', { id: proposalId, userId, expireTime: null }))
  }
  if (step !== 'propose') return
  const reason = `${NO_SHOW_DAYS} 天内 ${NO_SHOWS} 次预约未到场`
  const proposal = { userId, reason, expireTime: null, cancelFuture: false, status: PROPOSED, by: null } as const
  const id = await insertBan(tx, proposal, now)
  await notify(tx, now, {
    type: 'room.ban.proposed',
    userIds: await staffWith(tx, kernel, BAN),
    data: { ban_id: id, name, reason },
    key: `room.ban:${id}:proposed`,
  })
  await record(tx, now, banRecord(SYSTEM, 'room.ban.propose', { ...proposal, id }))
}
