import { type Origin, SYSTEM } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import { bookingWords, cancelAhead, moveStatus, recordCancelled, tellBookings } from '../../core/moves.ts'
import { FEWEST_PEOPLE, mayCancel } from '../../core/rules.ts'
import { CANCELLED } from '../../core/states.ts'
import type { Booking } from '../../core/store.ts'
import * as store from '../../core/store.ts'

/**
 * Somebody's account ends: what they applied for and has not begun is cancelled, and they take part in nothing that has not begun. A
 * booking that is left with too few people is cancelled. Their row is locked so that no booking with them is being written.
 */
export async function leaveRooms(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  const zone = kernel.config.timeZone
  const now = kernel.clock.now()
  await cancelAhead(tx, userId, { now, reason: '申请人账号已注销' }, SYSTEM, zone)
  const joined = await store.lockBookings(tx, await store.joinedAheadOf(tx, userId, now), now)
  for (const { id } of joined) {
    const booking = await store.findBooking(tx, id, now)
    if (!booking) continue
    const staying = (await store.participantsOf(tx, id)).filter((other) => other !== userId)
    const stands = staying.length >= FEWEST_PEOPLE
    // Those of a rejected booking, or of one that is cancelled for it, have nothing from knowing who is missing.
    const told = stands && mayCancel(booking.status) ? staying : []
    await takeOff(tx, booking, userId, told, SYSTEM, now, zone)
    if (stands) continue
    const reason = `使用人账号已注销，使用人不足 ${FEWEST_PEOPLE} 人`
    const moved = await moveStatus(tx, [id], { to: CANCELLED, now, by: null, reason })
    await tellBookings(tx, moved, 'room.booking.cancelled_by_staff', now, zone, { reason })
    await recordCancelled(tx, moved, reason, SYSTEM, now)
  }
}

/** Takes somebody who did not apply off a booking that is locked, tells people of it, and notes it. */
export async function takeOff(
  tx: Transaction,
  booking: Booking,
  userId: number,
  told: readonly number[],
  origin: Origin,
  now: Date,
  zone: string,
): Promise<void> {
  const { id } = booking
  const name = await store.dropParticipant(tx, id, userId)
  await notify(tx, now, {
    type: 'room.booking.left',
    userIds: told,
    data: { ...bookingWords(booking, zone), booking_id: id, name },
  })
  const changes = { userId: [userId, null] } as const
  await record(tx, now, { ...origin, action: 'room.booking.leave', resource: 'room_booking', resourceId: id, changes })
}
