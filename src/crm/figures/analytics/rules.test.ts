import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addDays, daysBetween } from '../../../kernel/time.ts'
import { change, curvesOf, daysOf, metricsIn, overviewOf, percentage, periodOf, precedingOf } from './rules.ts'

const none = { sent: 0, opened: 0, clicked: 0, converted: 0, messages: 0 }

describe('A percentage', () => {
  it.each([
    [0, 0, 0],
    [1, 0, 0],
    [0, 5, 0],
    [1, 3, 33.3],
    [2, 3, 66.7],
    [1, 1, 100],
    [5, 2, 250],
    [1, 2000, 0.1],
    [1, 2001, 0],
    [137, 200, 68.5],
    [10_000_000, 10_000_001, 100],
  ])('of %d in %d is %d', (part, whole, right) => {
    expect(percentage(part, whole)).toBe(right)
  })
})

describe('A change', () => {
  it.each([
    [0, 0, 0],
    [0, 1, null],
    [1, 0, -100],
    [100, 115, 15],
    [1000, 1153, 15.3],
    [1000, 979, -2.1],
    [3, 4, 33.3],
    [2000, 1999, -0.1],
    [2001, 2000, 0],
    [5, 5, 0],
  ])('from %d to %d is %j percent', (before, now, right) => {
    expect(change(before, now)).toBe(right)
  })

  it('of rates is that of the exact rates, not of the rounded ones', () => {
    const before = { ...none, sent: 3, opened: 1, clicked: 3, converted: 0 }
    const now = { ...none, sent: 3000, opened: 1100, clicked: 0, converted: 1 }
    expect(overviewOf(before, now).trends).toEqual({
      messages_sent_trend: 0,
      open_rate_trend: 10,
      click_rate_trend: -100,
      conversion_rate_trend: null,
    })
    expect(overviewOf(none, now).trends.open_rate_trend).toBeNull()
    expect(overviewOf(before, none).trends).toMatchObject({ open_rate_trend: -100, conversion_rate_trend: 0 })
    // Nobody was reached, but somebody opened an older message: the rate is 0, so it fell.
    expect(overviewOf(before, { ...none, opened: 5 })).toMatchObject({
      kpi: { average_open_rate: 0 },
      trends: { open_rate_trend: -100 },
    })
  })
})

describe('A period', () => {
  const today = '2026-03-31'

  it.each([
    [{}, { start: '2026-03-02', end: '2026-03-31' }],
    [{ start_date: '2026-03-31' }, { start: '2026-03-31', end: '2026-03-31' }],
    [{ end_date: '2026-01-30' }, { start: '2026-01-01', end: '2026-01-30' }],
    [
      { start_date: '2026-01-01', end_date: '2026-01-01' },
      { start: '2026-01-01', end: '2026-01-01' },
    ],
    [
      { start_date: '2024-01-01', end_date: '2024-12-31' },
      { start: '2024-01-01', end: '2024-12-31' },
    ],
    [{ start_date: '2024-01-01', end_date: '2025-01-01' }, 'must be at most 366 days after start_date'],
    [{ start_date: '2026-01-02', end_date: '2026-01-01' }, 'must not be before start_date'],
    [{ start_date: '2026-04-01' }, 'must be given when start_date is after today'],
  ])('of %j is %j', (dates, right) => {
    expect(periodOf(dates, today)).toEqual(right)
  })

  it('has one before it that is as long and ends the day before', () => {
    fc.assert(
      fc.property(fc.integer({ min: -20_000, max: 20_000 }), fc.nat(365), (from, length) => {
        const start = addDays('2026-01-01', from)
        const period = { start, end: addDays(start, length) }
        const before = precedingOf(period)
        expect(daysBetween(before.end, period.start)).toBe(1)
        expect(daysOf(before)).toHaveLength(daysOf(period).length)
        expect(daysOf(period).at(-1)).toBe(period.end)
      }),
    )
  })
})

it('Metrics are a list of known names, each once', () => {
  expect(metricsIn('clicked, sent,clicked')).toEqual(['clicked', 'sent'])
  for (const list of ['', 'sent,', 'toString', 'sent;opened', 'SENT']) expect(metricsIn(list)).toBeUndefined()
})

it('Curves have every day, and zeros where nothing happened', () => {
  const period = { start: '2026-02-27', end: '2026-03-02' }
  expect(curvesOf(period, ['a', 'b'], [{ day: '2026-02-28', a: 3, b: 4 }])).toEqual({
    dates: ['2026-02-27', '2026-02-28', '2026-03-01', '2026-03-02'],
    series: [
      { name: 'a', data: [0, 3, 0, 0] },
      { name: 'b', data: [0, 4, 0, 0] },
    ],
  })
})
