import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { minutesAfter, overlaps } from '../../../booking/interval.ts'
import { isWithinHours, type WeeklyHours } from '../../../booking/openingHours.ts'
import { instantAt, localDate, localTime } from '../../../kernel/time.ts'
import { nearestFree, type RoomTimes } from './rules.ts'

const ZONE = 'Asia/Shanghai'
const MONDAY = instantAt('2026-03-02', '00:00', ZONE)
const at = (minute: number) => minutesAfter(MONDAY, minute)
const span = (from: number, to: number) => ({ start: at(from), end: at(to) })
const DAY = 1440

/** Finds the expected result by trying every time on the grid. */
function modelOf(room: RoomTimes, wanted: { start: Date; end: Date }, days: number, gridMinutes: number): Date | null {
  const length = wanted.end.getTime() - wanted.start.getTime()
  const wall = (instant: Date) => ({ date: localDate(instant, ZONE), time: localTime(instant, ZONE) })
  let best: Date | null = null
  for (let day = 0; day < days; day += 1) {
    for (let minute = 0; minute < DAY; minute += gridMinutes) {
      const start = at(day * DAY + minute)
      const end = new Date(start.getTime() + length)
      const free =
        end <= at(days * DAY) &&
        !room.taken.some((taken) => overlaps(taken, { start, end })) &&
        isWithinHours({ weekly: room.openHours, exceptions: [] }, wall(start), wall(end))
      const away = (other: Date) => Math.abs(other.getTime() - wanted.start.getTime())
      if (free && (best === null || away(start) < away(best))) best = start
    }
  }
  return best
}

describe('The nearest free time', () => {
  const search = { ...span(0, 3 * DAY), gridMinutes: 30, zone: ZONE }

  it('is the wanted time if that is free', () => {
    expect(nearestFree({ openHours: [], taken: [span(0, 600)] }, span(600, 660), search)).toEqual(span(600, 660))
  })

  it('lies before or after the occupied time, whichever is nearer', () => {
    const room = { openHours: [], taken: [span(600, 720)] }
    expect(nearestFree(room, span(600, 660), search)).toEqual(span(540, 600))
    expect(nearestFree(room, span(690, 750), search)).toEqual(span(720, 780))
  })

  it('is on the grid, which restarts at midnight', () => {
    const room = { openHours: [], taken: [span(0, 601)] }
    expect(nearestFree(room, span(600, 660), search)).toEqual(span(630, 690))
    const odd = { ...search, gridMinutes: 50 }
    expect(nearestFree({ openHours: [], taken: [span(0, 1410)] }, span(600, 650), odd)).toEqual(span(1440, 1490))
  })

  it('is null if no free time is long enough', () => {
    const openHours: WeeklyHours[] = [{ weekday: 1, opens: '08:00', closes: '09:00' }]
    expect(nearestFree({ openHours, taken: [] }, span(480, 600), search)).toBeNull()
  })

  it('is as near as the best of all times on the grid', () => {
    const taken = fc.array(
      fc
        .tuple(fc.integer({ min: 0, max: 3 * DAY }), fc.integer({ min: 1, max: 600 }))
        .map(([from, long]) => span(from, from + long)),
      { maxLength: 12 },
    )
    const openHours = fc.constantFrom<WeeklyHours[]>(
      [],
      [
        { weekday: 1, opens: '08:10', closes: '12:00' },
        { weekday: 2, opens: '14:00', closes: '24:00' },
        { weekday: 3, opens: '00:00', closes: '02:00' },
      ],
    )
    const wanted = fc
      .tuple(fc.integer({ min: 0, max: 80 }), fc.integer({ min: 1, max: 12 }))
      .map(([start, long]) => span(start * 30, (start + long) * 30))
    fc.assert(
      fc.property(taken, openHours, wanted, fc.constantFrom(5, 30, 50), (taken, openHours, wanted, gridMinutes) => {
        const onGrid = (wanted.start.getTime() - MONDAY.getTime()) / 60_000
        fc.pre((onGrid % DAY) % gridMinutes === 0)
        const found = nearestFree({ openHours, taken }, wanted, { ...search, gridMinutes })
        const best = modelOf({ openHours, taken }, wanted, 3, gridMinutes)
        const away = (start: Date | undefined | null) => start && Math.abs(start.getTime() - wanted.start.getTime())
        expect(away(found?.start)).toBe(away(best) ?? undefined)
      }),
    )
  })
})
