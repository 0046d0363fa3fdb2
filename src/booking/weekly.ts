import { addDays, instantAt, localDate, localTime } from '../kernel/time.ts'

/** One week of a series, and the times it has there. */
export interface Week {
  /** From 1. */
  readonly week: number
  /** The local date. */
  readonly date: string
  readonly startAt: Date
  readonly endAt: Date
}

/** Every week or none, or as many as can be had. */
export type SeriesMode = 'all' | 'best_effort'

/** The same local weekday and times, to the second, in `weeks` weeks, those of `first` being the first. It may end on a later day. */
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

/** The time of day of an instant, on another day. */
function timeOn(date: string, instant: Date, zone: string): Date {
  return new Date(instantAt(date, localTime(instant, zone), zone).getTime() + (instant.getTime() % 60_000))
}

/** May a series in which `booked` of `weeks` weeks could be had stand? A series of nothing is none. */
export function maySeriesStand(mode: SeriesMode, booked: number, weeks: number): boolean {
  return mode === 'all' ? booked === weeks : booked > 0
}
