import type { Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { cancelAhead, moveStatus, tellBookings } from './moves.ts'
import { FEWEST_PEOPLE } from './rules.ts'
import { CANCELLED } from './states.ts'
import * as store from './store.ts'

/**
 * Somebody's account ends: what they applied for and has not begun is cancelled, and they take part in nothing that has not begun. A
 * booking that is left with too few people is cancelled.
 */
export async function leaveRooms(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  const zone = kernel.config.timeZone
  const now = kernel.clock.now()
  await cancelAhead(tx, userId, { now, by: null, reason: '申请人账号已注销' }, zone)
  const joined = await store.lockBookings(tx, await store.joinedAheadOf(tx, userId, now), now)
  for (const { id } of joined) {
    await store.dropParticipant(tx, id, userId)
    if ((await store.participantsOf(tx, id)).length >= FEWEST_PEOPLE) continue
    const reason = `使用人账号已注销，使用人不足 ${FEWEST_PEOPLE} 人`
    const moved = await moveStatus(tx, [id], { to: CANCELLED, now, by: null, reason })
    await tellBookings(tx, moved, 'room.booking.cancelled_by_staff', now, zone, { reason })
  }
}
