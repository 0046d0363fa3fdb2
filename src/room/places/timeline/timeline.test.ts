import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { building, inHours, people, room, storedBooking } from '../../../../test/support/room.ts'
import { openWorld } from '../../../../test/support/world.ts'
import { overlaps } from '../../../booking/interval.ts'
import { type BookingStatus, SEGMENT_WORDS, statusAt } from '../../core/states.ts'

const world = await openWorld()
const staff = await world.person('room:student_worker')
const group = await people(world, 3)
afterAll(() => world.close())

const get = async (path: string, as = staff) => (await world.call('GET', path, { as })).body
const timeline = async (id: number, query = '', as = staff) =>
  (await get(`/manage/facility/room/${id}/timeline${query}`, as)).data
const query = (from: number, to: number) => `?from=${inHours(world, from)}&to=${inHours(world, to)}`

describe('The timeline of a room', () => {
  it('shows pending, approved, ongoing and completed bookings in full length, with a word for their state', async () => {
    const id = await room(world)
    const at = async (start: number, status: string) =>
      storedBooking(world, id, group, { start, end: start + 2, status })
    const completed = await at(-30, '5')
    const ongoing = await at(-1, '4')
    const pending = await at(20, '0')
    const approved = await at(30, '1')
    await at(40, '2')
    await at(50, '3')
    const { roomId, range, segments } = await timeline(id, query(-29, 100))
    expect(roomId).toBe(id)
    expect(range).toEqual({ from: inHours(world, -29), to: inHours(world, 100) })
    expect(segments).toEqual([
      { id: completed, start: inHours(world, -30), end: inHours(world, -28), status: 'completed', ...said() },
      { id: ongoing, start: inHours(world, -1), end: inHours(world, 1), status: 'ongoing', ...said() },
      { id: pending, start: inHours(world, 20), end: inHours(world, 22), status: 'pending', ...said() },
      { id: approved, start: inHours(world, 30), end: inHours(world, 32), status: 'approved', ...said() },
    ])
  })
  const said = () => ({ purpose: '会议', applicantName: `person${group[0]?.id ?? 0}` })

  it('shows the state by the clock, even before the job has settled it', async () => {
    const id = await room(world)
    await storedBooking(world, id, group, { start: 1, end: 2, status: '0' })
    await storedBooking(world, id, group, { start: 2, end: 4, status: '1' })
    const words = async () => (await timeline(id)).segments.map(({ status }: { status: string }) => status)
    expect(await words()).toEqual(['pending', 'approved'])
    world.clock.advance(180)
    expect(await words()).toEqual(['ongoing'])
    world.clock.advance(60)
    expect(await words()).toEqual(['completed'])
  })

  it('shows exactly the bookings that overlap a window (random windows)', async () => {
    const id = await room(world)
    const now = world.clock.now()
    const hour = (n: number) => new Date(now.getTime() + n * 3_600_000)
    const statuses: BookingStatus[] = ['0', '1', '2', '3', '4', '5']
    const all: { id: number; status: BookingStatus; startTime: Date; endTime: Date }[] = []
    for (let n = 0, start = -400; start < 400; n += 1) {
      // Some bookings are long: 160 hours, close to the longest that is allowed (168).
      const length = n % 17 === 0 ? 160 : 1 + (n % 5)
      const status = statuses[(n * 7) % 6] ?? '0'
      const made = await storedBooking(world, id, group, { start, end: start + length, status })
      all.push({ id: made, status, startTime: hour(start), endTime: hour(start + length) })
      start += n % 3 === 0 ? length : length + 2
    }
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -420, max: 420 }), fc.integer({ min: 1, max: 200 }), async (from, hours) => {
        const { segments } = await timeline(id, query(from, from + hours))
        const window = { start: hour(from), end: hour(from + hours) }
        const expected = all.flatMap((booking) => {
          const word = SEGMENT_WORDS[statusAt(booking, now)]
          const span = { start: booking.startTime, end: booking.endTime }
          return word && overlaps(span, window) ? [{ id: booking.id, status: word }] : []
        })
        expect(segments.map(({ id, status }: { id: number; status: string }) => ({ id, status }))).toEqual(expected)
      }),
      { numRuns: 40 },
    )
  })

  it('covers the time from 30 days ago to the end of the last booking by default', async () => {
    const id = await room(world)
    expect((await timeline(id)).range).toEqual({ from: inHours(world, -720), to: inHours(world, 0) })
    const old = await storedBooking(world, id, group, { start: -722, end: -719, status: '5' })
    await storedBooking(world, id, group, { start: -750, end: -740, status: '5' })
    const ahead = await storedBooking(world, id, group, { start: 600, end: 601 })
    const { range, segments } = await timeline(id)
    expect(range).toEqual({ from: inHours(world, -720), to: inHours(world, 601) })
    expect(segments.map(({ id }: { id: number }) => id)).toEqual([old, ahead])
    expect((await timeline(id, '?from=&to=')).range).toEqual(range)
    const until = await timeline(id, `?to=${inHours(world, -745)}`)
    expect(until.range).toEqual({ from: inHours(world, -745 - 720), to: inHours(world, -745) })
  })

  it('shows purpose and names in the portal only to the participants of a booking', async () => {
    const id = await room(world)
    await storedBooking(world, id, group, { start: 1, end: 2, purpose: '秘密' })
    const stranger = await world.person('room:user')
    const path = `/portal/facility/room/${id}/timeline`
    const [others] = (await get(path, stranger)).data.segments
    expect(Object.keys(others).sort()).toEqual(['end', 'id', 'start', 'status'])
    for (const as of group) expect((await get(path, as)).data.segments[0]).toMatchObject({ purpose: '秘密' })
  })

  it('refuses empty, too long and malformed windows, unknown rooms and callers without permission', async () => {
    const id = await room(world)
    const path = `/manage/facility/room/${id}/timeline`
    expect(await get(`${path}${query(2, 2)}`)).toEqual({ code: 500, msg: '结束时间必须晚于开始时间' })
    expect(await get(`${path}?from=2020-01-01 00:00:00`)).toEqual({ code: 500, msg: '时间范围不能超过 366 天' })
    expect((await get(`${path}?from=gestern`)).msg).toContain('yyyy-MM-dd HH:mm:ss')
    expect(await get('/manage/facility/room/9007199254740991/timeline')).toEqual({ code: 404, msg: '房间不存在' })
    expect((await get(path, group[0])).code).toBe(403)
  })
})

