import { afterAll, describe, expect, it } from 'vitest'
import { onServer, waitForLocks } from '../../../../test/support/database.ts'
import { at, building, people, room, setting } from '../../../../test/support/room.ts'
import { type Method, openWorld, type Person } from '../../../../test/support/world.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { joinedTo } from '../../../kernel/http/request/idempotency.ts'
import { addRoom } from '../rooms/service.ts'

const world = await openWorld()
const admin = await world.person('room:admin')
const group = await people(world)
await setting(world, { audit_required: false })
afterAll(() => world.close())

const path = '/manage/facility/closure'
const call = async (method: Method, url: string, payload?: unknown, as = admin) =>
  (await world.call(method, url, { as, payload })).body

/** A booking request of a group. */
const request = (roomId: number, from: string, to: string, day = 1, users = group) => ({
  roomId,
  purpose: '会议',
  startTime: at(world, day, from),
  endTime: at(world, day, to),
  userIdList: users.map(({ id }) => id),
})

async function book(...[roomId, from, to, day, users = group]: Parameters<typeof request>): Promise<number> {
  const answer = await call('POST', '/portal/facility/booking', request(roomId, from, to, day, users), users[0])
  expect(answer).toMatchObject({ code: 200 })
  const rows = await world.rows<{ id: number }>(
    `SELECT max(id) AS id FROM tb_facility_booking WHERE room_id = ${roomId}`,
  )
  return rows[0]?.id ?? 0
}

const closure = (from: string, to: string, more: object, day = 1) => ({
  startTime: at(world, day, from),
  endTime: at(world, day, to),
  reason: '消防演练',
  ...more,
})

const stored = async (id: number) =>
  (
    await world.rows<Record<string, unknown>>(
      `SELECT status, cancel_reason, cancelled_by, end_time FROM tb_facility_booking WHERE id = ${id}`,
    )
  )[0]

/** The last message of a group; fails unless all of them received the same. */
async function told(users: readonly Person[] = group) {
  const last = await Promise.all(users.map(async (person) => (await world.inbox(person)).at(-1)))
  expect(new Set(last.map((message) => message?.body)).size).toBe(1)
  return last[0]
}

