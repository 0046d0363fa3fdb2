import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type BookingFacts,
  bookingRefusal,
  doubleBooked,
  type Order,
  type Participant,
  type Setting,
  standingRefusal,
  statusAfterEdit,
} from './rules.ts'
import { type BookingStatus, lifecycle } from './states.ts'

const zone = 'Asia/Shanghai'
const MINUTE = 60_000
/** Monday, 2 March 2026, 08:00 in Shanghai. */
const now = new Date('2026-03-02T00:00:00Z')
const soon = (minutes: number) => new Date(now.getTime() + minutes * MINUTE)

const setting: Setting = {
  auditRequired: true,
  maxDurationMinutes: 240,
  advanceDays: 7,
  gridMinutes: 5,
  participantOverlap: 'warn',
}
const person = (userId: number, more: Partial<Participant> = {}): Participant => ({
  userId,
  name: `person ${userId}`,
  valid: true,
  ban: null,
  busy: false,
  ...more,
})
const ban = { reason: '多次违约', until: null }
const order: Order = { roomId: 1, applicantId: 1, userIds: [1, 2, 3], start: soon(60), end: soon(120) }
const room: BookingFacts['room'] = {
  id: 1,
  name: '会议室201',
  buildingName: '信息楼',
  inUse: true,
  buildingInUse: true,
  capacity: 3,
  openHours: [],
  revision: 1,
}
const facts: BookingFacts = {
  room,
  setting,
  closure: null,
  occupied: null,
  overdue: false,
  participants: [person(1), person(2), person(3)],
}
const refusal = (more: Partial<BookingFacts>, other: Partial<Order> = {}) =>
  bookingRefusal({ ...facts, ...more }, { ...order, ...other }, now, zone)

describe('The decision about a booking', () => {
  it('accepts a valid request', () => {
    expect(refusal({})).toBeNull()
  })

  it.each<[string, Partial<BookingFacts>, Partial<Order>]>([
    ['wrong_order', {}, { end: order.start }],
    ['in_the_past', {}, { start: soon(-5) }],
    ['off_grid', {}, { end: soon(119) }],
    ['too_long', {}, { end: soon(60 + 245) }],
    ['too_far_ahead', {}, { start: soon(8 * 1440), end: soon(8 * 1440 + 60) }],
    ['banned', { participants: [person(1, { ban }), person(2), person(3)] }, {}],
    ['building_out_of_use', { room: { ...room, buildingInUse: false } }, {}],
    ['room_out_of_use', { room: { ...room, inUse: false } }, {}],
    ['invalid_people', { participants: [person(1), person(2), person(3, { valid: false })] }, {}],
    ['too_few_people', { participants: [person(1), person(2)] }, { userIds: [1, 2] }],
    ['too_many_people', {}, { userIds: [1, 2, 3, 4] }],
    ['participant_banned', { participants: [person(1), person(2, { ban }), person(3)] }, {}],
    ['outside_hours', { room: { ...room, openHours: [{ weekday: 1, opens: '08:00', closes: '09:30' }] } }, {}],
    ['closed', { closure: { start: now, end: soon(61), reason: '停电' } }, {}],
    [
      'people_busy',
      { setting: { ...setting, participantOverlap: 'refuse' }, participants: [person(1, { busy: true })] },
      {},
    ],
    ['time_taken', { occupied: { start: now, end: soon(61) } }, {}],
  ])('refuses a request: %s', (expected, more, other) => {
    expect(refusal(more, other)).toBe(expected)
  })

  it('accepts exactly the times that are on the grid, in order, not past and not too long', () => {
    const minutes = fc.integer({ min: -30, max: 600 })
    fc.assert(
      fc.property(minutes, minutes, fc.constantFrom(1, 5, 15, 30), (from, to, gridMinutes) => {
        const found = refusal({ setting: { ...setting, gridMinutes } }, { start: soon(from), end: soon(to) })
        // The current time, 08:00, is on each of these grids.
        const fine = from >= 0 && from < to && to - from <= 240 && from % gridMinutes === 0 && to % gridMinutes === 0
        expect(found === null).toBe(fine)
      }),
    )
  })

  it('ignores duration and distance for an approval, and refuses a time that is taken', () => {
    const some = fc.record({
      start: fc.integer({ min: 0, max: 20_000 }),
      length: fc.integer({ min: 5, max: 600 }),
      taken: fc.boolean(),
    })
    fc.assert(
      fc.property(some, ({ start, length, taken }) => {
        const other = { ...order, start: soon(start), end: soon(start + length) }
        const known = { ...facts, occupied: taken ? other : null }
        expect(standingRefusal(known, other, zone)).toBe(taken ? 'time_taken' : null)
        if (bookingRefusal(known, other, now, zone) === null) expect(taken).toBe(false)
      }),
    )
  })

  it('names participants with another booking at that time, unless this is allowed', () => {
    const participants = [person(1), person(2, { busy: true })]
    expect(doubleBooked({ ...facts, participants })).toEqual(['person 2'])
    expect(doubleBooked({ ...facts, participants, setting: { ...setting, participantOverlap: 'allow' } })).toEqual([])
  })
})

describe('An edit', () => {
  it.each<[BookingStatus, boolean, boolean, BookingStatus]>([
    ['0', true, true, '0'],
    ['0', true, false, '0'],
    ['1', true, true, '0'],
    ['1', false, true, '1'],
    ['1', true, false, '1'],
    ['2', false, true, '0'],
    ['2', true, false, '1'],
  ])('of a booking in state %s (moves: %s, audit: %s) leads to %s', (from, moves, auditRequired, to) => {
    expect(statusAfterEdit(from, moves, { ...setting, auditRequired })).toBe(to)
    expect(from === to || lifecycle.mayMove(from, to)).toBe(true)
  })
})
