import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { at, building, people, room, setting } from '../../../../test/support/room.ts'
import { MONDAY, openWorld, type Person, type World } from '../../../../test/support/world.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import { readFacts } from '../../core/facts.ts'
import { settleBookings } from '../../core/settling.ts'
import { placeBooking } from '../../core/store.ts'

let world: World
let anna: Person
let ben: Person
let cleo: Person
let dora: Person
let staff: Person
beforeAll(async () => {
  world = await openWorld()
  staff = await world.person('room:admin')
})
afterAll(() => world.close())

const RULES = {
  audit_required: true,
  max_duration_minutes: 4320,
  advance_days: 30,
  grid_minutes: 5,
  participant_overlap: 'warn',
}
beforeEach(async () => {
  world.clock.set(MONDAY)
  await setting(world, RULES)
  const [first, second, third, fourth] = (await people(world, 4)).sort((a, b) => a.id - b.id)
  if (!first || !second || !third || !fourth) throw new Error('four people')
  anna = first
  ben = second
  cleo = third
  dora = fourth
})

const ids = (...persons: Person[]) => persons.map(({ id }) => id)

/** What Anna wishes for tomorrow, 9 to 12, with Ben and Cleo. */
const wish = (roomId: number, more: object = {}) => ({
  roomId,
  purpose: '会议',
  startTime: at(world, 1, '09:00'),
  endTime: at(world, 1, '12:00'),
  userIdList: ids(anna, ben, cleo),
  ...more,
})
const post = (payload: object, as = anna, base = '/portal/facility') =>
  world.call('POST', `${base}/booking`, { as, payload })
const book = async (payload: object, as = anna): Promise<number> => {
  const { body } = await post(payload, as)
  expect(body).toMatchObject({ code: 200 })
  return body.data.id
}
const put = (id: number, payload: object, as = anna, base = '/portal/facility') =>
  world.call('PUT', `${base}/booking/${id}`, { as, payload })
const endEarly = (id: number, payload: object = {}, as = anna, base = '/portal/facility') =>
  world.call('PUT', `${base}/booking/${id}/end-early`, { as, payload })
const cancel = (id: number, as = anna, base = '/portal/facility') =>
  world.call('DELETE', `${base}/booking/${id}`, { as })
const leave = (id: number, as: Person) => world.call('PUT', `/portal/facility/booking/${id}/leave`, { as })

interface Row {
  readonly status: string
  readonly start_time: Date
  readonly end_time: Date
  readonly reject_reason: string | null
  readonly cancel_reason: string | null
  readonly cancelled_by: number | null
  readonly duration_minutes: number
}
const row = async (id: number): Promise<Row> => {
  const [found] = await world.rows<Row>(`SELECT * FROM tb_facility_booking WHERE id = ${id}`)
  if (!found) throw new Error(`no booking ${id}`)
  return found
}
const participants = async (id: number) =>
  (
    await world.rows<{ user_id: number; is_applicant: string }>(
      `SELECT user_id, is_applicant FROM tb_facility_booking_user WHERE booking_id = ${id} ORDER BY user_id`,
    )
  ).map(({ user_id, is_applicant }) => [user_id, is_applicant])
const told = async (person: Person, id: number) =>
  (await world.inbox(person))
    .filter(({ body }) => body.includes(`预约编号：${id}`))
    .map(({ type }) => type.replace('room.booking.', ''))
/** What the operation log has about a booking: action, by whom, changes. */
const noted = async (id: number) => {
  await world.drain()
  const entries = await world.rows<{ action: string; actor_id: number | null; changes: unknown }>(
    `SELECT action, actor_id, changes FROM operation_log WHERE resource = 'room_booking' AND resource_id = '${id}' ORDER BY id`,
  )
  return entries.map(({ action, actor_id, changes }) => [action, actor_id, changes])
}
const ban = (person: Person, until: string | null, more = '') =>
  world.rows(`INSERT INTO tb_facility_ban (user_id, reason, expire_time, create_time ${more && ', cancel_future'})
    VALUES (${person.id}, '多次违约', ${until === null ? 'NULL' : `'${until}'`}, now() ${more && `, ${more}`})`)