describe('Closing a room', () => {
  it('cancels the bookings in that time with actor and reason, notifies their participants, and leaves others alone', async () => {
    const roomId = await room(world, { name: '关闭室' })
    const before = await book(roomId, '08:00', '09:00')
    const inside = await book(roomId, '09:30', '10:30')
    const touching = await book(roomId, '11:00', '13:00')
    const after = await book(roomId, '14:00', '15:00')
    const answer = await call('POST', path, closure('09:00', '12:00', { roomId }))
    expect(answer).toEqual({ code: 200, msg: '操作成功', data: { id: expect.any(Number), cancelled: 2, cutShort: 0 } })
    for (const id of [inside, touching]) {
      expect(await stored(id)).toMatchObject({ status: '3', cancel_reason: '消防演练', cancelled_by: admin.id })
    }
    for (const id of [before, after]) expect(await stored(id)).toMatchObject({ status: '1', cancel_reason: null })
    expect(await told()).toMatchObject({
      type: 'room.booking.cancelled_by_staff',
      body: expect.stringContaining('消防演练'),
    })
    expect(
      await world.rows(`SELECT resource_id FROM operation_log WHERE action = 'room.booking.cancel' ORDER BY id`),
    ).toEqual([inside, touching].map((id) => ({ resource_id: String(id) })))
  })

  it('refuses bookings that overlap the closure, and accepts those that only touch it', async () => {
    const roomId = await room(world)
    await call('POST', path, closure('09:00', '12:00', { roomId }))
    const refused = await call('POST', '/portal/facility/booking', request(roomId, '11:55', '13:00'), group[0])
    expect(refused).toMatchObject({ code: 500, msg: expect.stringContaining('消防演练') })
    await book(roomId, '08:00', '09:00')
    await book(roomId, '12:00', '13:00')
  })

  it('ends a running booking when the closure begins, or now; an overdue undecided booking is not cancelled', async () => {
    const later = await room(world)
    const now = await room(world)
    const users = await people(world)
    const ids = [await book(later, '09:00', '12:00', 1, users), await book(now, '12:00', '15:00', 1, users)]
    const pending = await room(world)
    await setting(world, { audit_required: true })
    const undecided = await book(pending, '09:00', '18:00', 1, users)
    await setting(world, { audit_required: false })

    world.clock.advance(26 * 60)
    expect((await call('POST', path, closure('11:00', '18:00', { roomId: later }, 0))).data).toMatchObject({
      cancelled: 0,
      cutShort: 1,
    })
    expect(await stored(ids[0] ?? 0)).toMatchObject({ status: '4', end_time: new Date('2026-03-03T03:00:00Z') })
    expect(await told(users)).toMatchObject({
      type: 'room.booking.cut_short',
      body: expect.stringContaining('09:00:00 至 11:00:00'),
    })

    world.clock.advance(3 * 60)
    expect((await call('POST', path, closure('11:00', '18:00', { roomId: now }, 0))).data).toMatchObject({
      cutShort: 1,
    })
    expect(await stored(ids[1] ?? 0)).toMatchObject({ status: '5', end_time: new Date('2026-03-03T05:00:00Z') })

    expect((await call('POST', path, closure('11:00', '18:00', { roomId: pending }, 0))).data).toMatchObject({
      cancelled: 0,
      cutShort: 0,
    })
    expect((await stored(undecided))?.status).not.toBe('3')
  })

  it('is refused if its times are out of order or past, its target is missing or unknown, or a field is invalid', async () => {
    const roomId = await room(world)
    expect(await call('POST', path, closure('12:00', '12:00', { roomId }))).toEqual({
      code: 500,
      msg: '结束时间必须晚于开始时间',
    })
    expect(await call('POST', path, closure('08:00', '09:00', { roomId }, -1))).toMatchObject({ code: 409 })
    expect((await call('POST', path, closure('08:00', '09:00', { roomId: null }))).msg).toContain(
      '缺少 roomId 或 buildingId',
    )
    expect(await call('POST', path, closure('08:00', '09:00', { roomId: 999_999 }))).toEqual({
      code: 404,
      msg: '房间不存在',
    })
    expect(await call('POST', path, closure('08:00', '09:00', { buildingId: 999_999 }))).toEqual({
      code: 404,
      msg: '楼房不存在',
    })
    expect((await call('POST', path, { ...closure('08:00', '09:00', { roomId }), reason: '' })).msg).toContain(
      'reason 不能为空',
    )
    expect((await call('POST', path, { ...closure('08:00', '09:00', { roomId }), startTime: '明天' })).msg).toContain(
      'startTime 的格式应为 yyyy-MM-dd HH:mm:ss',
    )
  })
})

describe('Closing a building', () => {
  it('closes all its rooms, also those that are added later, and no others', async () => {
    const buildingId = await building(world)
    const rooms = [await room(world, { buildingId }), await room(world, { buildingId })]
    const other = await room(world)
    const [a, b, c] = [
      await book(rooms[0] ?? 0, '09:00', '10:00'),
      await book(rooms[1] ?? 0, '10:00', '11:00'),
      await book(other, '11:00', '12:00'),
    ]
    expect((await call('POST', path, closure('00:00', '23:59', { buildingId }))).data).toMatchObject({ cancelled: 2 })
    expect([await stored(a), await stored(b), await stored(c)].map((one) => one?.status)).toEqual(['3', '3', '1'])
    const added = (
      await call('POST', '/manage/facility/room', { buildingId, floorNo: 9, roomName: '新房间', capacity: 9 })
    ).data.id
    expect((await call('POST', '/portal/facility/booking', request(added, '13:00', '14:00'), group[0])).code).toBe(500)
  })
})

