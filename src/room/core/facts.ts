import type { Database } from '../../kernel/database/database.ts'
import { noSuchRoom } from './refusals.ts'
import type { BookingFacts, Wish } from './rules.ts'
import * as store from './store.ts'

/**
 * Reads what the decision about a booking rests on, and writes nothing; the booking `except` does not stand in its own way.
 * @throws NotFound when there is no such room.
 */
export async function readFacts(db: Database, wish: Wish, now: Date, except?: number): Promise<BookingFacts> {
  const facts = await store.bookingFacts(db, { wish, now, except })
  if (!facts) throw noSuchRoom()
  return facts
}

/** The same about a booking that stands already; null when there is no such booking. */
export async function factsAgain(
  db: Database,
  bookingId: number,
  now: Date,
): Promise<{ readonly facts: BookingFacts; readonly wish: Wish } | null> {
  const booking = await store.findBooking(db, bookingId, now)
  if (!booking) return null
  const wish: Wish = {
    roomId: booking.roomId,
    applicantId: booking.applicantId,
    userIds: await store.participantsOf(db, bookingId),
    start: booking.startTime,
    end: booking.endTime,
  }
  return { wish, facts: await readFacts(db, wish, now, bookingId) }
}
