import { afterAll, describe, expect, it } from 'vitest'
import { hospitalAdmin, type PatientPerson, patient, schedule } from '../../../../test/support/clinic.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())

const admin = await hospitalAdmin(world)
const post = async (path: string, payload: unknown) =>
  (await world.call('POST', `/admin/anti-scalper/${path}`, { as: admin, payload })).body
const get = async (path: string) => (await world.call('GET', `/admin/anti-scalper/${path}`, { as: admin })).body.message

describe('A ban', () => {
  it('from registering stops new orders until it ends or is lifted', async () => {
    const person = await patient(world)
    const register = async () =>
      (
        await world.call('POST', '/patient/appointments', {
          as: person,
          payload: { scheduleId: await schedule(world, { day: 5 }), patientId: person.patientId },
        })
      ).body.code
    const ban = { user_id: person.id, ban_type: 'register', duration_days: 2, reason: '倒号' }
    expect(await post('ban', ban)).toMatchObject({ code: 0 })
    expect(await post('ban', ban)).toMatchObject({ code: 99, message: { msg: expect.stringContaining('已在封禁中') } })
    expect(await register()).toBe(99)
    const before = world.clock.now()
    world.clock.set(new Date(before.getTime() + 2 * 86_400_000))
    expect(await register()).toBe(0)
    expect(await post('unban', { user_id: person.id, reason: '误封' })).toMatchObject({ code: 99 })
    world.clock.set(before)
    expect(await post('unban', { user_id: person.id, reason: '误封' })).toMatchObject({ code: 0 })
    expect(await register()).toBe(0)
    expect((await get(`users/${person.id}`)).ban_records).toMatchObject([
      { ban_type: 'register', is_active: false, unban_reason: '误封' },
    ])
  })

  it('from registering stops every way to a number: waiting lists, moves, and waiting that was begun before', async () => {
    const [person, holder] = [await patient(world), await patient(world)]
    const [full, other] = [await schedule(world, { slots: 1 }), await schedule(world, { slots: 1 })]
    const ask = async (as: Person, method: 'POST' | 'PUT' | 'GET', path: string, payload?: object) =>
      (await world.call(method, `/patient/${path}`, { as, ...(payload && { payload }) })).body
    const order = (as: PatientPerson, scheduleId: number) =>
      ask(as, 'POST', 'appointments', { scheduleId, patientId: as.patientId })
    const own = (await order(person, await schedule(world, { day: 6 }))).message.id
    const [held] = [(await order(holder, full)).message.id, await order(holder, other)]
    const waiting = (await ask(person, 'POST', 'waitlist', { scheduleId: full, patientId: person.patientId })).message
      .id
    await post('ban', { user_id: person.id, ban_type: 'register', duration_days: 0, reason: '倒号' })
    const banned = { code: 99, message: { msg: expect.stringContaining('限制挂号') } }
    expect(await ask(person, 'POST', 'waitlist', { scheduleId: other, patientId: person.patientId })).toMatchObject(
      banned,
    )
    expect(await ask(person, 'PUT', `appointments/${own}/reschedule`, { scheduleId: other })).toMatchObject({
      code: 99,
    })
    await ask(holder, 'PUT', `appointments/${held}/cancel`)
    expect(await ask(person, 'GET', `appointments/${waiting}`)).toMatchObject({ message: { status: 'cancelled' } })
    expect(await ask(person, 'POST', `waitlist/${waiting}/convert`)).toMatchObject({ code: 106 })
  })

  it('from registering also stops taking up the waiting that somebody else began for oneself', async () => {
    const [person, relative, holder] = [await patient(world), await patient(world), await patient(world)]
    const scheduleId = await schedule(world, { slots: 1 })
    await world.rows(`INSERT INTO patient_relation (user_id, related_patient_id, create_time, update_time)
      VALUES (${relative.id}, ${person.patientId}, now(), now())`)
    const ask = async (as: Person, path: string, payload?: object) =>
      (await world.call('POST', `/patient/${path}`, { as, ...(payload && { payload }) })).body
    await ask(holder, 'appointments', { scheduleId, patientId: holder.patientId })
    const waiting = (await ask(relative, 'waitlist', { scheduleId, patientId: person.patientId })).message.id
    await post('ban', { user_id: person.id, ban_type: 'register', duration_days: 0, reason: '倒号' })
    await world.rows(`UPDATE schedule SET total_slots = 2, remaining_slots = 1 WHERE schedule_id = ${scheduleId}`)
    expect(await ask(person, `waitlist/${waiting}/convert`)).toMatchObject({ code: 99 })
    expect(await ask(relative, `waitlist/${waiting}/convert`)).toMatchObject({ code: 0 })
  })

  it('from registering makes decisions from before void', async () => {
    const [person, other] = [await patient(world), await patient(world)]
    const revisionOf = async ({ patientId }: PatientPerson) =>
      (await world.rows<{ revision: number }>(`SELECT revision FROM patient WHERE patient_id = ${patientId}`))[0]
        ?.revision
    await world.rows(`INSERT INTO patient_relation (user_id, related_patient_id, create_time, update_time)
      VALUES (${person.id}, ${other.patientId}, now(), now())`)
    await post('ban', { user_id: person.id, ban_type: 'register', duration_days: 0, reason: '倒号' })
    expect([await revisionOf(person), await revisionOf(other)]).toEqual([1, 1])
  })

  it.each(['login', 'all'])('of the kind %s ends the sessions and stops log-ins by every door', async (kind) => {
    const [username, password] = [`scalper-${kind}`, 'Str0ng-enough-2026']
    await world.call('POST', '/auth/register', { payload: { username, password } })
    const enter = async (path: string) => await world.call('POST', path, { payload: { username, password } })
    const clinic = (await enter('/auth/login')).body.message
    const site = (await world.call('POST', '/api/v1/users/login', { payload: { username, password } })).body
    expect(site.access_token).toEqual(expect.any(String))
    await post('ban', { user_id: clinic.userid, ban_type: kind, duration_days: 1, reason: '倒号' })
    for (const as of [clinic.access_token, site.access_token])
      expect((await world.call('GET', '/auth/me', { as })).status).toBe(401)
    expect((await enter('/auth/login')).body).toMatchObject({
      code: 101,
      message: { msg: expect.stringContaining('限制登录') },
    })
    expect(await world.call('POST', '/api/v1/users/login', { payload: { username, password } })).toMatchObject({
      status: 401,
      body: { code: 'banned' },
    })
    expect(await world.rows(`SELECT FROM sessions WHERE user_id = ${clinic.userid} AND revoked_at IS NULL`)).toEqual([])
    const before = world.clock.now()
    world.clock.set(new Date(before.getTime() + 86_400_000))
    expect((await enter('/auth/login')).body).toMatchObject({ code: 0 })
    world.clock.set(before)
    expect((await get('users?user_type=banned')).users).toContainEqual(
      expect.objectContaining({ user_id: clinic.userid, banned: true, ban_type: kind }),
    )
  })

  it('from registering leaves the log-in open', async () => {
    const [username, password] = ['slow-scalper', 'Str0ng-enough-2026']
    await world.call('POST', '/auth/register', { payload: { username, password } })
    const enter = async () => (await world.call('POST', '/auth/login', { payload: { username, password } })).body
    const { userid, access_token: as } = (await enter()).message
    await post('ban', { user_id: userid, ban_type: 'register', duration_days: 0, reason: '倒号' })
    expect((await world.call('GET', '/auth/me', { as })).status).toBe(200)
    expect(await enter()).toMatchObject({ code: 0 })
  })

  it('is not for oneself, nor for people with more rights, nor for nobody', async () => {
    const ban = (user_id: number) => post('ban', { user_id, ban_type: 'all', duration_days: 0, reason: '误操作' })
    expect(await ban(admin.id)).toMatchObject({ code: 102 })
    expect(await ban((await world.person('admin')).id)).toMatchObject({ code: 102 })
    expect(await ban(999_999)).toMatchObject({ code: 103 })
  })
})

