import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { at, building, inHours, people, room, setting, storedBooking } from '../../../../test/support/room.ts'
import { openWorld } from '../../../../test/support/world.ts'
import { overlaps } from '../../../booking/interval.ts'
import { type BookingStatus, HOLDING, statusAt } from '../../core/states.ts'

const world = await openWorld()
const group = await people(world, 3)
const me = group[0] ?? (await world.person('room:user'))
afterAll(() => world.close())

const get = async (path: string) => (await world.call('GET', `/portal/facility${path}`, { as: me })).body
const idsOf = ({ rows }: { rows: { id: number }[] }) => rows.map(({ id }) => id)
const rooms = async (query: string) => idsOf(await get(`/room/list?pageSize=100&${query}`))
const time = (from: number, to: number) => `from=${inHours(world, from)}&to=${inHours(world, to)}`
const close = (column: 'room_id' | 'building_id', id: number, from: number, to: number) =>
  world.rows(`INSERT INTO tb_facility_closure (${column}, start_time, end_time, reason, create_time)
    VALUES (${id}, '${inHours(world, from)}+08', '${inHours(world, to)}+08', '维修', now())`)

describe('The list of buildings in the portal', () => {
  it('shows only buildings in use, can be filtered by name, and requires a log-in', async () => {
    const open = await building(world, '信息楼')
    const shut = await building(world, '旧楼')
    await world.rows(`UPDATE tb_facility_building SET status = '1' WHERE id = ${shut}`)
    const gone = await building(world, '拆楼')
    await world.rows(`UPDATE tb_facility_building SET del_flag = '2' WHERE id = ${gone}`)
    const found = await get('/building/list?pageNum=1&pageSize=100')
    expect(found.rows).toContainEqual({ id: open, buildingName: '信息楼', status: '0', remark: '' })
    expect(idsOf(found)).not.toContain(shut)
    expect(idsOf(found)).not.toContain(gone)
    expect(idsOf(await get(`/building/list?buildingName=${encodeURIComponent('信息')}`))).toEqual([open])
    expect((await world.call('GET', '/portal/facility/building/list')).body.code).toBe(401)
  })
})

