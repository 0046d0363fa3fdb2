/** A half-open span of time: it includes its start but not its end, so that 9–10 and 10–11 do not overlap. */
export interface Interval {
  readonly start: Date
  readonly end: Date
}

/** Whether two intervals share an instant. */
export function overlaps(a: Interval, b: Interval): boolean {
  return a.start < b.end && b.start < a.end
}

/** Whole minutes from one instant to another, rounded down. */
export function minutesBetween(from: Date, to: Date): number {
  return Math.floor((to.getTime() - from.getTime()) / 60_000)
}

/** The instant `minutes` after another (before, if negative). */
export function minutesAfter(instant: Date, minutes: number): Date {
  return new Date(instant.getTime() + minutes * 60_000)
}

/** The earlier of two instants. */
export function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}

/** The later of two instants. */
export function later(a: Date, b: Date): Date {
  return a > b ? a : b
}

/**
 * The parts of `spans` that are not covered by `taken`. `spans` must be in order and disjoint, and so is the result;
 * `taken` may be in any order and overlap.
 */
export function without(spans: readonly Interval[], taken: readonly Interval[]): Interval[] {
  const cuts = taken.toSorted((a, b) => a.start.getTime() - b.start.getTime())
  return spans.flatMap(({ start, end }) => {
    const left: Interval[] = []
    let reached = start
    for (const cut of cuts) {
      if (cut.start >= end) break
      if (cut.start > reached) left.push({ start: reached, end: cut.start })
      reached = later(reached, cut.end)
    }
    return reached < end ? [...left, { start: reached, end }] : left
  })
}
