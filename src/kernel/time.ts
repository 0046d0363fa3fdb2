import { Temporal } from 'temporal-polyfill'

/**
 * Calendar functions: instants are `Date`s, local dates are 'YYYY-MM-DD', local times 'HH:MM', zones are IANA names.
 * Years 0001 to 9999. They are on hot paths, so offsets are cached and most answers are plain arithmetic; Temporal
 * computes the rest.
 */

const DAY = 86_400_000
const MINUTE = 60_000

/** By zone, then by UTC day: the offset in milliseconds during that day, or 'changes' on the day of a transition. */
const offsetsByDay = new Map<string, Map<number, number | 'changes'>>()
const REMEMBERED_DAYS = 10_000

function exactOffset(epoch: number, zone: string): number {
  return Temporal.Instant.fromEpochMilliseconds(epoch).toZonedDateTimeISO(zone).offsetNanoseconds / 1e6
}

/** The offset of a UTC day. No zone has two transitions within a day, so equal offsets at both ends hold all day. */
function offsetOfDay(day: number, zone: string): number | 'changes' {
  let days = offsetsByDay.get(zone)
  if (!days) {
    days = new Map()
    offsetsByDay.set(zone, days)
  }
  let offset = days.get(day)
  if (offset === undefined) {
    const start = exactOffset(day * DAY, zone)
    offset = start === exactOffset((day + 1) * DAY - 1, zone) ? start : 'changes'
    if (days.size >= REMEMBERED_DAYS) days.clear()
    days.set(day, offset)
  }
  return offset
}

function offsetAt(epoch: number, zone: string): number {
  const offset = offsetOfDay(Math.floor(epoch / DAY), zone)
  return offset === 'changes' ? exactOffset(epoch, zone) : offset
}

/** The local date and time in a zone, written as if it were UTC: '2026-03-01T08:30:00.000Z'. */
function wallClock(instant: Date, zone: string): string {
  const epoch = instant.getTime()
  if (Number.isNaN(epoch)) throw new RangeError('Not an instant: invalid date')
  return new Date(epoch + offsetAt(epoch, zone)).toISOString()
}

/** Days since 1970-01-01. @throws RangeError if the text is not an existing date. */
function dayNumber(localDate: string): number {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(localDate)
  if (match) {
    const date = new Date(`${localDate}T00:00:00Z`)
    // V8 reads 30 February as 2 March.
    if (date.getUTCDate() === Number(match[3])) return date.getTime() / DAY
  }
  throw new RangeError(`Not a date YYYY-MM-DD: ${JSON.stringify(localDate).slice(0, 40)}`)
}

function dateOfDay(day: number): string {
  const text = new Date(day * DAY).toISOString()
  if (text.length !== 24) throw new RangeError('A date before the year 0 or after the year 9999')
  return text.slice(0, 10)
}

/** Minutes since midnight; '24:00' is allowed. @throws RangeError if the text is not a time of day. */
function minuteOfDay(localTime: string): number {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(localTime)
  if (match) return Number(match[1]) * 60 + Number(match[2])
  if (localTime === '24:00') return 1440
  throw new RangeError(`Not a time HH:MM: ${JSON.stringify(localTime).slice(0, 40)}`)
}

/** The local date of an instant: 'YYYY-MM-DD'. */
export function localDate(instant: Date, zone: string): string {
  return wallClock(instant, zone).slice(0, 10)
}

/** The local time of an instant, seconds dropped: 'HH:MM'. */
export function localTime(instant: Date, zone: string): string {
  return wallClock(instant, zone).slice(11, 16)
}

/** An instant as ISO 8601 with the offset of the zone, milliseconds dropped: 'YYYY-MM-DDTHH:MM:SS+08:00'. */
export function localTimestamp(instant: Date, zone: string): string {
  const minutes = Math.round(offsetAt(instant.getTime(), zone) / MINUTE)
  const size = Math.abs(minutes)
  const offset = new Date(size * MINUTE).toISOString().slice(11, 16)
  return `${wallClock(instant, zone).slice(0, 19)}${minutes < 0 ? '-' : '+'}${offset}`
}

/**
 * The instant of a local date and time in a zone. '24:00' is the next day's midnight. A time that a clock change skips
 * is moved forward by the length of the gap; of a time that happens twice, the first is taken (Temporal's
 * 'compatible').
 * @throws RangeError if date or time is not well formed.
 */
export function instantAt(localDate: string, localTime: string, zone: string): Date {
  const wall = dayNumber(localDate) * DAY + minuteOfDay(localTime) * MINUTE
  const day = Math.floor(wall / DAY)
  const offset = offsetOfDay(day, zone)
  // Offsets are shorter than a day, so with one offset on the day before, this day and the day after, it applies here.
  if (offset !== 'changes' && offset === offsetOfDay(day - 1, zone) && offset === offsetOfDay(day + 1, zone)) {
    return new Date(wall - offset)
  }
  const plain = Temporal.PlainDateTime.from(new Date(wall).toISOString().slice(0, 19))
  return new Date(plain.toZonedDateTime(zone, { disambiguation: 'compatible' }).epochMilliseconds)
}

/** Parses a text of the format `InstantInput`; without an offset it is local time in `zone`. */
export function parseInstant(text: string, zone: string): Date {
  const iso = text.replace(' ', 'T')
  if (/(Z|[+-]\d\d:\d\d)$/.test(iso)) return new Date(iso)
  const [date = '', time = ''] = iso.split('T')
  const [, seconds = '0'] = /^\d\d:\d\d:(.+)$/.exec(time) ?? []
  return new Date(instantAt(date, time.slice(0, 5), zone).getTime() + Math.floor(Number(seconds) * 1000))
}

/** The half-open interval of a local day: 23, 24 or 25 hours long. Days follow each other without gaps. */
export function dayBounds(localDate: string, zone: string): { readonly start: Date; readonly end: Date } {
  return { start: instantAt(localDate, '00:00', zone), end: instantAt(localDate, '24:00', zone) }
}

/** The local date `days` later (or earlier, if negative). */
export function addDays(localDate: string, days: number): string {
  return dateOfDay(dayNumber(localDate) + days)
}

/** Days from one local date to another; negative backwards. */
export function daysBetween(from: string, to: string): number {
  return dayNumber(to) - dayNumber(from)
}

/** ISO weekday: Monday is 1, Sunday is 7. */
export function weekday(localDate: string): number {
  // 1970-01-01 was a Thursday; dates before it have negative numbers.
  return ((((dayNumber(localDate) + 3) % 7) + 7) % 7) + 1
}

/** The Monday that starts the ISO week of a local date. */
export function isoWeek(localDate: string): string {
  return addDays(localDate, 1 - weekday(localDate))
}
