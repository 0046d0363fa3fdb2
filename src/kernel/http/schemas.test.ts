import fc from 'fast-check'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { isInstant, isLocalDate, isLocalTime, isLocalTimeOrMidnight } from './request/formats.ts'
import { strict } from './request/strictSchema.ts'
import { pageAnswer, pageOffset, sortOrder } from './schemas.ts'

test('a local date is a day that exists', () => {
  expect(['2024-02-29', '1900-01-01', '2199-12-31'].every(isLocalDate)).toBe(true)
  expect(
    ['2026-02-29', '2026-13-01', '2026-00-10', '2026-1-1', '1899-12-31', '2200-01-01', '2026-01-01T'].some(isLocalDate),
  ).toBe(false)
  fc.assert(
    fc.property(fc.date({ min: new Date('1900-01-01'), max: new Date('2199-12-31'), noInvalidDate: true }), (day) =>
      isLocalDate(day.toISOString().slice(0, 10)),
    ),
  )
})

test('a local time is a time of day; 24:00 only where it ends something', () => {
  expect(['00:00', '23:59', '09:30:15'].every(isLocalTime)).toBe(true)
  expect(['24:00', '9:30', '12:60', '12:00:60', '12'].some(isLocalTime)).toBe(false)
  expect(isLocalTimeOrMidnight('24:00')).toBe(true)
  expect(isLocalTimeOrMidnight('24:01')).toBe(false)
})

test('an instant has an offset or is local, and JavaScript can parse every accepted one', () => {
  const good = ['2026-03-14T09:30', '2026-03-14 09:30:00', '2026-03-14T09:30:00.123Z', '2026-03-14T09:30:00+08:00']
  for (const text of good) {
    expect(isInstant(text), text).toBe(true)
    expect(Number.isNaN(new Date(text).getTime()), text).toBe(false)
  }
  const bad = [
    '2026-03-14',
    '2026-02-30T09:30',
    '2026-03-14T24:00',
    '2026-03-14T09:30:60Z',
    '2026-03-14T09:30+15:00',
    'now',
  ]
  for (const text of bad) expect(isInstant(text), text).toBe(false)
})

test('a page reports the total', () => {
  expect(pageAnswer(['c'], 21, { page: 3, page_size: 10 })).toEqual({
    items: ['c'],
    total: 21,
    page: 3,
    page_size: 10,
    total_pages: 3,
  })
  expect(pageAnswer([], 0, { page: 1, page_size: 10 }).total_pages).toBe(0)
  expect(pageOffset({ page: 3, page_size: 10 })).toBe(20)
  expect(sortOrder<'name'>('-name')).toEqual({ column: 'name', direction: 'desc' })
})

describe('a strict schema', () => {
  const Point = Type.Object({ x: Type.Integer() })

  test('refuses unnamed members unless it allows them', () => {
    const schema = Type.Object({ free: Type.Object({}, { additionalProperties: true }), list: Type.Array(Point) })
    expect(strict(schema, { closed: true })).toMatchObject({
      additionalProperties: false,
      properties: { free: { additionalProperties: true }, list: { items: { additionalProperties: false } } },
    })
    expect(strict(schema, { closed: false })).not.toHaveProperty('additionalProperties')
  })

  test('closes an intersection as a whole, not its branches', () => {
    const both = strict(Type.Intersect([Point, Type.Object({ in: Point })]), { closed: true })
    expect(both.unevaluatedProperties).toBe(false)
    expect(both.allOf).toMatchObject([{ type: 'object' }, { properties: { in: { additionalProperties: false } } }])
    expect(both.allOf).not.toMatchObject([{ additionalProperties: false }])
  })

  test('bounds integers, also in properties called like keywords', () => {
    const schema = Type.Object({ properties: Type.Integer(), type: Type.Integer({ minimum: 0 }) })
    expect(strict(schema, { closed: true }).properties).toEqual({
      properties: { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
      type: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    })
  })

  test('does not change the schema it was made from', () => {
    strict(Point, { closed: true })
    expect(Point).not.toHaveProperty('additionalProperties')
  })
})