describe('The Gantt chart of a building', () => {
  it('has a line for every room, sorted by floor, and can be filtered by state', async () => {
    const buildingId = await building(world)
    const upper = await room(world, { buildingId, floorNo: 2, name: '二楼' })
    const cellar = await room(world, { buildingId, floorNo: -1, name: '地下' })
    await room(world)
    const done = await storedBooking(world, upper, group, { start: -5, end: -3 })
    const next = await storedBooking(world, upper, group, { start: 3, end: 5 })
    const path = `/manage/facility/building/${buildingId}/gantt`
    const { data } = await get(path)
    expect(data).toMatchObject({
      buildingId,
      range: { from: inHours(world, -720), to: inHours(world, 5) },
      items: [
        { roomId: cellar, roomName: '地下', floorNo: -1, segments: [] },
        {
          roomId: upper,
          roomName: '二楼',
          floorNo: 2,
          segments: [
            { id: done, status: 'completed' },
            { id: next, status: 'approved' },
          ],
        },
      ],
    })
    const ids = async (status: string) =>
      (await get(`${path}?status=${status}`)).data.items.flatMap((item: { segments: { id: number }[] }) =>
        item.segments.map(({ id }) => id),
      )
    expect([await ids('1'), await ids('approved'), await ids('5'), await ids('3')]).toEqual([
      [next],
      [next],
      [done],
      [],
    ])
    expect((await get(`${path}?status=9`)).code).toBe(500)
  })

  it('is 404 for an unknown building, empty for one without rooms, and requires a permission', async () => {
    expect(await get('/manage/facility/building/9007199254740991/gantt')).toEqual({ code: 404, msg: '楼房不存在' })
    const empty = await building(world)
    expect((await get(`/manage/facility/building/${empty}/gantt`)).data.items).toEqual([])
    expect((await get(`/manage/facility/building/${empty}/gantt`, group[0])).code).toBe(403)
  })
})
