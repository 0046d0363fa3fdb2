import { type Interval, overlaps } from '../../../booking/interval.ts'

/** A slot that a person could book instead. */
export interface Alternative {
  readonly id: number
  readonly venueId: number
  readonly venueName: string
  readonly startAt: Date
  readonly endAt: Date
  /** Available places. */
  readonly free: number
}

/**
 * Chooses the first `most` slots that have room for the party and don't overlap the person's own times. The candidates
 * come in order of preference.
 */
export function chooseAlternatives(
  candidates: readonly Alternative[],
  own: readonly Interval[],
  partySize: number,
  most: number,
): readonly Alternative[] {
  const chosen: Alternative[] = []
  for (const slot of candidates) {
    if (chosen.length === most) break
    const span = { start: slot.startAt, end: slot.endAt }
    if (slot.free >= partySize && !own.some((taken) => overlaps(taken, span))) chosen.push(slot)
  }
  return chosen
}