describe('A closure', () => {
  it('can be read, and listed by building, room and time, the latest first', async () => {
    const buildingId = await building(world, '列表楼')
    const roomId = await room(world, { buildingId, name: '列表室' })
    const otherId = await room(world, { buildingId })
    const ofRoom = (await call('POST', path, closure('09:00', '10:00', { roomId }))).data.id
    const ofBuilding = (await call('POST', path, closure('09:00', '10:00', { buildingId }, 5))).data.id
    const row = {
      id: ofRoom,
      buildingId,
      buildingName: '列表楼',
      roomId,
      roomName: '列表室',
      startTime: at(world, 1, '09:00'),
      endTime: at(world, 1, '10:00'),
      reason: '消防演练',
      createTime: expect.any(String),
      updateTime: null,
    }
    expect(await call('GET', `${path}/${ofRoom}`)).toEqual({ code: 200, msg: '操作成功', data: row })
    const ids = async (query: string) =>
      (await call('GET', `${path}/list?${query}`)).rows.map((one: { id: number }) => one.id)
    expect(await call('GET', `${path}/list?buildingId=${buildingId}`)).toMatchObject({
      code: 200,
      total: 2,
      rows: [{ id: ofBuilding, buildingId, roomId: null, roomName: null }, row],
    })
    expect(await ids(`roomId=${roomId}`)).toEqual([ofBuilding, ofRoom])
    expect(await ids(`roomId=${otherId}`)).toEqual([ofBuilding])
    const window = (day: number, from: string, to: string) =>
      `buildingId=${buildingId}&from=${encodeURIComponent(at(world, day, from))}&to=${encodeURIComponent(at(world, day, to))}`
    expect(await ids(window(1, '09:59', '12:00'))).toEqual([ofRoom])
    expect(await ids(window(1, '10:00', '12:00'))).toEqual([])
    expect(await ids(`buildingId=${buildingId}&orderByColumn=startTime&isAsc=asc`)).toEqual([ofRoom, ofBuilding])
  })

  it('that is extended cancels the bookings it now covers; shortened or deleted, it restores none but frees the time', async () => {
    const roomId = await room(world)
    const first = await book(roomId, '09:00', '10:00', 2)
    const second = await book(roomId, '10:00', '11:00', 2)
    const { id } = (await call('POST', path, closure('08:00', '10:00', { roomId }, 2))).data
    expect((await stored(second))?.status).toBe('1')
    const row = (await call('GET', `${path}/${id}`)).data
    const extended = await call('PUT', path, { ...row, endTime: at(world, 2, '10:30'), searchValue: null })
    expect(extended).toEqual({ code: 200, msg: '操作成功', data: { cancelled: 1, cutShort: 0 } })
    expect((await stored(second))?.status).toBe('3')
    expect((await call('PUT', path, { id, endTime: at(world, 2, '09:00'), reason: null })).code).toBe(200)
    expect((await stored(first))?.status).toBe('3')
    await book(roomId, '09:00', '10:00', 2)
    expect((await call('DELETE', `${path}/${id},999999`)).code).toBe(404)
    expect(await call('DELETE', `${path}/${id}`)).toEqual({ code: 200, msg: '操作成功' })
    await book(roomId, '08:00', '09:00', 2)
    expect(await call('GET', `${path}/${id}`)).toEqual({ code: 404, msg: '关闭时段不存在' })
    expect((await call('PUT', path, { id, reason: 'x' })).code).toBe(404)
  })

  it('can’t be moved to another room; once it is over, it can be deleted but not changed', async () => {
    const roomId = await room(world)
    const other = await room(world)
    const { id } = (await call('POST', path, closure('09:00', '10:00', { roomId }))).data
    expect((await call('PUT', path, { id, roomId: other })).msg).toContain('不能更改关闭的楼房或房间')
    expect((await call('PUT', path, { id, startTime: at(world, 1, '10:00') })).msg).toBe('结束时间必须晚于开始时间')
    world.clock.advance(3 * 24 * 60)
    expect(await call('PUT', path, { id, reason: 'x' })).toEqual({ code: 409, msg: '关闭时段已结束，不能再修改' })
    expect((await call('DELETE', `${path}/${id}`)).code).toBe(200)
  })

  it('requires a separate permission for each operation', async () => {
    const worker = await world.person('room:student_worker')
    expect((await call('GET', `${path}/list`, undefined, worker)).code).toBe(200)
    expect((await call('GET', `${path}/list`, undefined, group[0])).msg).toContain('manage:facility:closure:list')
    for (const [method, url, name] of [
      ['POST', path, 'add'],
      ['PUT', path, 'edit'],
      ['DELETE', `${path}/1`, 'remove'],
    ] as const) {
      expect((await call(method, url, {}, worker)).msg).toContain(`manage:facility:closure:${name}`)
    }
  })
})

