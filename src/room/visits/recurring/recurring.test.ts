import fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { onServer } from '../../../../test/support/database.ts'
import { at, people, room, setting } from '../../../../test/support/room.ts'
import { MONDAY, openWorld, type Person } from '../../../../test/support/world.ts'
import { addDays } from '../../../kernel/time.ts'
import { failedWords, weeksUntil } from './rules.ts'

const world = await openWorld()
let anna: Person
let friends: Person[]
afterAll(() => world.close())
beforeEach(async () => {
  world.clock.set(MONDAY)
  await setting(world, { audit_required: true, advance_days: 200 })
  anna = await world.person('room:user')
  friends = await people(world, 2)
})

const BOOKING = '/portal/facility/booking'
/** Tuesdays from 9 to 10. */
const request = (roomId: number, more: object = {}) => ({
  roomId,
  purpose: '例会',
  startTime: at(world, 1, '09:00'),
  endTime: at(world, 1, '10:00'),
  userIdList: friends.map(({ id }) => id),
  ...more,
})
const book = async (payload: object, as = anna, headers: Record<string, string> = {}) =>
  (await world.call('POST', `${BOOKING}/recurring`, { as, payload, headers })).body
const bookOne = async (roomId: number, day: number, as = anna) => {
  const times = { startTime: at(world, day, '09:30'), endTime: at(world, day, '11:00') }
  expect((await world.call('POST', BOOKING, { as, payload: request(roomId, times) })).body.code).toBe(200)
}
const bookingsIn = (roomId: number) =>
  world.rows<{ id: number; status: string; series_id: string | null }>(
    `SELECT id, status, series_id FROM tb_facility_booking WHERE room_id = ${roomId} ORDER BY start_time`,
  )
const datesOf = (some: readonly { date: string }[]) => some.map(({ date }) => date)

describe('A weekly series', () => {
  it('books the same time in each week, and notifies the participants of each booking', async () => {
    const roomId = await room(world)
    const { code, data } = await book(request(roomId, { weeks: 3, mode: 'all' }))
    expect(code).toBe(200)
    expect(datesOf(data.booked)).toEqual(['2026-03-03', '2026-03-10', '2026-03-17'])
    expect(data.booked[0]).toMatchObject({ status: '0', doubleBooked: [] })
    expect(data.failed).toEqual([])
    expect(await bookingsIn(roomId)).toEqual(
      data.booked.map(({ id }: { id: number }) => ({ id, status: '0', series_id: data.seriesId })),
    )
    expect((await world.inbox(friends[0] ?? anna)).map(({ type }) => type)).toEqual(
      Array.from({ length: 3 }, () => 'room.booking.pending'),
    )
  })

  it('can be given by its last day, and books all weeks or none by default', async () => {
    const roomId = await room(world)
    expect(datesOf((await book(request(roomId, { until: '2026-03-16', weeks: null }))).data.booked)).toEqual([
      '2026-03-03',
      '2026-03-10',
    ])
    expect(await book(request(roomId, { until: '2026-03-24' }))).toMatchObject({ code: 500 })
    expect(await bookingsIn(roomId)).toHaveLength(2)
  })

  it('is refused for a time with seconds, like a single booking', async () => {
    const roomId = await room(world)
    const startTime = at(world, 1, '09:00').replace(/00$/, '30')
    const single = (await world.call('POST', BOOKING, { as: anna, payload: request(roomId, { startTime }) })).body
    expect(single).toMatchObject({ code: 500 })
    const { code, msg } = await book(request(roomId, { startTime, weeks: 2, mode: 'best_effort' }))
    expect([code, msg]).toEqual([500, expect.stringContaining(single.msg)])
    expect(await bookingsIn(roomId)).toEqual([])
  })

  it('in mode "all" books nothing if a week is not possible, and names these dates with the reason', async () => {
    const roomId = await room(world)
    await bookOne(roomId, 8)
    await bookOne(roomId, 15)
    const { code, msg } = await book(request(roomId, { weeks: 4, mode: 'all' }))
    expect(code).toBe(500)
    expect(msg).toMatch(/^整个系列均未预约。2026-03-10：.*被占用.*；2026-03-17：.*被占用/)
    expect(msg).not.toContain('2026-03-03')
    expect(await bookingsIn(roomId)).toHaveLength(2)
    expect((await world.inbox(anna)).map(({ type }) => type)).toEqual(['room.booking.pending', 'room.booking.pending'])
  })

  it('in mode "best_effort" books the possible weeks, and gives the reason for the others', async () => {
    const roomId = await room(world)
    await bookOne(roomId, 8)
    const { code, data } = await book(request(roomId, { weeks: 3, mode: 'best_effort' }))
    expect(code).toBe(200)
    expect(datesOf(data.booked)).toEqual(['2026-03-03', '2026-03-17'])
    expect(data.failed).toEqual([{ date: '2026-03-10', msg: expect.stringContaining('2026-03-10 09:30:00') }])
    expect(await bookingsIn(roomId)).toHaveLength(3)
  })

  it('is refused if no week is possible, in mode "best_effort" too', async () => {
    const roomId = await room(world)
    await bookOne(roomId, 1)
    await bookOne(roomId, 8)
    expect(await book(request(roomId, { weeks: 2, mode: 'best_effort' }))).toMatchObject({ code: 500 })
  })

  it('books no week beyond the limit for booking ahead', async () => {
    await setting(world, { advance_days: 14 })
    const { data } = await book(request(await room(world), { weeks: 3, mode: 'best_effort' }))
    expect(datesOf(data.booked)).toEqual(['2026-03-03', '2026-03-10'])
    expect(data.failed).toEqual([{ date: '2026-03-17', msg: '最多只能提前 14 天预约' }])
  })

  it('follows the rules of a single booking, and names a reason once for all its dates', async () => {
    const { code, msg } = await book(request(await room(world), { weeks: 2, userIdList: [] }))
    expect([code, msg]).toEqual([500, '整个系列均未预约。2026-03-03、2026-03-10：使用人（含申请人）不能少于 3 人'])
    expect(await book(request(999_999_999, { weeks: 2 }))).toEqual({ code: 404, msg: '房间不存在' })
  })

  it('has 2 to 26 weeks, given by their number or the last day', async () => {
    const roomId = await room(world)
    expect(await book(request(roomId))).toEqual({ code: 500, msg: '参数不全或有误：缺少 weeks' })
    for (const weeks of [1, 27, 2.5]) expect((await book(request(roomId, { weeks }))).code).toBe(500)
    expect(await book(request(roomId, { until: '2026-03-09' }))).toEqual({
      code: 500,
      msg: 'until 不合法：每周预约须为 2 至 26 周',
    })
    expect((await book(request(roomId, { until: '2199-12-31' }))).code).toBe(500)
    expect((await book(request(roomId, { until: '2026-02-30' }))).code).toBe(500)
    expect(await bookingsIn(roomId)).toEqual([])
  })

  it('with an Idempotency-Key is booked once', async () => {
    const roomId = await room(world)
    const payload = request(roomId, { weeks: 2 })
    const first = await book(payload, anna, { 'idempotency-key': 'weekly' })
    expect(await book(payload, anna, { 'idempotency-key': 'weekly' })).toEqual(first)
    expect(await bookingsIn(roomId)).toHaveLength(2)
  })

  it('names the participants who have another booking in a week', async () => {
    await bookOne(await room(world), 8)
    const { data } = await book(request(await room(world), { weeks: 2 }))
    expect(data.booked[0].doubleBooked).toEqual([])
    expect(data.booked[1].doubleBooked).toHaveLength(3)
  })

  it.runIf(onServer)('is booked for exactly one of eight people who request the same time at once', async () => {
    await setting(world, { participant_overlap: 'allow' })
    const roomId = await room(world)
    const rivals = await people(world, 8)
    const answers = await Promise.all(rivals.map((person) => book(request(roomId, { weeks: 6, mode: 'all' }), person)))
    expect(answers.map(({ code }) => code).sort()).toEqual([200, ...Array.from({ length: 7 }, () => 500)])
    expect(await bookingsIn(roomId)).toHaveLength(6)
    await setting(world, { participant_overlap: 'warn' })
  })
})

