import { afterAll, describe, expect, it } from 'vitest'
import {
  configure,
  department,
  doctor,
  hospitalAdmin,
  type PatientPerson,
  patient,
  schedule,
} from '../../../../test/support/clinic.ts'
import { openWorld } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

const register = async (person: PatientPerson, scheduleId: number, patientId = person.patientId) =>
  (await world.call('POST', '/patient/appointments', { as: person, payload: { scheduleId, patientId } })).body
const pay = async (person: PatientPerson, id: number) =>
  (await world.call('POST', `/patient/appointments/${id}/pay`, { as: person, payload: { method: 'wechat' } })).body
const cancel = async (person: PatientPerson, id: number) =>
  (await world.call('PUT', `/patient/appointments/${id}/cancel`, { as: person })).body

/** Numbers, orders and money of a schedule. */
const stateOf = async (id: number) => {
  const [row] = await world.rows<{ remaining: number; holding: number; revenue: number; ledger: number }>(
    `SELECT remaining_slots AS remaining, revenue,
       (SELECT count(*)::int FROM registration_order o WHERE o.schedule_id = s.schedule_id AND queue_no IS NOT NULL) AS holding,
       (SELECT coalesce(sum(amount), 0)::int FROM order_ledger JOIN registration_order o USING (order_id)
        WHERE o.schedule_id = s.schedule_id) AS ledger
     FROM schedule s WHERE schedule_id = ${id}`,
  )
  return row
}

