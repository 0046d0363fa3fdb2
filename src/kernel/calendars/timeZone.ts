import { Temporal } from 'temporal-polyfill'

/** Years before and after an instant for which a time zone is described; no event of a feed is further away. */
const YEARS = 5

/**
 * A time zone in the form of RFC 5545 §3.6.5: the offset at the beginning of the described period, and each change
 * within it. Changes are listed one by one instead of by rules, so that rules which a country changes are right too.
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
    // A change is given in local time with the offset before it.
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
