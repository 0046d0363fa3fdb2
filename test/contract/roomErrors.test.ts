import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { at, people, room, setting } from '../support/room.ts'
import { type CallOptions, type Method, MONDAY, openWorld, type Person, type World } from '../support/world.ts'

// Every line of the document's list of errors (错误码与语义) on the staff side (`/manage/facility`), with its Chinese
// sentence.

let world: World
let admin: Person
let others: Person[]
let roomId: number

beforeAll(async () => {
  world = await openWorld()
  admin = await world.person('room:admin')
  others = await people(world)
})
afterAll(() => world.close())
beforeEach(async () => {
  world.clock.set(MONDAY)
  await setting(world, { audit_required: true })
  roomId = await room(world, { name: `会议室 201` })
})

const ask = async (call: string, { as = admin, ...options }: CallOptions = {}) => {
  const [method, path] = call.split(' ') as [Method, string]
  const { status, body } = await world.call(method, `/manage/facility${path}`, { as, ...options })
  expect(status).toBe(200)
  return body
}
const bookingBody = (more: object = {}) => ({
  roomId,
  purpose: '会议',
  startTime: at(world, 1, '09:00'),
  endTime: at(world, 1, '12:00'),
  userIdList: others.map(({ id }) => id),
  ...more,
})
const book = async (payload: object = bookingBody()): Promise<number> => {
  const body = await ask('POST /booking', { payload })
  expect(body).toMatchObject({ code: 200 })
  return body.data.id
}
const approved = async (): Promise<number> => {
  const id = await book()
  expect(await ask(`PUT /booking/${id}/approve`)).toMatchObject({ code: 200 })
  return id
}
/** Sets the clock to 10:00 on the day of the booking, an hour after its start. */
const whileItRuns = () => world.clock.set(new Date('2026-03-03T02:00:00Z'))

describe('401 未授权', () => {
  it('未登录', async () => {
    const { status, body } = await world.call('GET', '/manage/facility/building/list')
    expect(status).toBe(200)
    expect(body).toEqual({ code: 401, msg: '登录状态已过期，请重新登录' })
  })

  it('过期', async () => {
    const as = await world.person('room:admin')
    world.clock.advance(366 * 86_400_000)
    expect(await ask('GET /building/list', { as })).toEqual({ code: 401, msg: '登录状态已过期，请重新登录' })
  })
})

describe('403 权限不足：缺少对应 manage:facility:*', () => {
  it.each([
    ['GET /building/list', 'building:list'],
    ['PUT /room/1/enable?enable=true', 'room:enable'],
    ['POST /booking', 'booking:add'],
    ['PUT /booking/1/approve', 'booking:audit:approve'],
    ['PUT /setting/audit-required', 'setting:edit'],
    ['DELETE /ban/1', 'ban:remove'],
    ['GET /top/user?period=7d', 'top:user'],
  ])('%s', async (call, permission) => {
    expect(await ask(call, { as: others[0] })).toEqual({
      code: 403,
      msg: `没有权限，请联系管理员授权：manage:facility:${permission}`,
    })
  })
})

describe('404 不存在', () => {
  it.each([
    ['GET /booking/999999', '预约不存在'],
    ['PUT /booking/999999/approve', '预约不存在'],
    ['DELETE /booking/9007199254740991', '预约不存在'],
    ['GET /room/999999', '房间不存在'],
    ['GET /room/999999/timeline', '房间不存在'],
    ['DELETE /room/999999', '房间不存在'],
    ['GET /building/999999', '楼房不存在'],
    ['DELETE /building/999999', '楼房不存在'],
  ])('%s', async (call, msg) => {
    expect(await ask(call)).toMatchObject({ code: 404, msg: expect.stringContaining(msg) })
  })

  const HUGE = '99999999999999999999'
  it.each([
    [`GET /booking/${HUGE}`, 'GET /booking/999999'],
    [`GET /booking/${'9'.repeat(400)}`, 'GET /booking/999999'],
    ['GET /booking/9007199254740992', 'GET /booking/999999'],
    ['GET /booking/9007199254740993', 'GET /booking/999999'],
    [`DELETE /booking/${HUGE}`, 'DELETE /booking/999999'],
    [`PUT /booking/${HUGE}/approve`, 'PUT /booking/999999/approve'],
    [`GET /room/${HUGE}`, 'GET /room/999999'],
    [`GET /room/${HUGE}/timeline`, 'GET /room/999999/timeline'],
    [`DELETE /room/${HUGE}`, 'DELETE /room/999999'],
    [`GET /building/${HUGE}`, 'GET /building/999999'],
    ['DELETE /building/99,12345678901234567890', 'DELETE /building/99,999999'],
    ['DELETE /building/9999999999999999', 'DELETE /building/999999'],
    [`GET /building/${HUGE}/gantt`, 'GET /building/999999/gantt'],
    [`PUT /ban/${HUGE}/confirm`, 'PUT /ban/999999/confirm'],
    [`DELETE /ban/${HUGE}`, 'DELETE /ban/999999'],
    [`GET /closure/${HUGE}`, 'GET /closure/999999'],
  ])('%s: an id that is too large is answered like an unknown id', async (huge, plain) => {
    const answer = await ask(plain)
    expect(answer.code).toBe(404)
    expect(await ask(huge)).toEqual(answer)
  })

  it('an id that is too large in a body or in the portal is answered like an unknown id', async () => {
    const huge = 99_999_999_999_999_999_999n
    const payload = (id: unknown) => JSON.stringify(bookingBody()).replace(`"roomId":${roomId}`, `"roomId":${id}`)
    const headers = { 'content-type': 'application/json' }
    const answer = await ask('POST /booking', { payload: payload(999_999), headers })
    expect(answer).toMatchObject({ code: 404, msg: '房间不存在' })
    expect(await ask('POST /booking', { payload: payload(huge), headers })).toEqual(answer)
    expect(await ask('POST /booking', { payload: payload('9007199254740993'), headers })).toEqual(answer)
    expect((await world.call('GET', '/portal/facility/booking/9007199254740993', { as: admin })).body).toEqual({
      code: 404,
      msg: '预约不存在',
    })
  })
})

