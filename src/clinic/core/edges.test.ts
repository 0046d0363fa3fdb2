import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  configure,
  department,
  doctor,
  hospitalAdmin,
  type PatientPerson,
  patient,
  schedule,
} from '../../../test/support/clinic.ts'
import { type Method, openWorld, type Person } from '../../../test/support/world.ts'
import { Stale } from '../../kernel/database/transaction.ts'
import { DESK_ROLE } from '../permissions.ts'
import { foundFacts } from './booking.ts'
import { lockSchedules, takeNumber } from './numbersStore.ts'
import { insertOrder } from './orderRowStore.ts'
import { lockOrder } from './ordersStore.ts'
import { receivePayment } from './payment.ts'
import { writeNoShow } from './visitMovesStore.ts'

// Boundaries and guards: each test fails if exactly its comparison, guard, refund or message is missing.

const world = await openWorld({ PRODUCTS: 'clinic' })
let admin: Person
let desk: Person
beforeAll(async () => {
  ;[admin, desk] = [await hospitalAdmin(world), await world.person(DESK_ROLE)]
})
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

const ask = async (as: Person, method: Method, path: string, payload: unknown = {}) =>
  (await world.call(method, path, { as, ...(method !== 'GET' && { payload }) })).body
const register = (as: PatientPerson, scheduleId: number, patientId = as.patientId) =>
  ask(as, 'POST', '/patient/appointments', { scheduleId, patientId })
const registered = async (as: PatientPerson, scheduleId: number, patientId = as.patientId) =>
  Number((await register(as, scheduleId, patientId)).message.id)
const pay = (as: Person, id: number) => ask(as, 'POST', `/patient/appointments/${id}/pay`, { method: 'wechat' })
const cancel = (as: Person, id: number) => ask(as, 'PUT', `/patient/appointments/${id}/cancel`)
const join = async (as: PatientPerson, scheduleId: number) =>
  Number((await ask(as, 'POST', '/patient/waitlist', { scheduleId, patientId: as.patientId })).message.id)
const orderOf = async (as: Person, id: number) => (await ask(as, 'GET', `/patient/appointments/${id}`)).message
const setTotal = (id: number, total_slots: number) => ask(admin, 'PUT', `/admin/schedules/${id}`, { total_slots })
const typesOf = async (person: Person) => (await world.inbox(person)).map(({ type }) => type)
const receive = (orderId: number, amount: number) =>
  world.kernel.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId)
    if (!order) throw new Error('there is one')
    const entry = { amount, method: 'alipay', reference: crypto.randomUUID(), by: null, now: world.clock.now() }
    return await receivePayment(world.kernel, tx, order, entry)
  })

/** Runs a test at another instant. */
async function at<T>(instant: Date, work: () => Promise<T>): Promise<T> {
  const before = world.clock.now()
  world.clock.set(instant)
  try {
    return await work()
  } finally {
    world.clock.set(before)
  }
}

