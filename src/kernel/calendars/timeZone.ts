import { Temporal } from 'temporal-polyfill'

/** Years before and after an instant for which a time zone is described: nothing in a feed lies further away. */
const YEARS = 5

/**
 * A zone as RFC 5545 §3.6.5 wants it: the offset that holds when the description begins, and each change of it until its end. Every change stands by itself,
 * so that a rule that a country gives up half-way is right too.
 */
export function vtimezone(zone: string, now: Date): string {
  const start = Temporal.Instant.fromEpochMilliseconds(now.getTime())
    .toZonedDateTimeISO(zone)
    .subtract({ years: YEARS })
  const end = start.add({ years: 2 * YEARS })
  const parts = [observance('STANDARD', '19700101T000000', start.offset, start.offset)]
  let offset = start.offset
  for (let next = start.getTimeZoneTransition('next'); next; next = next.getTimeZoneTransition('next')) {
    if (Temporal.ZonedDateTime.compare(next, end) > 0) break
    // The wall clock at which it happens is that of the offset before.
    const local = next.toInstant().toZonedDateTimeISO(offset).toPlainDateTime()
    const kind = minutesOf(next.offset) > minutesOf(offset) ? 'DAYLIGHT' : 'STANDARD'
    parts.push(observance(kind, basic(local), offset, next.offset))
    offset = next.offset
  }
  return ['BEGIN:VTIMEZONE', `TZID:${zone}`, ...parts.flat(), 'END:VTIMEZONE'].join('\r\n')
}

function observance(kind: 'STANDARD' | 'DAYLIGHT', start: string, from: string, to: string): string[] {
  const compact = (offset: string) => offset.replaceAll(':', '')
  return [
    `BEGIN:${kind}`,
    `DTSTART:${start}`,
    `TZOFFSETFROM:${compact(from)}`,
    `TZOFFSETTO:${compact(to)}`,
    `TZNAME:${to}`,
    `END:${kind}`,
  ]
}

const basic = (local: Temporal.PlainDateTime) => local.toString({ smallestUnit: 'second' }).replaceAll(/[-:]/g, '')

function minutesOf(offset: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)/.exec(offset) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}
