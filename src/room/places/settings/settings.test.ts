import { afterAll, describe, expect, it } from 'vitest'
import { at, people, room } from '../../../../test/support/room.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld()
const admin = await world.person('room:admin')
afterAll(() => world.close())

const path = '/manage/facility/setting/audit-required'
const get = async (as = admin) => (await world.call('GET', path, { as })).body
const put = async (payload: unknown, as = admin) => (await world.call('PUT', path, { as, payload })).body

describe('The booking rules', () => {
  it('have the defaults of the document at first', async () => {
    expect(await get()).toEqual({
      code: 200,
      msg: '操作成功',
      data: {
        auditRequired: true,
        maxDurationMinutes: 4320,
        advanceDays: 30,
        gridMinutes: 5,
        participantOverlap: 'warn',
      },
    })
  })

  it('can be changed with the body of the document; omitted and null fields keep their values', async () => {
    expect(await put({ auditRequired: false, maxDurationMinutes: 120 })).toEqual({ code: 200, msg: '操作成功' })
    expect((await get()).data).toMatchObject({ auditRequired: false, maxDurationMinutes: 120, advanceDays: 30 })
    await put({
      auditRequired: true,
      advanceDays: 7,
      gridMinutes: 15,
      participantOverlap: 'refuse',
      maxDurationMinutes: null,
    })
    expect((await get()).data).toEqual({
      auditRequired: true,
      maxDurationMinutes: 120,
      advanceDays: 7,
      gridMinutes: 15,
      participantOverlap: 'refuse',
    })
  })

  it('apply to the next booking', async () => {
    const [as, b, c] = await people(world)
    const roomId = await room(world)
    const book = async () =>
      (
        await world.call('POST', '/portal/facility/booking', {
          as: as as Person,
          payload: {
            roomId,
            purpose: '会议',
            startTime: at(world, 1, '09:00'),
            endTime: at(world, 1, '12:00'),
            userIdList: [b?.id, c?.id],
          },
        })
      ).body
    await put({ auditRequired: false, maxDurationMinutes: 60 })
    expect((await book()).code).toBe(500)
    await put({ auditRequired: false, maxDurationMinutes: 180 })
    expect((await book()).code).toBe(200)
    expect(await world.rows(`SELECT status FROM tb_facility_booking WHERE room_id = ${roomId}`)).toEqual([
      { status: '1' },
    ])
  })

  it.each([
    [{}, '缺少 auditRequired'],
    [{ auditRequired: 'yes' }, 'auditRequired'],
    [{ auditRequired: true, maxDurationMinutes: 4 }, 'maxDurationMinutes'],
    [{ auditRequired: true, maxDurationMinutes: 10_081 }, 'maxDurationMinutes'],
    [{ auditRequired: true, advanceDays: 0 }, 'advanceDays'],
    [{ auditRequired: true, gridMinutes: 61 }, 'gridMinutes'],
    [{ auditRequired: true, participantOverlap: 'maybe' }, 'participantOverlap'],
    [{ auditRequired: true, gridMinutes: 60, maxDurationMinutes: 30 }, '最长预约时长不能小于时间粒度'],
  ])('are not changed by an invalid body: %j', async (payload, words) => {
    const before = await get()
    const answer = await put(payload)
    expect(answer.code).toBe(500)
    expect(answer.msg).toContain(words)
    expect(await get()).toEqual(before)
  })

  it('can be read by student workers and administrators, and changed only by administrators', async () => {
    const worker = await world.person('room:student_worker')
    expect((await get(worker)).code).toBe(200)
    expect((await put({ auditRequired: true }, worker)).msg).toContain('manage:facility:setting:edit')
    expect((await get(await world.person('room:user'))).msg).toContain('manage:facility:setting:get')
  })
})
