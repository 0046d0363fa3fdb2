import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { building, inHours, people, room, storedBooking } from '../../../../test/support/room.ts'
import { minutesByHour } from '../../../../test/support/weekMinutes.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'
import { type Interval, without } from '../../../booking/interval.ts'
import { hourOfWeek, sum } from './rules.ts'

const world = await openWorld()
const admin = await world.person('room:admin')
afterAll(() => world.close())

const get = async (path: string, as = admin) => (await world.call('GET', path, { as })).body
const DAY = 24

describe('The top lists', () => {
  let group: Person[]
  let places: number[]
  beforeAll(async () => {
    group = await people(world, 3)
    const [a, b, c] = group
    if (!a || !b || !c) throw new Error('there are three')
    const buildingId = await building(world, '榜楼')
    places = []
    for (const name of ['甲', '乙', '丙', '丁']) places.push(await room(world, { buildingId, name }))
    const [first = 0, second = 0, third = 0, fourth = 0] = places
    // Two hours of it are older than seven days.
    await storedBooking(world, first, [a, b, c], { start: -7 * DAY - 2, end: -7 * DAY + 4, status: '5' })
    await storedBooking(world, first, [b, a, c], { start: -10, end: -8, status: '1' })
    await storedBooking(world, second, [a, b, c], { start: -20, end: -17, status: '5' })
    // This booking is running: two of its hours are over.
    await storedBooking(world, second, [b, c, a], { start: -2, end: 3, status: '4' })
    await storedBooking(world, third, [b, a, c], { start: -15, end: -10, status: '5' })
    for (const status of ['2', '3']) await storedBooking(world, fourth, [c, a, b], { start: -9, end: -1, status })
    await storedBooking(world, fourth, [c, a, b], { start: -6, end: -5, status: '0' })
    await storedBooking(world, fourth, [c, a, b], { start: 6, end: 9, status: '1' })
  })

  it('count the minutes of approved, ongoing and completed bookings inside the window; ties share a rank', async () => {
    const { data } = await get('/manage/facility/top/room')
    const [first, second, third] = places
    expect(data).toEqual([
      { rank: 1, roomId: first, roomName: '甲', buildingName: '榜楼', totalMinutes: 360, bookingCount: 2 },
      { rank: 2, roomId: second, roomName: '乙', buildingName: '榜楼', totalMinutes: 300, bookingCount: 2 },
      { rank: 2, roomId: third, roomName: '丙', buildingName: '榜楼', totalMinutes: 300, bookingCount: 1 },
    ])
    const month = (await get('/manage/facility/top/room?period=30d')).data
    expect(month[0]).toMatchObject({ roomId: first, totalMinutes: 480, bookingCount: 2 })
    expect((await get('/portal/facility/top/room?period=30d', group[0])).data).toEqual(month)
    expect((await get('/manage/facility/top/room?period=365d')).msg).toContain('period 只能是')
  })

  it('list the applicants, and require a permission', async () => {
    const [a, b] = group
    expect((await get('/manage/facility/top/user?period=7d')).data).toEqual([
      {
        rank: 1,
        userId: b?.id,
        userName: `person${b?.id}`,
        nickName: `person${b?.id}`,
        totalMinutes: 540,
        bookingCount: 3,
      },
      {
        rank: 2,
        userId: a?.id,
        userName: `person${a?.id}`,
        nickName: `person${a?.id}`,
        totalMinutes: 420,
        bookingCount: 2,
      },
    ])
    expect((await get('/manage/facility/top/user', await world.person('room:student_worker'))).code).toBe(403)
    expect((await get('/manage/facility/top/room', group[0])).code).toBe(403)
  })

  it('have at most 20 entries', async () => {
    for (let n = 0; n < 22; n += 1) {
      await storedBooking(world, await room(world), group, { start: -5, end: -4, status: '5' })
    }
    const { data } = await get('/manage/facility/top/room')
    expect(data).toHaveLength(20)
    expect(new Set(data.slice(3).map(({ rank }: { rank: number }) => rank))).toEqual(new Set([4]))
  })
})

