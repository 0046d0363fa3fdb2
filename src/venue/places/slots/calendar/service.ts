import { type OpenInterval, openIntervals } from '../../../../booking/openingHours.ts'
import { FIRST_DAY, LAST_DAY } from '../../../../kernel/http/request/formats.ts'
import type { Kernel } from '../../../../kernel/kernel.ts'
import { addDays, dayBounds, isoWeek, localDate } from '../../../../kernel/time.ts'
import { venueHours } from '../../../core/openingHoursStore.ts'
import { noSuchVenue } from '../../../core/venues/service.ts'
import { datesBetween } from '../rules.ts'
import { requireDays } from '../service.ts'
import * as store from './store.ts'

/** One local day of a venue. */
export interface CalendarDay {
  readonly date: string
  readonly open: readonly OpenInterval[]
  readonly closures: readonly store.CalendarClosure[]
  /** Slots that start on this day. */
  readonly slots: readonly store.CalendarSlot[]
}

export interface Calendar {
  readonly startDate: string
  readonly endDate: string
  readonly days: readonly CalendarDay[]
}

/**
 * Reads the days of a venue, both dates included: open times, closures, slots and, for a signed-in person, their own
 * reservations. The default is this week, Monday to Sunday; with only one of the dates, the week that starts or ends
 * with it.
 * @throws NotFound, Invalid `validation` for more than 92 days
 */
export async function readCalendar(
  kernel: Pick<Kernel, 'reads' | 'clock' | 'config'>,
  venueId: number,
  request: { readonly startDate?: string | undefined; readonly endDate?: string | undefined },
  userId: number | null,
): Promise<Calendar> {
  const zone = kernel.config.timeZone
  const startDate =
    request.startDate ?? (request.endDate ? weekUpTo(request.endDate) : isoWeek(localDate(kernel.clock.now(), zone)))
  const endDate = request.endDate ?? weekFrom(startDate)
  requireDays(startDate, endDate, 'query')
  const span = { start: dayBounds(startDate, zone).start, end: dayBounds(endDate, zone).end }
  const closures = await store.closuresOf(kernel.reads, venueId, span)
  if (!closures) throw noSuchVenue()
  const hours = await venueHours(kernel.reads, venueId, { from: startDate, to: endDate })
  const slots = Map.groupBy(await store.slotsOf(kernel.reads, venueId, span, userId), ({ startAt }) =>
    localDate(startAt, zone),
  )
  const days = datesBetween(startDate, endDate).map((date) => {
    const day = dayBounds(date, zone)
    return {
      date,
      open: openIntervals(hours, date),
      closures: closures.filter(({ startAt, endAt }) => startAt < day.end && (endAt === null || endAt > day.start)),
      slots: slots.get(date) ?? [],
    }
  })
  return { startDate, endDate, days }
}

/** First day of the week that ends with a day, but not before the first supported date. */
function weekUpTo(date: string): string {
  return date < addDays(FIRST_DAY, 6) ? FIRST_DAY : addDays(date, -6)
}

/** Last day of the week that starts with a day, but not after the last supported date. */
function weekFrom(date: string): string {
  return date > addDays(LAST_DAY, -6) ? LAST_DAY : addDays(date, 6)
}
