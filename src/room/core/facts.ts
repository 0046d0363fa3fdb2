import type { Database } from '../../kernel/database/database.ts'
import { findBooking, participantsOf } from './bookingsStore.ts'
import { bookingFacts } from './factsStore.ts'
import { noSuchRoom } from './refusals.ts'
import type { BookingFacts, Order } from './rules.ts'

/**
 * Reads the facts for the decision about a booking. The booking `except` is ignored.
 * @throws NotFound if there is no such room.
 */
export async function readFacts(db: Database, order: Order, now: Date, except?: number): Promise<BookingFacts> {
  const facts = await bookingFacts(db, { order, now, except })
  if (!facts) throw noSuchRoom()
  return facts
}

/** The facts about an existing booking; null if there is no such booking. */
export async function factsAgain(
  db: Database,
  bookingId: number,
  now: Date,
): Promise<{ readonly facts: BookingFacts; readonly order: Order } | null> {
  const booking = await findBooking(db, bookingId, now)
  if (!booking) return null
  const order: Order = {
    roomId: booking.roomId,
    applicantId: booking.applicantId,
    userIds: await participantsOf(db, bookingId),
    start: booking.startTime,
    end: booking.endTime,
  }
  return { order, facts: await readFacts(db, order, now, bookingId) }
}
