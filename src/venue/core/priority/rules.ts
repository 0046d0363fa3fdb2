import { minutesAfter } from '../../../booking/interval.ts'
import type { BookingRules } from '../bookingRules/rules.ts'

/** A reservation that a leader's booking might displace. */
export interface Ordinary {
  readonly id: number
  readonly partySize: number
}

/**
 * Whom a leader's booking displaces: the newest ordinary reservations, as few as make enough places; null when even all
 * of them would not do. `newestFirst` has no leader's reservation in it: leaders never displace leaders.
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

/** Nobody is displaced later than `displaceBeforeMinutes` before the start. */
export function mayDisplace(startAt: Date, displaceBeforeMinutes: number, now: Date): boolean {
  return now < minutesAfter(startAt, -displaceBeforeMinutes)
}

/**
 * Which reservations a leader's booking displaces: where it has to be approved it is a request at first, and only other
 * requests give way to it.
 */
export function displaceable({
  requires_approval,
}: Pick<BookingRules, 'requires_approval'>): readonly ('pending' | 'confirmed')[] {
  return requires_approval ? ['pending'] : ['pending', 'confirmed']
}

/**
 * From when on a slot may start that somebody is moved to: far enough off to displace people from, and to cancel
 * freely.
 */
export function earliestMove(
  rules: Pick<BookingRules, 'displace_before_minutes' | 'free_cancel_before_minutes' | 'cancel_before_minutes'>,
  now: Date,
): Date {
  const { displace_before_minutes, free_cancel_before_minutes, cancel_before_minutes } = rules
  return minutesAfter(now, Math.max(displace_before_minutes, free_cancel_before_minutes, cancel_before_minutes))
}
