import { addDays, instantAt, localDate, localTime } from '../../kernel/time.ts'

/** One week of a series: the times its slot has there. */
export interface Week {
  /** From 1. */
  readonly week: number
  /** The local date. */
  readonly date: string
  readonly startAt: Date
  readonly endAt: Date
}

/** The same local weekday and times in `weeks` weeks, that of the given slot being the first. A slot may end on a later day. */
export function weeksOf(slot: { readonly startAt: Date; readonly endAt: Date }, weeks: number, zone: string): Week[] {
  const [starts, ends] = [localDate(slot.startAt, zone), localDate(slot.endAt, zone)]
  return Array.from({ length: weeks }, (_, index) => {
    const date = addDays(starts, 7 * index)
    return {
      week: index + 1,
      date,
      startAt: instantAt(date, localTime(slot.startAt, zone), zone),
      endAt: instantAt(addDays(ends, 7 * index), localTime(slot.endAt, zone), zone),
    }
  })
}

/** May a series in which `booked` of `weeks` weeks could be had stand? A series of nothing is none. */
export function maySeriesStand(mode: 'all' | 'best_effort', booked: number, weeks: number): boolean {
  return mode === 'all' ? booked === weeks : booked > 0
}
