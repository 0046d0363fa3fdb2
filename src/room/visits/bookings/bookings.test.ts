import { describe, expect, it } from 'vitest'
import { at, building, room, setting } from '../../../../test/support/room.ts'
import {
  anna,
  ban,
  ben,
  book,
  cancel,
  cleo,
  dora,
  ids,
  openBookings,
  participants,
  post,
  refused,
  request,
  row,
  staff,
  told,
  world,
} from '../../../../test/support/roomBookings.ts'
import { MONDAY, type Person } from '../../../../test/support/world.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import { insertBooking } from '../../core/bookingRowStore.ts'
import { readFacts } from '../../core/facts.ts'

openBookings()

describe('Booking a room', () => {
  it('creates a pending booking from the body of the document, and notifies all participants', async () => {
    const id = await book(request(await room(world)))
    expect(await row(id)).toMatchObject({ status: '0', duration_minutes: 180, reject_reason: null })
    expect((await row(id)).start_time).toEqual(new Date('2026-03-03T01:00:00Z'))
    expect(await participants(id)).toEqual([
      [anna.id, '1'],
      [ben.id, '0'],
      [cleo.id, '0'],
    ])
    for (const person of [anna, ben, cleo]) expect(await told(person, id)).toEqual(['pending'])
    expect(
      await world.rows(
        `SELECT actor_id, action FROM operation_log WHERE resource = 'room_booking' AND resource_id = '${id}'`,
      ),
    ).toEqual([{ actor_id: anna.id, action: 'room.booking.add' }])
  })

  it('is approved at once if no approval is required', async () => {
    await setting(world, { audit_required: false })
    const { body } = await post(request(await room(world)))
    expect(body).toEqual({
      code: 200,
      msg: '操作成功',
      data: { id: expect.any(Number), status: '1', doubleBooked: [] },
    })
    expect(await told(ben, body.data.id)).toEqual(['approved'])
  })

  it('is possible at the desk with its permission', async () => {
    const payload = request(await room(world), { userIdList: ids(anna, ben) })
    expect((await post(payload, anna, '/manage/facility')).body.code).toBe(403)
    const { body } = await post(payload, staff, '/manage/facility')
    expect(await participants(body.data.id)).toContainEqual([staff.id, '1'])
  })

  it('adds a missing applicant to the participants, and counts each person once', async () => {
    const roomId = await room(world)
    const id = await book(request(roomId, { userIdList: ids(ben, cleo, ben) }))
    expect(await participants(id)).toHaveLength(3)
    const day = { startTime: at(world, 2, '09:00'), endTime: at(world, 2, '10:00') }
    expect(await post(request(roomId, { ...day, userIdList: ids(anna, ben, ben) }))).toMatchObject(
      refused('使用人（含申请人）不能少于 3 人'),
    )
  })

  it('accepts a booking that begins when another ends, and refuses overlapping ones with the occupied time', async () => {
    const roomId = await room(world)
    await book(request(roomId))
    await book(request(roomId, { startTime: at(world, 1, '12:00'), endTime: at(world, 1, '14:00') }))
    for (const [startTime, endTime] of [
      ['11:00', '12:30'],
      ['09:00', '12:00'],
      ['10:00', '11:00'],
      ['08:30', '15:00'],
    ] as const) {
      const payload = request(roomId, {
        startTime: at(world, 1, startTime),
        endTime: at(world, 1, endTime),
        purpose: '课程',
      })
      expect(await post(payload, dora)).toMatchObject(
        refused('该时间段已被占用（2026-03-03 09:00:00 至 12:00:00），请选择其他时间'),
      )
    }
  })

  it('repeats its answer for the same Idempotency-Key', async () => {
    const call = (payload: object) =>
      world.call('POST', '/portal/facility/booking', { as: anna, payload, headers: { 'idempotency-key': 'one' } })
    const payload = request(await room(world))
    const [first, second] = [await call(payload), await call(payload)]
    expect(second.body).toEqual(first.body)
    expect(first.body.code).toBe(200)
  })

  it.each([
    [{ startTime: '2026-03-03 12:00:00', endTime: '2026-03-03 09:00:00' }, '结束时间必须晚于开始时间'],
    [{ startTime: '2026-03-03 09:00:00', endTime: '2026-03-03 09:00:00' }, '结束时间必须晚于开始时间'],
    [{ startTime: '2026-03-02 07:55:00', endTime: '2026-03-02 09:00:00' }, '开始时间不能早于当前时间'],
    [{ startTime: '2026-03-03 09:02:00' }, '开始和结束时间必须是 5 分钟的整数倍'],
    [{ endTime: '2026-03-03 10:00:30' }, '开始和结束时间必须是 5 分钟的整数倍'],
    [{ endTime: '2026-03-06 09:05:00' }, '预约时长不能超过 4320 分钟'],
    [{ startTime: '2026-04-02 09:00:00', endTime: '2026-04-02 10:00:00' }, '最多只能提前 30 天预约'],
    [{ startTime: '1900-01-01 09:00:00', endTime: '2199-12-31 10:00:00' }, '开始时间不能早于当前时间'],
    [{ startTime: '2026-03-03 09:00:00', endTime: '2199-12-31 10:00:00' }, '预约时长不能超过 4320 分钟'],
  ])('refuses times like %j: %s', async (times, msg) => {
    expect(await post(request(await room(world), times))).toMatchObject(refused(msg))
  })

  it('accepts the longest duration, the last possible day and a start right now', async () => {
    const roomId = await room(world)
    await book(request(roomId, { endTime: '2026-03-06 09:00:00' }))
    await book(request(roomId, { startTime: '2026-04-01 23:00:00', endTime: '2026-04-02 01:00:00' }))
    await book(request(roomId, { startTime: '2026-03-02 08:00:00', endTime: '2026-03-02 09:00:00' }))
  })

  it('follows the booking rules as they are set', async () => {
    await setting(world, { max_duration_minutes: 60, advance_days: 1, grid_minutes: 30 })
    const roomId = await room(world)
    const from = (startTime: string, endTime: string, day = 1) =>
      post(request(roomId, { startTime: at(world, day, startTime), endTime: at(world, day, endTime) }))
    expect(await from('09:00', '10:30')).toMatchObject(refused('预约时长不能超过 60 分钟'))
    expect(await from('09:15', '09:45')).toMatchObject(refused('开始和结束时间必须是 30 分钟的整数倍'))
    expect(await from('09:00', '10:00', 2)).toMatchObject(refused('最多只能提前 1 天预约'))
    expect((await from('09:30', '10:30')).body.code).toBe(200)
  })

  it('is possible only within the opening hours of the room', async () => {
    const roomId = await room(world)
    await world.rows(`UPDATE tb_facility_room SET open_hours =
      '[{"weekday":2,"opens":"08:00","closes":"18:00"},{"weekday":2,"opens":"18:00","closes":"24:00"},{"weekday":3,"opens":"00:00","closes":"02:00"}]'
      WHERE id = ${roomId}`)
    const from = (startTime: string, endTime: string) => post(request(roomId, { startTime, endTime }))
    expect(await from('2026-03-03 07:00:00', '2026-03-03 09:00:00')).toMatchObject(
      refused('该时间不在房间的开放时间内'),
    )
    expect(await from('2026-03-04 01:00:00', '2026-03-04 03:00:00')).toMatchObject(refused(/开放时间/))
    expect(await from('2026-03-05 09:00:00', '2026-03-05 10:00:00')).toMatchObject(refused(/开放时间/))
    expect((await from('2026-03-03 17:00:00', '2026-03-04 02:00:00')).body.code).toBe(200)
  })

  it('requires a room that exists, is in use and is not closed', async () => {
    const buildingId = await building(world, '信息楼')
    const roomId = await room(world, { buildingId, name: '会议室201' })
    await world.rows(`INSERT INTO tb_facility_closure (building_id, start_time, end_time, reason, create_time)
      VALUES (${buildingId}, '2026-03-03T03:00:00Z', '2026-03-03T06:00:00Z', '停电', now())`)
    expect(await post(request(roomId))).toMatchObject(
      refused('房间在该时间段关闭（2026-03-03 11:00:00 至 14:00:00，停电）'),
    )
    await book(request(roomId, { endTime: at(world, 1, '11:00') }))
    await world.rows(`UPDATE tb_facility_room SET status = '1' WHERE id = ${roomId}`)
    expect(await post(request(roomId))).toMatchObject(refused('会议室201已禁用，不能预约'))
    await world.rows(`UPDATE tb_facility_building SET status = '1' WHERE id = ${buildingId}`)
    expect(await post(request(roomId))).toMatchObject(refused('信息楼已停用，不能预约'))
    await world.rows(`UPDATE tb_facility_room SET del_flag = '2' WHERE id = ${roomId}`)
    for (const unknown of [roomId, 999_999, Number.MAX_SAFE_INTEGER]) {
      expect(await post(request(unknown))).toMatchObject({ status: 200, body: { code: 404, msg: '房间不存在' } })
    }
  })

  it('requires participants with active accounts, and not more than the capacity of the room', async () => {
    const roomId = await room(world, { capacity: 3 })
    await world.rows(`UPDATE users SET status = 'disabled' WHERE id = ${dora.id}`)
    expect(await post(request(roomId, { userIdList: [ben.id, dora.id, 999_999] }))).toMatchObject(
      refused(`使用人不存在或已停用：${dora.id}、999999`),
    )
    expect(await post(request(roomId, { userIdList: [ben.id, cleo.id, staff.id] }))).toMatchObject(
      refused('使用人共 4 人，超过房间容量 3 人'),
    )
    expect((await post(request(roomId))).body.code).toBe(200)
  })

  it('refuses a banned applicant or participant with the reason and the end of the ban', async () => {
    await ban(anna, '2026-03-10T00:00:00Z')
    const roomId = await room(world)
    expect(await post(request(roomId))).toMatchObject(
      refused('您已被封禁，暂时不能预约（原因：多次违约，至 2026-03-10 08:00:00）'),
    )
    const withAnna = request(roomId, { userIdList: ids(anna, cleo) })
    expect(await post(withAnna, ben)).toMatchObject(
      refused(/^使用人 \S+ 已被封禁（原因：多次违约，至 2026-03-10 08:00:00）$/),
    )
    world.clock.set(new Date('2026-03-10T00:00:00Z'))
    expect((await post(request(roomId))).body.code).toBe(200)
    await ban(ben, null)
    expect(await post(request(roomId), ben)).toMatchObject(refused(/被封禁.*永久/))
  })

  it('names participants with another booking at that time, refuses them or ignores it, as set', async () => {
    const [one, other] = [await room(world), await room(world)]
    await book(request(one))
    const guest = await world.person('room:user')
    const [name] = await world.rows<{ display_name: string }>(`SELECT display_name FROM users WHERE id = ${ben.id}`)
    const withBen = request(other, {
      userIdList: ids(dora, ben, guest),
      startTime: at(world, 1, '11:55'),
      endTime: at(world, 1, '13:00'),
    })
    const later = { startTime: at(world, 1, '12:00'), endTime: at(world, 1, '13:00') }
    const { body } = await post(withBen, dora)
    expect(body).toMatchObject({ code: 200, data: { doubleBooked: [name?.display_name] } })
    await cancel(body.data.id, dora)
    await setting(world, { participant_overlap: 'refuse' })
    expect(await post(withBen, dora)).toMatchObject(refused(`以下使用人在该时间段已有其他预约：${name?.display_name}`))
    const beside = await book({ ...withBen, ...later }, dora)
    await cancel(beside, dora)
    await setting(world, { participant_overlap: 'allow' })
    expect((await post(withBen, dora)).body).toMatchObject({ code: 200, data: { doubleBooked: [] } })
  })

  it('is not blocked by a booking that was not decided before its start; that booking is rejected', async () => {
    const roomId = await room(world)
    const forgotten = await book(request(roomId))
    world.clock.set(new Date('2026-03-03T02:00:00Z'))
    const id = await book(request(roomId, { startTime: '2026-03-03 10:00:00', endTime: '2026-03-03 11:00:00' }), dora)
    expect(await row(forgotten)).toMatchObject({ status: '2', reject_reason: '超时未审核' })
    expect(await row(id)).toMatchObject({ status: '0' })
    expect(await told(ben, forgotten)).toEqual(['pending', 'rejected'])
  })

  it.each([
    ['roomId', undefined],
    ['roomId', 'x'],
    ['purpose', '  '],
    ['purpose', undefined],
    ['startTime', 'tomorrow'],
    ['startTime', null],
    ['endTime', undefined],
    ['userIdList', undefined],
    ['userIdList', [0]],
  ])('names the field that is missing or wrong: %s', async (field, value) => {
    const { body } = await post({ ...request(1), [field]: value })
    expect(body).toMatchObject({ code: 500, msg: expect.stringContaining(field) })
  })
})

