import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Department,
  department,
  doctor,
  hospitalAdmin,
  inDays,
  patient,
  schedule,
} from '../../../test/support/clinic.ts'
import { openWorld, type Person } from '../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())

let admin: Person
let of: Department
let other: Department
let doctorId: number

/** Registers a patient and pays, or cancels then. */
async function visit(scheduleId: number, { paid = true, cancelled = false } = {}) {
  const person = await patient(world)
  const payload = { scheduleId, patientId: person.patientId }
  const { id } = (await world.call('POST', '/patient/appointments', { as: person, payload })).body.message
  if (paid) await world.call('POST', `/patient/appointments/${id}/pay`, { as: person, payload: { method: 'bank' } })
  if (cancelled) await world.call('PUT', `/patient/appointments/${id}/cancel`, { as: person })
}

/** Three departments' visits on one day, and one visit on the next. */
beforeAll(async () => {
  admin = await hospitalAdmin(world)
  of = await department(world)
  other = await department(world)
  doctorId = (await doctor(world, of.deptId)).doctorId
  const morning = await schedule(world, { of, doctorId, day: 3, slots: 4, price: 5050 })
  const evening = await schedule(world, { of, doctorId, day: 3, section: '晚上', price: 10_000, slotType: '专家' })
  const dear = await schedule(world, { of: other, day: 3, price: 50_000, slotType: '特需' })
  await schedule(world, { of: await department(world), day: 3 })
  await visit(morning)
  await visit(morning, { paid: false })
  await visit(morning, { cancelled: true })
  await visit(evening)
  await visit(dear)
  await visit(await schedule(world, { of, doctorId, day: 4, price: 100 }))
})

const figures = async (path: string, query = `date=${inDays(world, 3)}`) =>
  (await world.call('GET', `/statistics/${path}?${query}`, { as: admin })).body

describe('The figures of the hospital', () => {
  it('count orders by visit date without cancelled ones, and money that was kept', async () => {
    expect(await figures('hospital/registrations')).toEqual({
      code: 0,
      message: {
        start_date: '2026-03-05',
        end_date: '2026-03-05',
        total_registrations: 4,
        by_slot_type: { 普通: 2, 专家: 1, 特需: 1 },
        total_revenue: 650.5,
        completed_consultations: 0,
      },
    })
  })

  it('are those of today without a date', async () => {
    expect((await figures('hospital/registrations', '')).message).toMatchObject({
      start_date: '2026-03-02',
      end_date: '2026-03-02',
      total_registrations: 0,
    })
  })

  it('end today with a range, which wins over a date', async () => {
    const before = world.clock.now()
    world.clock.set(new Date(before.getTime() + 4 * 86_400_000))
    const week = await figures('hospital/registrations', 'date=2020-01-01&date_range=7days')
    expect(week.message).toMatchObject({ start_date: '2026-02-28', end_date: '2026-03-06', total_registrations: 5 })
    const today = await figures('hospital/registrations', 'date_range=today')
    expect(today.message).toMatchObject({ start_date: '2026-03-06', end_date: '2026-03-06', total_registrations: 1 })
    world.clock.set(before)
  })

  it.each(['date=', 'date=2026-02-30', 'date=20260305', 'date_range=year', 'date_range=', 'date_range=valueOf'])(
    'refuse %s',
    async (query) => {
      expect(await figures('hospital/registrations', query)).toMatchObject({ code: 99 })
    },
  )
})

