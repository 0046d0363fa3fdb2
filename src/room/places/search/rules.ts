import { earlier, type Interval, later, minutesAfter, without } from '../../../booking/interval.ts'
import { openSpans, type WeeklyHours } from '../../../booking/openingHours.ts'
import { addDays, instantAt, localDate, localTime } from '../../../kernel/time.ts'

/** The facts about a room for finding a free time in it. */
export interface RoomTimes {
  readonly openHours: readonly WeeklyHours[]
  /** The times at which it is booked or closed; they may overlap. */
  readonly taken: readonly Interval[]
}

/**
 * The free time of a room that is as long as the wanted one and begins nearest to it, on the grid of minutes. Null if
 * there is none in the searched span.
 */
export function nearestFree(
  room: RoomTimes,
  wanted: Interval,
  search: Interval & { readonly gridMinutes: number; readonly zone: string },
): Interval | null {
  const { gridMinutes, zone } = search
  const length = wanted.end.getTime() - wanted.start.getTime()
  const distance = (start: Date) => Math.abs(start.getTime() - wanted.start.getTime())
  let nearest: Date | null = null
  for (const gap of without(openSpans({ weekly: room.openHours, exceptions: [] }, search, zone), room.taken)) {
    const first = upToGrid(gap.start, gridMinutes, zone)
    const last = downToGrid(new Date(gap.end.getTime() - length), gridMinutes, zone)
    if (first > last) continue
    const start = wanted.start > last ? last : later(downToGrid(wanted.start, gridMinutes, zone), first)
    if (nearest === null || distance(start) < distance(nearest)) nearest = start
  }
  return nearest && { start: nearest, end: new Date(nearest.getTime() + length) }
}

/** The last time on the grid that is not later. The grid starts at local midnight. */
function downToGrid(instant: Date, gridMinutes: number, zone: string): Date {
  const minute = minuteOf(instant, zone)
  return minutesAfter(wholeMinute(instant), -(minute % gridMinutes))
}

/** The first time on the grid that is not earlier. */
function upToGrid(instant: Date, gridMinutes: number, zone: string): Date {
  const down = downToGrid(instant, gridMinutes, zone)
  if (down.getTime() === instant.getTime()) return down
  const midnight = instantAt(addDays(localDate(instant, zone), 1), '00:00', zone)
  return earlier(minutesAfter(down, gridMinutes), midnight)
}

function minuteOf(instant: Date, zone: string): number {
  const [hours = 0, minutes = 0] = localTime(instant, zone).split(':').map(Number)
  return hours * 60 + minutes
}

function wholeMinute(instant: Date): Date {
  return new Date(Math.floor(instant.getTime() / 60_000) * 60_000)
}