describe('A large hall', () => {
  it('can be booked for as many people as its capacity, and no more', async () => {
    const hall = await room(world, { capacity: 600 })
    const crowd = await world.rows<{ id: number }>(`INSERT INTO users (username, display_name, created_at, updated_at)
      SELECT 'crowd-' || n, '听众', '2026-03-02Z', '2026-03-02Z' FROM generate_series(1, 600) n RETURNING id`)
    const userIdList = crowd.map(({ id }) => id)
    expect(await post(request(hall, { userIdList }))).toMatchObject(refused('使用人共 601 人，超过房间容量 600 人'))
    const id = await book(request(hall, { userIdList: userIdList.slice(1) }))
    expect(await participants(id)).toHaveLength(600)
  })

  it('can’t be booked for more than 2,000 people in one request', async () => {
    const userIdList = Array.from({ length: 2001 }, (_, n) => n + 1)
    expect(await post(request(1, { userIdList }))).toMatchObject(refused('参数不全或有误：userIdList 不能超过 2000 项'))
  })
})

describe('Writing a booking', () => {
  it('fails as stale if a participant has a ban that has not expired', async () => {
    const userIds = ids(anna, ben, cleo)
    const times = { start: new Date('2026-03-03T01:00:00Z'), end: new Date('2026-03-03T02:00:00Z') }
    const write = async () => {
      const now = world.clock.now()
      const order = { roomId: await room(world), applicantId: anna.id, userIds, ...times }
      const { revision } = (await readFacts(world.kernel.db, order, now)).room
      const texts = { purpose: '会议', message: '{"data":{}}', operation: '{}' }
      return insertBooking(world.kernel.db, { order, revision, status: '0', seriesId: null, now, ...texts })
    }
    const ban = (of: Person, expires: string) =>
      world.rows(`INSERT INTO tb_facility_ban (user_id, reason, expire_time, create_time)
        VALUES (${of.id}, '违约', '${expires}', '${MONDAY.toISOString()}')`)
    await ban(anna, '2026-03-02T00:00:00Z')
    expect(await write()).toEqual(expect.any(Number))
    await ban(cleo, '2026-03-02T00:00:01Z')
    await expect(write()).rejects.toBeInstanceOf(Stale)
  })
})