describe('The numbers of a schedule', () => {
  it('can be lowered to what is sold, and not below', async () => {
    const id = await schedule(world, { slots: 3 })
    await registered(await patient(world), id)
    expect(await setTotal(id, 0)).toMatchObject({ code: 99 })
    expect(await setTotal(id, 1)).toMatchObject({ code: 0 })
    expect(await register(await patient(world), id)).toMatchObject({ code: 1001 })
  })

  it('are added at the end, also while earlier ones are free', async () => {
    const id = await schedule(world, { slots: 3 })
    const [added, other] = [await patient(world), await patient(world)]
    const payload = { schedule_id: id, patient_id: added.patientId }
    const { order_id } = (await ask(admin, 'POST', '/schedules/add-slot', payload)).message
    expect(await orderOf(added, order_id)).toMatchObject({ queueNumber: 'A004', price: 50 })
    expect((await register(other, id)).message).toMatchObject({ queueNumber: 'A001' })
  })

  it('of another kind are added at the price of that kind', async () => {
    const id = await schedule(world, { price: 1234 })
    const person = await patient(world)
    const payload = { schedule_id: id, patient_id: person.patientId, slot_type: '特需' }
    const { order_id } = (await ask(admin, 'POST', '/schedules/add-slot', payload)).message
    expect(await orderOf(person, order_id)).toMatchObject({ price: 500 })
  })

  it('are not taken when none is left', async () => {
    const id = await schedule(world, { slots: 1 })
    await registered(await patient(world), id)
    const taken = await world.kernel.transaction(async (tx) => {
      await lockSchedules(tx, [id])
      return await takeNumber(tx, id)
    })
    expect(taken).toBeNull()
  })

  it('are on sale again as soon as one is given back, although they were sold out a moment before', async () => {
    const id = await schedule(world, { slots: 1 })
    const [holder, other] = [await patient(world), await patient(world)]
    const order = await registered(holder, id)
    expect(await register(other, id)).toMatchObject({ code: 1001 })
    await cancel(holder, order)
    expect(await register(other, id)).toMatchObject({ code: 0 })
  })

  it('are not sold on a decision that was made before somebody waited', async () => {
    const id = await schedule(world, { slots: 1 })
    const [person, waiting] = [await patient(world), await patient(world)]
    const { db } = world.database
    const question = { scheduleId: id, patientId: person.patientId, userId: person.id }
    const now = world.clock.now()
    const facts = await foundFacts(db, { ...question, now, zone: world.config.timeZone })
    await world.rows(`INSERT INTO registration_order (patient_id, initiator_user_id, schedule_id, minor_dept_id, slot_date,
        slot_type, price, status, payment_status, create_time, update_time)
      SELECT ${waiting.patientId}, ${waiting.id}, schedule_id, minor_dept_id, date, slot_type, price, 'waitlist', 'pending',
        create_time, create_time
      FROM schedule WHERE schedule_id = ${id}`)
    const row = { facts, initiatorId: person.id, price: 5000, expiresAt: now, symptoms: '', now }
    const written = insertOrder(db, { ...row, source: 'normal', message: '{"data":{}}', operation: '{}' })
    await expect(written).rejects.toBeInstanceOf(Stale)
  })
})

describe('Limits', () => {
  it('count a missed visit among the registrations of a period, which ends to the millisecond', async () => {
    await configure(world, {
      registration: { maxAppointmentsPerPeriod: 1, appointmentPeriodDays: 8, advanceBookingDays: 30 },
    })
    const person = await patient(world)
    const missed = await registered(person, await schedule(world, { day: 20, price: 0 }))
    const other = await schedule(world, { day: 20 })
    await world.rows(`UPDATE registration_order SET status = 'no_show' WHERE order_id = ${missed}`)
    expect(await register(person, other)).toMatchObject({ code: 1003 })
    const end = world.clock.now().getTime() + 8 * DAY
    expect(await at(new Date(end - 1), () => register(person, other))).toMatchObject({ code: 1003 })
    expect(await at(new Date(end), () => register(person, other))).toMatchObject({ code: 0 })
    await configure(world, { registration: { maxAppointmentsPerPeriod: 10, advanceBookingDays: 7 } })
  })

  it('do not count a ban at the instant at which it ends', async () => {
    const [person, id] = [await patient(world), await schedule(world)]
    const end = new Date(world.clock.now().getTime() + DAY)
    await world.rows(`INSERT INTO user_ban (user_id, ban_type, ban_until, reason, banned_by, create_time)
      VALUES (${person.id}, 'register', '${end.toISOString()}', '刷号', ${admin.id}, now())`)
    expect(await at(new Date(end.getTime() - 1), () => register(person, id))).toMatchObject({ code: 99 })
    expect(await at(end, () => register(person, id))).toMatchObject({ code: 0 })
  })

  it('note no missed visit of an order that has ended', async () => {
    const person = await patient(world)
    const id = await registered(person, await schedule(world))
    await cancel(person, id)
    const noted = await world.kernel.transaction((tx) =>
      writeNoShow(tx, { orderId: id, patientId: person.patientId }, world.clock.now()),
    )
    expect(noted).toBe(false)
    expect(await orderOf(person, id)).toMatchObject({ status: 'cancelled' })
  })
})

