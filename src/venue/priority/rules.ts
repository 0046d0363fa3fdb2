import { minutesAfter } from '../../booking/interval.ts'

/** A reservation that a leader's booking might displace. */
export interface Ordinary {
  readonly id: number
  readonly partySize: number
}

/**
 * Whom a leader's booking displaces: the newest ordinary reservations, as few as make enough places; null when even all of them would not do.
 * `newestFirst` has no leader's reservation in it: leaders never displace leaders.
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
