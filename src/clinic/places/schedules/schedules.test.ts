import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { department, doctor, hospitalAdmin, inDays, patient, schedule } from '../../../../test/support/clinic.ts'
import { type Method, openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())

let admin: Person
beforeAll(async () => {
  admin = await hospitalAdmin(world)
})

const ask = async (method: Method, path: string, payload?: unknown, as: Person | null = admin) =>
  (await world.call(method, path, { payload, ...(as && { as }) })).body
const refusedWith = (code: number, msg: string) => ({ code, message: { msg: expect.stringContaining(msg) } })

describe('Schedules', () => {
  it('are shown to patients without a date as long as they can register', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const morning = await schedule(world, { of, doctorId, day: 0, section: '上午' })
    const afternoon = await schedule(world, { of, doctorId, day: 0, section: '下午' })
    const tomorrow = await schedule(world, { of, doctorId, day: 1 })
    const path = `/patient/hospitals/schedules?hospitalId=${of.areaId}&departmentId=${of.deptId}`
    const shown = async () =>
      (await ask('GET', path, undefined, null)).message.schedules.map(
        ({ schedule_id }: { schedule_id: number }) => schedule_id,
      )
    const now = world.clock.now()
    world.clock.set(new Date(now.getTime() - 60_000))
    expect(await shown()).toEqual([morning, afternoon, tomorrow])
    world.clock.set(now)
    expect(await shown()).toEqual([afternoon, tomorrow])
    world.clock.set(new Date(now.getTime() + 6 * 3_600_000))
    expect(await shown()).toEqual([tomorrow])
    world.clock.set(now)
  })

  it('take the resolved price for 0, and refuse a second one of the doctor, the past and the far future', async () => {
    const of = await department(world)
    const { doctorId, person } = await doctor(world, of.deptId)
    const body = {
      doctor_id: doctorId,
      clinic_id: of.clinicId,
      time_section: '上午',
      slot_type: '专家',
      total_slots: 9,
    }
    const add = (day: number, more = {}) =>
      ask('POST', '/admin/schedules', { ...body, schedule_date: inDays(world, day), price: 0, ...more })
    expect(await add(60)).toMatchObject({ code: 0, message: { detail: '排班创建成功' } })
    expect(await add(60)).toMatchObject(refusedWith(99, '已有排班'))
    expect(await add(-1)).toMatchObject(refusedWith(99, '不能早于今天'))
    expect(await add(61)).toMatchObject(refusedWith(99, '60'))
    expect(await add(1, { price: 12.5 })).toMatchObject({ code: 0 })
    const list = (from: number, to: number) =>
      ask('GET', `/doctor/schedules?start_date=${inDays(world, from)}&end_date=${inDays(world, to)}`, undefined, person)
    expect((await list(0, 60)).message.schedules).toMatchObject([{ price: 12.5 }, { price: 100, remaining_slots: 9 }])
    expect(await list(0, 93)).toMatchObject({ code: 99 })
    expect(await list(1, 0)).toMatchObject({ code: 99 })
  })

  it('stay where they are while they have open orders, until they are stopped', async () => {
    const id = await schedule(world)
    const person = await patient(world)
    await ask('POST', '/patient/appointments', { scheduleId: id, patientId: person.patientId }, person)
    const move = { schedule_date: inDays(world, 5) }
    expect(await ask('PUT', `/schedules/${id}`, move)).toMatchObject(refusedWith(99, '1 个未就诊'))
    const preview = await ask('POST', '/schedules/stop-preview', { schedule_ids: [id] })
    expect(preview.message).toMatchObject({ orders: 1, patients: 1, refund: 0 })
    expect(await ask('PUT', `/schedules/${id}`, { status: '停诊' })).toMatchObject({ code: 0 })
    expect(await ask('PUT', `/schedules/${id}`, { ...move, status: '正常' })).toMatchObject({ code: 0 })
    expect(await world.verify()).toEqual([])
  })

  it('of today are listed for the doctor in their own shape', async () => {
    const of = await department(world)
    const { doctorId, person } = await doctor(world, of.deptId)
    const id = await schedule(world, { of, doctorId, day: 0 })
    const { schedules } = (await ask('GET', '/doctor/schedules/today', undefined, person)).message
    expect(schedules).toMatchObject([{ schedule_id: id, time_slot: '上午', available_slot_types: ['普通'] }])
    expect(await ask('GET', `/doctor/schedules/${id}`, undefined, person)).toMatchObject({ code: 0 })
  })
})