describe('The time to pay', () => {
  /** The session begins at 14:00. */
  const before = new Date('2026-03-02T05:50:00Z')

  it('ends when the session begins, also for somebody who waited', async () => {
    const id = await schedule(world, { day: 0, section: '下午', slots: 1 })
    const [holder, waiting] = [await patient(world), await patient(world)]
    await at(before, async () => {
      const order = await registered(holder, id)
      expect(await orderOf(holder, order)).toMatchObject({ expiresAt: '2026-03-02 14:00:00' })
      const entry = await join(waiting, id)
      await cancel(holder, order)
      expect(await orderOf(waiting, entry)).toMatchObject({ status: 'pending', expiresAt: '2026-03-02 14:00:00' })
    })
  })

  it('begins for somebody who waited at the price of that day', async () => {
    await configure(world, { patientIdentityDiscounts: { 学生: 0.5 } })
    const id = await schedule(world, { slots: 1 })
    const [holder, waiting] = [await patient(world), await patient(world, { type: '学生' })]
    const order = await registered(holder, id)
    const entry = await join(waiting, id)
    await world.rows(`UPDATE patient SET is_verified = true WHERE patient_id = ${waiting.patientId}`)
    await cancel(holder, order)
    expect(await orderOf(waiting, entry)).toMatchObject({ status: 'pending', price: 25 })
  })
})

describe('Money', () => {
  it('of more than the price goes back, and its people are told', async () => {
    const person = await patient(world)
    const id = await registered(person, await schedule(world))
    expect(await receive(id, 5001)).toBe('returned')
    expect(await orderOf(person, id)).toMatchObject({ status: 'pending' })
    expect(await typesOf(person)).toEqual(['clinic.order.pending', 'clinic.order.payment_returned'])
    // All of it is back already.
    expect(await cancel(person, id)).toMatchObject({ code: 0, message: { refundAmount: 0 } })
  })

  it('that comes later leaves the time and method of the payment', async () => {
    const person = await patient(world)
    const id = await registered(person, await schedule(world))
    await pay(person, id)
    await at(new Date(world.clock.now().getTime() + MINUTE), () => receive(id, 5000))
    const [row] = await world.rows(`SELECT payment_method, payment_time FROM registration_order WHERE order_id = ${id}`)
    expect(row).toEqual({ payment_method: 'wechat', payment_time: world.clock.now() })
  })

  it('that is left is what people are told to get back', async () => {
    const person = await patient(world)
    const id = await registered(person, await schedule(world))
    await pay(person, id)
    await ask(desk, 'POST', `/admin/orders/${id}/refund`, { amount: 20.5, reason: '优惠' })
    expect(await cancel(person, id)).toMatchObject({ code: 0, message: { refundAmount: 29.5 } })
    expect((await world.inbox(person)).at(-1)?.body).toContain('退款 29.50 元')
  })
})

describe('A patient with an account for whom a relative registers', () => {
  it('is told, reads the order, and can cancel it', async () => {
    const [relative, person] = [await patient(world), await patient(world)]
    const now = world.clock.now().toISOString()
    await world.rows(`INSERT INTO patient_relation (user_id, related_patient_id, create_time, update_time)
      VALUES (${relative.id}, ${person.patientId}, '${now}', '${now}')`)
    const id = await registered(relative, await schedule(world), person.patientId)
    expect(await orderOf(person, id)).toMatchObject({ status: 'pending' })
    expect(await cancel(person, id)).toMatchObject({ code: 0 })
    const both = ['clinic.order.pending', 'clinic.order.cancelled']
    expect([await typesOf(person), await typesOf(relative)]).toEqual([both, both])
  })
})

describe('Other sessions that a stop offers', () => {
  it('are those with free numbers from tomorrow on, the doctor’s own first', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const own = (day: number, slots = 5) => schedule(world, { of, doctorId, day, slots, section: '下午' })
    const stopped = await own(2)
    await schedule(world, { of, day: 1 })
    await own(0)
    await own(6)
    await registered(await patient(world), await own(5, 1))
    const person = await patient(world)
    await registered(person, stopped)
    await ask(admin, 'PUT', `/admin/schedules/${stopped}`, { status: '停诊' })
    const days = [...((await world.inbox(person)).at(-1)?.body.matchAll(/^- (\S+) (\S+)/gm) ?? [])]
    expect(days.map(([, date, section]) => `${date} ${section}`)).toEqual(['2026-03-08 下午', '2026-03-03 上午'])
  })
})