describe.runIf(onServer)('A concurrent closure', () => {
  const HOURS = Array.from({ length: 10 }, (_, index) => index + 8)
  const hour = (n: number) => `${String(n).padStart(2, '0')}:00`

  it.each(['room', 'building'] as const)('of a %s leaves no current booking inside it', async (what) => {
    for (let round = 0; round < 4; round += 1) {
      const buildingId = await building(world)
      const rooms = await Promise.all(Array.from({ length: 5 }, () => room(world, { buildingId })))
      const target = what === 'room' ? { roomId: rooms[0] } : { buildingId }
      const bookings = rooms.flatMap((roomId) =>
        HOURS.map(
          (start) => async () =>
            call('POST', '/portal/facility/booking', request(roomId, hour(start), hour(start + 1)), group[0]),
        ),
      )
      const calls = bookings.map((run) => run())
      calls.splice(10 + round * 5, 0, call('POST', path, closure('10:00', '16:00', target)))
      const answers = await Promise.all(calls)
      const closed = answers.find(({ data }) => data?.cancelled !== undefined)
      expect(closed).toMatchObject({ code: 200 })
      expect(answers.filter(({ code }) => code !== 200 && code !== 500)).toEqual([])
      const standing = await world.rows<{ inside: boolean; closed: boolean }>(`
        SELECT b.during && c.during AS inside, b.room_id = c.room_id OR c.building_id IS NOT NULL AS closed
        FROM tb_facility_booking b JOIN tb_facility_closure c ON c.id = ${closed?.data.id}
        WHERE b.room_id IN (${rooms.join()}) AND b.status IN ('0', '1', '4')`)
      expect(standing.filter(({ inside, closed }) => inside && closed)).toEqual([])
      expect(standing).toHaveLength(what === 'room' ? 44 : 20)
    }
  })

  it('of a building waits for a room that is being added to it, and raises the revision of that room', async () => {
    const buildingId = await building(world)
    let closing: Promise<{ code: number }> | undefined
    const roomId = await world.kernel.transaction(async (tx) => {
      const kernel = joinedTo(tx, world.kernel, () => {})
      const id = await addRoom(kernel, caller(), { buildingId, floorNo: 1, roomName: '新房间', capacity: 9 })
      closing = call('POST', path, closure('09:00', '12:00', { buildingId }))
      await waitForLocks(world.kernel.db, 1)
      return id
    })
    expect(await closing).toMatchObject({ code: 200 })
    expect(await world.rows(`SELECT revision FROM tb_facility_room WHERE id = ${roomId}`)).toEqual([{ revision: 2 }])
  })

  const caller = (): Caller => ({
    userId: admin.id,
    sessionId: 's',
    roles: new Set(),
    permissions: new Set(),
    isAdmin: false,
    scope: 'full',
    address: '192.0.2.1',
    requestId: 'r',
  })
})
