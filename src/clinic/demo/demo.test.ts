import { afterAll, describe, expect, it } from 'vitest'
import { openWorld } from '../../../test/support/world.ts'
import { ORDER_STATES } from '../core/states.ts'
import { fillDemo } from './service.ts'

// Tuesday, 10:20 in Shanghai: the morning is on.
const now = new Date('2026-03-03T02:20:00Z')
const world = await openWorld({ PRODUCTS: 'clinic' }, { now })
const logins = await fillDemo(world.kernel)
afterAll(() => world.close())

const count = async (query: string) =>
  (await world.rows<{ n: number }>(`SELECT count(*)::int AS n FROM ${query}`))[0]?.n

/** The values of a column with the number of their rows. */
async function counts(table: string, column: string): Promise<Readonly<Record<string, number>>> {
  const rows = await world.rows<{ value: string; n: number }>(
    `SELECT ${column} AS value, count(*)::int AS n FROM ${table} GROUP BY 1`,
  )
  return Object.fromEntries(rows.map(({ value, n }) => [value, n]))
}

/** Logs in a user of the demo; the returned function calls as this user. */
async function as(username: string) {
  const { body } = await world.call('POST', '/auth/login', { payload: { username, password: 'yuyue-demo-2026' } })
  expect(body.code).toBe(0)
  const token = String(body.message.access_token)
  return async (path: string) => (await world.call('GET', path, { as: token })).body.message
}

describe('the demo', () => {
  it('creates data about which verify reports nothing', async () => {
    expect(await world.verify()).toEqual([])
  })

  it('has a hospital of two areas with its departments, doctors, patients and four weeks of schedules', async () => {
    expect(await count('hospital_area')).toBe(2)
    expect(await count('major_department')).toBe(8)
    expect(await count('minor_department')).toBe(25)
    expect(await count('doctor WHERE user_id IS NOT NULL')).toBe(60)
    expect(await count('patient')).toBe(3000)
    expect(await count('patient WHERE user_id IS NULL')).toBe(500)
    expect(Object.keys(await counts('patient', 'patient_type')).sort()).toEqual(['学生', '教师', '校外', '职工'])
    expect(await count('patient WHERE is_verified')).toBeGreaterThan(1500)
    expect(await count(`(SELECT DISTINCT date FROM schedule) d`)).toBe(29)
    expect(await world.rows('SELECT min(date) AS first, max(date) AS last FROM schedule')).toEqual([
      { first: '2026-02-17', last: '2026-03-17' },
    ])
    expect(Object.keys(await counts('system_config', 'scope_type')).sort()).toEqual([
      'CLINIC',
      'DOCTOR',
      'GLOBAL',
      'MINOR_DEPT',
    ])
  })

  it('has orders in every state, of every origin, and every state of a payment', async () => {
    expect(Object.keys(await counts('registration_order', 'status')).sort()).toEqual([...ORDER_STATES].sort())
    expect(await counts('registration_order', 'payment_status')).toMatchObject({
      pending: expect.any(Number),
      paying: expect.any(Number),
      paid: expect.any(Number),
      failed: expect.any(Number),
      cancelled: expect.any(Number),
      refunded: expect.any(Number),
    })
    expect(Object.keys(await counts('registration_order', 'source_type')).sort()).toEqual([
      'add_slot',
      'normal',
      'waitlist',
      'walk_in',
    ])
    expect(await count(`schedule WHERE status = '停诊'`)).toBeGreaterThan(0)
  })

  it('has orders that the rules allow: nobody visits a department twice within a week', async () => {
    expect(
      await world.rows(`
        SELECT FROM registration_order a
        JOIN registration_order b ON b.patient_id = a.patient_id AND b.minor_dept_id = a.minor_dept_id
          AND b.order_id > a.order_id AND abs(b.slot_date - a.slot_date) < 7
        WHERE a.status <> 'cancelled' AND b.status <> 'cancelled'`),
    ).toEqual([])
    expect(await count(`registration_order WHERE create_time > '${now.toISOString()}'`)).toBe(0)
  })

  it('has requests of every kind in every state, feedback in every state, bans and visits', async () => {
    for (const table of ['schedule_audit', 'leave_audit', 'add_slot_audit']) {
      expect([table, Object.keys(await counts(table, 'status')).sort()]).toEqual([
        table,
        ['approved', 'pending', 'rejected'],
      ])
    }
    expect(Object.keys(await counts('clinic_feedback', 'status')).sort()).toEqual([
      'closed',
      'pending',
      'processing',
      'replied',
    ])
    expect(await counts('user_ban', 'is_active')).toEqual({ true: 2, false: 1 })
    expect(await count('visit_history')).toBeGreaterThan(500)
    expect(await count('visit_review')).toBeGreaterThan(200)
    expect(Object.keys(await counts('attendance_record', 'status')).sort()).toEqual([
      'absent',
      'checked_in',
      'checked_out',
    ])
  })

  it('has a queue in progress for the doctors who can log in', async () => {
    for (const name of ['head', 'doctor']) {
      const get = await as(name)
      const { shifts } = await get('/doctor/workbench/shifts')
      expect(shifts).toHaveLength(3)
      const queue = await get(`/doctor/consultation/queue?schedule_id=${shifts[0].id}`)
      expect(queue.currentPatient).toMatchObject({ isCall: true })
      expect(queue.completedQueue.length).toBeGreaterThan(0)
      expect(queue.stats.passedCount).toBe(1)
    }
    const today = `registration_order WHERE slot_date = '2026-03-03' AND status = 'confirmed'`
    expect(await count(`${today} AND check_in_time IS NOT NULL AND NOT is_calling`)).toBeGreaterThan(5)
    expect(await count(`${today} AND is_calling`)).toBeGreaterThan(5)
  })

  it('has orders that the patient made now, with messages about them', async () => {
    const get = await as('patient')
    const { total } = await get('/patient/appointments?page=1&pageSize=50')
    expect(total).toBeGreaterThan(5)
    await world.system.drain()
    expect(await count(`notification_messages WHERE type = 'clinic.order.paid'`)).toBe(3)
  })

  it('has working log-ins for every kind of work, and adds nothing when it runs again', async () => {
    expect(logins.map(({ username }) => username)).toEqual([
      'admin',
      'clinic-admin',
      'head',
      'doctor',
      'desk',
      'patient',
    ])
    for (const { username } of logins) await as(username)
    await as('s20250001')
    await as('d001')
    const sizes = async () => [await count('registration_order'), await count('users'), await count('order_ledger')]
    const before = await sizes()
    expect(await fillDemo(world.kernel)).toEqual(logins)
    expect(await sizes()).toEqual(before)
  })
})

describe('the demo at night', () => {
  it('has a queue for the doctors who can log in too, and no differences', async () => {
    const night = await openWorld({ PRODUCTS: 'clinic' }, { now: new Date('2026-03-07T16:05:00Z') })
    await fillDemo(night.kernel)
    expect(await night.verify()).toEqual([])
    expect(await night.rows('SELECT FROM registration_order WHERE is_calling')).toHaveLength(2)
    await night.close()
  }, 60_000)

  it('refuses a database that is in use, because its passwords are public', async () => {
    const used = await openWorld({ PRODUCTS: 'clinic' })
    await used.person('clinic:patient')
    await expect(fillDemo(used.kernel)).rejects.toThrow('the demo needs an empty one')
    await used.close()
  })
})
