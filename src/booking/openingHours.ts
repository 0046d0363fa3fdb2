import { addDays, instantAt, localDate, weekday } from '../kernel/time.ts'
import { earlier, type Interval, later } from './interval.ts'

/** A half-open part of a local day, from 'HH:MM' to 'HH:MM'; `closes` may be '24:00'. */
export interface OpenInterval {
  readonly opens: string
  readonly closes: string
}

/** Opening hours of a weekday: 1 is Monday, 7 is Sunday. A weekday may have several. */
export interface WeeklyHours extends OpenInterval {
  readonly weekday: number
}

/** A dated exception, which replaces the weekly hours of that day. Without times the place is closed all day. */
export interface HoursException {
  readonly date: string
  readonly opens: string | null
  readonly closes: string | null
  readonly reason: string | null
}

/** Opening hours of a place. Without weekly hours it is always open, except for its exceptions. */
export interface OpeningHours {
  readonly weekly: readonly WeeklyHours[]
  readonly exceptions: readonly HoursException[]
}

/** A local date and time at the place. */
export interface LocalMoment {
  readonly date: string
  readonly time: string
}

/** A fault in opening hours; `path` is a JSON pointer into them. */
export interface HoursFault {
  readonly path: string
  readonly message: string
}

const ALL_DAY: readonly OpenInterval[] = [{ opens: '00:00', closes: '24:00' }]

const byStart = (a: OpenInterval, b: OpenInterval): number => (a.opens < b.opens ? -1 : a.opens > b.opens ? 1 : 0)

/** The opening hours of a local date, in order and without overlaps; empty if the place is closed that day. */
export function openIntervals(hours: OpeningHours, date: string): OpenInterval[] {
  const exceptions = hours.exceptions.filter((exception) => exception.date === date)
  if (exceptions.length > 0) {
    return exceptions
      .flatMap(({ opens, closes }) => (opens !== null && closes !== null ? [{ opens, closes }] : []))
      .sort(byStart)
  }
  if (hours.weekly.length === 0) return [...ALL_DAY]
  const day = weekday(date)
  return hours.weekly
    .filter((entry) => entry.weekday === day)
    .map(({ opens, closes }) => ({ opens, closes }))
    .sort(byStart)
}

/** Whether intervals of a day cover it from `opens` to `closes`; intervals that touch count as one. */
function isCovered(intervals: readonly OpenInterval[], opens: string, closes: string): boolean {
  let reached = opens
  for (const interval of intervals) {
    if (interval.opens > reached) break
    if (interval.closes > reached) reached = interval.closes
  }
  return reached >= closes
}

/**
 * Whether the place is open throughout the half-open span between two moments, also across midnight. Times are compared
 * as local times. The caller must bound the length: there is one step per day.
 */
export function isWithinHours(hours: OpeningHours, from: LocalMoment, to: LocalMoment): boolean {
  for (let date = from.date; date <= to.date; date = addDays(date, 1)) {
    const opens = date === from.date ? from.time : '00:00'
    const closes = date === to.date ? to.time : '24:00'
    if (opens < closes && !isCovered(openIntervals(hours, date), opens, closes)) return false
  }
  return true
}

/**
 * The times at which the place is open within a span, in order and disjoint; times that touch are merged, also across
 * midnight. The caller must bound the length: there is one step per day.
 */
export function openSpans(hours: OpeningHours, { start, end }: Interval, zone: string): Interval[] {
  const spans: Interval[] = []
  const last = localDate(end, zone)
  for (let date = localDate(start, zone); date <= last; date = addDays(date, 1)) {
    for (const { opens, closes } of openIntervals(hours, date)) {
      const open = {
        start: later(instantAt(date, opens, zone), start),
        end: earlier(instantAt(date, closes, zone), end),
      }
      if (open.start >= open.end) continue
      const before = spans.at(-1)
      if (before && before.end >= open.start)
        spans[spans.length - 1] = { start: before.start, end: later(before.end, open.end) }
      else spans.push(open)
    }
  }
  return spans
}

/**
 * Faults in new opening hours: times out of order, overlapping times of one day, a day that is both closed and open.
 * Empty if there are none.
 */
export function faultsOf(hours: OpeningHours): HoursFault[] {
  const weekly = hours.weekly.map((entry, index) => ({
    ...entry,
    day: `weekday ${entry.weekday}`,
    path: `/weekly/${index}`,
  }))
  const dated = hours.exceptions.map((entry, index) => ({ ...entry, day: entry.date, path: `/exceptions/${index}` }))
  const open = [...weekly, ...dated].flatMap(({ opens, closes, day, path }) =>
    opens !== null && closes !== null ? [{ opens, closes, day, path }] : [],
  )
  const shut = dated.filter((entry) => entry.opens === null)
  const faults: HoursFault[] = open
    .filter(({ opens, closes }) => opens >= closes)
    .map(({ path }) => ({ path: `${path}/closes`, message: 'must be later than opens' }))

  for (const intervals of Map.groupBy(open, ({ day }) => day).values()) {
    const ordered = intervals.toSorted(byStart)
    ordered.forEach((interval, index) => {
      const previous = ordered[index - 1]
      if (previous && interval.opens < previous.closes) {
        faults.push({
          path: interval.path,
          message: `overlaps ${previous.opens}–${previous.closes} of ${interval.day}`,
        })
      }
    })
  }
  for (const [date, entries] of Map.groupBy(shut, (entry) => entry.date)) {
    const first = entries[0]
    if (first && (entries.length > 1 || open.some(({ day }) => day === date))) {
      faults.push({ path: first.path, message: `${date} is closed all day and has another entry` })
    }
  }
  return faults
}
