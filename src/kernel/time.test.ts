import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { describe, expect, test } from 'vitest'
import {
  addDays,
  dayBounds,
  daysBetween,
  instantAt,
  isoWeek,
  localDate,
  localTime,
  localTimestamp,
  weekday,
} from './time.ts'

const zones = [
  'Asia/Shanghai',
  'Asia/Taipei',
  'America/New_York',
  'UTC',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
] as const
const zone = fc.constantFrom(...zones)
const instant = fc.date({
  min: new Date('1950-01-01T00:00:00Z'),
  max: new Date('2100-01-01T00:00:00Z'),
  noInvalidDate: true,
})
const date = fc
  .integer({ min: -7300, max: 47_000 })
  .map((days) => new Date(days * 86_400_000).toISOString().slice(0, 10))
const time = fc.integer({ min: 0, max: 1439 }).map((minute) => new Date(minute * 60_000).toISOString().slice(11, 16))
const days = fc.integer({ min: -5000, max: 5000 })

/** The same calculation with Temporal, without shortcuts. */
const zoned = (at: Date, in_: string) => Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(in_)

describe('agreement with Temporal', () => {
  test('for the local date and time of any instant', () => {
    fc.assert(
      fc.property(instant, zone, (at, z) => {
        expect(localDate(at, z)).toBe(zoned(at, z).toPlainDate().toString())
        expect(localTime(at, z)).toBe(zoned(at, z).toPlainTime().toString().slice(0, 5))
        expect(localTimestamp(at, z)).toBe(
          zoned(at, z).toString({ timeZoneName: 'never', smallestUnit: 'second', roundingMode: 'floor' }),
        )
      }),
      { numRuns: 1000 },
    )
  })

  test('for the instant of any local date and time, gaps and repetitions included', () => {
    fc.assert(
      fc.property(date, time, zone, (d, t, z) => {
        const expected = Temporal.PlainDateTime.from(`${d}T${t}`).toZonedDateTime(z, { disambiguation: 'compatible' })
        expect(instantAt(d, t, z).getTime()).toBe(expected.epochMilliseconds)
      }),
      { numRuns: 1000 },
    )
  })

  test('for every half hour around every clock change of ten years', () => {
    for (const z of zones) {
      let change = zoned(new Date('2020-01-01T00:00:00Z'), z).getTimeZoneTransition('next')
      while (change && change.year < 2030) {
        for (let minutes = -3000; minutes <= 3000; minutes += 30) {
          const at = new Date(change.epochMilliseconds + minutes * 60_000)
          const [d, t] = [localDate(at, z), localTime(at, z)]
          expect(`${d} ${t}`).toBe(zoned(at, z).toPlainDateTime().toString().slice(0, 16).replace('T', ' '))
          const back = Temporal.PlainDateTime.from(`${d}T${t}`).toZonedDateTime(z)
          expect(instantAt(d, t, z).getTime()).toBe(back.epochMilliseconds)
        }
        change = change.getTimeZoneTransition('next')
      }
    }
  })

  test('for weekdays and distances between dates', () => {
    fc.assert(
      fc.property(date, days, (d, n) => {
        const plain = Temporal.PlainDate.from(d)
        expect(weekday(d)).toBe(plain.dayOfWeek)
        expect(addDays(d, n)).toBe(plain.add({ days: n }).toString())
        expect(daysBetween(d, addDays(d, n))).toBe(n)
        expect(weekday(isoWeek(d))).toBe(1)
        expect(daysBetween(isoWeek(d), d)).toBe(weekday(d) - 1)
      }),
    )
  })
})

describe('days', () => {
  test('follow each other without gaps', () => {
    fc.assert(
      fc.property(date, zone, (d, z) => dayBounds(d, z).end.getTime() === dayBounds(addDays(d, 1), z).start.getTime()),
    )
  })

  test('hold exactly the instants of their date', () => {
    fc.assert(
      fc.property(instant, zone, (at, z) => {
        const { start, end } = dayBounds(localDate(at, z), z)
        expect(start.getTime()).toBeLessThanOrEqual(at.getTime())
        expect(end.getTime()).toBeGreaterThan(at.getTime())
      }),
    )
  })

  test.each([
    ['2026-03-08', 23],
    ['2026-11-01', 25],
    ['2026-06-01', 24],
  ])('%s in New York has %i hours', (d, hours) => {
    const { start, end } = dayBounds(d, 'America/New_York')
    expect((end.getTime() - start.getTime()) / 3_600_000).toBe(hours)
  })
})

describe('instants', () => {
  test('24:00 is midnight of the next day', () => {
    expect(instantAt('2026-02-28', '24:00', 'Asia/Shanghai')).toEqual(new Date('2026-02-28T16:00:00Z'))
  })

  test('a skipped time is moved forward, a repeated time means its first occurrence', () => {
    expect(instantAt('2026-03-08', '02:30', 'America/New_York')).toEqual(new Date('2026-03-08T07:30:00Z'))
    expect(instantAt('2026-11-01', '01:30', 'America/New_York')).toEqual(new Date('2026-11-01T05:30:00Z'))
  })

  test('are written with the offset of their zone', () => {
    expect(localTimestamp(new Date('2026-03-01T00:00:59.999Z'), 'Asia/Shanghai')).toBe('2026-03-01T08:00:59+08:00')
    expect(localTimestamp(new Date('2026-01-01T00:00:00Z'), 'America/New_York')).toBe('2025-12-31T19:00:00-05:00')
    expect(localTimestamp(new Date('2026-01-01T00:00:00Z'), 'UTC')).toBe('2026-01-01T00:00:00+00:00')
  })
})

describe('invalid dates and times are refused', () => {
  test.each([
    '2026-02-29',
    '2026-02-30',
    '2026-13-01',
    '2026-00-10',
    '2026-1-1',
    '2026-01-01T00:00',
    '',
    '+12026-01-01',
    '2026-04-31',
  ])('%j', (text) => {
    expect(() => addDays(text, 0)).toThrow(RangeError)
    expect(() => instantAt(text, '00:00', 'UTC')).toThrow(RangeError)
  })

  test.each(['24:01', '25:00', '12:60', '1:00', '12:00:00', ''])('%j', (text) => {
    expect(() => instantAt('2026-01-01', text, 'UTC')).toThrow(RangeError)
  })

  test('an invalid Date, an unknown zone', () => {
    expect(() => localDate(new Date(Number.NaN), 'UTC')).toThrow(RangeError)
    expect(() => localDate(new Date(0), 'Mars/Base')).toThrow(RangeError)
  })
})
