import { addDays, instantAt, localDate, localTime } from '../kernel/time.ts'

/** One week of a series with its times. */
export interface Week {
  /** From 1. */
  readonly week: number
  /** The local date. */
  readonly date: string
  readonly startAt: Date
  readonly endAt: Date
}

/** Whether a series needs all of its weeks, or takes as many as possible. */
export type SeriesMode = 'all' | 'best_effort'

/**
 * The times of a series: the weekday and local times of `first`, to the second, in `weeks` successive weeks. An
 * occurrence may end on a later day.
 */
export function weeksOf(first: { readonly startAt: Date; readonly endAt: Date }, weeks: number, zone: string): Week[] {
  const [starts, ends] = [localDate(first.startAt, zone), localDate(first.endAt, zone)]
  return Array.from({ length: weeks }, (_, index) => {
    const date = addDays(starts, 7 * index)
    return {
      week: index + 1,
      date,
      startAt: index === 0 ? first.startAt : timeOn(date, first.startAt, zone),
      endAt: index === 0 ? first.endAt : timeOn(addDays(ends, 7 * index), first.endAt, zone),
    }
  })
}

/** The local time of day of an instant, on another day. */
function timeOn(date: string, instant: Date, zone: string): Date {
  return new Date(instantAt(date, localTime(instant, zone), zone).getTime() + (instant.getTime() % 60_000))
}

/** Whether a series is accepted if `booked` of its `weeks` weeks could be booked. A series without any is not. */
export function maySeriesStand(mode: SeriesMode, booked: number, weeks: number): boolean {
  return mode === 'all' ? booked === weeks : booked > 0
}
