import type { Origin } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { DomainError } from '../../kernel/errors.ts'
import { record } from '../../kernel/outbox/outbox.ts'
import { tellBookings } from './bookingMessages.ts'
import { aheadOf } from './bookingsStore.ts'
import { factsAgain } from './facts.ts'
import { lockBookings, type Move, type MovedBooking, writeEnd, writeMove } from './movesStore.ts'
import { refused } from './refusals.ts'
import { standingRefusal } from './rules.ts'
import { CANCELLED, lifecycle, ONGOING, REJECTED } from './states.ts'

/**
 * Moves the bookings whose present state (at `now`) allows it and returns them by id; the others do not change. Every
 * change of state goes through here, except for an edit, which alone can take a rejected or an approved booking back to
 * pending. A completed booking ends at `now` at the latest, so that the rest of its time is free. Locks bookings by id;
 * lock rooms before. The caller sends messages (`tellBookings`) and records the move.
 */
export async function moveStatus(
  tx: Transaction,
  ids: readonly number[],
  move: Move,
): Promise<readonly MovedBooking[]> {
  const allowed = lifecycle.sourcesOf(move.to)
  const locked = await lockBookings(tx, ids, move.now)
  const movable = locked.filter(({ status }) => status !== REJECTED && allowed.includes(status))
  return movable.length === 0 ? [] : writeMove(tx, movable, move)
}

/**
 * Lets bookings that have begun end at `end`, but never later than before. A booking that ends by `now` is completed;
 * one that ends later stays ongoing until then. Returns the bookings that have begun and were not over, by id; the
 * others do not change.
 */
export async function endAt(
  tx: Transaction,
  ids: readonly number[],
  ending: { readonly end: Date; readonly now: Date; readonly by: number | null },
): Promise<readonly MovedBooking[]> {
  const running = (await lockBookings(tx, ids, ending.now)).filter(({ status }) => status === ONGOING)
  return running.length === 0 ? [] : writeEnd(tx, running, ending)
}

/**
 * Cancels a person's own bookings that have not begun, for a ban or the end of an account. Tells their people and
 * records it. Returns the bookings.
 */
export async function cancelAhead(
  tx: Transaction,
  userId: number,
  move: Pick<Move, 'now' | 'staff'> & { readonly reason: string },
  origin: Origin,
  zone: string,
): Promise<readonly MovedBooking[]> {
  const { now, reason } = move
  const cancelling = { ...move, to: CANCELLED, by: origin.actorId } as const
  const moved = await moveStatus(tx, await aheadOf(tx, userId, now), cancelling)
  await tellBookings(tx, moved, 'room.booking.cancelled_by_staff', now, zone, { reason })
  await recordCancelled(tx, moved, reason, origin, now)
  return moved
}

/** Records in the operation log that bookings were cancelled, with the reason if there is one. */
export async function recordCancelled(
  tx: Transaction,
  moved: readonly Pick<MovedBooking, 'id' | 'from'>[],
  reason: string | null,
  origin: Origin,
  now: Date,
): Promise<void> {
  for (const { id, from } of moved) {
    await record(tx, now, {
      ...origin,
      action: 'room.booking.cancel',
      resource: 'room_booking',
      resourceId: id,
      changes: { status: [from, CANCELLED], ...(reason !== null && { cancelReason: [null, reason] }) },
    })
  }
}

/**
 * The reason against approving a booking now, or null. Checks that its room and building are in use, big enough and
 * open at that time, and that none of its people is banned or gone. Does not check length and days ahead again: the
 * rules in force when the booking was made decided that. Locks nothing: a later change of the room checks its bookings
 * itself.
 */
export async function recheck(
  tx: Transaction,
  bookingId: number,
  now: Date,
  zone: string,
): Promise<DomainError | null> {
  const again = await factsAgain(tx, bookingId, now)
  if (!again) return null
  const refusal = standingRefusal(again.facts, again.order, zone)
  return refusal && refused(refusal, again.facts, again.order, zone, 'staff')
}
