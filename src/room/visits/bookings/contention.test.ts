import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { countLockWaits, onServer } from '../../../../test/support/database.ts'
import { at, people, room, setting } from '../../../../test/support/room.ts'
import { type Answer, MONDAY, openWorld, type Person, type World } from '../../../../test/support/world.ts'
import { settleBookings } from '../../core/settling.ts'

// Two transactions can be open at once only on a database server.
describe.runIf(onServer)('Concurrent requests', () => {
  let world: World
  let staff: Person
  let everybody: readonly Person[]
  beforeAll(async () => {
    world = await openWorld()
    staff = await world.person('room:admin')
    everybody = await people(world, 40)
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    world.clock.set(MONDAY)
    await setting(world, { audit_required: true, participant_overlap: 'allow' })
  })

  const nth = (n: number): Person => {
    const person = everybody[n % everybody.length]
    if (!person) throw new Error('nobody')
    return person
  }
  const request = (roomId: number, n: number, startTime: string, endTime: string) => ({
    roomId,
    purpose: `第 ${n} 个`,
    startTime: at(world, 1, startTime),
    endTime: at(world, 1, endTime),
    userIdList: [nth(n).id, nth(n + 1).id, nth(n + 2).id],
  })
  const post = (n: number, payload: object) => world.call('POST', '/portal/facility/booking', { as: nth(n), payload })
  const put = (n: number, id: number, payload: object) =>
    world.call('PUT', `/portal/facility/booking/${id}`, { as: nth(n), payload })
  const overlaps = () =>
    world.rows(`SELECT a.id, b.id AS other FROM tb_facility_booking a JOIN tb_facility_booking b
      ON a.room_id = b.room_id AND a.id < b.id AND a.during && b.during
      WHERE a.status IN ('0', '1', '4') AND b.status IN ('0', '1', '4')`)
  const only = <T>(items: readonly T[]): T => {
    const [item] = items
    if (item === undefined || items.length !== 1) throw new Error(`one expected, not ${items.length}`)
    return item
  }

  it.each([true, false])(
    'for overlapping times have exactly one winner among 100 (approval required: %s)',
    async (audit) => {
      await setting(world, { audit_required: audit })
      const roomId = await room(world)
      const half = (n: number) => `${String(Math.floor(n / 2)).padStart(2, '0')}:${n % 2 === 0 ? '00' : '30'}`
      // They start from 06:00 to 10:30 and end from 11:00 to 15:30: all of them include 10:30 to 11:00.
      const payloads = Array.from({ length: 100 }, (_, n) =>
        request(roomId, n, half(12 + (n % 10)), half(22 + Math.floor(n / 10))),
      )
      const answers = await Promise.all(payloads.map((payload, n) => post(n, payload)))
      const winner = answers.findIndex(({ body }) => body.code === 200)
      const won = payloads[winner]
      expect(answers.filter(({ body }) => body.code === 200)).toHaveLength(1)
      const msg = `该时间段已被占用（${won?.startTime} 至 ${won?.endTime.slice(11)}），请选择其他时间`
      for (const { body } of answers.filter(({ body }) => body.code !== 200)) expect(body).toEqual({ code: 500, msg })
      expect(await world.rows(`SELECT id FROM tb_facility_booking WHERE room_id = ${roomId}`)).toHaveLength(1)
      expect(await overlaps()).toEqual([])
    },
  )

  it('all succeed if their times only touch', async () => {
    const roomId = await room(world)
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        post(n, request(roomId, n, `${String(n + 8).padStart(2, '0')}:00`, `${String(n + 9).padStart(2, '0')}:00`)),
      ),
    )
    expect(answers.map(({ body }) => body.code)).toEqual(Array(12).fill(200))
  })

  it('to extend a booking and to book the same time have exactly one winner', async () => {
    for (let round = 0; round < 10; round += 1) {
      const roomId = await room(world)
      const { body } = await post(0, request(roomId, 0, '09:00', '10:00'))
      const grow = put(0, body.data.id, { endTime: at(world, 1, '11:00') })
      const others = Array.from({ length: 8 }, (_, n) => post(n + 3, request(roomId, n + 3, '10:00', '11:00')))
      const codes = (await Promise.all([grow, ...others])).map((answer) => answer.body.code)
      expect(codes.filter((code) => code === 200)).toHaveLength(1)
      expect(codes.filter((code) => code === 500)).toHaveLength(8)
    }
    expect(await overlaps()).toEqual([])
  })

  it('to swap the rooms of two bookings never make them overlap, and all are answered', async () => {
    const [one, other] = [await room(world), await room(world)]
    const made = await Promise.all([
      post(0, request(one, 0, '09:00', '10:00')),
      post(3, request(other, 3, '09:00', '10:00')),
    ])
    const [a, b] = made.map(({ body }) => body.data.id)
    for (let round = 0; round < 10; round += 1) {
      const swapped = await Promise.all([put(0, a, { roomId: other }), put(3, b, { roomId: one })])
      expect(swapped.map(({ body }) => body.code)).toContain(500)
      await Promise.all([put(0, a, { roomId: one }), put(3, b, { roomId: other })])
    }
    expect(await overlaps()).toEqual([])
  })

  it('to approve and to edit a booking both succeed, and the last one decides its state', async () => {
    for (let round = 0; round < 10; round += 1) {
      const roomId = await room(world)
      const { body } = await post(0, request(roomId, 0, '09:00', '10:00'))
      const id: number = body.data.id
      const [approved, edited] = await Promise.all([
        world.call('PUT', `/manage/facility/booking/${id}/approve`, { as: staff }),
        put(0, id, { endTime: at(world, 1, '11:00') }),
      ])
      expect([approved.body.code, edited.body.code]).toEqual([200, 200])
      await world.drain()
      const log = await world.rows<{ action: string }>(
        `SELECT action FROM operation_log WHERE resource = 'room_booking' AND resource_id = '${id}' ORDER BY id`,
      )
      const [state] = await world.rows<{ status: string }>(`SELECT status FROM tb_facility_booking WHERE id = ${id}`)
      expect(state?.status).toBe(log.at(-1)?.action === 'room.booking.approve' ? '1' : '0')
    }
  })

  it('to end a booking and to settle it leave it ended', async () => {
    await setting(world, { audit_required: false })
    for (let round = 0; round < 10; round += 1) {
      world.clock.set(MONDAY)
      const { body } = await post(0, request(await room(world), 0, '09:00', '10:00'))
      const id: number = body.data.id
      world.clock.set(new Date('2026-03-03T01:10:00Z'))
      const [ended] = await Promise.all([
        world.call('PUT', `/portal/facility/booking/${id}/end-early`, { as: nth(0), payload: {} }),
        settleBookings(world.kernel),
        settleBookings(world.kernel),
      ])
      expect(ended.body.code).toBe(200)
      await settleBookings(world.kernel)
      expect(only(await world.rows(`SELECT status, end_time FROM tb_facility_booking WHERE id = ${id}`))).toEqual({
        status: '5',
        end_time: world.clock.now(),
      })
      const types = (await world.inbox(nth(0)))
        .filter(({ body }) => body.includes(`预约编号：${id}`))
        .map(({ type }) => type)
      expect(types.filter((type) => type === 'room.booking.started').length).toBeLessThanOrEqual(1)
      expect(types.filter((type) => type === 'room.booking.ended_early')).toHaveLength(1)
      expect(types).not.toContain('room.booking.completed')
    }
  })

  it('to book one person in 20 rooms have exactly one winner if overlaps are refused', async () => {
    await setting(world, { participant_overlap: 'refuse' })
    const rooms = await Promise.all(Array.from({ length: 20 }, () => room(world)))
    const answers = await Promise.all(
      rooms.map((roomId, n) => {
        const payload = request(roomId, 3 + n, '15:00', '16:00')
        return post(3 + n, { ...payload, userIdList: [nth(3 + n).id, nth(0).id, nth(1).id] })
      }),
    )
    expect(answers.filter(({ body }) => body.code === 200)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.code === 500)).toHaveLength(19)
  })

  it('of three people to withdraw from a booking of five succeed for two', async () => {
    const roomId = await room(world)
    const payload = request(roomId, 0, '09:00', '10:00')
    const { body } = await post(0, { ...payload, userIdList: [0, 1, 2, 3, 4].map((n) => nth(n).id) })
    const left = await Promise.all(
      [1, 2, 3].map((n) => world.call('PUT', `/portal/facility/booking/${body.data.id}/leave`, { as: nth(n) })),
    )
    expect(left.map((answer) => answer.body.code).sort()).toEqual([200, 200, 500])
  })

  /** Runs `meanwhile` while another transaction holds locks on the rows of a query. */
  const whileLocked = (query: string, meanwhile: () => Promise<void>) =>
    world.kernel.transaction(async (tx) => {
      await sql.raw(`${query} FOR UPDATE`).execute(tx)
      await meanwhile()
    })
  const untilWaiting = (count: number) =>
    expect.poll(() => countLockWaits(world.kernel.db), { timeout: 20_000 }).toBe(count)
  const remove = (person: Person, as: Person) => world.call('DELETE', `/api/admin/users/${person.id}`, { as })

  it.each([
    ['is the applicant', 0, { status: '3', cancel_reason: '申请人账号已注销' }],
    ['takes part', 1, { status: '3', cancel_reason: '使用人账号已注销，使用人不足 3 人' }],
  ])('to book and to delete the account of a person who %s cancel the booking', async (_, who, ended) => {
    const admin = await world.person('admin')
    const group = await people(world, 3)
    const roomId = await room(world)
    const payload = { ...request(roomId, 0, '09:00', '10:00'), userIdList: group.map(({ id }) => id) }
    const leaver = group[who]
    const asked: Promise<Answer>[] = []
    await whileLocked(`SELECT FROM tb_facility_room WHERE id = ${roomId}`, async () => {
      asked.push(world.call('POST', '/portal/facility/booking', { as: only(group.slice(0, 1)), payload }))
      await untilWaiting(1)
      const removed = remove(only(leaver ? [leaver] : []), admin)
      asked.push(removed)
      await Promise.race([removed, untilWaiting(2)])
    })
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 204])
    expect(
      only(await world.rows(`SELECT status, cancel_reason FROM tb_facility_booking WHERE room_id = ${roomId}`)),
    ).toEqual(ended)
    expect(await world.verify()).toEqual([])
  })

  it('to book during the deletion of a participant’s account are refused', async () => {
    const admin = await world.person('admin')
    const [leaver, ...others] = await people(world, 3)
    const [first, second] = [await room(world), await room(world)]
    const userIdList = [leaver, ...others].map((person) => person?.id)
    const made = await world.call('POST', '/portal/facility/booking', {
      as: leaver,
      payload: { ...request(first, 0, '09:00', '10:00'), userIdList },
    })
    const asked: Promise<Answer>[] = []
    await whileLocked(`SELECT FROM tb_facility_booking WHERE id = ${made.body.data.id}`, async () => {
      asked.push(remove(only(leaver ? [leaver] : []), admin))
      await untilWaiting(1)
      const payload = { ...request(second, 0, '09:00', '10:00'), userIdList }
      const booked = world.call('POST', '/portal/facility/booking', { as: others[0], payload })
      asked.push(booked)
      await Promise.race([booked, untilWaiting(2)])
    })
    const [removed, refused] = await Promise.all(asked)
    expect(removed?.status).toBe(204)
    expect(refused?.body).toEqual({ code: 500, msg: `使用人不存在或已停用：${leaver?.id}` })
    expect(await world.verify()).toEqual([])
  })

  it('to book create nothing once the room is disabled, even if they read the room before', async () => {
    for (let round = 0; round < 5; round += 1) {
      const roomId = await room(world)
      const making = Array.from({ length: 12 }, (_, n) =>
        post(n, request(roomId, n, `${String(n + 8).padStart(2, '0')}:00`, `${String(n + 9).padStart(2, '0')}:00`)),
      )
      const [shut] = await world.rows<{ id: number; made: number }>(
        `UPDATE tb_facility_room SET status = '1', revision = revision + 1 WHERE id = ${roomId} RETURNING id`,
      )
      const before = await world.rows(`SELECT id FROM tb_facility_booking WHERE room_id = ${roomId}`)
      expect(shut?.id).toBe(roomId)
      const answers = await Promise.all(making)
      const after = await world.rows(`SELECT id FROM tb_facility_booking WHERE room_id = ${roomId}`)
      expect(after).toEqual(before)
      expect(answers.filter(({ body }) => body.code === 200)).toHaveLength(before.length)
    }
  })
})
