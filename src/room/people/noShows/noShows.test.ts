import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { onServer } from '../../../../test/support/database.ts'
import { meeting, people, room, setting } from '../../../../test/support/room.ts'
import { MONDAY, openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld()
const worker = await world.person('room:student_worker')
const admin = await world.person('room:admin')
await setting(world, { audit_required: false })
let anna: Person
let friends: Person[]
afterAll(() => world.close())
beforeEach(async () => {
  world.clock.set(MONDAY)
  anna = await world.person('room:user')
  friends = await people(world, 2)
})

/** Anna's approved booking in a room of its own, from 9 to 10 on a day. */
async function booked(day = 1): Promise<number> {
  const payload = meeting(world, await room(world), friends, day)
  const { body } = await world.call('POST', '/portal/facility/booking', { as: anna, payload })
  expect(body).toMatchObject({ code: 200 })
  return body.data.id
}
const path = (id: number) => `/manage/facility/booking/${id}/no-show`
const note = async (id: number, as = worker) => (await world.call('PUT', path(id), { as })).body
const undo = async (id: number) => (await world.call('DELETE', path(id), { as: worker })).body
const isNoted = async (id: number) =>
  (
    await world.rows<{ noted: boolean }>(
      `SELECT no_show_at IS NOT NULL AS noted FROM tb_facility_booking WHERE id = ${id}`,
    )
  )[0]?.noted
const bans = async () =>
  (await world.call('GET', `/manage/facility/ban/list?userId=${anna.id}`, { as: admin })).body.rows
const types = async (person: Person) => (await world.inbox(person)).map(({ type }) => type)

/** Sets the clock to 11:00, this number of days after Monday. */
const onDay = (day: number) => world.clock.set(new Date(MONDAY.getTime() + (day * 24 + 3) * 3_600_000))
const notedOnDay1 = async (count: number): Promise<number[]> => {
  const ids = []
  for (let turn = 0; turn < count; turn += 1) ids.push(await booked())
  onDay(1)
  for (const id of ids) expect(await note(id)).toMatchObject({ code: 200 })
  return ids
}

describe('A no-show', () => {
  it('can be recorded once the booking has begun, and again, and notifies only the applicant', async () => {
    const id = await booked()
    expect(await note(id)).toMatchObject({ code: 409, msg: expect.stringContaining('已批准') })
    world.clock.set(new Date('2026-03-03T01:05:00Z'))
    expect(await note(id)).toEqual({ code: 200, msg: '操作成功' })
    expect(await note(id)).toEqual({ code: 200, msg: '操作成功' })
    expect(await isNoted(id)).toBe(true)
    expect((await types(anna)).filter((type) => type === 'room.booking.no_show')).toHaveLength(1)
    expect(await types(friends[0] ?? anna)).not.toContain('room.booking.no_show')
  })

  it('can be recorded within a week after the end, and not for a cancelled booking', async () => {
    const [late, cancelled] = [await booked(), await booked()]
    await world.call('DELETE', `/portal/facility/booking/${cancelled}`, { as: anna })
    world.clock.set(new Date('2026-03-10T02:00:01Z'))
    expect(await note(late)).toEqual({ code: 409, msg: '预约结束超过 7 天，不能再登记未到场' })
    expect(await note(cancelled)).toMatchObject({ code: 409, msg: expect.stringContaining('已取消') })
    world.clock.set(new Date('2026-03-10T02:00:00Z'))
    expect(await note(late)).toMatchObject({ code: 200 })
    expect(await note(999_999_999)).toEqual({ code: 404, msg: '预约不存在' })
  })

  it('can be undone, and again', async () => {
    const [id] = await notedOnDay1(1)
    expect(await undo(id ?? 0)).toMatchObject({ code: 200 })
    expect(await undo(id ?? 0)).toMatchObject({ code: 200 })
    expect(await isNoted(id ?? 0)).toBe(false)
  })

  it('requires the permission to see all bookings', async () => {
    expect(await note(1, anna)).toMatchObject({ code: 403, msg: expect.stringContaining('booking:all') })
  })
})

describe('Three no-shows in 30 days', () => {
  it('make one proposed ban, of which administrators are notified', async () => {
    const [first] = await notedOnDay1(2)
    await note(first ?? 0)
    expect(await bans()).toEqual([])
    world.clock.set(MONDAY)
    await notedOnDay1(2)
    expect(await bans()).toMatchObject([{ status: '2', reason: '30 天内 3 次预约未到场' }])
    expect(await types(admin)).toContain('room.ban.proposed')
    expect(await types(anna)).not.toContain('room.ban.added')
  })

  it('count only if the bookings began within 30 days', async () => {
    const old = [await booked(), await booked()]
    const later = await booked(30)
    onDay(1)
    for (const id of old) await note(id)
    onDay(31)
    await note(later)
    expect(await bans()).toEqual([])
  })

  it('no longer propose a ban when one of them is undone', async () => {
    const [first] = await notedOnDay1(3)
    expect(await bans()).toHaveLength(1)
    await undo(first ?? 0)
    expect(await bans()).toEqual([])
    await note(first ?? 0)
    expect(await bans()).toMatchObject([{ status: '2' }])
  })

  it('do not count again after an administrator has dismissed the proposal', async () => {
    const further = [await booked(3), await booked(3), await booked(4)]
    await notedOnDay1(3)
    const [{ id }] = await bans()
    await world.call('DELETE', `/manage/facility/ban/${id}`, { as: admin })
    onDay(3)
    await note(further[0] ?? 0)
    await note(further[1] ?? 0)
    expect(await bans()).toEqual([])
    onDay(4)
    await note(further[2] ?? 0)
    expect(await bans()).toMatchObject([{ status: '2' }])
  })

  it('propose no ban of a person who is banned', async () => {
    const ids = [await booked(), await booked(), await booked()]
    await world.call('POST', '/manage/facility/ban', { as: admin, payload: { userId: anna.id, reason: '违约' } })
    onDay(1)
    for (const id of ids) await note(id)
    expect(await bans()).toMatchObject([{ status: '0' }])
  })

  it.runIf(onServer)('make one proposed ban if they are recorded at the same moment', async () => {
    for (let round = 0; round < 8; round += 1) {
      world.clock.set(MONDAY)
      anna = await world.person('room:user')
      const ids = [await booked(), await booked(), await booked()]
      onDay(1)
      await Promise.all([...ids, ...ids].map((id) => note(id)))
      expect(await bans()).toHaveLength(1)
    }
  })
})