describe('Rooms in the portal', () => {
  it('can be filtered by building, floor, capacity, equipment and name, sorted and paged', async () => {
    const buildingId = await building(world)
    const small = await room(world, { buildingId, floorNo: -1, capacity: 5, tags: '白板', name: '小室100%' })
    const large = await room(world, { buildingId, floorNo: 2, capacity: 50, tags: '白板,电视,音响', name: '大室' })
    const here = `buildingId=${buildingId}`
    expect(await rooms(here)).toEqual([small, large])
    expect(await rooms(`${here}&floorNo=-1`)).toEqual([small])
    expect(await rooms(`${here}&capacity=6`)).toEqual([large])
    expect(await rooms(`${here}&equipmentTags=${encodeURIComponent('音响， 白板')}`)).toEqual([large])
    expect(await rooms(`${here}&equipmentTags=${encodeURIComponent('投影')}`)).toEqual([])
    expect(await rooms(`${here}&roomName=${encodeURIComponent('0%')}`)).toEqual([small])
    expect(await rooms(`${here}&floorNo=&capacity=&equipmentTags=&roomName=&from=&to=`)).toEqual([small, large])
    expect(await rooms(`${here}&orderByColumn=capacity&isAsc=desc`)).toEqual([large, small])
    const page = await get(`/room/list?${here}&pageSize=1&pageNum=2`)
    expect([idsOf(page), page.total]).toEqual([[large], 2])
    expect(page.rows[0]).toMatchObject({
      buildingId,
      floorNo: 2,
      capacity: 50,
      equipmentTags: '白板,电视,音响',
      bookable: true,
    })
  })

  it('are not listed while they or their building are out of use; their details say that they can’t be booked', async () => {
    const buildingId = await building(world)
    const inUse = await room(world, { buildingId })
    const id = await room(world, { buildingId })
    await world.rows(`UPDATE tb_facility_room SET status = '1' WHERE id = ${id}`)
    expect(await rooms(`buildingId=${buildingId}`)).toEqual([inUse])
    expect((await get(`/room/${id}`)).data).toMatchObject({ id, status: '1', bookable: false })
    await world.rows(`UPDATE tb_facility_building SET status = '1' WHERE id = ${buildingId}`)
    expect(await rooms(`buildingId=${buildingId}`)).toEqual([])
    expect((await get(`/room/${inUse}`)).data).toMatchObject({ status: '0', bookable: false })
    expect(await get('/room/9007199254740991')).toEqual({ code: 404, msg: '房间不存在' })
  })

  it('are listed for a time if they are open and neither booked nor closed then; invalid times are refused', async () => {
    const buildingId = await building(world)
    const here = `buildingId=${buildingId}`
    const [booked, closed, hours, free] = [
      await room(world, { buildingId }),
      await room(world, { buildingId }),
      await room(world, { buildingId }),
      await room(world, { buildingId }),
    ]
    await storedBooking(world, booked, group, { start: 2, end: 4 })
    await close('room_id', closed, 3, 5)
    // The clock stands at 08:00 on a Monday.
    await world.rows(
      `UPDATE tb_facility_room SET open_hours = '[{"weekday":1,"opens":"08:00","closes":"11:00"}]' WHERE id = ${hours}`,
    )
    expect(await rooms(`${here}&${time(3, 4)}`)).toEqual([free])
    expect(await rooms(`${here}&${time(1, 2)}`)).toEqual([booked, closed, hours, free])
    expect(await rooms(`${here}&${time(4, 5)}`)).toEqual([booked, free])
    expect((await get(`/room/list?${here}&${time(1, 2)}&pageSize=1&pageNum=9`)).total).toBe(4)
    await close('building_id', buildingId, 8, 9)
    expect(await rooms(`${here}&${time(7, 8)}`)).toEqual([booked, closed, free])
    expect(await rooms(`${here}&${time(8, 9)}`)).toEqual([])
    expect(await get(`/room/list?from=${inHours(world, 1)}`)).toEqual({
      code: 500,
      msg: '开始时间 from 与结束时间 to 须同时填写',
    })
    expect((await get(`/room/list?${time(2, 1)}`)).code).toBe(500)
    expect((await get(`/room/list?${time(0, 367 * 24)}`)).code).toBe(500)
  })

  it('are listed for a time exactly if none of their bookings overlaps it (random times)', async () => {
    const buildingId = await building(world)
    const now = world.clock.now()
    const hour = (n: number) => new Date(now.getTime() + n * 3_600_000)
    const statuses: BookingStatus[] = ['0', '1', '2', '3', '4', '5']
    const all: { room: number; status: BookingStatus; startTime: Date; endTime: Date }[] = []
    const ids: number[] = []
    for (let place = 0; place < 6; place += 1) {
      const id = await room(world, { buildingId })
      ids.push(id)
      for (let start = -20 + place, n = 0; start < 60; n += 1) {
        const length = 1 + ((n + place) % 6)
        const status = statuses[(n * 5 + place) % 6] ?? '0'
        await storedBooking(world, id, group, { start, end: start + length, status })
        all.push({ room: id, status, startTime: hour(start), endTime: hour(start + length) })
        start += length + ((n * 3 + place) % 7)
      }
    }
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -25, max: 60 }), fc.integer({ min: 1, max: 12 }), async (from, length) => {
        const window = { start: hour(from), end: hour(from + length) }
        const busy = all.filter(
          (booking) =>
            HOLDING.includes(statusAt(booking, now)) &&
            overlaps({ start: booking.startTime, end: booking.endTime }, window),
        )
        const free = ids.filter((id) => !busy.some(({ room }) => room === id))
        expect(await rooms(`buildingId=${buildingId}&${time(from, from + length)}`)).toEqual(free)
      }),
      { numRuns: 40 },
    )
  })
})