describe('Registering', () => {
  it('holds a number until it is paid', async () => {
    const id = await schedule(world, { price: 5050 })
    const person = await patient(world)
    const { code, message } = await register(person, id)
    expect(code).toBe(0)
    expect(message).toMatchObject({
      orderNo: expect.stringMatching(/^20260302\d{8}$/),
      queueNumber: 'A001',
      needPay: true,
      payAmount: 50.5,
      appointmentDate: '2026-03-05',
      appointmentTime: '上午',
      status: 'pending',
      paymentStatus: 'pending',
      expiresAt: '2026-03-02 08:15:00',
    })
    expect((await pay(person, message.id)).message).toMatchObject({
      success: true,
      paymentStatus: 'paid',
      amount: 50.5,
      paymentTime: '2026-03-02 08:00:00',
    })
    expect(await stateOf(id)).toEqual({ remaining: 4, holding: 1, revenue: 5050, ledger: 5050 })
    const [entry] = (await world.call('GET', '/patient/appointments', { as: person })).body.message.list
    expect(entry).toMatchObject({ id: message.id, status: 'confirmed', canCancel: true, queueNumber: 'A001' })
  })

  it('tells the patient', async () => {
    const person = await patient(world)
    const { message } = await register(person, await schedule(world))
    await pay(person, message.id)
    const types = (await world.inbox(person)).map(({ type }) => type)
    expect(types).toEqual(['clinic.order.pending', 'clinic.order.paid'])
  })

  it('answers 1001 with 号源不足 when all numbers are taken, again and again', async () => {
    const id = await schedule(world, { slots: 1 })
    await register(await patient(world), id)
    for (const person of [await patient(world), await patient(world)])
      expect(await register(person, id)).toMatchObject({
        code: 1001,
        message: { msg: expect.stringContaining('号源不足') },
      })
  })

  it('answers 1002 for a patient who has a number, also when all are taken', async () => {
    const id = await schedule(world, { slots: 1 })
    const person = await patient(world)
    await register(person, id)
    await register(await patient(world), id)
    expect(await register(person, id)).toMatchObject({ code: 1002 })
  })

  it('opens at the release time of the day that advanceBookingDays reaches', async () => {
    await configure(world, { registration: { releaseTime: '08:30' } })
    const id = await schedule(world, { day: 14 })
    const person = await patient(world)
    expect(await register(person, id)).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('2026-03-02 08:30:00 放号') },
    })
    const before = world.clock.now()
    world.clock.set(new Date(before.getTime() + 30 * MINUTE))
    expect(await register(person, id)).toMatchObject({ code: 0 })
    world.clock.set(before)
    await configure(world, { registration: { releaseTime: '00:00' } })
  })

  it('ends for a morning at the deadline, and for an afternoon at its start', async () => {
    const before = world.clock.now()
    const [morning, afternoon] = [await schedule(world, { day: 0 }), await schedule(world, { day: 0, section: '下午' })]
    expect(await register(await patient(world), morning)).toMatchObject({ code: 99 })
    world.clock.set(new Date(before.getTime() - 1))
    expect(await register(await patient(world), morning)).toMatchObject({ code: 0 })
    world.clock.set(new Date(before.getTime() + 6 * 60 * MINUTE - 1))
    expect(await register(await patient(world), afternoon)).toMatchObject({ code: 0 })
    world.clock.set(new Date(before.getTime() + 6 * 60 * MINUTE))
    expect(await register(await patient(world), afternoon)).toMatchObject({ code: 99 })
    world.clock.set(before)
  })

  it('gives verified patients the discount of their identity, rounded half up', async () => {
    const id = await schedule(world, { price: 1256, slots: 9 })
    const prices: unknown[] = []
    for (const person of [
      await patient(world, { type: '学生', verified: true }),
      await patient(world, { type: '学生' }),
    ])
      prices.push((await register(person, id)).message.payAmount)
    expect(prices).toEqual([10.05, 12.56])
  })

  it('limits a patient’s registrations in a period', async () => {
    await configure(world, { registration: { maxAppointmentsPerPeriod: 2 } })
    const person = await patient(world)
    for (const code of [0, 0, 1003]) expect(await register(person, await schedule(world))).toMatchObject({ code })
    await configure(world, { registration: { maxAppointmentsPerPeriod: 10 } })
  })

  it('is blocked for 30 days by three missed visits in 90 days', async () => {
    const person = await patient(world)
    const miss = async (daysAgo: number) => {
      const id = await schedule(world, { day: -daysAgo })
      await world.rows(`INSERT INTO registration_order (patient_id, initiator_user_id, schedule_id, minor_dept_id, slot_date,
          slot_type, price, status, payment_status, queue_no, create_time, update_time)
        SELECT ${person.patientId}, ${person.id}, schedule_id, minor_dept_id, date, slot_type, 0, 'no_show', 'paid', 1,
          date, date FROM schedule WHERE schedule_id = ${id}`)
      await world.rows(`UPDATE schedule SET remaining_slots = 4, last_no = 1 WHERE schedule_id = ${id}`)
    }
    await miss(90)
    await miss(40)
    await miss(29)
    expect(await register(person, await schedule(world))).toMatchObject({ code: 0 })
    await miss(89)
    expect(await register(person, await schedule(world))).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('2026-03-03 起可重新挂号') },
    })
  })

  it('is refused at a stopped schedule, and for an unknown one', async () => {
    const id = await schedule(world)
    await world.rows(`UPDATE schedule SET status = '停诊' WHERE schedule_id = ${id}`)
    expect(await register(await patient(world), id)).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('停诊') },
    })
    expect(await register(await patient(world), 999_999)).toMatchObject({ code: 106 })
  })

  it('is refused for banned users', async () => {
    const person = await patient(world)
    await world.rows(`INSERT INTO user_ban (user_id, ban_type, ban_until, reason, create_time)
      VALUES (${person.id}, 'register', '2026-03-03T00:00:00Z', '倒号', now())`)
    expect(await register(person, await schedule(world))).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('限制挂号') },
    })
  })
})

describe('An unpaid order', () => {
  it('expires after the time to pay, and its number is sold again', async () => {
    const id = await schedule(world, { slots: 1 })
    const person = await patient(world)
    const { message } = await register(person, id)
    const before = world.clock.now()
    world.clock.set(new Date(before.getTime() + 15 * MINUTE - 1))
    await world.system.jobs.runNow('clinic.orders')
    expect(await stateOf(id)).toMatchObject({ remaining: 0 })
    world.clock.set(new Date(before.getTime() + 15 * MINUTE))
    expect(await pay(person, message.id)).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('支付时限') },
    })
    await world.system.jobs.runNow('clinic.orders')
    expect(await stateOf(id)).toEqual({ remaining: 1, holding: 0, revenue: 0, ledger: 0 })
    expect((await world.call('GET', `/patient/appointments/${message.id}`, { as: person })).body.message).toMatchObject(
      {
        status: 'timeout',
        paymentStatus: 'failed',
      },
    )
    expect((await register(await patient(world), id)).message).toMatchObject({ queueNumber: 'A001' })
    world.clock.set(before)
  })

  it('is charged once, however often the client calls', async () => {
    const id = await schedule(world)
    const person = await patient(world)
    const { message } = await register(person, id)
    const answers = await Promise.all([pay(person, message.id), pay(person, message.id), pay(person, message.id)])
    expect(answers.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(await stateOf(id)).toMatchObject({ revenue: 5000, ledger: 5000 })
  })

  it('is not both paid and cancelled when both are asked at once', async () => {
    const id = await schedule(world)
    const person = await patient(world)
    const { message } = await register(person, id)
    await Promise.all([pay(person, message.id), cancel(person, message.id)])
    const { remaining, holding, revenue, ledger } = (await stateOf(id)) ?? {}
    expect(remaining).toBe(5 - (holding ?? 0))
    expect(revenue).toBe(ledger)
    expect(ledger).toBe(holding === 1 ? 5000 : 0)
  })
})

