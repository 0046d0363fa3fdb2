import { Temporal } from 'temporal-polyfill'
import { late } from '../late.ts'
import type { Config } from '../settings.ts'
import { withoutControls } from '../text.ts'
import { vtimezone } from './timeZone.ts'

const icalGenerator = late<typeof import('ical-generator')>('ical-generator')

/** One entry of a calendar. */
export interface CalendarEvent {
  /** Never changes: `reservation-42`. */
  readonly key: string
  readonly startAt: Date
  readonly endAt: Date
  readonly summary: string
  readonly description: string
  readonly location: string | null
  readonly status: 'tentative' | 'confirmed' | 'cancelled'
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** The media type of a calendar. */
export const ICALENDAR = 'text/calendar; charset=utf-8'

const STATUS = { tentative: 'TENTATIVE', confirmed: 'CONFIRMED', cancelled: 'CANCELLED' } as const

/** Events as an iCalendar (RFC 5545) in the local time zone; the same bytes as long as nothing changes. */
export function icalendar(
  { timeZone, publicUrl }: Pick<Config, 'timeZone' | 'publicUrl'>,
  name: string,
  events: readonly CalendarEvent[],
  now: Date,
): string {
  const { default: ical, ICalCalendarMethod, ICalEventStatus } = icalGenerator()
  // The calendar has no zone of its own: with one, the library would write DTSTAMP in local time instead of UTC.
  const calendar = ical({
    name,
    prodId: { company: 'Yuyue', product: 'Reservations', language: 'ZH' },
    method: ICalCalendarMethod.PUBLISH,
    timezone: { name: null, generator: (zone) => vtimezone(zone, now) },
    ttl: 15 * 60,
  })
  const local = (instant: Date) =>
    Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(timeZone)
  for (const { key, startAt, endAt, status, createdAt, updatedAt, summary, description, location } of events) {
    calendar.createEvent({
      id: `${key}@${new URL(publicUrl).hostname}`,
      // Half of an hour that happens twice would mean the other one.
      ...(isAmbiguous(local(startAt)) || isAmbiguous(local(endAt))
        ? { start: startAt, end: endAt }
        : { start: local(startAt), end: local(endAt), timezone: timeZone }),
      summary: withoutControls(summary),
      description: withoutControls(description),
      location: location === null ? null : withoutControls(location),
      status: ICalEventStatus[STATUS[status]],
      // Grows with every change, as calendar programs expect.
      sequence: Math.max(0, Math.floor((updatedAt.getTime() - createdAt.getTime()) / 1000)),
      stamp: updatedAt,
      created: createdAt,
      lastModified: updatedAt,
    })
  }
  return withPropertiesFirst(calendar.toString())
}

/** Whether a local time happens twice, on the day when the clocks go back. */
function isAmbiguous(time: Temporal.ZonedDateTime): boolean {
  const at = (disambiguation: 'earlier' | 'later') =>
    time.toPlainDateTime().toZonedDateTime(time.timeZoneId, { disambiguation }).epochMilliseconds
  return at('earlier') !== at('later')
}

/**
 * The calendar with its own properties before its components (RFC 5545 §3.6), where the library leaves some behind the
 * time zone: some programs overlook them there, and then don't refresh.
 */
function withPropertiesFirst(calendar: string): string {
  const [, head, zone, late, rest] =
    /^([\s\S]*?\r\n)(BEGIN:VTIMEZONE\r\n[\s\S]*?END:VTIMEZONE\r\n)((?:(?!BEGIN:)[^\r]*\r\n)*)([\s\S]*)$/.exec(
      calendar,
    ) ?? []
  return head === undefined || late === '' || rest === '' ? calendar : `${head}${late}${zone}${rest}`
}