const refused = (msg: RegExp | string) => ({
  status: 200,
  body: { code: 500, msg: typeof msg === 'string' ? msg : expect.stringMatching(msg) },
})

describe('Booking a room', () => {
  it('makes a pending booking of what the document’s body says, and tells everybody', async () => {
    const id = await book(wish(await room(world)))
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

  it('is approved at once where there is no audit', async () => {
    await setting(world, { audit_required: false })
    const { body } = await post(wish(await room(world)))
    expect(body).toEqual({
      code: 200,
      msg: '操作成功',
      data: { id: expect.any(Number), status: '1', doubleBooked: [] },
    })
    expect(await told(ben, body.data.id)).toEqual(['approved'])
  })

  it('works at the desk for those who may', async () => {
    const payload = wish(await room(world), { userIdList: ids(anna, ben) })
    expect((await post(payload, anna, '/manage/facility')).body.code).toBe(403)
    const { body } = await post(payload, staff, '/manage/facility')
    expect(await participants(body.data.id)).toContainEqual([staff.id, '1'])
  })

  it('adds the applicant to the people when they are missing, and counts nobody twice', async () => {
    const roomId = await room(world)
    const id = await book(wish(roomId, { userIdList: ids(ben, cleo, ben) }))
    expect(await participants(id)).toHaveLength(3)
    const day = { startTime: at(world, 2, '09:00'), endTime: at(world, 2, '10:00') }
    expect(await post(wish(roomId, { ...day, userIdList: ids(anna, ben, ben) }))).toMatchObject(
      refused('使用人（含申请人）不能少于 3 人'),
    )
  })

  it('lets a booking begin when the last one ends, and names the occupied span to everybody else', async () => {
    const roomId = await room(world)
    await book(wish(roomId))
    await book(wish(roomId, { startTime: at(world, 1, '12:00'), endTime: at(world, 1, '14:00') }))
    for (const [startTime, endTime] of [
      ['11:00', '12:30'],
      ['09:00', '12:00'],
      ['10:00', '11:00'],
      ['08:30', '15:00'],
    ] as const) {
      const payload = wish(roomId, {
        startTime: at(world, 1, startTime),
        endTime: at(world, 1, endTime),
        purpose: '课程',
      })
      expect(await post(payload, dora)).toMatchObject(
        refused('该时间段已被占用（2026-03-03 09:00:00 至 12:00:00），请选择其他时间'),
      )
    }
  })

  it('does the same once for one Idempotency-Key', async () => {
    const call = (payload: object) =>
      world.call('POST', '/portal/facility/booking', { as: anna, payload, headers: { 'idempotency-key': 'one' } })
    const payload = wish(await room(world))
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
    expect(await post(wish(await room(world), times))).toMatchObject(refused(msg))
  })

  it('takes the longest time, the furthest day and a start right now', async () => {
    const roomId = await room(world)
    await book(wish(roomId, { endTime: '2026-03-06 09:00:00' }))
    await book(wish(roomId, { startTime: '2026-04-01 23:00:00', endTime: '2026-04-02 01:00:00' }))
    await book(wish(roomId, { startTime: '2026-03-02 08:00:00', endTime: '2026-03-02 09:00:00' }))
  })

  it('goes by the rules as they are set', async () => {
    await setting(world, { max_duration_minutes: 60, advance_days: 1, grid_minutes: 30 })
    const roomId = await room(world)
    const from = (startTime: string, endTime: string, day = 1) =>
      post(wish(roomId, { startTime: at(world, day, startTime), endTime: at(world, day, endTime) }))
    expect(await from('09:00', '10:30')).toMatchObject(refused('预约时长不能超过 60 分钟'))
    expect(await from('09:15', '09:45')).toMatchObject(refused('开始和结束时间必须是 30 分钟的整数倍'))
    expect(await from('09:00', '10:00', 2)).toMatchObject(refused('最多只能提前 1 天预约'))
    expect((await from('09:30', '10:30')).body.code).toBe(200)
  })

  it('keeps to the open hours of a room that has any', async () => {
    const roomId = await room(world)
    await world.rows(`UPDATE tb_facility_room SET open_hours =
      '[{"weekday":2,"opens":"08:00","closes":"18:00"},{"weekday":2,"opens":"18:00","closes":"24:00"},{"weekday":3,"opens":"00:00","closes":"02:00"}]'
      WHERE id = ${roomId}`)
    const from = (startTime: string, endTime: string) => post(wish(roomId, { startTime, endTime }))
    expect(await from('2026-03-03 07:00:00', '2026-03-03 09:00:00')).toMatchObject(
      refused('该时间不在房间的开放时间内'),
    )
    expect(await from('2026-03-04 01:00:00', '2026-03-04 03:00:00')).toMatchObject(refused(/开放时间/))
    expect(await from('2026-03-05 09:00:00', '2026-03-05 10:00:00')).toMatchObject(refused(/开放时间/))
    expect((await from('2026-03-03 17:00:00', '2026-03-04 02:00:00')).body.code).toBe(200)
  })

  it('wants a room that exists, is in use and not closed', async () => {
    const buildingId = await building(world, '信息楼')
    const roomId = await room(world, { buildingId, name: '会议室201' })
    await world.rows(`INSERT INTO tb_facility_closure (building_id, start_time, end_time, reason, create_time)
      VALUES (${buildingId}, '2026-03-03T03:00:00Z', '2026-03-03T06:00:00Z', '停电', now())`)
    expect(await post(wish(roomId))).toMatchObject(
      refused('房间在该时间段关闭（2026-03-03 11:00:00 至 14:00:00，停电）'),
    )
    await book(wish(roomId, { endTime: at(world, 1, '11:00') }))
    await world.rows(`UPDATE tb_facility_room SET status = '1' WHERE id = ${roomId}`)
    expect(await post(wish(roomId))).toMatchObject(refused('会议室201已禁用，不能预约'))
    await world.rows(`UPDATE tb_facility_building SET status = '1' WHERE id = ${buildingId}`)
    expect(await post(wish(roomId))).toMatchObject(refused('信息楼已停用，不能预约'))
    await world.rows(`UPDATE tb_facility_room SET del_flag = '2' WHERE id = ${roomId}`)
    for (const unknown of [roomId, 999_999, Number.MAX_SAFE_INTEGER]) {
      expect(await post(wish(unknown))).toMatchObject({ status: 200, body: { code: 404, msg: '房间不存在' } })
    }
  })

  it('wants people who exist, not more than the room holds', async () => {
    const roomId = await room(world, { capacity: 3 })
    await world.rows(`UPDATE users SET status = 'disabled' WHERE id = ${dora.id}`)
    expect(await post(wish(roomId, { userIdList: [ben.id, dora.id, 999_999] }))).toMatchObject(
      refused(`使用人不存在或已停用：${dora.id}、999999`),
    )
    expect(await post(wish(roomId, { userIdList: [ben.id, cleo.id, staff.id] }))).toMatchObject(
      refused('使用人共 4 人，超过房间容量 3 人'),
    )
    expect((await post(wish(roomId))).body.code).toBe(200)
  })

  it('refuses whoever is banned, with the reason and the end, and anybody who brings them', async () => {
    await ban(anna, '2026-03-10T00:00:00Z')
    const roomId = await room(world)
    expect(await post(wish(roomId))).toMatchObject(
      refused('您已被封禁，暂时不能预约（原因：多次违约，至 2026-03-10 08:00:00）'),
    )
    const withAnna = wish(roomId, { userIdList: ids(anna, cleo) })
    expect(await post(withAnna, ben)).toMatchObject(
      refused(/^使用人 \S+ 已被封禁（原因：多次违约，至 2026-03-10 08:00:00）$/),
    )
    world.clock.set(new Date('2026-03-10T00:00:00Z'))
    expect((await post(wish(roomId))).body.code).toBe(200)
    await ban(ben, null)
    expect(await post(wish(roomId), ben)).toMatchObject(refused(/被封禁.*永久/))
  })

  it('warns of people who are somewhere else at that time, or refuses, or says nothing', async () => {
    const [one, other] = [await room(world), await room(world)]
    await book(wish(one))
    const guest = await world.person('room:user')
    const [name] = await world.rows<{ display_name: string }>(`SELECT display_name FROM users WHERE id = ${ben.id}`)
    const withBen = wish(other, {
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

  it('is not stood in the way of by a booking that nobody decided about in time', async () => {
    const roomId = await room(world)
    const forgotten = await book(wish(roomId))
    world.clock.set(new Date('2026-03-03T02:00:00Z'))
    const id = await book(wish(roomId, { startTime: '2026-03-03 10:00:00', endTime: '2026-03-03 11:00:00' }), dora)
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
    const { body } = await post({ ...wish(1), [field]: value })
    expect(body).toMatchObject({ code: 500, msg: expect.stringContaining(field) })
  })
})

describe('A large hall', () => {
  it('is filled up to the last place, and says when it is full', async () => {
    const hall = await room(world, { capacity: 600 })
    const crowd = await world.rows<{ id: number }>(`INSERT INTO users (username, display_name, created_at, updated_at)
      SELECT 'crowd-' || n, '听众', '2026-03-02Z', '2026-03-02Z' FROM generate_series(1, 600) n RETURNING id`)
    const userIdList = crowd.map(({ id }) => id)
    expect(await post(wish(hall, { userIdList }))).toMatchObject(refused('使用人共 601 人，超过房间容量 600 人'))
    const id = await book(wish(hall, { userIdList: userIdList.slice(1) }))
    expect(await participants(id)).toHaveLength(600)
  })

  it('has more places than a wish can name: the answer says how many that are', async () => {
    const userIdList = Array.from({ length: 2001 }, (_, n) => n + 1)
    expect(await post(wish(1, { userIdList }))).toMatchObject(refused('参数不全或有误：userIdList 不能超过 2000 项'))
  })
})

describe('Changing a booking', () => {
  it('changes purpose, time, room and people; what is not named stays', async () => {
    const roomId = await room(world)
    const id = await book(wish(roomId))
    expect((await put(id, { id, purpose: '例会' })).body.code).toBe(200)
    expect(await participants(id)).toHaveLength(3)
    const other = await room(world)
    const { body } = await put(id, {
      id,
      roomId: other,
      startTime: at(world, 2, '09:00'),
      endTime: at(world, 2, '10:30'),
      userIdList: ids(ben, dora),
      status: '5',
      createTime: null,
    })
    expect(body).toMatchObject({ code: 200, data: { id, status: '0' } })
    expect(await row(id)).toMatchObject({ room_id: other, purpose: '例会', duration_minutes: 90, status: '0' })
    expect(await participants(id)).toEqual([
      [anna.id, '1'],
      [ben.id, '0'],
      [dora.id, '0'],
    ])
    expect(await told(dora, id)).toEqual(['changed'])
    expect(await told(cleo, id)).toEqual(['pending', 'changed', 'removed'])
    // Cleo reads the time and room she had, not those that others have now.
    const last = (await world.inbox(cleo)).at(-1)
    expect(last?.body).toContain('2026-03-03 09:00:00 至 12:00:00')
    const [had] = await world.rows<{ name: string }>(
      `SELECT room_name AS name FROM tb_facility_room WHERE id = ${roomId}`,
    )
    expect(last?.body).toContain(had?.name)
    await book(wish(roomId), dora)
  })

  it('goes through the rules of a new booking, but does not stand in its own way', async () => {
    const roomId = await room(world)
    const id = await book(wish(roomId))
    await book(wish(roomId, { startTime: at(world, 1, '13:00'), endTime: at(world, 1, '14:00') }), dora)
    expect((await put(id, { endTime: at(world, 1, '13:00') })).body.code).toBe(200)
    expect(await put(id, { endTime: at(world, 1, '13:30') })).toMatchObject(
      refused('该时间段已被占用（2026-03-03 13:00:00 至 14:00:00），请选择其他时间'),
    )
    expect(await put(id, { userIdList: ids(ben) })).toMatchObject(refused(/不能少于 3 人/))
    expect(await put(id, { endTime: at(world, 1, '08:00') })).toMatchObject(refused(/结束时间必须晚于/))
    await ban(ben, null)
    expect(await put(id, { purpose: 'x' })).toMatchObject(refused(/被封禁/))
  })

  it('takes an approved booking back to be decided when its time or room changes and there is an audit', async () => {
    await setting(world, { audit_required: false })
    const roomId = await room(world)
    const id = await book(wish(roomId))
    await put(id, { endTime: at(world, 1, '11:00') })
    expect(await row(id)).toMatchObject({ status: '1' })
    await setting(world, { audit_required: true })
    await put(id, { purpose: '例会', userIdList: ids(ben, cleo, dora) })
    expect(await row(id)).toMatchObject({ status: '1' })
    await put(id, { endTime: at(world, 1, '12:00') })
    expect(await row(id)).toMatchObject({ status: '0' })
  })

  it.each([
    [true, '0'],
    [false, '1'],
  ])('brings a rejected booking into the running again (audit %s: state %s)', async (audit, status) => {
    const roomId = await room(world)
    const id = await book(wish(roomId))
    await world.rows(`UPDATE tb_facility_booking SET status = '2', reject_reason = '不合适' WHERE id = ${id}`)
    await setting(world, { audit_required: audit })
    expect((await put(id, { purpose: '改' })).body).toMatchObject({ code: 200, data: { status } })
    expect(await row(id)).toMatchObject({ status, reject_reason: null })
    expect(await post(wish(roomId), dora)).toMatchObject(refused(/已被占用/))
  })

  it('does not bring a rejected booking back into a time that somebody else has by now', async () => {
    const roomId = await room(world)
    const id = await book(wish(roomId))
    await world.rows(`UPDATE tb_facility_booking SET status = '2' WHERE id = ${id}`)
    await book(wish(roomId), dora)
    expect(await put(id, { purpose: '改' })).toMatchObject(refused(/已被占用/))
    expect(await row(id)).toMatchObject({ status: '2' })
  })

  it('is over when the booking begins, is cancelled, runs or is completed', async () => {
    await setting(world, { audit_required: false })
    const roomId = await room(world)
    const id = await book(wish(roomId))
    const gone = await book(wish(roomId, { startTime: at(world, 2, '09:00'), endTime: at(world, 2, '10:00') }))
    await cancel(gone)
    expect(await put(gone, { purpose: 'x' })).toMatchObject({
      body: { code: 409, msg: expect.stringContaining('已取消') },
    })
    world.clock.set(new Date('2026-03-03T01:00:00Z'))
    expect(await put(id, { purpose: 'x' })).toMatchObject({
      body: { code: 409, msg: expect.stringContaining('进行中') },
    })
    world.clock.set(new Date('2026-03-03T04:00:00Z'))
    expect(await put(id, { purpose: 'x' })).toMatchObject({
      body: { code: 409, msg: expect.stringContaining('已完成') },
    })
  })

  it('is the applicant’s alone: unknown to others in the portal, forbidden at the desk', async () => {
    const id = await book(wish(await room(world)))
    expect(await put(id, { purpose: 'x' }, ben)).toMatchObject({ body: { code: 404, msg: '预约不存在' } })
    expect(await put(id, { purpose: 'x' }, staff, '/manage/facility')).toMatchObject({
      body: { code: 403, msg: '仅申请人可以修改预约' },
    })
    for (const unknown of [999_999, Number.MAX_SAFE_INTEGER]) {
      expect(await put(unknown, { purpose: 'x' })).toMatchObject({ body: { code: 404 } })
    }
  })
})

describe('Cancelling a booking', () => {
  it('frees its time at once and tells its people', async () => {
    const roomId = await room(world)
    const id = await book(wish(roomId))
    expect((await cancel(id)).body).toEqual({ code: 200, msg: '操作成功' })
    expect(await row(id)).toMatchObject({ status: '3', cancelled_by: null, cancel_reason: null })
    expect(await told(cleo, id)).toEqual(['pending', 'cancelled'])
    await book(wish(roomId), dora)
    expect(await cancel(id)).toMatchObject({ body: { code: 409, msg: expect.stringContaining('已取消') } })
  })

  it('is possible until it begins', async () => {
    await setting(world, { audit_required: false })
    const id = await book(wish(await room(world)))
    world.clock.set(new Date('2026-03-03T01:00:00Z'))
    expect(await cancel(id)).toMatchObject({ body: { code: 409 } })
    expect(await cancel(id, staff, '/manage/facility')).toMatchObject({ body: { code: 409 } })
  })

  it('is nobody else’s in the portal; at the desk staff may, and it is noted', async () => {
    const id = await book(wish(await room(world)))
    expect(await cancel(id, ben)).toMatchObject({ body: { code: 404 } })
    expect(await cancel(id, ben, '/manage/facility')).toMatchObject({
      body: { code: 403, msg: expect.stringContaining('manage:facility:booking:cancel') },
    })
    expect((await cancel(id, staff, '/manage/facility')).body.code).toBe(200)
    expect(await row(id)).toMatchObject({ status: '3', cancelled_by: staff.id, cancel_reason: '管理员取消' })
    expect(await told(anna, id)).toEqual(['pending', 'cancelled_by_staff'])
  })

  it('by force has a reason, and ends what runs', async () => {
    await setting(world, { audit_required: false })
    const roomId = await room(world)
    const id = await book(wish(roomId))
    const force = (query: string, as = staff) =>
      world.call('DELETE', `/manage/facility/booking/${id}/force${query}`, { as })
    expect(await force('')).toMatchObject({ body: { code: 500, msg: expect.stringContaining('reason') } })
    expect(await force('?reason=x', anna)).toMatchObject({ body: { code: 403 } })
    world.clock.set(new Date('2026-03-03T02:00:00Z'))
    expect((await force(`?reason=${encodeURIComponent('漏水')}`)).body.code).toBe(200)
    expect(await row(id)).toMatchObject({ status: '3', cancelled_by: staff.id, cancel_reason: '漏水' })
    expect((await world.inbox(ben)).at(-1)?.body).toContain('原因：漏水')
    expect(await force('?reason=x')).toMatchObject({ body: { code: 409 } })
    await book(wish(roomId, { startTime: at(world, 0, '10:00') }), dora)
  })

  it('by force takes its reason from a body too', async () => {
    const id = await book(wish(await room(world)))
    const force = async (payload: object) =>
      (await world.call('DELETE', `/manage/facility/booking/${id}/force`, { as: staff, payload })).body
    for (const payload of [{}, { reason: null }, { reason: ' ' }]) {
      expect(await force(payload)).toMatchObject({ code: 500, msg: expect.stringContaining('reason') })
    }
    expect(await force({ reason: '漏水' })).toMatchObject({ code: 200 })
    expect(await row(id)).toMatchObject({ status: '3', cancel_reason: '漏水' })
  })
})

describe('Between the decision and the writing', () => {
  it('a ban of anybody who takes part has it decided anew', async () => {
    const userIds = ids(anna, ben, cleo)
    const times = { start: new Date('2026-03-03T01:00:00Z'), end: new Date('2026-03-03T02:00:00Z') }
    const write = async () => {
      const now = world.clock.now()
      const wish = { roomId: await room(world), applicantId: anna.id, userIds, ...times }
      const { revision } = (await readFacts(world.kernel.db, wish, now)).room
      const texts = { purpose: '会议', message: '{"data":{}}', operation: '{}' }
      return placeBooking(world.kernel.db, { wish, revision, status: '0', seriesId: null, now, ...texts })
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

describe('Ending a booking early', () => {
  const running = async () => {
    await setting(world, { audit_required: false })
    const roomId = await room(world)
    const id = await book(wish(roomId))
    world.clock.set(new Date('2026-03-03T02:00:00Z'))
    return { roomId, id }
  }

  it('now completes it, and frees the rest of its time', async () => {
    const { id, roomId } = await running()
    expect((await endEarly(id, { endTime: '2026-03-03 09:30:00' })).body).toEqual({ code: 200, msg: '操作成功' })
    expect(await row(id)).toMatchObject({ status: '5', end_time: world.clock.now(), duration_minutes: 60 })
    expect(await told(ben, id)).toContain('ended_early')
    await book(wish(roomId, { startTime: '2026-03-03 10:00:00', endTime: '2026-03-03 11:00:00' }), dora)
    expect(await endEarly(id)).toMatchObject({ body: { code: 409 } })
  })

  it('later keeps it running until then, and frees what comes after', async () => {
    const { id, roomId } = await running()
    await endEarly(id, { endTime: '2026-03-03 11:00:00' })
    expect(await row(id)).toMatchObject({ status: '4', end_time: new Date('2026-03-03T03:00:00Z') })
    await book(wish(roomId, { startTime: '2026-03-03 11:00:00', endTime: '2026-03-03 12:00:00' }), dora)
    expect(await endEarly(id, { endTime: '2026-03-03 11:30:00' })).toMatchObject(refused(/不能晚于原结束时间/))
  })

  it.each([[{ endTime: null }], [{}], [undefined]])('without a time is now: %j', async (payload) => {
    const { id } = await running()
    const path = `/portal/facility/booking/${id}/end-early`
    expect((await world.call('PUT', path, { as: anna, payload })).body).toMatchObject({ code: 200 })
    expect(await row(id)).toMatchObject({ status: '5', end_time: world.clock.now() })
  })

  it('counts whole minutes', async () => {
    const { id } = await running()
    world.clock.set(new Date('2026-03-03T02:00:59Z'))
    await endEarly(id)
    expect(await row(id)).toMatchObject({ duration_minutes: 60 })
  })

  it('needs one that has begun, and is neither pending, over nor somebody else’s', async () => {
    const roomId = await room(world)
    const pending = await book(wish(roomId))
    expect(await endEarly(pending)).toMatchObject({ body: { code: 409, msg: '预约尚未开始，不能提前结束' } })
    const { id } = await running()
    expect(await endEarly(pending)).toMatchObject({ body: { code: 409, msg: expect.stringContaining('已驳回') } })
    expect(await endEarly(id, {}, ben)).toMatchObject({ body: { code: 404 } })
    expect((await endEarly(id, {}, staff, '/manage/facility')).body.code).toBe(200)
  })
})

describe('Withdrawing from a booking', () => {
  it('is possible while three stay, and its people hear of it', async () => {
    const id = await book(wish(await room(world), { userIdList: ids(anna, ben, cleo, dora) }))
    expect((await leave(id, dora)).body).toEqual({ code: 200, msg: '操作成功' })
    expect(await participants(id)).toHaveLength(3)
    expect(await told(anna, id)).toEqual(['pending', 'left'])
    expect(await leave(id, cleo)).toMatchObject(refused(/少于 3 人/))
    expect(await leave(id, dora)).toMatchObject({ body: { code: 404 } })
    expect(await leave(id, anna)).toMatchObject({ body: { code: 409, msg: '申请人不能退出，请取消预约' } })
    await cancel(id)
    expect(await leave(id, ben)).toMatchObject({ body: { code: 409 } })
  })
})

describe('What time does by itself', () => {
  const settle = () => settleBookings(world.kernel)

  it('begins and ends approved bookings, and tells their people each time', async () => {
    await setting(world, { audit_required: false })
    const id = await book(wish(await room(world)))
    await settle()
    expect(await row(id)).toMatchObject({ status: '1' })
    world.clock.set(new Date('2026-03-03T01:00:00Z'))
    await settle()
    expect(await row(id)).toMatchObject({ status: '4' })
    world.clock.set(new Date('2026-03-03T04:00:00Z'))
    await settle()
    await settle()
    expect(await row(id)).toMatchObject({ status: '5', end_time: new Date('2026-03-03T04:00:00Z') })
    expect(await told(ben, id)).toEqual(['approved', 'started', 'completed'])
  })

  it('completes what it never saw running, and rejects what nobody decided about', async () => {
    const roomId = await room(world)
    const undecided = await book(wish(roomId))
    await setting(world, { audit_required: false })
    const late = await book(wish(roomId, { startTime: at(world, 1, '13:00'), endTime: at(world, 1, '14:00') }))
    world.clock.set(new Date('2026-03-05T00:00:00Z'))
    await settle()
    expect(await row(late)).toMatchObject({ status: '5' })
    expect(await row(undecided)).toMatchObject({ status: '2', reject_reason: '超时未审核' })
    expect(await told(cleo, undecided)).toEqual(['pending', 'rejected'])
    expect((await world.inbox(cleo)).some(({ body }) => body.includes('超时未审核'))).toBe(true)
  })

  it('settles more than one batch', async () => {
    const roomId = await room(world)
    await world.rows(`INSERT INTO tb_facility_booking (room_id, applicant_id, purpose, start_time, end_time, status, create_time)
      SELECT ${roomId}, ${anna.id}, 'x', t, t + interval '5 minutes', '1', t
      FROM generate_series('2026-02-01T00:00:00Z'::timestamptz, '2026-02-02T19:00:00Z', '5 minutes') t`)
    await settle()
    expect(
      await world.rows(`SELECT status, count(*) FROM tb_facility_booking WHERE room_id = ${roomId} GROUP BY status`),
    ).toEqual([{ status: '5', count: 517 }])
  })

  it('ends what lies ahead of somebody whose ban says so', async () => {
    const id = await book(wish(await room(world)))
    await ban(anna, null, 'true')
    await settle()
    expect(await row(id)).toMatchObject({ status: '3', cancel_reason: '申请人被封禁：多次违约' })
    const changes = { status: ['0', '3'], cancelReason: [null, '申请人被封禁：多次违约'] }
    expect(await noted(id)).toContainEqual(['room.booking.cancel', null, changes])
    expect(await told(ben, id)).toEqual(['pending', 'cancelled_by_staff'])
  })
})

describe('An account that ends', () => {
  const remove = async (person: Person) => {
    const admin = await world.person('admin')
    expect((await world.call('DELETE', `/api/admin/users/${person.id}`, { as: admin })).status).toBeLessThan(300)
  }

  it('takes the bookings with it that have not begun, and leaves those of others', async () => {
    const roomId = await room(world)
    const own = await book(wish(roomId))
    const four = {
      userIdList: ids(anna, ben, cleo, dora),
      startTime: at(world, 2, '09:00'),
      endTime: at(world, 2, '10:00'),
    }
    const joined = await book(wish(roomId, four), ben)
    const three = { userIdList: ids(anna, ben, cleo), startTime: at(world, 3, '09:00'), endTime: at(world, 3, '10:00') }
    const tight = await book(wish(roomId, three), ben)
    await remove(anna)
    expect(await row(own)).toMatchObject({ status: '3', cancel_reason: '申请人账号已注销' })
    expect(await row(joined)).toMatchObject({ status: '0' })
    expect(await participants(joined)).toHaveLength(3)
    expect(await told(dora, joined)).toEqual(['pending', 'left'])
    expect(await row(tight)).toMatchObject({ status: '3', cancel_reason: '使用人账号已注销，使用人不足 3 人' })
    expect(await told(cleo, tight)).toEqual(['pending', 'cancelled_by_staff'])
    const cancelled = (reason: string) => ({ status: ['0', '3'], cancelReason: [null, reason] })
    expect(await noted(own)).toContainEqual(['room.booking.cancel', null, cancelled('申请人账号已注销')])
    expect(await noted(joined)).toContainEqual(['room.booking.leave', null, { userId: [anna.id, null] }])
    expect(await noted(tight)).toContainEqual([
      'room.booking.cancel',
      null,
      cancelled('使用人账号已注销，使用人不足 3 人'),
    ])
  })
})
