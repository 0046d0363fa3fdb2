import { afterAll, describe, expect, it } from 'vitest'
import { department, doctor, hospitalAdmin, inDays, patient, schedule } from '../../../../test/support/clinic.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'
import { currentOf } from './rules.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

const admin = await hospitalAdmin(world)
const at = (local: string) => world.clock.set(new Date(`2026-03-02T${local}+08:00`))
const call = async (as: Person, method: 'GET' | 'POST', path: string, payload?: object) =>
  (await world.call(method, path, { as, payload })).body

/** A doctor with a session this afternoon, 14:00 to 18:00. */
async function session(day = 0) {
  const of = await department(world)
  const { doctorId, person } = await doctor(world, of.deptId)
  const id = await schedule(world, { of, doctorId, day, section: '下午', price: 0 })
  return { of, doctorId, person, id }
}

describe('A doctor’s presence', () => {
  it('begins an hour before the session at the earliest, and before its end', async () => {
    const { person, id } = await session()
    const checkIn = () => call(person, 'POST', '/doctor/workbench/checkin', { shiftId: id, latitude: 30.5 })
    at('12:59:59.999')
    expect(await checkIn()).toMatchObject({ code: 99, message: { msg: expect.stringContaining('60 分钟') } })
    at('18:00:00')
    expect(await checkIn()).toMatchObject({ code: 99, message: { msg: expect.stringContaining('已结束') } })
    at('13:00:00')
    expect((await checkIn()).message).toMatchObject({ checkinTime: '2026-03-02T13:00:00', status: 'checked_in' })
    at('13:30:00')
    expect((await checkIn()).message).toMatchObject({ checkinTime: '2026-03-02T13:00:00', workDuration: 30 })
    const rows = await world.rows(`SELECT checkin_lat, checkin_lng FROM attendance_record WHERE schedule_id = ${id}`)
    expect(rows).toEqual([{ checkin_lat: 30.5, checkin_lng: null }])
  })

  it('ends by checking out, once', async () => {
    const { person, id } = await session()
    const checkOut = () => call(person, 'POST', '/doctor/workbench/checkout', { shiftId: id })
    at('13:30:00')
    expect(await checkOut()).toMatchObject({ code: 99, message: { msg: expect.stringContaining('尚未签到') } })
    await call(person, 'POST', '/doctor/workbench/checkin', { shiftId: id })
    at('18:00:00')
    const shifts = (await call(person, 'GET', '/doctor/workbench/shifts')).message.shifts
    expect(shifts).toMatchObject([{ id, startTime: '14:00', endTime: '18:00', status: 'checkout_pending' }])
    expect((await checkOut()).message).toMatchObject({ checkoutTime: '2026-03-02T18:00:00', workDuration: 270 })
    at('19:00:00')
    expect((await checkOut()).message).toMatchObject({ checkoutTime: '2026-03-02T18:00:00', workDuration: 270 })
    expect((await call(person, 'GET', '/doctor/workbench/attendance-records')).message).toMatchObject({
      total: 1,
      records: [{ shiftId: id, status: 'checked_out', workDuration: 270 }],
    })
    const later = `/doctor/workbench/attendance-records?start_date=${inDays(world, 1)}`
    expect((await call(person, 'GET', later)).message).toEqual({ total: 0, records: [] })
  })

  it('is written once when two check-ins come at once', async () => {
    const { person, id } = await session()
    at('13:30:00')
    const both = await Promise.all([1, 2].map(() => call(person, 'POST', '/doctor/workbench/checkin', { shiftId: id })))
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(await world.rows(`SELECT status FROM attendance_record WHERE schedule_id = ${id}`)).toHaveLength(1)
  })

  it('is only at one’s own sessions that take place', async () => {
    const { id, doctorId, person } = await session()
    const other = await session()
    at('13:30:00')
    expect(await call(other.person, 'POST', '/doctor/workbench/checkin', { shiftId: id })).toMatchObject({ code: 106 })
    expect(await call(other.person, 'GET', `/doctor/workbench/shifts?doctorId=${doctorId}`)).toMatchObject({
      code: 102,
    })
    await world.rows(`UPDATE schedule SET status = '停诊' WHERE schedule_id = ${id}`)
    expect(await call(person, 'POST', '/doctor/workbench/checkin', { shiftId: id })).toMatchObject({ code: 106 })
    expect((await call(person, 'GET', '/doctor/workbench/shifts')).message).toEqual({ shifts: [] })
  })
})

