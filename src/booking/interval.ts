/** A half-open span of time: the start belongs to it, the end does not, so that 9–10 and 10–11 do not overlap. */
export interface Interval {
  readonly start: Date
  readonly end: Date
}

/** True where two intervals share an instant. */
export function overlaps(a: Interval, b: Interval): boolean {
  return a.start < b.end && b.start < a.end
}

/** Whole minutes from one instant to another, rounded down. */
export function minutesBetween(from: Date, to: Date): number {
  return Math.floor((to.getTime() - from.getTime()) / 60_000)
}

/** The instant `minutes` after (or, negative, before) another. */
export function minutesAfter(instant: Date, minutes: number): Date {
  return new Date(instant.getTime() + minutes * 60_000)
}

/** The earlier of two instants. */
export function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}
