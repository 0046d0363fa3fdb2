import { earlier, type Interval, without } from '../../booking/interval.ts'
import { openSpans, type WeeklyHours } from '../../booking/openingHours.ts'
import { localDate, localTime, weekday } from '../../kernel/time.ts'

/** Minutes by the hours of a week: Monday from midnight to one o'clock is the first of 168. */
export type WeekMinutes = readonly number[]

const HOURS = 24
const WEEK = 7 * HOURS

/** No minutes in any hour. */
export const NO_MINUTES: WeekMinutes = Array.from({ length: WEEK }, () => 0)

/** Which of the 168 hours; weekdays count from 1, Monday. */
export function hourOfWeek(day: number, hour: number): number {
  return (day - 1) * HOURS + hour
}

/** How many minutes of spans lie in each hour of the week, on the wall clock. One step an hour. */
export function minutesByHour(spans: readonly Interval[], zone: string): WeekMinutes {
  const minutes = [...NO_MINUTES]
  for (const { start, end } of spans) {
    for (let at = start; at < end; ) {
      const [hour = 0, minute = 0] = localTime(at, zone).split(':').map(Number)
      const next = earlier(end, new Date((Math.floor(at.getTime() / 60_000) + 60 - minute) * 60_000))
      const cell = hourOfWeek(weekday(localDate(at, zone)), hour)
      minutes[cell] = (minutes[cell] ?? 0) + (next.getTime() - at.getTime()) / 60_000
      at = next
    }
  }
  return minutes
}

/** One after the other, cell by cell. */
export function plus(a: WeekMinutes, b: WeekMinutes, sign: 1 | -1 = 1): WeekMinutes {
  return a.map((minutes, cell) => minutes + sign * (b[cell] ?? 0))
}

export function sum(minutes: WeekMinutes): number {
  return minutes.reduce((total, one) => total + one, 0)
}

/** When a room may be used: its weekly hours (none: always), less what it is closed. */
export interface RoomHours {
  readonly weekly: readonly WeeklyHours[]
  readonly closed: readonly Interval[]
}

/**
 * When rooms are open in a span, by the hours of the week. Rooms of the same hours are worked out once, and only their closures each by themselves:
 * five hundred rooms over a year are some milliseconds.
 */
export function openMinutes(rooms: readonly RoomHours[], span: Interval, zone: string): readonly WeekMinutes[] {
  const known = new Map<string, { spans: readonly Interval[]; minutes: WeekMinutes }>()
  return rooms.map(({ weekly, closed }) => {
    const key = JSON.stringify(weekly)
    let open = known.get(key)
    if (!open) {
      const spans = openSpans({ weekly, exceptions: [] }, span, zone)
      open = { spans, minutes: minutesByHour(spans, zone) }
      known.set(key, open)
    }
    if (closed.length === 0) return open.minutes
    const shut = without(open.spans, without(open.spans, closed))
    return plus(open.minutes, minutesByHour(shut, zone), -1)
  })
}