describe('Cancelling', () => {
  it('gives the money and the number back, once', async () => {
    const id = await schedule(world)
    const person = await patient(world)
    const { message } = await register(person, id)
    await pay(person, message.id)
    const answers = await Promise.all([cancel(person, message.id), cancel(person, message.id)])
    expect(answers.map(({ code }) => code).sort()).toEqual([0, 99])
    expect(answers.find(({ code }) => code === 0)).toMatchObject({ message: { success: true, refundAmount: 50 } })
    expect(await stateOf(id)).toEqual({ remaining: 5, holding: 0, revenue: 0, ledger: 0 })
    expect((await world.call('GET', `/patient/appointments/${message.id}`, { as: person })).body.message).toMatchObject(
      {
        status: 'cancelled',
        paymentStatus: 'refunded',
        refundAmount: 50,
      },
    )
  })

  it('is for staff only from cancelHoursBefore before the session on', async () => {
    const id = await schedule(world, { day: 2 })
    const person = await patient(world)
    const { message } = await register(person, id)
    await pay(person, message.id)
    const before = world.clock.now()
    world.clock.set(new Date(before.getTime() + DAY))
    expect(await cancel(person, message.id)).toMatchObject({
      code: 1006,
      message: { msg: expect.stringContaining('2026-03-03 08:00:00') },
    })
    world.clock.set(new Date(before.getTime() + DAY - 1))
    expect(await cancel(person, message.id)).toMatchObject({ code: 0 })
    world.clock.set(before)
  })

  it('is refused for other people’s orders, which they can’t read either', async () => {
    const [person, other] = [await patient(world), await patient(world)]
    const { message } = await register(person, await schedule(world))
    expect(await cancel(other, message.id)).toMatchObject({ code: 106 })
    expect(await pay(other, message.id)).toMatchObject({ code: 106 })
    expect((await world.call('GET', `/patient/appointments/${message.id}`, { as: other })).body).toMatchObject({
      code: 106,
    })
  })
})

describe('A stopped schedule', () => {
  it('refunds every order and tells its people of other sessions', async () => {
    const admin = await hospitalAdmin(world)
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const id = await schedule(world, { of, doctorId, day: 3 })
    await schedule(world, { of, doctorId, day: 4 })
    const [paid, unpaid] = [await patient(world), await patient(world)]
    const { message } = await register(paid, id)
    await pay(paid, message.id)
    await register(unpaid, id)
    const preview = await world.call('POST', '/admin/schedules/stop-preview', {
      as: admin,
      payload: { schedule_ids: [id] },
    })
    expect(preview.body.message).toMatchObject({ refund: 50, schedules: [{ schedule_id: id, orders: [{}, {}] }] })
    const stop = await world.call('PUT', `/admin/schedules/${id}`, { as: admin, payload: { status: '停诊' } })
    expect(stop.body).toMatchObject({ code: 0 })
    expect(await stateOf(id)).toEqual({ remaining: 5, holding: 0, revenue: 0, ledger: 0 })
    const last = (await world.inbox(paid)).at(-1)
    expect(last).toMatchObject({ type: 'clinic.order.stopped', body: expect.stringContaining('2026-03-06 上午') })
    expect((await world.inbox(unpaid)).at(-1)?.type).toBe('clinic.order.stopped')
  })
})
