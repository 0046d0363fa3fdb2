import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { onServer } from '../../../../test/support/database.ts'
import { at, meeting, people, room } from '../../../../test/support/room.ts'
import { MONDAY, openWorld, type Person } from '../../../../test/support/world.ts'
import { proposalStep } from '../../core/bans/rules.ts'

const world = await openWorld()
const staff = await world.person('room:admin')
let anna: Person
let friends: Person[]
afterAll(() => world.close())
beforeEach(async () => {
  world.clock.set(MONDAY)
  anna = await world.person('room:user')
  friends = await people(world)
})

const BANS = '/manage/facility/ban'
const list = async (query: string) => (await world.call('GET', `${BANS}/list?${query}`, { as: staff })).body
const ban = (payload: object) => world.call('POST', BANS, { as: staff, payload: { reason: '多次违约', ...payload } })
const lift = (id: number, as = staff) => world.call('DELETE', `${BANS}/${id}`, { as })
const nameOf = async ({ id }: Person) =>
  (await world.rows<{ name: string }>(`SELECT username AS name FROM users WHERE id = ${id}`))[0]?.name ?? ''
const ofAnna = async () => (await list(`userId=${anna.id}`)).rows
const typesOf = async (person: Person) => (await world.inbox(person)).map(({ type }) => type)

/** Books a room of its own, from 9 to 10 on a day. */
const book = async (applicant: Person, day = 1) => {
  const payload = meeting(world, await room(world), friends, day)
  return (await world.call('POST', '/portal/facility/booking', { as: applicant, payload })).body
}

/** Stores a proposed ban of Anna, as three no-shows would, and returns its id. */
const proposed = async () => {
  await world.rows(
    `INSERT INTO tb_facility_ban (user_id, reason, status, create_time) VALUES (${anna.id}, '未到场', '2', '${MONDAY.toISOString()}')`,
  )
  return (await ofAnna())[0].id
}

describe('A ban', () => {
  it('refuses bookings of the person until it is lifted, and the person is notified of both', async () => {
    const { body } = await ban({ userId: anna.id, expireTime: at(world, 5, '00:00') })
    expect(body).toMatchObject({ code: 200, data: { cancelledBookings: [] } })
    expect(await book(anna)).toMatchObject({ code: 500, msg: expect.stringContaining('多次违约') })
    expect(await lift(body.data.id)).toMatchObject({ body: { code: 200 } })
    expect(await book(anna)).toMatchObject({ code: 200 })
    const inbox = await world.inbox(anna)
    expect(inbox.slice(0, 2)).toMatchObject([
      { type: 'room.ban.added', body: expect.stringContaining('2026-03-07 00:00:00') },
      { type: 'room.ban.lifted' },
    ])
  })

  it('without an end is permanent, and is listed with names', async () => {
    await ban({ userId: anna.id })
    world.clock.set(new Date('2027-01-01T00:00:00Z'))
    expect(await list(`userId=${anna.id}&status=0`)).toMatchObject({
      code: 200,
      total: 1,
      rows: [
        { userId: anna.id, username: await nameOf(anna), nickname: await nameOf(anna), status: '0', expireTime: null },
      ],
    })
  })

  it('accepts empty texts of a form as omitted fields, except for the reason', async () => {
    const left = { userId: '', expireTime: '', cancelFuture: '' }
    expect((await ban({ ...left, username: await nameOf(anna) })).body.code).toBe(200)
    expect(await ofAnna()).toMatchObject([{ status: '0', expireTime: null, cancelFuture: false }])
    // The reason is a required text: an empty one is refused.
    expect((await ban({ ...left, username: await nameOf(anna), reason: '' })).body.msg).toContain('reason 不能为空')
  })

  it('can be given by user name in any case; the refusal names an unknown person', async () => {
    const name = await nameOf(anna)
    expect((await ban({ userId: null, username: name.toUpperCase() })).body.code).toBe(200)
    expect(await ofAnna()).toHaveLength(1)
    expect((await list(`username=${name}`)).rows[0]).toMatchObject({ userId: anna.id })
    expect((await ban({ username: 'nobody-at-all' })).body).toEqual({ code: 500, msg: '用户不存在：nobody-at-all' })
    expect((await ban({ userId: 999_999_999 })).body).toEqual({ code: 500, msg: '用户不存在：999999999' })
  })

  it('requires a person, a reason, and an end in the future', async () => {
    expect((await ban({})).body).toEqual({ code: 500, msg: '参数不全或有误：缺少 userId' })
    expect((await ban({ userId: null, username: ' ' })).body.msg).toContain('userId')
    expect((await ban({ userId: anna.id, reason: ' ' })).body.msg).toContain('reason')
    expect((await ban({ userId: anna.id, expireTime: at(world, 0, '08:00') })).body).toEqual({
      code: 500,
      msg: '封禁截止时间必须晚于当前时间',
    })
    expect(await ofAnna()).toEqual([])
  })

  it('can follow an expired ban, but not an active one', async () => {
    const { body } = await ban({ userId: anna.id, expireTime: at(world, 1, '00:00') })
    expect((await ban({ userId: anna.id })).body).toEqual({ code: 500, msg: '该用户已在封禁中' })
    world.clock.advance(24 * 60)
    expect((await list(`userId=${anna.id}&status=1`)).rows).toMatchObject([{ id: body.data.id, status: '1' }])
    expect((await list(`userId=${anna.id}&status=0`)).total).toBe(0)
    expect((await lift(body.data.id)).body).toEqual({ code: 409, msg: '该封禁已失效' })
    expect((await ban({ userId: anna.id })).body.code).toBe(200)
    expect((await list(`userId=${anna.id}&orderByColumn=id&isAsc=asc`)).rows).toMatchObject([
      { status: '1' },
      { status: '0' },
    ])
  })

  it('keeps existing bookings, or on request cancels those of which the person is the applicant', async () => {
    const own = (await book(anna)).data.id
    friends = [anna, ...friends]
    const joined = (await book(await world.person('room:user'), 2)).data.id
    const statusOf = (id: number) => world.rows(`SELECT status, cancelled_by FROM tb_facility_booking WHERE id = ${id}`)

    const first = await ban({ userId: anna.id })
    expect(await statusOf(own)).toMatchObject([{ status: '0' }])
    await lift(first.body.data.id)
    const second = await ban({ userId: anna.id, cancelFuture: true })
    expect(second.body.data.cancelledBookings).toEqual([own])
    expect(await statusOf(own)).toEqual([{ status: '3', cancelled_by: staff.id }])
    expect(await statusOf(joined)).toMatchObject([{ status: '0' }])
    for (const person of friends) expect(await typesOf(person)).toContain('room.booking.cancelled_by_staff')
  })

  it('does not cancel a booking that has begun', async () => {
    const { data } = await book(anna)
    await world.rows(`UPDATE tb_facility_booking SET status = '1' WHERE id = ${data.id}`)
    world.clock.set(new Date('2026-03-03T01:30:00Z'))
    const { body } = await ban({ userId: anna.id, cancelFuture: true })
    expect(body.data.cancelledBookings).toEqual([])
  })

  it('requires a permission to ban, to lift and to list', async () => {
    const worker = await world.person('room:student_worker')
    expect((await lift(1, worker)).body).toMatchObject({
      code: 403,
      msg: expect.stringContaining('facility:ban:remove'),
    })
    expect((await world.call('POST', BANS, { as: worker, payload: {} })).body.code).toBe(403)
    expect((await world.call('GET', `${BANS}/list`, { as: worker })).body.code).toBe(200)
    expect((await world.call('GET', `${BANS}/list`, { as: anna })).body.code).toBe(403)
    expect((await lift(999_999_999)).body).toEqual({ code: 404, msg: '封禁记录不存在' })
  })

  it.runIf(onServer)('given many times at once is given once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ban({ userId: anna.id })))
    expect(answers.filter(({ body }) => body.code === 200)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.msg === '该用户已在封禁中')).toHaveLength(9)
  })
})

