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
 * Moves those of the bookings whose present state (by the clock) allows it, and answers them by id; the others stay as they are.
 * Every change of state goes through here, but for an edit, which alone brings a rejected booking back or an approved one to be decided
 * again. A completed booking ends at `now` at the latest: the rest of its time is free. Locks bookings by id; lock rooms before.
 * The caller tells people (`tellBookings`) and records.
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
 * Lets bookings that have begun end at `end`, never later than they would have. A booking that ends by `now` is completed, one that ends
 * later runs until then. Answers those that have begun and were not over, by id; the others stay as they are.
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
 * Cancels the bookings that somebody applied for and that have not begun, tells their people and records it: for a ban, or an account
 * that ends. Answers the bookings.
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

/** Records in the operation log that bookings were cancelled, and why when a reason is given. */
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
 * The reason against approving a booking now, or null: its room and building are in use, big enough and open at that time, and nobody of
 * its people is banned or gone. Length and days ahead are not checked again: the rules in force when it was made decided that. Locks
 * nothing: a later change of the room looks at its bookings itself.
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
