import { afterAll, describe, expect, it } from 'vitest'
import { hospitalAdmin, patient, schedule } from '../../../../test/support/clinic.ts'
import { openWorld } from '../../../../test/support/world.ts'

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

  it('from logging in ends the sessions', async () => {
    const person = await patient(world)
    await post('ban', { user_id: person.id, ban_type: 'login', duration_days: 0, reason: '倒号' })
    expect((await world.call('GET', '/auth/me', { as: person })).status).toBe(401)
    expect((await get('users?user_type=banned')).users).toContainEqual(
      expect.objectContaining({ user_id: person.id, banned: true, ban_type: 'login', ban_until: null }),
    )
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
