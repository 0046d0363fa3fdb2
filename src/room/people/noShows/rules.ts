import { minutesAfter } from '../../../booking/interval.ts'
import { type BookingStatus, COMPLETED, ONGOING } from '../../core/states.ts'

/** Days after the end of a booking in which a no-show can be noted. */
export const NOTE_DAYS = 7

/**
 * True if staff may note a no-show of a booking in this (present) state: it has begun, and did not end too long ago.
 */
export function mayNote(
  { status, endTime }: { readonly status: BookingStatus; readonly endTime: Date },
  now: Date,
): 'bad_state' | 'too_late' | null {
  if (status !== ONGOING && status !== COMPLETED) return 'bad_state'
  return minutesAfter(endTime, NOTE_DAYS * 24 * 60) < now ? 'too_late' : null
}
