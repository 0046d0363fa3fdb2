import { earlier, type Interval } from '../../src/booking/interval.ts'
import { localDate, localTime, weekday } from '../../src/kernel/time.ts'
import { hourOfWeek, NO_MINUTES, type WeekMinutes } from '../../src/room/figures/statistics/rules.ts'

/** The minutes of spans in each local hour of the week: a slow reference implementation that steps hour by hour. */
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
