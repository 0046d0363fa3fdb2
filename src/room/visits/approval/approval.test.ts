import { sql } from 'kysely'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { countLockWaits, onServer } from '../../../../test/support/database.ts'
import { at, building, meeting, people, room } from '../../../../test/support/room.ts'
import { MONDAY, openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld()
let worker: Person
let anna: Person
let friends: Person[]
afterAll(() => world.close())
beforeEach(async () => {
  world.clock.set(MONDAY)
  worker = await world.person('room:student_worker')
  anna = await world.person('room:user')
  friends = await people(world, 2)
})

const BOOKING = '/manage/facility/booking'

/** Makes a pending booking by Anna from 09:00 to 10:00, in a new room unless one is named. Returns its id. */
async function waiting(options: { readonly roomId?: number; readonly day?: number } = {}): Promise<number> {
  const { roomId = await room(world), day = 1 } = options
  const payload = meeting(world, roomId, friends, day)
  const { body } = await world.call('POST', '/portal/facility/booking', { as: anna, payload })
  expect(body).toMatchObject({ code: 200, data: { status: '0' } })
  return body.data.id
}
const approve = async (id: number, as = worker) => (await world.call('PUT', `${BOOKING}/${id}/approve`, { as })).body
const reject = async (id: number, payload: object = { reason: '另有安排' }, as = worker) =>
  (await world.call('PUT', `${BOOKING}/${id}/reject`, { as, payload })).body
const list = async (query = '', as = worker) =>
  (await world.call('GET', `${BOOKING}/audit/list?applicantId=${anna.id}&pageSize=100&${query}`, { as })).body
const listed = async (query = '', as = worker) => (await list(query, as)).rows.map(({ id }: { id: number }) => id)
const stored = (id: number) => world.rows(`SELECT status, reject_reason FROM tb_facility_booking WHERE id = ${id}`)
/** Waits until a statement waits for a lock. */
const untilLockWait = () => expect.poll(() => countLockWaits(world.kernel.db)).toBeGreaterThan(0)
const limit = async (buildingId: number) => {
  const as = await world.person('room:admin')
  const path = `/manage/facility/approver/${worker.id}`
  expect((await world.call('PUT', path, { as, payload: { buildingIds: [buildingId] } })).body.code).toBe(200)
}

describe('The list of pending bookings', () => {
  it('is sorted by start, the next first, and has the names that the page shows', async () => {
    const [later, sooner] = [await waiting({ day: 3 }), await waiting({ day: 2 })]
    const { code, rows, total } = await list()
    expect([code, total]).toEqual([200, 2])
    expect(rows).toMatchObject([
      { id: sooner, applicantId: anna.id, status: '0', startTime: at(world, 2, '09:00') },
      { id: later },
    ])
    expect(rows[0].applicantUserName).toBe(rows[0].applicantNickName)
    expect(rows[0].roomName).not.toBe('')
    expect(await listed('orderByColumn=startTime&isAsc=desc')).toEqual([later, sooner])
  })

  it('omits decided and overdue bookings, even before the job has settled them', async () => {
    const [decided, late, ahead] = [await waiting(), await waiting({ day: 1 }), await waiting({ day: 2 })]
    await approve(decided)
    expect(await listed()).toEqual([late, ahead])
    world.clock.set(new Date('2026-03-03T01:00:00Z'))
    expect(await listed()).toEqual([ahead])
  })

  it('can be filtered by booking, building, room, applicant and time', async () => {
    const buildingId = await building(world)
    const roomId = await room(world, { buildingId })
    const [one, other] = [await waiting({ roomId }), await waiting({ day: 2 })]
    expect(await listed(`bookingId=${one}`)).toEqual([one])
    expect(await listed(`buildingId=${buildingId}`)).toEqual([one])
    expect(await listed(`roomId=${roomId}&bookingId=&from=`)).toEqual([one])
    const { applicantUserName } = (await list()).rows[0]
    expect(await listed(`applicantUserName=${applicantUserName}`)).toEqual([one, other])
    expect(await listed('applicantUserName=nobody-at-all')).toEqual([])
    expect(await listed(`from=${at(world, 1, '09:30')}&to=${at(world, 2, '09:00')}`)).toEqual([one])
    expect(await listed(`from=${at(world, 1, '10:00')}`)).toEqual([other])
    expect((await list('orderByColumn=purpose')).code).toBe(400)
  })

  it('requires a permission', async () => {
    expect(await list('', anna)).toMatchObject({ code: 403, msg: expect.stringContaining('booking:audit:list') })
  })
})

describe('The approval of bookings', () => {
  it('approves a pending booking, and notifies its participants', async () => {
    const id = await waiting()
    expect(await approve(id)).toEqual({ code: 200, msg: '操作成功' })
    expect(await stored(id)).toEqual([{ status: '1', reject_reason: null }])
    for (const person of [anna, ...friends]) {
      expect((await world.inbox(person)).map(({ type }) => type)).toEqual([
        'room.booking.pending',
        'room.booking.approved',
      ])
    }
    expect(
      await world.rows(
        `SELECT actor_id, changes FROM operation_log WHERE action = 'room.booking.approve' AND resource_id = '${id}'`,
      ),
    ).toEqual([{ actor_id: worker.id, changes: { status: ['0', '1'] } }])
  })

  it('rejects a booking with a required reason, which participants read, and frees the time', async () => {
    const roomId = await room(world)
    const id = await waiting({ roomId })
    expect((await reject(id, {})).msg).toBe('参数不全或有误：缺少 reason')
    expect((await reject(id, { reason: '  ' })).code).toBe(500)
    expect(await reject(id)).toMatchObject({ code: 200 })
    expect(await stored(id)).toEqual([{ status: '2', reject_reason: '另有安排' }])
    expect((await world.inbox(friends[0] ?? anna)).at(-1)).toMatchObject({
      type: 'room.booking.rejected',
      body: expect.stringContaining('另有安排'),
    })
    await waiting({ roomId })
  })

  it('is refused unless the booking is pending', async () => {
    const id = await waiting()
    await approve(id)
    expect(await approve(id)).toMatchObject({ code: 409, msg: expect.stringContaining('已批准') })
    expect(await reject(id)).toMatchObject({ code: 409 })
    expect(await approve(999_999_999)).toEqual({ code: 404, msg: '预约不存在' })
  })

  it('is refused once the start of the booking has passed', async () => {
    const id = await waiting()
    world.clock.set(new Date('2026-03-03T01:00:00Z'))
    expect(await approve(id)).toMatchObject({ code: 409, msg: expect.stringContaining('已驳回') })
  })

  it.each([
    [
      'the room is out of use',
      (id: number) =>
        `UPDATE tb_facility_room SET status = '1' WHERE id = (SELECT room_id FROM tb_facility_booking WHERE id = ${id})`,
    ],
    [
      'a participant is banned',
      () =>
        `INSERT INTO tb_facility_ban (user_id, reason, create_time) VALUES (${friends[0]?.id}, '违约', '${MONDAY.toISOString()}')`,
    ],
    ['a participant is disabled', () => `UPDATE users SET status = 'disabled' WHERE id = ${friends[1]?.id}`],
    [
      'the room is closed at that time',
      (id: number) => `INSERT INTO tb_facility_closure (room_id, start_time, end_time, reason, create_time)
      SELECT room_id, start_time, end_time, '维修', '${MONDAY.toISOString()}' FROM tb_facility_booking WHERE id = ${id}`,
    ],
  ])('is refused if %s, and the booking stays pending', async (_why, change) => {
    const id = await waiting()
    await world.rows(change(id))
    expect(await approve(id)).toMatchObject({ code: 500 })
    expect(await stored(id)).toEqual([{ status: '0', reject_reason: null }])
    expect(await reject(id)).toMatchObject({ code: 200 })
  })

  it('tells staff that the applicant is banned, for one booking and in bulk', async () => {
    const id = await waiting()
    await world.rows(
      `INSERT INTO tb_facility_ban (user_id, reason, create_time) VALUES (${anna.id}, '违约', '${MONDAY.toISOString()}')`,
    )
    const refused = { code: 500, msg: `申请人 person${anna.id} 已被封禁（原因：违约，永久）` }
    expect(await approve(id)).toEqual(refused)
    const payload = { ids: [id] }
    const all = (await world.call('PUT', `${BOOKING}/audit/approve`, { as: worker, payload })).body
    expect(all.data).toEqual([{ id, ...refused }])
  })

  it('requires a permission to approve and to reject', async () => {
    const id = await waiting()
    expect(await approve(id, anna)).toMatchObject({ code: 403, msg: expect.stringContaining('booking:audit:approve') })
    expect(await reject(id, { reason: '不行' }, anna)).toMatchObject({ code: 403 })
  })

  it('is limited to the buildings of an approver, like the list', async () => {
    const mine = await building(world)
    const inside = await waiting({ roomId: await room(world, { buildingId: mine }) })
    const outside = await waiting({ day: 2 })
    await limit(mine)
    expect(await list()).toMatchObject({ total: 1, rows: [{ id: inside }] })
    expect(await approve(outside)).toEqual({ code: 403, msg: '该预约不在您负责审核的楼房内' })
    expect(await reject(outside)).toMatchObject({ code: 403 })
    expect(await approve(inside)).toMatchObject({ code: 200 })
    expect(await listed('', await world.person('room:student_worker'))).toEqual([outside])
  })

  it.runIf(onServer)(
    'is refused for a booking that moves outside the approver’s buildings at that moment',
    async () => {
      const mine = await building(world)
      const id = await waiting({ roomId: await room(world, { buildingId: mine }) })
      const elsewhere = await room(world)
      await limit(mine)
      const { answer } = await world.kernel.transaction(async (tx) => {
        await sql`UPDATE tb_facility_booking SET room_id = ${elsewhere} WHERE id = ${id}`.execute(tx)
        const answer = approve(id)
        await untilLockWait()
        return { answer }
      })
      expect(await answer).toMatchObject({ code: 403 })
      expect(await stored(id)).toEqual([{ status: '0', reject_reason: null }])
    },
  )

  it.runIf(onServer)('happens once if many approve and reject at the same time', async () => {
    const id = await waiting()
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, turn) => (turn % 2 === 0 ? approve(id) : reject(id))),
    )
    expect(answers.map(({ code }) => code).sort()).toEqual([200, ...Array.from({ length: 11 }, () => 409)])
    await world.drain()
    expect(
      await world.rows(
        `SELECT count(*)::int AS n FROM operation_log WHERE resource_id = '${id}' AND action IN ('room.booking.approve', 'room.booking.reject')`,
      ),
    ).toEqual([{ n: 1 }])
  })
})