describe('The search for a free room', () => {
  const free = (buildingId: number, day: number, start: string, end: string, people: number) =>
    get(
      `/room/free?buildingId=${buildingId}&start=${at(world, day, start)}&end=${at(world, day, end)}&people=${people}`,
    )

  it('lists the rooms that are large enough, the smallest first', async () => {
    const buildingId = await building(world)
    const large = await room(world, { buildingId, capacity: 100 })
    const middle = await room(world, { buildingId, capacity: 10 })
    await room(world, { buildingId, capacity: 9 })
    const { data } = await free(buildingId, 1, '10:00', '11:00', 10)
    expect(data.rooms.map(({ id }: { id: number }) => id)).toEqual([middle, large])
    expect(data.nearest).toEqual([])
  })

  it('names the nearest free times if no room is free, and these can be booked', async () => {
    const buildingId = await building(world)
    const [a, b] = [await room(world, { buildingId, capacity: 5 }), await room(world, { buildingId, capacity: 8 })]
    await room(world, { buildingId, capacity: 2 })
    // The clock stands at 08:00: these are tomorrow from 10:00 to 12:00 and from 06:00 to 17:00.
    await storedBooking(world, a, group, { start: 26, end: 28 })
    await storedBooking(world, b, group, { start: 22, end: 33 })
    const { data } = await free(buildingId, 1, '10:45', '11:45', 4)
    expect(data.rooms).toEqual([])
    expect(data.nearest).toMatchObject([
      { start: at(world, 1, '12:00'), end: at(world, 1, '13:00'), room: { id: a } },
      { start: at(world, 1, '05:00'), end: at(world, 1, '06:00'), room: { id: b } },
    ])
    const [{ start, end }] = data.nearest
    const payload = {
      roomId: a,
      purpose: '会议',
      startTime: start,
      endTime: end,
      userIdList: group.map(({ id }) => id),
    }
    expect((await world.call('POST', '/portal/facility/booking', { as: me, payload })).body.code).toBe(200)
  })

  it('proposes only times that the booking rules allow, and refuses a wanted time that breaks them', async () => {
    const buildingId = await building(world)
    const id = await room(world, { buildingId, capacity: 5 })
    await setting(world, { advance_days: 2, max_duration_minutes: 120 })
    await storedBooking(world, id, group, { start: 0, end: 70 })
    expect((await free(buildingId, 1, '10:00', '11:00', 3)).data).toEqual({ rooms: [], nearest: [] })
    await setting(world, { advance_days: 3 })
    expect((await free(buildingId, 1, '10:00', '11:00', 3)).data.nearest).toMatchObject([
      { start: at(world, 3, '06:00') },
    ])
    expect((await free(buildingId, 1, '10:00', '12:05', 3)).msg).toBe('预约时长不能超过 120 分钟')
    expect((await free(buildingId, 0, '07:55', '09:00', 3)).msg).toBe('开始时间不能早于当前时间')
    expect((await free(buildingId, 1, '10:00', '10:00', 3)).msg).toBe('结束时间必须晚于开始时间')
    expect((await free(buildingId, 1, '10:02', '11:00', 3)).msg).toBe('开始和结束时间必须是 5 分钟的整数倍')
    expect((await free(buildingId, 4, '10:00', '11:00', 3)).msg).toBe('最多只能提前 3 天预约')
    expect((await get('/room/free')).msg).toContain('缺少 start')
    await setting(world, { advance_days: 30, max_duration_minutes: 4320 })
  })
})

describe('An unknown parameter of the search for a free room', () => {
  it.each(['floorNo=abc', 'floorNo=7', 'roomName=a&roomName=b', 'capacity=abc', 'capacity=1000'])(
    'is ignored: %s',
    async (query) => {
      const buildingId = await building(world)
      await room(world, { buildingId, capacity: 10 })
      const path = `/room/free?buildingId=${buildingId}&start=${at(world, 1, '10:00')}&end=${at(world, 1, '11:00')}`
      const plain = await get(path)
      expect(plain.data.rooms).toHaveLength(1)
      expect(await get(`${path}&${query}`)).toEqual(plain)
    },
  )
})

describe('The search for people', () => {
  it('finds at most 20 active people by the start of a name or user name, and shows only their id and names', async () => {
    await world.rows(`INSERT INTO users (username, display_name, email, status, created_at, updated_at)
      SELECT 'Stu' || n, '王' || n, 'w' || n || '@example.com', 'active', now(), now() FROM generate_series(100, 130) n`)
    await world.rows(
      `INSERT INTO users (username, display_name, status, created_at, updated_at) VALUES ('stu_off', '王关', 'disabled', now(), now())`,
    )
    const search = async (keyword: string) => (await get(`/user/search?keyword=${encodeURIComponent(keyword)}`)).data
    const found = await search('stu')
    expect(found).toHaveLength(20)
    expect(found[0]).toEqual({ userId: expect.any(Number), userName: 'Stu100', nickName: '王100' })
    expect(await search('王12')).toHaveLength(10)
    expect(await search('stu1')).toHaveLength(20)
    expect(await search('tu1')).toEqual([])
    expect(await search('stu_')).toEqual([])
    expect(await search('王关')).toEqual([])
    expect((await get('/user/search?keyword=')).code).toBe(500)
    expect((await get('/user/search')).msg).toContain('缺少 keyword')
  })
})

describe('The booking rules', () => {
  it('can be read in the portal', async () => {
    expect((await get('/setting')).data).toEqual({
      auditRequired: true,
      maxDurationMinutes: 4320,
      advanceDays: 30,
      gridMinutes: 5,
      participantOverlap: 'warn',
      minParticipants: 3,
    })
  })
})