describe('The usage', () => {
  const usage = async (query: string) => (await get(`/manage/facility/statistics/usage?${query}`)).data
  const span = (from: number, to: number) => `from=${inHours(world, from)}&to=${inHours(world, to)}`

  it('compares occupied with open hours by room, building and hour of the week', async () => {
    const group = await people(world, 3)
    const buildingId = await building(world, '用楼')
    const always = await room(world, { buildingId, floorNo: 1, name: '一' })
    const hours = await room(world, { buildingId, floorNo: 2, name: '二' })
    await world.rows(
      `UPDATE tb_facility_room SET open_hours = '[{"weekday":1,"opens":"08:00","closes":"12:00"}]' WHERE id = ${hours}`,
    )
    await world.rows(`INSERT INTO tb_facility_closure (room_id, start_time, end_time, reason, create_time)
      VALUES (${hours}, '2026-03-02T11:00:00+08', '2026-03-02T13:00:00+08', '维修', now())`)
    await world.rows(`INSERT INTO tb_facility_closure (building_id, start_time, end_time, reason, create_time)
      VALUES (${buildingId}, '2026-03-02T11:30:00+08', '2026-03-02T12:30:00+08', '停电', now())`)
    // Monday from 09:00 to 10:30, a rejected booking, and one that ends after the window.
    await storedBooking(world, hours, group, { start: 1, end: 2.5 })
    await storedBooking(world, always, group, { start: 1, end: 2, status: '2' })
    await storedBooking(world, always, group, { start: 23, end: 25 })

    const data = await usage(`buildingId=${buildingId}&${span(0, 24)}`)
    expect(data.range).toEqual({ from: inHours(world, 0), to: inHours(world, 24) })
    const place = { buildingId, buildingName: '用楼' }
    expect(data.rooms).toEqual([
      { ...place, roomId: always, roomName: '一', floorNo: 1, occupiedHours: 1, openHours: 23, rate: 0.0435 },
      { ...place, roomId: hours, roomName: '二', floorNo: 2, occupiedHours: 1.5, openHours: 3, rate: 0.5 },
    ])
    expect(data.buildings).toEqual([{ ...place, occupiedHours: 2.5, openHours: 26, rate: 0.0962 }])
    expect(data.total).toEqual({ occupiedHours: 2.5, openHours: 26, rate: 0.0962 })
    expect(data.hours).toHaveLength(168)
    const cell = (weekday: number, hour: number) => data.hours[hourOfWeek(weekday, hour)]
    expect(cell(1, 10)).toEqual({ weekday: 1, hour: 10, occupiedHours: 0.5, openHours: 2, rate: 0.25 })
    expect(cell(1, 11)).toMatchObject({ occupiedHours: 0, openHours: 0.5 })
    expect(cell(2, 7)).toMatchObject({ occupiedHours: 1, openHours: 1, rate: 1 })
    expect(cell(3, 7)).toEqual({ weekday: 3, hour: 7, occupiedHours: 0, openHours: 0, rate: null })
  })

  it('counts the booked hours inside any window (random windows)', async () => {
    const group = await people(world, 3)
    const buildingId = await building(world)
    const id = await room(world, { buildingId })
    const hour = (n: number) => new Date(world.clock.now().getTime() + n * 3_600_000)
    const all: Interval[] = []
    for (let start = -200, n = 0; start < 0; n += 1) {
      const length = 0.25 + ((n * 7) % 40) / 4
      await storedBooking(world, id, group, { start, end: start + length, status: '5' })
      all.push({ start: hour(start), end: hour(start + length) })
      start += length + (n % 3) / 2
    }
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -220, max: 0 }), fc.integer({ min: 1, max: 200 }), async (from, length) => {
        const window = { start: hour(from), end: hour(from + length) }
        const inside = without([window], without([window], all))
        const model = minutesByHour(inside, world.config.timeZone)
        const { rooms, hours } = await usage(`buildingId=${buildingId}&${span(from, from + length)}`)
        const rounded = (minutes: number) => Number((minutes / 60).toFixed(2))
        expect(rooms).toMatchObject([{ occupiedHours: rounded(sum(model)), openHours: length }])
        expect(hours.map((one: { occupiedHours: number }) => one.occupiedHours)).toEqual(model.map(rounded))
      }),
      { numRuns: 25 },
    )
  })

  it('counts real hours when the clocks change', async () => {
    const berlin = await openWorld({ TIME_ZONE: 'Europe/Berlin' })
    try {
      const roomId = await room(berlin)
      const group = await people(berlin, 3)
      const as = await berlin.person('room:admin')
      const between = (from: string, to: string) =>
        berlin.call('GET', `/manage/facility/statistics/usage?from=${from}&to=${to}`, { as })
      const hours = (instant: string) => (Date.parse(instant) - berlin.clock.now().getTime()) / 3_600_000
      // From 01:00 to 04:00 in March, when the hour from 02:00 is skipped.
      const spring = { start: hours('2026-03-29T00:00:00Z'), end: hours('2026-03-29T02:00:00Z') }
      // The same in October, when the hour from 02:00 comes twice.
      const autumn = { start: hours('2025-10-25T23:00:00Z'), end: hours('2025-10-26T03:00:00Z') }
      for (const times of [spring, autumn]) await storedBooking(berlin, roomId, group, times)
      const one = (await between('2026-03-29 00:00:00', '2026-03-30 00:00:00')).body.data
      expect(one.total).toMatchObject({ occupiedHours: 2, openHours: 23 })
      expect([1, 2, 3].map((hour) => one.hours[hourOfWeek(7, hour)].occupiedHours)).toEqual([1, 0, 1])
      const two = (await between('2025-10-26 00:00:00', '2025-10-27 00:00:00')).body.data
      expect(two.total).toMatchObject({ occupiedHours: 4, openHours: 25 })
      expect([1, 2, 3].map((hour) => two.hours[hourOfWeek(7, hour)].occupiedHours)).toEqual([1, 2, 1])
    } finally {
      await berlin.close()
    }
  })

  it('covers the last 30 days by default and at most 366 days, and requires a permission', async () => {
    expect((await usage('')).range).toEqual({ from: inHours(world, -720), to: inHours(world, 0) })
    expect((await usage(`from=${inHours(world, 100)}`)).range).toEqual({
      from: inHours(world, 100),
      to: inHours(world, 820),
    })
    const year = await get(`/manage/facility/statistics/usage?${span(-366 * DAY - 1, 0)}`)
    expect(year).toEqual({ code: 500, msg: '时间范围不能超过 366 天' })
    expect((await usage(span(-366 * DAY, 0))).rooms.length).toBeGreaterThan(0)
    expect((await get('/manage/facility/statistics/usage', await world.person('room:student_worker'))).code).toBe(403)
  })
})
