import { type Interval, overlaps } from '../../../booking/interval.ts'

/** A slot somebody might take instead. */
export interface Alternative {
  readonly id: number
  readonly venueId: number
  readonly venueName: string
  readonly startAt: Date
  readonly endAt: Date
  /** Places that nobody holds. */
  readonly free: number
}

/**
 * The first `most` slots (they come in order of preference) with room for the party, at times at which the person has
 * nothing.
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