describe('Deciding about several bookings', () => {
  const all = async (what: 'approve' | 'reject', payload: object, as = worker) =>
    (await world.call('PUT', `${BOOKING}/audit/${what}`, { as, payload })).body

  it('answers for each booking, and one that fails does not stop the others', async () => {
    const [first, decided, last] = [await waiting(), await waiting(), await waiting()]
    await reject(decided)
    expect(await all('approve', { ids: [first, decided, 999_999_999, last, first] })).toEqual({
      code: 200,
      msg: '操作成功',
      data: [
        { id: first, code: 200, msg: '操作成功' },
        { id: decided, code: 409, msg: expect.stringContaining('已驳回') },
        { id: 999_999_999, code: 404, msg: '预约不存在' },
        { id: last, code: 200, msg: '操作成功' },
      ],
    })
    expect(await stored(last)).toMatchObject([{ status: '1' }])
  })

  it('rejects all with one reason, which is required', async () => {
    const ids = [await waiting(), await waiting()]
    expect(await all('reject', { ids })).toMatchObject({ code: 500, msg: expect.stringContaining('reason') })
    expect((await all('reject', { ids, reason: '场馆检修' })).data).toMatchObject([{ code: 200 }, { code: 200 }])
    for (const id of ids) expect(await stored(id)).toEqual([{ status: '2', reject_reason: '场馆检修' }])
  })

  it('accepts 1 to 100 bookings, and requires a permission', async () => {
    expect((await all('approve', { ids: [] })).code).toBe(500)
    expect((await all('approve', { ids: Array.from({ length: 101 }, (_, n) => n + 1) })).code).toBe(500)
    expect((await all('approve', { ids: [1] }, anna)).code).toBe(403)
  })
})
