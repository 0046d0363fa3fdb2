import { addDays, instantAt, localDate, weekday } from '../kernel/time.ts'
import { earlier, type Interval, later } from './interval.ts'

/** A part of a local day, half-open: 'HH:MM' to 'HH:MM', where closes may be '24:00'. */
export interface OpenInterval {
  readonly opens: string
  readonly closes: string
}

/** What holds on every such day of the week: 1 is Monday, 7 is Sunday. A day may have several. */
export interface WeeklyHours extends OpenInterval {
  readonly weekday: number
}

/** A dated exception: it replaces the weekly hours of that day. Without times the place is shut all day. */
export interface HoursException {
  readonly date: string
  readonly opens: string | null
  readonly closes: string | null
  readonly reason: string | null
}

/** Without weekly hours a place is always open, save for its exceptions. */
export interface OpeningHours {
  readonly weekly: readonly WeeklyHours[]
  readonly exceptions: readonly HoursException[]
}

/** A moment on the wall clock of the place. */
export interface LocalMoment {
  readonly date: string
  readonly time: string
}

/** What is wrong with opening hours, as a JSON pointer into them. */
export interface HoursFault {
  readonly path: string
  readonly message: string
}

const ALL_DAY: readonly OpenInterval[] = [{ opens: '00:00', closes: '24:00' }]

const byStart = (a: OpenInterval, b: OpenInterval): number => (a.opens < b.opens ? -1 : a.opens > b.opens ? 1 : 0)

/** When the place is open on a local date, in order of time and without overlaps: none when it is shut that day. */
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

/** Whether every minute from `opens` to `closes` of a day lies in one of its intervals; neighbours that touch count as one. */
function isCovered(intervals: readonly OpenInterval[], opens: string, closes: string): boolean {
  let reached = opens
  for (const interval of intervals) {
    if (interval.opens > reached) break
    if (interval.closes > reached) reached = interval.closes
  }
  return reached >= closes
}

/**
 * Whether the place is open throughout the half-open time between two moments, over midnight too. The times are compared on the wall
 * clock. The caller bounds the length: the work is one step a day.
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
 * When the place is open within a span of time, in order and apart: what touches, over midnight too, is one. The caller bounds the length: the
 * work is one step a day.
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
 * What is wrong with hours somebody wants to set: times out of order, times of one day that overlap, a day that is both shut and open.
 * Empty when nothing is.
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
      faults.push({ path: first.path, message: `${date} is shut all day and has another entry` })
    }
  }
  return faults
}
