import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instantAt, localDate, localTime } from '../kernel/time.ts'
import { type Interval, without } from './interval.ts'
import { isWithinHours, openSpans, type WeeklyHours } from './openingHours.ts'

const ZONE = 'Asia/Shanghai'
const MONDAY = instantAt('2026-03-02', '00:00', ZONE).getTime()
const hour = (n: number) => new Date(MONDAY + n * 3_600_000)
const span = (from: number, to: number): Interval => ({ start: hour(from), end: hour(to) })
/** Which hours of the first ten days lie in a span. */
const hoursIn = (spans: readonly Interval[]) =>
  Array.from({ length: 240 }, (_, n) => n).filter((n) =>
    spans.some(({ start, end }) => start <= hour(n) && hour(n) < end),
  )

const someSpan = fc
  .tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 30 }))
  .map(([from, length]) => span(from, from + length))

function isApart(spans: readonly Interval[]): boolean {
  return spans.every(({ start, end }, index) => {
    const next = spans[index + 1]
    return start < end && (next === undefined || end <= next.start)
  })
}

describe('Spans without others', () => {
  it('hold every hour that was in one and in none of the others, in order and apart', () => {
    fc.assert(
      fc.property(fc.array(someSpan), fc.array(someSpan), (some, taken) => {
        const spans = without([span(0, 240)], some)
        const left = without(spans, taken)
        const gone = new Set(hoursIn(taken))
        expect(hoursIn(left)).toEqual(hoursIn(spans).filter((n) => !gone.has(n)))
        expect(isApart(left)).toBe(true)
      }),
    )
  })
})

describe('The open spans of a place', () => {
  const weekly: WeeklyHours[] = [
    { weekday: 1, opens: '08:00', closes: '12:00' },
    { weekday: 1, opens: '14:00', closes: '24:00' },
    { weekday: 2, opens: '00:00', closes: '02:00' },
  ]

  it('go on over midnight', () => {
    expect(openSpans({ weekly, exceptions: [] }, span(0, 7 * 24), ZONE)).toEqual([span(8, 12), span(14, 26)])
  })

  it('are everything where there are no hours', () => {
    expect(openSpans({ weekly: [], exceptions: [] }, span(5, 100), ZONE)).toEqual([span(5, 100)])
    expect(openSpans({ weekly: [], exceptions: [] }, span(5, 5), ZONE)).toEqual([])
  })

  it('cover exactly the times within the hours', () => {
    const hours = fc.array(
      fc.record({
        weekday: fc.integer({ min: 1, max: 7 }),
        opens: fc.constantFrom('00:00', '08:00', '14:00'),
        closes: fc.constantFrom('15:00', '22:00', '24:00'),
      }),
      { minLength: 1, maxLength: 10 },
    )
    const wall = (instant: Date) => ({ date: localDate(instant, ZONE), time: localTime(instant, ZONE) })
    fc.assert(
      fc.property(hours, someSpan, (weekly, { start, end }) => {
        fc.pre(start < end)
        const within = isWithinHours({ weekly, exceptions: [] }, wall(start), wall(end))
        const spans = openSpans({ weekly, exceptions: [] }, span(0, 240), ZONE)
        expect(spans.some((open) => open.start <= start && end <= open.end)).toBe(within)
      }),
    )
  })
})
