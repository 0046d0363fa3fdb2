import type { Origin } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { DomainError } from '../../kernel/errors.ts'
import { notifyAll, record } from '../../kernel/outbox/outbox.ts'
import { factsAgain } from './facts.ts'
import { refused } from './refusals.ts'
import { standingRefusal } from './rules.ts'
import { spanWords } from './spans.ts'
import { type BookingStatus, CANCELLED, lifecycle, ONGOING, type PENDING, REJECTED } from './states.ts'
import * as store from './store.ts'

/** A booking that was just moved. `startTime` and `endTime` are those it has now, `from` is the state it had by the clock. */
export interface MovedBooking {
  readonly id: number
  readonly roomId: number
  readonly roomName: string
  readonly buildingName: string
  readonly applicantId: number
  /** All participants, the applicant among them. */
  readonly userIds: readonly number[]
  readonly startTime: Date
  readonly endTime: Date
  readonly from: BookingStatus
}

/** Where to, when, and by whom (null: the system itself). */
export interface Move {
  /** Not back to be decided: only an edit does that. */
  readonly to: Exclude<BookingStatus, typeof PENDING>
  readonly now: Date
  readonly by: number | null
  /** Why it is rejected or cancelled, as its people read it. */
  readonly reason?: string | null
  /** Whether staff does it to somebody else's booking, which is noted when it is cancelled. */
  readonly staff?: boolean
}

/**
 * Moves those of the bookings whose present state (by the clock) allows it, and answers them by id; the others stay as they are.
 * Every change of state goes through here, but for an edit, which alone brings a rejected booking back or an approved one to be decided
 * again. What is completed ends at `now` at the latest: the rest of its time is free. Locks bookings by id; lock rooms before.
 * Telling (`tellBookings`) and recording is the caller's.
 */
export async function moveStatus(
  tx: Transaction,
  ids: readonly number[],
  move: Move,
): Promise<readonly MovedBooking[]> {
  const allowed = lifecycle.sourcesOf(move.to)
  const locked = await store.lockBookings(tx, ids, move.now)
  const movable = locked.filter(({ status }) => status !== REJECTED && allowed.includes(status))
  return movable.length === 0 ? [] : store.writeMove(tx, movable, move)
}

/**
 * Lets bookings that have begun end at `end`, never later than they would have: what ends by `now` is completed, what ends later keeps
 * running until then. Answers those that have begun and were not over, by id; the others stay as they are.
 */
export async function endAt(
  tx: Transaction,
  ids: readonly number[],
  ending: { readonly end: Date; readonly now: Date; readonly by: number | null },
): Promise<readonly MovedBooking[]> {
  const running = (await store.lockBookings(tx, ids, ending.now)).filter(({ status }) => status === ONGOING)
  return running.length === 0 ? [] : store.writeEnd(tx, running, ending)
}

/**
 * Tells all people of each booking, by one message a booking; templates may show `booking_id`, `room_name`, `building_name`, `time` and
 * `data`. A repeat at the same instant is told once.
 */
export async function tellBookings(
  tx: Transaction,
  moved: readonly (Named & Pick<MovedBooking, 'id' | 'userIds'>)[],
  type: string,
  now: Date,
  zone: string,
  data: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await notifyAll(
    tx,
    now,
    moved.map((booking) => ({
      type,
      userIds: booking.userIds,
      data: { ...bookingWords(booking, zone), booking_id: booking.id, ...data },
      key: `${type}:${booking.id}:${booking.startTime.getTime()}:${now.getTime()}`,
    })),
  )
}

/**
 * Cancels what somebody applied for and has not begun, tells its people and notes it: for a ban, or an account that ends. Answers the
 * bookings.
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
  const moved = await moveStatus(tx, await store.aheadOf(tx, userId, now), cancelling)
  await tellBookings(tx, moved, 'room.booking.cancelled_by_staff', now, zone, { reason })
  await recordCancelled(tx, moved, reason, origin, now)
  return moved
}

/** Notes in the operation log that bookings were cancelled, and why when a reason is given. */
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

type Named = Pick<MovedBooking, 'roomName' | 'buildingName' | 'startTime' | 'endTime'>

/** What messages say of a booking: `room_name`, `building_name`, `time`. */
export function bookingWords(booking: Named, zone: string) {
  return {
    room_name: booking.roomName,
    building_name: booking.buildingName,
    time: spanWords({ start: booking.startTime, end: booking.endTime }, zone),
  }
}

/**
 * What speaks against approving a booking now, or null: its room and building in use, big enough and open at that time, nobody of its people
 * banned or gone. Not how long it is or how far ahead: that was decided by the rules in force when it was made. Locks nothing: what
 * changes a room afterwards looks at its bookings itself.
 */
export async function recheck(
  tx: Transaction,
  bookingId: number,
  now: Date,
  zone: string,
): Promise<DomainError | null> {
  const again = await factsAgain(tx, bookingId, now)
  if (!again) return null
  const refusal = standingRefusal(again.facts, again.wish, zone)
  return refusal && refused(refusal, again.facts, again.wish, zone, 'staff')
}
