import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { minutesByHour } from '../../../../test/support/weekMinutes.ts'
import { type Interval, without } from '../../../booking/interval.ts'
import { openSpans, type WeeklyHours } from '../../../booking/openingHours.ts'
import { localDate, localTime } from '../../../kernel/time.ts'
import { openMinutes, plus, sum, type WeekMinutes } from './rules.ts'

// Keeps the real functions and counts their calls.
vi.mock('../../../kernel/time.ts', { spy: true })

const ZONES = ['Asia/Shanghai', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu'] as const
/** Starts of time windows near both changes of the clocks, in Berlin and on Lord Howe Island. */
const STARTS = ['2026-03-20T00:00:00Z', '2026-10-16T00:00:00Z', '2026-04-01T13:30:00Z', '2026-09-28T00:00:00Z']
const MINUTE = 60_000

/** Full hours only: where the clocks change, the two implementations agree only on these. */
const weeklyHours = fc.uniqueArray(
  fc.record({
    weekday: fc.integer({ min: 1, max: 7 }),
    from: fc.integer({ min: 0, max: 23 }),
    hours: fc.integer({ min: 1, max: 24 }),
  }),
  { selector: ({ weekday }) => weekday, maxLength: 7 },
)
const time = (hour: number) => `${String(hour).padStart(2, '0')}:00`
const weeklyOf = (days: readonly { weekday: number; from: number; hours: number }[]): WeeklyHours[] =>
  days.map(({ weekday, from, hours }) => ({ weekday, opens: time(from), closes: time(Math.min(24, from + hours)) }))

describe('The open hours of rooms', () => {
  it('are the time within opening hours and outside closures, for each hour of the week', () => {
    const minutes = (most: number) => fc.integer({ min: 0, max: most })
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.constantFrom(...STARTS),
        fc.record({ start: minutes(20_000), length: fc.integer({ min: 1, max: 60_000 }) }),
        fc.array(
          fc.record({
            days: weeklyHours,
            closures: fc.array(
              fc.record({ start: fc.integer({ min: -20_000, max: 60_000 }), length: minutes(50_000) }),
              {
                maxLength: 4,
              },
            ),
          }),
          { minLength: 1, maxLength: 3 },
        ),
        (zone, from, window, places) => {
          const at = (minutes: number) => new Date(Date.parse(from) + minutes * MINUTE)
          const spanOf = ({ start, length }: { start: number; length: number }): Interval => ({
            start: at(start),
            end: at(start + length),
          })
          const span = spanOf(window)
          const rooms = places.map(({ days, closures }) => ({ weekly: weeklyOf(days), closed: closures.map(spanOf) }))
          const model = rooms.map(({ weekly, closed }) =>
            minutesByHour(without(openSpans({ weekly, exceptions: [] }, span, zone), closed), zone),
          )
          expect(openMinutes(rooms, span, zone)).toEqual(model)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('can begin and end within an hour and within a minute', () => {
    const span = { start: new Date('2026-03-02T00:10:30Z'), end: new Date('2026-03-02T02:00:00Z') }
    const weekly = [{ weekday: 1, opens: '08:05', closes: '09:30' }]
    const closed = [{ start: new Date('2026-03-02T00:20:15Z'), end: new Date('2026-03-02T01:10:00Z') }]
    const [open] = openMinutes([{ weekly, closed }], span, 'Asia/Shanghai')
    expect(open?.slice(7, 11)).toEqual([0, 9.75, 20, 0])
  })

  it('of 500 rooms that are closed for a year take one calendar look-up for each hour of the year', () => {
    const span = { start: new Date('2026-01-01T00:00:00Z'), end: new Date('2027-01-02T00:00:00Z') }
    const rooms = Array.from({ length: 500 }, (_, n) => ({
      weekly: [{ weekday: 1 + (n % 7), opens: time(n % 24), closes: '24:00' }],
      closed: [{ start: new Date(span.start.getTime() + n * MINUTE), end: span.end }],
    }))
    vi.mocked(localTime).mockClear()
    vi.mocked(localDate).mockClear()
    const open = openMinutes(rooms, span, 'Asia/Shanghai')
    expect(vi.mocked(localTime)).toHaveBeenCalledTimes(366 * 24)
    expect(vi.mocked(localDate)).toHaveBeenCalledTimes(366 * 24)
    // The year starts on a Thursday at 08:00: only rooms open at that time have open minutes, before they are closed.
    expect(sum(open.reduce<WeekMinutes>(plus, Array(168).fill(0)))).toBe(
      rooms.reduce((total, { weekly, closed }) => {
        const before = { start: span.start, end: closed[0]?.start ?? span.start }
        return (
          total + sum(minutesByHour(openSpans({ weekly, exceptions: [] }, before, 'Asia/Shanghai'), 'Asia/Shanghai'))
        )
      }, 0),
    )
  })
})
