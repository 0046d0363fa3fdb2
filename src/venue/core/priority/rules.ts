import { minutesAfter } from '../../../booking/interval.ts'
import type { BookingRules } from '../bookingRules/rules.ts'

/** A reservation that a leader's booking might displace. */
export interface Ordinary {
  readonly id: number
  readonly partySize: number
}

/**
 * Chooses the reservations that a leader's booking displaces: the newest ordinary ones, as few as free enough places.
 * Returns null if all of them together are not enough. `newestFirst` contains no leader's reservation: leaders never
 * displace leaders.
 */
export function toDisplace<O extends Ordinary>(newestFirst: readonly O[], placesShort: number): readonly O[] | null {
  const displaced: O[] = []
  let short = placesShort
  for (const reservation of newestFirst) {
    if (short <= 0) break
    displaced.push(reservation)
    short -= reservation.partySize
  }
  return short <= 0 ? displaced : null
}

/** True until `displaceBeforeMinutes` before the start. */
export function mayDisplace(startAt: Date, displaceBeforeMinutes: number, now: Date): boolean {
  return now < minutesAfter(startAt, -displaceBeforeMinutes)
}

/**
 * States of reservations that a leader's booking may displace. Where bookings need approval, a leader's booking is a
 * request at first and displaces only other requests.
 */
export function displaceable({
  requires_approval,
}: Pick<BookingRules, 'requires_approval'>): readonly ('pending' | 'confirmed')[] {
  return requires_approval ? ['pending'] : ['pending', 'confirmed']
}

/**
 * Earliest start of a slot that a displaced person may be moved to: late enough that they can still cancel freely, and
 * that a leader may still displace people from it.
 */
export function earliestMove(
  rules: Pick<BookingRules, 'displace_before_minutes' | 'free_cancel_before_minutes' | 'cancel_before_minutes'>,
  now: Date,
): Date {
  const { displace_before_minutes, free_cancel_before_minutes, cancel_before_minutes } = rules
  return minutesAfter(now, Math.max(displace_before_minutes, free_cancel_before_minutes, cancel_before_minutes))
}