describe('The figures of an area, a department and a doctor', () => {
  it('name the departments of an area', async () => {
    expect((await figures(`areas/${of.areaId}/registrations`)).message).toMatchObject({
      area_id: of.areaId,
      total_registrations: 3,
      total_revenue: 150.5,
      departments: [{ minor_dept_id: of.deptId, registrations: 3, revenue: 150.5 }],
    })
  })

  it('name the doctors of a department', async () => {
    expect((await figures(`departments/${of.deptId}/registrations`)).message).toMatchObject({
      total_registrations: 3,
      doctors: [{ doctor_id: doctorId, title: '主治医师', registrations: 3, revenue: 150.5 }],
    })
  })

  it('show the sections and schedules of a doctor with their use', async () => {
    expect((await figures(`doctors/${doctorId}/registrations`)).message).toMatchObject({
      doctor_id: doctorId,
      by_time_section: { 上午: 2, 下午: 0, 晚上: 1 },
      schedules: [
        { time_section: '上午', slot_type: '普通', registrations: 2, total_slots: 4, utilization_rate: 0.5 },
        { time_section: '晚上', slot_type: '专家', registrations: 1, total_slots: 5, utilization_rate: 0.2 },
      ],
    })
  })

  it.each(['areas', 'departments', 'doctors'])('are refused for unknown %s', async (kind) => {
    expect(await figures(`${kind}/999999/registrations`)).toMatchObject({ code: 106 })
  })
})

describe('Rankings', () => {
  it('put the most registrations or the highest revenue first', async () => {
    const dates = `date=${inDays(world, 3)}`
    const ids = async (query: string) =>
      (await figures('departments/ranking', `${dates}&${query}`)).message.ranking.map(
        ({ minor_dept_id }: { minor_dept_id: number }) => minor_dept_id,
      )
    expect(await ids('order_by=registrations')).toEqual([of.deptId, other.deptId])
    expect(await ids('order_by=revenue')).toEqual([other.deptId, of.deptId])
    expect(await ids('order_by=revenue&limit=1')).toEqual([other.deptId])
    expect((await figures('doctors/ranking', `${dates}&dept_id=${of.deptId}`)).message.ranking).toMatchObject([
      { doctor_id: doctorId, registrations: 3, revenue: 150.5 },
    ])
  })
})

it('are for administrators only, apart from the number of users', async () => {
  const person = await patient(world)
  expect((await world.call('GET', '/statistics/hospital/registrations', { as: person })).status).toBe(403)
  expect((await world.call('GET', '/statistics/users', { as: person })).body.message.total_users).toBeGreaterThan(5)
})

describe('verify', () => {
  it('finds no difference after registering, paying and cancelling', async () => {
    expect(await world.verify()).toEqual([])
  })

  it.each([
    [
      'numbers sold',
      'UPDATE schedule SET remaining_slots = remaining_slots - 1, last_no = last_no + 1 WHERE schedule_id = 1',
    ],
    ['numbers given back', "UPDATE schedule SET free_nos = '{1}' WHERE schedule_id = 1"],
    ['completed visits', 'UPDATE schedule SET completed = 1 WHERE schedule_id = 1'],
    ['revenue', 'UPDATE schedule SET revenue = revenue + 1 WHERE schedule_id = 1'],
    ['paid', 'UPDATE registration_order SET paid = paid + 1 WHERE order_id = 1'],
    ['refunded', 'UPDATE registration_order SET refunded = refunded + 1 WHERE order_id = 1'],
  ])('finds wrong %s', async (check, damage) => {
    const undo = await world.rows<Record<string, unknown>>('SELECT * FROM schedule WHERE schedule_id = 1')
    const order = await world.rows<{ paid: number; refunded: number }>(
      'SELECT paid, refunded FROM registration_order WHERE order_id = 1',
    )
    await world.rows(damage)
    const found = await world.verify()
    expect(found.map((difference) => difference.check)).toContain(check)
    const [{ remaining_slots, last_no, free_nos, completed, revenue } = {}] = undo
    await world.rows(`UPDATE schedule SET remaining_slots = ${remaining_slots}, last_no = ${last_no},
      free_nos = '{${free_nos}}', completed = ${completed}, revenue = ${revenue} WHERE schedule_id = 1`)
    await world.rows(
      `UPDATE registration_order SET paid = ${order[0]?.paid}, refunded = ${order[0]?.refunded} WHERE order_id = 1`,
    )
    expect(await world.verify()).toEqual([])
  })
})
