import { originOf } from '../../../kernel/audit/origin.ts'
import { withRetries } from '../../../kernel/database/transaction.ts'
import { inBatches } from '../../../kernel/exports/rows.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { type BookingFilter, type BookingRecord, bookingsAfter } from '../../core/bookingListStore.ts'
import { type Booking, findBooking } from '../../core/bookingsStore.ts'
import { noSuchBooking } from '../../core/refusals.ts'
import { type BookingPerson, peopleOf } from './store.ts'

/** A booking with its participants. */
export interface BookingDetails {
  readonly booking: Booking
  readonly people: readonly BookingPerson[]
}

/** Any booking. @throws NotFound */
export async function bookingDetails(kernel: Kernel, id: number): Promise<BookingDetails> {
  const booking = await findBooking(kernel.db, id, kernel.clock.now())
  if (!booking) throw noSuchBooking()
  return { booking, people: await peopleOf(kernel.db, id) }
}

/**
 * A booking that the caller takes part in, or any booking for staff who may read them.
 * @throws NotFound, also for bookings of others
 */
export async function ownBookingDetails(kernel: Kernel, caller: Caller, id: number): Promise<BookingDetails> {
  const details = await bookingDetails(kernel, id)
  const takesPart = details.people.some(({ userId }) => userId === caller.userId)
  if (!takesPart && !caller.permissions.has('manage:facility:booking:get')) throw noSuchBooking()
  return details
}

/** All bookings a filter finds, latest first, for an export. The export is recorded. */
export async function exportBookings(
  kernel: Kernel,
  caller: Caller,
  filter: BookingFilter,
): Promise<AsyncIterable<BookingRecord>> {
  const now = kernel.clock.now()
  await record(kernel.db, now, { ...originOf(caller), action: 'room.booking.export', resource: 'room_booking' })
  kernel.nudge()
  return inBatches<BookingRecord>((after, limit) =>
    withRetries(kernel.reads, (db) => bookingsAfter(db, filter, { after, limit, now })),
  )
}