describe('Cancelling a series', () => {
  const cancel = async (seriesId: string, as = anna) =>
    (await world.call('DELETE', `${BOOKING}/series/${seriesId}`, { as })).body

  it('cancels pending and approved bookings that have not begun, and leaves the others', async () => {
    const roomId = await room(world)
    const { data } = await book(request(roomId, { weeks: 4 }))
    const [, second, third, fourth] = data.booked.map(({ id }: { id: number }) => id)
    await world.rows(`UPDATE tb_facility_booking SET status = '1' WHERE id = ${third}`)
    await world.rows(`UPDATE tb_facility_booking SET status = '2' WHERE id = ${fourth}`)
    world.clock.set(new Date('2026-03-03T01:30:00Z'))
    expect(await cancel(data.seriesId)).toMatchObject({ code: 200, data: { cancelled: [second, third] } })
    expect((await bookingsIn(roomId)).map(({ status }) => status)).toEqual(['0', '3', '3', '2'])
    expect(
      (await world.inbox(friends[1] ?? anna)).filter(({ type }) => type === 'room.booking.cancelled'),
    ).toHaveLength(2)
    expect(await cancel(data.seriesId)).toEqual({ code: 409, msg: '该系列没有可以取消的预约' })
  })

  it('is possible only for the applicant', async () => {
    const { data } = await book(request(await room(world), { weeks: 2 }))
    expect(await cancel(data.seriesId, friends[0])).toEqual({ code: 404, msg: '系列预约不存在' })
    expect((await cancel('not-a-series')).code).toBe(500)
  })
})

describe('The weeks of a series', () => {
  it('up to a last day are counted; fewer than two are refused', () => {
    expect(weeksUntil('2026-03-03', '2026-03-09')).toBeNull()
    expect(weeksUntil('2026-03-03', '2026-03-10')).toBe(2)
    expect(weeksUntil('2026-03-03', '2026-03-01')).toBeNull()
    fc.assert(
      fc.property(fc.integer({ min: 7, max: 26 * 7 - 1 }), (days) => {
        const until = addDays('2026-03-03', days)
        const weeks = weeksUntil('2026-03-03', until) ?? 0
        return addDays('2026-03-03', 7 * (weeks - 1)) <= until && until < addDays('2026-03-03', 7 * weeks)
      }),
    )
  })

  it('that failed are named once for each reason', () => {
    expect(
      failedWords([
        { date: '2026-03-03', msg: '甲' },
        { date: '2026-03-10', msg: '乙' },
        { date: '2026-03-17', msg: '甲' },
      ]),
    ).toBe('2026-03-03、2026-03-17：甲；2026-03-10：乙')
  })
})
