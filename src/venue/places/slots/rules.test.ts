import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { faultsOf, isWithinHours, type OpeningHours } from '../../../booking/openingHours.ts'
import { addDays, instantAt, localDate, localTime } from '../../../kernel/time.ts'
import { generateSlots, isHarmless, maySlotLie, type SlotPattern, slotStatus, spanOf } from './rules.ts'

const time = (minutes: number) =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
const interval = fc
  .tuple(fc.integer({ min: 0, max: 1435 }), fc.integer({ min: 1, max: 1440 }))
  .map(([opens, length]) => ({ opens: time(opens), closes: time(Math.min(1440, opens + length)) }))
const hours: fc.Arbitrary<OpeningHours> = fc
  .record({
    weekly: fc.array(
      fc.tuple(interval, fc.integer({ min: 1, max: 7 })).map(([each, day]) => ({ weekday: day, ...each })),
      { maxLength: 10 },
    ),
    exceptions: fc.constantFrom([], [{ date: '2026-03-29', opens: null, closes: null, reason: null }]),
  })
  .filter((each) => faultsOf(each).length === 0)
// The clocks of Berlin jump on 29 March, those of Santiago on 5 April; those of Shanghai do not.
const zone = fc.constantFrom('Asia/Shanghai', 'Europe/Berlin', 'America/Santiago')
const pattern: fc.Arbitrary<SlotPattern> = fc.record({
  startDate: fc.integer({ min: 0, max: 14 }).map((days) => addDays('2026-03-23', days)),
  endDate: fc.integer({ min: 0, max: 14 }).map((days) => addDays('2026-03-30', days)),
  slotMinutes: fc.integer({ min: 5, max: 600 }),
  gapMinutes: fc.integer({ min: 0, max: 60 }),
  weekdays: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { maxLength: 7 }),
})

describe('generated slots', () => {
  it('never overlap and always lie within the hours, wherever the clock jumps', () => {
    fc.assert(
      fc.property(hours, pattern, zone, (open, request, where) => {
        const slots = generateSlots(open, request, where)
        for (const [index, { start, end }] of slots.entries()) {
          expect(start < end).toBe(true)
          const next = slots[index + 1]
          if (next) expect(end <= next.start).toBe(true)
          const from = { date: localDate(start, where), time: localTime(start, where) }
          const to = { date: localDate(end, where), time: localTime(end, where) }
          // Where the clock jumps forward, an opening may end within the hour that does not exist.
          if (where === 'Asia/Shanghai') expect(isWithinHours(open, from, to)).toBe(true)
          expect(from.date >= request.startDate && from.date <= request.endDate).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('are as many as fit, with the gap between them, on the days asked for', () => {
    const open = { weekly: [{ weekday: 1, opens: '09:00', closes: '12:00' }], exceptions: [] }
    const wish = { startDate: '2026-03-02', endDate: '2026-03-09', slotMinutes: 50, gapMinutes: 10, weekdays: [] }
    const starts = generateSlots(open, wish, 'Asia/Shanghai').map(({ start }) => start.toISOString().slice(5, 16))
    const mondays = ['03-02T01:00', '03-02T02:00', '03-02T03:00', '03-09T01:00', '03-09T02:00', '03-09T03:00']
    expect(starts).toEqual(mondays)
    expect(generateSlots(open, { ...wish, weekdays: [2, 3] }, 'Asia/Shanghai')).toEqual([])
  })
})

describe('a time for a slot', () => {
  const now = new Date('2026-03-02T00:00:00Z')
  const always = { weekly: [], exceptions: [] }
  const at = (minutes: number) => new Date(now.getTime() + minutes * 60_000)

  it('starts before it ends, lasts a day at most, is not in the past, and lies within the hours', () => {
    const lie = (from: number, to: number, open: OpeningHours = always) =>
      maySlotLie({ start: at(from), end: at(to) }, open, now, 'Asia/Shanghai')
    expect(lie(0, 1440)).toEqual({ ok: true })
    expect(lie(60, 60)).toMatchObject({ code: 'bad_interval' })
    expect(lie(0, 1441)).toMatchObject({ code: 'too_long' })
    expect(lie(-1, 60)).toMatchObject({ code: 'in_the_past' })
    const monday = { weekly: [{ weekday: 1, opens: '08:00', closes: '10:00' }], exceptions: [] }
    expect(lie(0, 120, monday)).toEqual({ ok: true })
    expect(lie(0, 121, monday)).toMatchObject({ code: 'outside_hours' })
  })

  it('is read from local times or from instants, but not from both; missing parts stay as they are', () => {
    const zoneName = 'Asia/Shanghai'
    const local = (date: string, clock: string) => instantAt(date, clock, zoneName)
    const current = { start: local('2026-03-02', '22:00'), end: local('2026-03-02', '24:00') }
    expect(spanOf({}, current, zoneName)).toEqual(current)
    expect(spanOf({ date: '2026-03-05' }, current, zoneName)).toEqual({
      start: local('2026-03-05', '22:00'),
      end: local('2026-03-05', '24:00'),
    })
    expect(spanOf({ end_at: local('2026-03-02', '23:00') }, current, zoneName)?.start).toEqual(current.start)
    expect(spanOf({ date: '2026-03-05', end_at: current.end }, current, zoneName)).toBeNull()
    expect(spanOf({ date: '2026-03-05', start_time: '10:00' }, null, zoneName)).toBeNull()
    expect(spanOf({ start_at: current.start }, null, zoneName)).toBeNull()
  })
})

describe('a slot', () => {
  const [startAt, endAt] = [new Date('2026-03-02T01:00:00Z'), new Date('2026-03-02T02:00:00Z')]
  const slot = { startAt, endAt, open: true, capacity: 3, taken: 1, held: 1 }

  it('is past from its start on, else closed, else full, else open', () => {
    const before = new Date(startAt.getTime() - 1)
    expect(slotStatus(slot, before)).toBe('open')
    expect(slotStatus({ ...slot, held: 2 }, before)).toBe('full')
    expect(slotStatus({ ...slot, held: 2, open: false }, before)).toBe('closed')
    expect(slotStatus({ ...slot, open: false }, startAt)).toBe('past')
  })

  it('can be changed without force if it has no reservations, or if time and places stay', () => {
    const [same, later] = [
      { start: startAt, end: endAt },
      { start: startAt, end: new Date(endAt.getTime() + 60_000) },
    ]
    expect(isHarmless(slot, same, 2)).toBe(true)
    expect(isHarmless(slot, same, 1)).toBe(false)
    expect(isHarmless(slot, later, 3)).toBe(false)
    expect(isHarmless({ ...slot, taken: 0, held: 0 }, later, 1)).toBe(true)
  })
})