describe('The workbench', () => {
  it('shows the day: its session, patients and what to do', async () => {
    const { person, id, of, doctorId } = await session()
    at('09:00:00')
    const [one, two] = [await patient(world), await patient(world)]
    const orders: number[] = []
    for (const as of [one, two]) {
      const payload = { scheduleId: id, patientId: as.patientId }
      orders.push((await call(as, 'POST', '/patient/appointments', payload)).message.id)
    }
    at('13:30:00')
    const before = (await call(person, 'GET', '/doctor/workbench/dashboard')).message
    expect(before).toMatchObject({
      doctor: { id: doctorId, photo_path: null },
      shiftStatus: { status: 'not_checkin', currentShift: { id, countdown: 30 }, timeToCheckout: 270 },
      todayData: { pendingConsultation: 2, ongoingConsultation: 0, completedConsultation: 0, totalConsultation: 2 },
      reminders: ['下午出诊 14:00 开始，请签到', '还有 2 位患者候诊'],
      recentRecords: [],
    })
    await call(person, 'POST', '/doctor/workbench/checkin', { shiftId: id })
    await call(person, 'POST', '/doctor/consultation/next', { schedule_id: id })
    await call(person, 'POST', '/doctor/consultation/complete', { order_id: orders[0] })
    await call(person, 'POST', '/doctor/consultation/next', { schedule_id: id })
    expect((await call(person, 'GET', '/doctor/workbench/consultation-stats')).message).toEqual({
      pending: 0,
      ongoing: 1,
      completed: 1,
      total: 2,
    })
    expect((await call(person, 'GET', '/doctor/workbench/recent-consultations?limit=1')).message.records).toMatchObject(
      [{ id: orders[0], consultationTime: '2026-03-02T13:30:00', diagnosis: null }],
    )
    at('18:00:00')
    expect((await call(person, 'GET', '/doctor/workbench/dashboard')).message).toMatchObject({
      shiftStatus: { status: 'checkout_pending', workDuration: 270, timeToCheckout: 0 },
      reminders: ['下午出诊已结束，请签退'],
    })
    const tomorrow = await schedule(world, { of, doctorId, day: 1, section: '上午' })
    const path = `/doctor/workbench/shifts?date=${inDays(world, 1)}`
    expect((await call(person, 'GET', path)).message.shifts).toMatchObject([{ id: tomorrow, startTime: '08:00' }])
  })

  it('is about the session that was begun, then the next one, then the last', () => {
    const times = (hour: number, status: 'checked_in' | 'checked_out' | null) => ({
      startAt: new Date(Date.UTC(2026, 2, 2, hour)),
      endAt: new Date(Date.UTC(2026, 2, 2, hour + 4)),
      status,
    })
    const now = new Date(Date.UTC(2026, 2, 2, 12))
    const [missed, begun, next, left] = [
      times(8, null),
      times(8, 'checked_in'),
      times(13, null),
      times(8, 'checked_out'),
    ]
    expect(currentOf([begun, next], now)).toBe(begun)
    expect(currentOf([missed, next], now)).toBe(next)
    expect(currentOf([left, missed], now)).toBe(missed)
    expect(currentOf([], now)).toBeUndefined()
  })
})

describe('Marking absent doctors', () => {
  it('covers past sessions without a check-in, once, and the doctor can no longer check in', async () => {
    const absent = await session()
    const there = await session()
    const stopped = await session()
    at('13:30:00')
    await call(there.person, 'POST', '/doctor/workbench/checkin', { shiftId: there.id })
    await world.rows(`UPDATE schedule SET status = '停诊' WHERE schedule_id = ${stopped.id}`)
    const day = inDays(world, 0)
    const mark = () => call(admin, 'POST', `/admin/attendance/mark-absent/single?target_date=${day}`)
    expect(await mark()).toMatchObject({ code: 99, message: { msg: expect.stringContaining('今天以前') } })
    world.clock.set(new Date('2026-03-03T00:00:00+08:00'))
    const marked = (await mark()).message
    expect(marked).toMatchObject({ date_range: { start_date: day, end_date: day } })
    expect(marked.daily_statistics).toEqual([{ date: day, absent_count: marked.total_marked }])
    const state = async (id: number) =>
      await world.rows(`SELECT status FROM attendance_record WHERE schedule_id = ${id}`)
    expect(await state(absent.id)).toEqual([{ status: 'absent' }])
    expect(await state(there.id)).toEqual([{ status: 'checked_in' }])
    expect(await state(stopped.id)).toEqual([])
    expect((await mark()).message).toMatchObject({ total_marked: 0, daily_statistics: [] })
    expect(await call(absent.person, 'POST', '/doctor/workbench/checkin', { shiftId: absent.id })).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('缺勤') },
    })
    const figures = `/admin/attendance/absent-statistics?start_date=${day}&end_date=${day}`
    const { message } = await call(admin, 'GET', figures)
    expect(message.total_absent).toBe(marked.total_marked)
    expect(message.doctors).toContainEqual(expect.objectContaining({ doctor_id: absent.doctorId, absent_count: 1 }))
  })

  it('takes ranges of at most 90 days', async () => {
    world.clock.set(new Date('2026-06-30T12:00:00+08:00'))
    const range = (from: string, to: string) =>
      call(admin, 'POST', '/admin/attendance/mark-absent/range', { start_date: from, end_date: to })
    expect(await range('2026-04-01', '2026-06-29')).toMatchObject({ code: 0 })
    expect(await range('2026-03-31', '2026-06-29')).toMatchObject({ code: 99 })
    expect(await range('2026-06-29', '2026-06-28')).toMatchObject({ code: 99 })
    expect(await range('2026-06-29', '2026-06-30')).toMatchObject({ code: 99 })
    expect(await call(admin, 'POST', '/admin/attendance/mark-absent/range')).toMatchObject({ code: 99 })
  })
})
