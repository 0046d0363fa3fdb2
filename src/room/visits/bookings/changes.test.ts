import { describe, expect, it } from 'vitest'
import { at, room, setting } from '../../../../test/support/room.ts'
import {
  anna,
  ban,
  ben,
  book,
  cancel,
  cleo,
  dora,
  endEarly,
  ids,
  openBookings,
  participants,
  post,
  put,
  refused,
  request,
  row,
  staff,
  told,
  world,
} from '../../../../test/support/roomBookings.ts'

openBookings()

describe('Changing a booking', () => {
  it('changes purpose, time, room and participants; omitted fields stay', async () => {
    const roomId = await room(world)
    const id = await book(request(roomId))
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
    // The message to Cleo names the old time and room, not the new ones.
    const last = (await world.inbox(cleo)).at(-1)
    expect(last?.body).toContain('2026-03-03 09:00:00 至 12:00:00')
    const [had] = await world.rows<{ name: string }>(
      `SELECT room_name AS name FROM tb_facility_room WHERE id = ${roomId}`,
    )
    expect(last?.body).toContain(had?.name)
    await book(request(roomId), dora)
  })

  it('follows the rules of a new booking, and does not conflict with itself', async () => {
    const roomId = await room(world)
    const id = await book(request(roomId))
    await book(request(roomId, { startTime: at(world, 1, '13:00'), endTime: at(world, 1, '14:00') }), dora)
    expect((await put(id, { endTime: at(world, 1, '13:00') })).body.code).toBe(200)
    expect(await put(id, { endTime: at(world, 1, '13:30') })).toMatchObject(
      refused('该时间段已被占用（2026-03-03 13:00:00 至 14:00:00），请选择其他时间'),
    )
    expect(await put(id, { userIdList: ids(ben) })).toMatchObject(refused(/不能少于 3 人/))
    expect(await put(id, { endTime: at(world, 1, '08:00') })).toMatchObject(refused(/结束时间必须晚于/))
    await ban(ben, null)
    expect(await put(id, { purpose: 'x' })).toMatchObject(refused(/被封禁/))
  })

  it('makes an approved booking pending again if its time changes and approval is required', async () => {
    await setting(world, { audit_required: false })
    const roomId = await room(world)
    const id = await book(request(roomId))
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
  ])('submits a rejected booking again (approval required: %s, new state: %s)', async (audit, status) => {
    const roomId = await room(world)
    const id = await book(request(roomId))
    await world.rows(`UPDATE tb_facility_booking SET status = '2', reject_reason = '不合适' WHERE id = ${id}`)
    await setting(world, { audit_required: audit })
    expect((await put(id, { purpose: '改' })).body).toMatchObject({ code: 200, data: { status } })
    expect(await row(id)).toMatchObject({ status, reject_reason: null })
    expect(await post(request(roomId), dora)).toMatchObject(refused(/已被占用/))
  })

  it('does not submit a rejected booking again if its time has been taken', async () => {
    const roomId = await room(world)
    const id = await book(request(roomId))
    await world.rows(`UPDATE tb_facility_booking SET status = '2' WHERE id = ${id}`)
    await book(request(roomId), dora)
    expect(await put(id, { purpose: '改' })).toMatchObject(refused(/已被占用/))
    expect(await row(id)).toMatchObject({ status: '2' })
  })

  it('is refused once the booking is cancelled, ongoing or completed', async () => {
    await setting(world, { audit_required: false })
    const roomId = await room(world)
    const id = await book(request(roomId))
    const gone = await book(request(roomId, { startTime: at(world, 2, '09:00'), endTime: at(world, 2, '10:00') }))
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

  it('is possible only for the applicant; others get 404 in the portal and 403 at the desk', async () => {
    const id = await book(request(await room(world)))
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
  it('frees its time at once and notifies the participants', async () => {
    const roomId = await room(world)
    const id = await book(request(roomId))
    expect((await cancel(id)).body).toEqual({ code: 200, msg: '操作成功' })
    expect(await row(id)).toMatchObject({ status: '3', cancelled_by: null, cancel_reason: null })
    expect(await told(cleo, id)).toEqual(['pending', 'cancelled'])
    await book(request(roomId), dora)
    expect(await cancel(id)).toMatchObject({ body: { code: 409, msg: expect.stringContaining('已取消') } })
  })

  it('is refused once the booking has begun', async () => {
    await setting(world, { audit_required: false })
    const id = await book(request(await room(world)))
    world.clock.set(new Date('2026-03-03T01:00:00Z'))
    expect(await cancel(id)).toMatchObject({ body: { code: 409 } })
    expect(await cancel(id, staff, '/manage/facility')).toMatchObject({ body: { code: 409 } })
  })

  it('is refused to others in the portal; at the desk it is possible for staff, and the actor is recorded', async () => {
    const id = await book(request(await room(world)))
    expect(await cancel(id, ben)).toMatchObject({ body: { code: 404 } })
    expect(await cancel(id, ben, '/manage/facility')).toMatchObject({
      body: { code: 403, msg: expect.stringContaining('manage:facility:booking:cancel') },
    })
    expect((await cancel(id, staff, '/manage/facility')).body.code).toBe(200)
    expect(await row(id)).toMatchObject({ status: '3', cancelled_by: staff.id, cancel_reason: '管理员取消' })
    expect(await told(anna, id)).toEqual(['pending', 'cancelled_by_staff'])
  })

  it('by force requires a reason and a permission, and ends a running booking', async () => {
    await setting(world, { audit_required: false })
    const roomId = await room(world)
    const id = await book(request(roomId))
    const force = (query: string, as = staff) =>
      world.call('DELETE', `/manage/facility/booking/${id}/force${query}`, { as })
    expect(await force('')).toMatchObject({ body: { code: 500, msg: expect.stringContaining('reason') } })
    expect(await force('?reason=x', anna)).toMatchObject({ body: { code: 403 } })
    world.clock.set(new Date('2026-03-03T02:00:00Z'))
    expect((await force(`?reason=${encodeURIComponent('漏水')}`)).body.code).toBe(200)
    expect(await row(id)).toMatchObject({ status: '3', cancelled_by: staff.id, cancel_reason: '漏水' })
    expect((await world.inbox(ben)).at(-1)?.body).toContain('原因：漏水')
    expect(await force('?reason=x')).toMatchObject({ body: { code: 409 } })
    await book(request(roomId, { startTime: at(world, 0, '10:00') }), dora)
  })

  it('by force accepts the reason in the body too', async () => {
    const id = await book(request(await room(world)))
    const force = async (payload: object) =>
      (await world.call('DELETE', `/manage/facility/booking/${id}/force`, { as: staff, payload })).body
    for (const payload of [{}, { reason: null }, { reason: ' ' }]) {
      expect(await force(payload)).toMatchObject({ code: 500, msg: expect.stringContaining('reason') })
    }
    expect(await force({ reason: '漏水' })).toMatchObject({ code: 200 })
    expect(await row(id)).toMatchObject({ status: '3', cancel_reason: '漏水' })
  })
})

describe('Ending a booking early', () => {
  const running = async () => {
    await setting(world, { audit_required: false })
    const roomId = await room(world)
    const id = await book(request(roomId))
    world.clock.set(new Date('2026-03-03T02:00:00Z'))
    return { roomId, id }
  }

  it('at a time that has passed completes it now, and frees the rest of its time', async () => {
    const { id, roomId } = await running()
    expect((await endEarly(id, { endTime: '2026-03-03 09:30:00' })).body).toEqual({ code: 200, msg: '操作成功' })
    expect(await row(id)).toMatchObject({ status: '5', end_time: world.clock.now(), duration_minutes: 60 })
    expect(await told(ben, id)).toContain('ended_early')
    await book(request(roomId, { startTime: '2026-03-03 10:00:00', endTime: '2026-03-03 11:00:00' }), dora)
    expect(await endEarly(id)).toMatchObject({ body: { code: 409 } })
  })

  it('at a later time keeps it running until then, and frees the time after', async () => {
    const { id, roomId } = await running()
    await endEarly(id, { endTime: '2026-03-03 11:00:00' })
    expect(await row(id)).toMatchObject({ status: '4', end_time: new Date('2026-03-03T03:00:00Z') })
    await book(request(roomId, { startTime: '2026-03-03 11:00:00', endTime: '2026-03-03 12:00:00' }), dora)
    expect(await endEarly(id, { endTime: '2026-03-03 11:30:00' })).toMatchObject(refused(/不能晚于原结束时间/))
  })

  it.each([[{ endTime: null }], [{}], [undefined]])('without a time completes it now: %j', async (payload) => {
    const { id } = await running()
    const path = `/portal/facility/booking/${id}/end-early`
    expect((await world.call('PUT', path, { as: anna, payload })).body).toMatchObject({ code: 200 })
    expect(await row(id)).toMatchObject({ status: '5', end_time: world.clock.now() })
  })

  it('counts the duration in whole minutes', async () => {
    const { id } = await running()
    world.clock.set(new Date('2026-03-03T02:00:59Z'))
    await endEarly(id)
    expect(await row(id)).toMatchObject({ duration_minutes: 60 })
  })

  it('is refused for pending and overdue bookings and to other participants, and is possible for staff', async () => {
    const roomId = await room(world)
    const pending = await book(request(roomId))
    expect(await endEarly(pending)).toMatchObject({ body: { code: 409, msg: '预约尚未开始，不能提前结束' } })
    const { id } = await running()
    expect(await endEarly(pending)).toMatchObject({ body: { code: 409, msg: expect.stringContaining('已驳回') } })
    expect(await endEarly(id, {}, ben)).toMatchObject({ body: { code: 404 } })
    expect((await endEarly(id, {}, staff, '/manage/facility')).body.code).toBe(200)
  })
})
