import type { Transaction } from '../../kernel/database/database.ts'
import { notifyAll } from '../../kernel/outbox/outbox.ts'
import type { MovedBooking } from './movesStore.ts'
import { spanWords } from './spans.ts'

/** Place and time of a booking. */
type Named = Pick<MovedBooking, 'roomName' | 'buildingName' | 'startTime' | 'endTime'>

/** Place and time of a booking as messages show them: `room_name`, `building_name`, `time`. */
export function bookingWords(booking: Named, zone: string) {
  return {
    room_name: booking.roomName,
    building_name: booking.buildingName,
    time: spanWords({ start: booking.startTime, end: booking.endTime }, zone),
  }
}

/**
 * Tells all people of each booking, with one message for each booking. Templates may use `booking_id`, `room_name`,
 * `building_name`, `time` and `data`. Calling it again at the same instant sends nothing more.
 */
export async function tellBookings(
  tx: Transaction,
  bookings: readonly (Named & Pick<MovedBooking, 'id' | 'userIds'>)[],
  type: string,
  now: Date,
  zone: string,
  data: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await notifyAll(
    tx,
    now,
    bookings.map((booking) => ({
      type,
      userIds: booking.userIds,
      data: { ...bookingWords(booking, zone), booking_id: booking.id, ...data },
      key: `${type}:${booking.id}:${booking.startTime.getTime()}:${now.getTime()}`,
    })),
  )
}