describe('The risk of a user', () => {
  it('is 3 for a cancelled order, 5 for an unpaid one and 10 for a missed visit, of the last 90 days', async () => {
    const person = await patient(world)
    const add = async (status: string, daysAgo: number) => {
      const id = await schedule(world, { day: -daysAgo })
      await world.rows(`INSERT INTO registration_order (patient_id, initiator_user_id, schedule_id, minor_dept_id, slot_date,
          slot_type, price, status, payment_status, queue_no, cancelled_by, create_time, update_time)
        SELECT ${person.patientId}, ${person.id}, schedule_id, minor_dept_id, date, slot_type, 0, '${status}', 'paid',
          ${status === 'no_show' ? 1 : 'NULL'}, ${person.id}, timestamptz '2026-03-02T00:00:00Z' - interval '${daysAgo} days', now()
        FROM schedule WHERE schedule_id = ${id}`)
    }
    for (const status of ['cancelled', 'timeout', 'no_show']) await add(status, 89)
    for (const status of ['cancelled', 'timeout', 'no_show']) await add(status, 90)
    expect(await get(`users/${person.id}`)).toMatchObject({ risk_score: 18, risk_level: 'SAFE' })
    await add('cancelled', 1)
    expect(await get(`users/${person.id}`)).toMatchObject({ risk_score: 21, risk_level: 'NORMAL' })
    expect((await get('users?user_type=normal&query=')).users).toContainEqual(
      expect.objectContaining({ user_id: person.id }),
    )
    expect((await get('users?user_type=high')).users).toEqual([])
    expect(await get(`users/${person.id}/stats`)).toMatchObject({
      total_registrations: 7,
      register_count: 7,
      total_cancellations: 5,
      cancellation_rate: 0.7143,
      total_no_show: 2,
    })
    expect((await get(`users/${person.id}/stats?start_date=2026-03-01`)).total_registrations).toBe(1)
  })
})