describe('409 状态冲突', () => {
  it('审核：仅待审可通过/驳回', async () => {
    const id = await approved()
    expect(await ask(`PUT /booking/${id}/approve`)).toEqual({
      code: 409,
      msg: '仅待审核的预约可以审核，当前状态：已批准',
    })
    expect(await ask(`PUT /booking/${id}/reject`, { payload: { reason: '材料不全' } })).toEqual({
      code: 409,
      msg: '仅待审核的预约可以审核，当前状态：已批准',
    })
  })

  it('取消：仅开始前的 pending/approved', async () => {
    const id = await approved()
    whileItRuns()
    expect(await ask(`DELETE /booking/${id}`)).toMatchObject({
      code: 409,
      msg: expect.stringMatching(/当前状态：进行中$/),
    })
    world.clock.set(MONDAY)
    const cancelled = await book(bookingBody({ startTime: at(world, 2, '09:00'), endTime: at(world, 2, '10:00') }))
    expect(await ask(`DELETE /booking/${cancelled}`)).toMatchObject({ code: 200 })
    expect(await ask(`DELETE /booking/${cancelled}`)).toMatchObject({
      code: 409,
      msg: expect.stringMatching(/当前状态：已取消$/),
    })
  })

  it('提前结束：仅 ongoing', async () => {
    const id = await approved()
    const end = () => ask(`PUT /booking/${id}/end-early`, { payload: { endTime: at(world, 0, '11:00') } })
    expect(await end()).toEqual({ code: 409, msg: '预约尚未开始，不能提前结束' })
    world.clock.set(new Date('2026-03-03T04:00:00Z'))
    expect(await end()).toMatchObject({ code: 409, msg: expect.stringMatching(/当前状态：已完成$/) })
  })
})

describe('500 业务失败，msg 明确说明', () => {
  const refused = async (msg: string | RegExp, more: object = {}) =>
    expect(await ask('POST /booking', { payload: bookingBody(more) })).toEqual({
      code: 500,
      msg: expect.stringMatching(msg),
    })

  it('时间冲突', async () => {
    await book()
    await refused(/^该时间段已被占用（2026-03-03 09:00:00 至 12:00:00），请选择其他时间$/, {
      startTime: at(world, 1, '11:00'),
    })
  })

  it('被封禁', async () => {
    const payload = { userId: admin.id, reason: '多次违约', expireTime: '2026-03-10 00:00:00' }
    expect(await ask('POST /ban', { payload })).toMatchObject({ code: 200 })
    await refused(/^您已被封禁，暂时不能预约（原因：多次违约，至 2026-03-10 00:00:00）$/)
    const [{ id }] = (await ask(`GET /ban/list?userId=${admin.id}`)).rows
    expect(await ask(`DELETE /ban/${id}`)).toMatchObject({ code: 200 })
    await book()
  })

  it('房间禁用', async () => {
    expect(await ask(`PUT /room/${roomId}/enable?enable=false`)).toMatchObject({ code: 200 })
    await refused(/^会议室 \S+已禁用，不能预约$/)
  })

  it('参与人不达标', async () => {
    await refused(/^使用人（含申请人）不能少于 3 人$/, { userIdList: [admin.id, others[0]?.id, others[0]?.id] })
  })

  it('用户无效', async () => {
    await refused(/^使用人不存在或已停用：999999$/, { userIdList: [...others.map(({ id }) => id), 999_999] })
  })

  it('时长非法', async () => {
    await refused(/^预约时长不能超过 4320 分钟$/, { endTime: at(world, 5, '09:00') })
    await refused(/^结束时间必须晚于开始时间$/, { endTime: at(world, 1, '08:00') })
  })

  it('参数不全', async () => {
    await refused(/^参数不全或有误：缺少 purpose$/, { purpose: undefined })
    await refused(/^参数不全或有误：startTime 的格式应为 yyyy-MM-dd HH:mm:ss$/, { startTime: '明天九点' })
    const id = await book()
    expect(await ask(`PUT /booking/${id}/reject`, { payload: {} })).toEqual({
      code: 500,
      msg: '参数不全或有误：缺少 reason',
    })
  })
})
