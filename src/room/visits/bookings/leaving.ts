import { type Origin, SYSTEM } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import { bookingWords, tellBookings } from '../../core/bookingMessages.ts'
import { deleteParticipant } from '../../core/bookingRowStore.ts'
import { type Booking, findBooking, joinedAheadOf, participantsOf } from '../../core/bookingsStore.ts'
import { cancelAhead, moveStatus, recordCancelled } from '../../core/moves.ts'
import { lockBookings } from '../../core/movesStore.ts'
import { FEWEST_PEOPLE, mayCancel } from '../../core/rules.ts'
import { CANCELLED } from '../../core/states.ts'

/**
 * Handles the end of an account: cancels the person's own bookings that have not begun, and removes them from others'
 * bookings that have not begun. A booking that is left with too few people is cancelled. The caller has locked the
 * person's row, so that no booking with them is being written.
 */
export async function leaveRooms(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  const zone = kernel.config.timeZone
  const now = kernel.clock.now()
  await cancelAhead(tx, userId, { now, reason: '申请人账号已注销' }, SYSTEM, zone)
  const joined = await lockBookings(tx, await joinedAheadOf(tx, userId, now), now)
  for (const { id } of joined) {
    const booking = await findBooking(tx, id, now)
    if (!booking) continue
    const staying = (await participantsOf(tx, id)).filter((other) => other !== userId)
    const stands = staying.length >= FEWEST_PEOPLE
    // Not told: people of a rejected booking, and of one that is cancelled below.
    const told = stands && mayCancel(booking.status) ? staying : []
    await takeOff(tx, booking, userId, told, SYSTEM, now, zone)
    if (stands) continue
    const reason = `使用人账号已注销，使用人不足 ${FEWEST_PEOPLE} 人`
    const moved = await moveStatus(tx, [id], { to: CANCELLED, now, by: null, reason })
    await tellBookings(tx, moved, 'room.booking.cancelled_by_staff', now, zone, { reason })
    await recordCancelled(tx, moved, reason, SYSTEM, now)
  }
}

/** Removes a participant who is not the applicant from a locked booking. Tells people and records it. */
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
  const name = await deleteParticipant(tx, id, userId)
  await notify(tx, now, {
    type: 'room.booking.left',
    userIds: told,
    data: { ...bookingWords(booking, zone), booking_id: id, name },
  })
  const changes = { userId: [userId, null] } as const
  await record(tx, now, { ...origin, action: 'room.booking.leave', resource: 'room_booking', resourceId: id, changes })
}
