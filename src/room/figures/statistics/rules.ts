import { earlier, type Interval, without } from '../../../booking/interval.ts'
import type { WeeklyHours } from '../../../booking/openingHours.ts'
import { localDate, localTime, weekday } from '../../../kernel/time.ts'

/** Minutes by the hours of a week: the first of 168 is Monday from midnight to one o'clock. */
export type WeekMinutes = readonly number[]

const HOURS = 24
const WEEK = 7 * HOURS
const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** No minutes in any hour. */
export const NO_MINUTES: WeekMinutes = Array.from({ length: WEEK }, () => 0)

/** Index of an hour among the 168 of a week; weekdays count from 1, Monday. */
export function hourOfWeek(day: number, hour: number): number {
  return (day - 1) * HOURS + hour
}

/** The sum of both, cell by cell. */
export function plus(a: WeekMinutes, b: WeekMinutes): WeekMinutes {
  return a.map((minutes, cell) => minutes + (b[cell] ?? 0))
}

export function sum(minutes: WeekMinutes): number {
  return minutes.reduce((total, one) => total + one, 0)
}

/** Opening times of a room: its weekly hours (none: always open), without its closures. */
export interface RoomHours {
  readonly weekly: readonly WeeklyHours[]
  readonly closed: readonly Interval[]
}

/**
 * The open minutes of each room in a span, by the hours of the week. Reads the calendar once for every hour of the
 * span, whatever the number of rooms and closures. Rooms with the same hours share the result, and closures are
 * subtracted by whole weeks.
 */
export function openMinutes(rooms: readonly RoomHours[], span: Interval, zone: string): readonly WeekMinutes[] {
  const hours = hoursOf(span, zone)
  const known = new Map<string, { readonly opened: Opened; readonly all: WeekMinutes }>()
  return rooms.map(({ weekly, closed }) => {
    const key = JSON.stringify(weekly)
    let open = known.get(key)
    if (!open) {
      const opened = openedIn(hours, weekly)
      const all = [...NO_MINUTES]
      addOpen(all, opened, span, 1)
      open = { opened, all }
      known.set(key, open)
    }
    const minutes = [...open.all]
    for (const shut of without([span], without([span], closed))) addOpen(minutes, open.opened, shut, -1)
    return minutes
  })
}

/** An hour of the wall clock, or the part of it that lies in the span. */
interface Hour {
  /** Milliseconds since 1970. */
  readonly start: number
  readonly end: number
  /** Index among the 168 hours of a week. */
  readonly cell: number
  /** Minutes from the full hour to its start. */
  readonly past: number
}

/** The hours of a span, in order. */
function hoursOf({ start, end }: Interval, zone: string): readonly Hour[] {
  const hours: Hour[] = []
  for (let at = start; at < end; ) {
    const [hour = 0, minute = 0] = localTime(at, zone).split(':').map(Number)
    const next = earlier(end, new Date((Math.floor(at.getTime() / MINUTE) + 60 - minute) * MINUTE))
    const past = minute + (at.getTime() % MINUTE) / MINUTE
    const cell = hourOfWeek(weekday(localDate(at, zone)), hour)
    hours.push({ start: at.getTime(), end: next.getTime(), cell, past })
    at = next
  }
  return hours
}

/** The hours of a span, with the open minutes of each. */
interface Opened {
  readonly hours: readonly Hour[]
  /** Opening times, in minutes of the week. */
  readonly times: readonly (readonly [opens: number, closes: number])[]
  readonly minutes: readonly number[]
  /** Running sums: of no hours, of the first 168, of the first 336 and so on. */
  readonly weeks: readonly WeekMinutes[]
}

function openedIn(hours: readonly Hour[], weekly: readonly WeeklyHours[]): Opened {
  const times = weekly.map(
    ({ weekday, opens, closes }) => [weekMinute(weekday, opens), weekMinute(weekday, closes)] as const,
  )
  if (times.length === 0) times.push([0, WEEK * 60])
  const minutes = hours.map((hour) => openPart(times, hour, hour.start, hour.end))
  const weeks: WeekMinutes[] = []
  const sums = [...NO_MINUTES]
  hours.forEach(({ cell }, index) => {
    if (index % WEEK === 0) weeks.push([...sums])
    sums[cell] = (sums[cell] ?? 0) + (minutes[index] ?? 0)
  })
  return { hours, times, minutes, weeks }
}

function weekMinute(weekday: number, time: string): number {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return hourOfWeek(weekday, hour) * 60 + minute
}

/** The open minutes of an hour between two instants of it. */
function openPart(times: Opened['times'], { start, cell, past }: Hour, from: number, to: number): number {
  const [since, until] = [from, to].map((at) => cell * 60 + past + (at - start) / MINUTE)
  return times.reduce(
    (sum, [opens, closes]) => sum + Math.max(0, Math.min(closes, until ?? 0) - Math.max(opens, since ?? 0)),
    0,
  )
}

/** Adds or subtracts the open minutes of a part of the span, by the hours of the week. */
function addOpen(minutes: number[], opened: Opened, part: Interval, sign: 1 | -1): void {
  const { hours, times, weeks } = opened
  const [from, to] = [part.start.getTime(), part.end.getTime()]
  const add = (cell: number, open = 0) => {
    minutes[cell] = (minutes[cell] ?? 0) + sign * open
  }
  // An estimate from below: no hour is longer than 60 minutes, so the hour has this index or a later one.
  let index = Math.floor((from - (hours[0]?.start ?? from)) / HOUR)
  for (let hour = hours[index]; hour && hour.start < to; hour = hours[index]) {
    const isWhole = from <= hour.start && hour.end <= to
    const week = index / WEEK
    const after = isWhole && weeks[week] ? weeks.findLastIndex((_, nth) => (hours[nth * WEEK]?.start ?? 0) <= to) : week
    if (after > week) {
      weeks[after]?.forEach((open, cell) => {
        add(cell, open - (weeks[week]?.[cell] ?? 0))
      })
      index = after * WEEK
      continue
    }
    if (isWhole) add(hour.cell, opened.minutes[index])
    else add(hour.cell, openPart(times, hour, Math.max(from, hour.start), Math.min(to, hour.end)))
    index += 1
  }
}