describe('A proposed ban', () => {
  it('forbids nothing until it is confirmed; then it lasts 30 days and the person is notified', async () => {
    const id = await proposed()
    expect(await book(anna)).toMatchObject({ code: 200 })
    expect((await list(`userId=${anna.id}&status=2`)).total).toBe(1)
    expect((await world.call('PUT', `${BANS}/${id}/confirm`, { as: staff })).body).toMatchObject({ code: 200 })
    expect(await ofAnna()).toMatchObject([{ id, status: '0', expireTime: '2026-04-01 08:00:00' }])
    expect(await book(anna)).toMatchObject({ code: 500 })
    expect(await typesOf(anna)).toContain('room.ban.added')
  })

  it('can be confirmed once, permanently, but not until a time in the past', async () => {
    const id = await proposed()
    const confirm = (payload: object) => world.call('PUT', `${BANS}/${id}/confirm`, { as: staff, payload })
    expect((await confirm({ expireTime: at(world, -1, '00:00') })).body.code).toBe(500)
    expect((await confirm({ expireTime: null, cancelFuture: true })).body.code).toBe(200)
    expect(await ofAnna()).toMatchObject([{ expireTime: null, cancelFuture: true }])
    expect((await confirm({})).body).toEqual({ code: 409, msg: '仅待确认的封禁可以确认' })
  })

  it('can be dismissed, and the person is not notified', async () => {
    const id = await proposed()
    expect((await lift(id)).body.code).toBe(200)
    expect(await ofAnna()).toEqual([])
    expect((await lift(id)).body.code).toBe(404)
    expect(await typesOf(anna)).toEqual([])
  })

  it('is replaced by a ban of the same person', async () => {
    await proposed()
    await ban({ userId: anna.id })
    expect(await ofAnna()).toMatchObject([{ status: '0', reason: '多次违约' }])
  })

  it('is made for three no-shows unless the person is banned, and withdrawn below three', () => {
    expect(proposalStep({ banned: false, proposed: false, noShows: 3 })).toBe('propose')
    expect(proposalStep({ banned: false, proposed: false, noShows: 2 })).toBe('leave')
    expect(proposalStep({ banned: true, proposed: false, noShows: 5 })).toBe('leave')
    expect(proposalStep({ banned: false, proposed: true, noShows: 3 })).toBe('leave')
    expect(proposalStep({ banned: false, proposed: true, noShows: 2 })).toBe('withdraw')
  })
})
