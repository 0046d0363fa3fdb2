import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  configure,
  department,
  doctor,
  hospitalAdmin,
  type PatientPerson,
  patient,
  schedule,
} from '../../test/support/clinic.ts'
import { onServer, waitForLocks } from '../../test/support/database.ts'
import { type Method, openWorld, type Person, type Process, type World } from '../../test/support/world.ts'
import type { Transaction } from '../kernel/database/database.ts'
import { setTotal } from './core/numbersStore.ts'
import { findOrder } from './core/ordersStore.ts'
import { writeNoShow } from './core/visitMovesStore.ts'
import { promoteWaiting } from './core/waitingList.ts'
import { DESK_ROLE } from './permissions.ts'

// Two at once, at two processes. A transaction of the test holds a row until both wait, so that the order is known:
// whoever comes first gets the lock first.

describe.runIf(onServer)('Two at once, at two processes:', () => {
  let world: World
  let other: Process
  let admin: Person
  let desk: Person
  beforeAll(async () => {
    world = await openWorld({ PRODUCTS: 'clinic' })
    other = await world.anotherProcess({}, { apart: true })
    ;[admin, desk] = [await hospitalAdmin(world), await world.person(DESK_ROLE)]
  })
  afterAll(async () => {
    expect(await world?.verify()).toEqual([])
    await world?.close()
  })

  /** Something that is asked for at a process. */
  type Asked = (at: Process) => Promise<{ readonly code: number; readonly message: Record<string, unknown> }>

  const ask =
    (as: Person, method: Method, path: string, payload?: unknown): Asked =>
    async (at) =>
      (await at.call(method, path, { as, ...(payload !== undefined && { payload }) })).body
  const register = (as: PatientPerson, scheduleId: number) =>
    ask(as, 'POST', '/patient/appointments', { scheduleId, patientId: as.patientId })
  const pay = (as: Person, id: number) => ask(as, 'POST', `/patient/appointments/${id}/pay`, { method: 'wechat' })
  const cancel = (as: Person, id: number) => ask(as, 'PUT', `/patient/appointments/${id}/cancel`, {})
  const move = (as: Person, id: number, scheduleId: number) =>
    ask(as, 'PUT', `/patient/appointments/${id}/reschedule`, { scheduleId })
  const stop = (id: number) => ask(admin, 'PUT', `/admin/schedules/${id}`, { status: '停诊' })
  const registered = async (as: PatientPerson, scheduleId: number) =>
    Number((await register(as, scheduleId)(world)).message.id)
  const joined = async (as: PatientPerson, scheduleId: number) => {
    const payload = { scheduleId, patientId: as.patientId }
    return Number((await ask(as, 'POST', '/patient/waitlist', payload)(world)).message.id)
  }

  /**
   * Asks for the first at this process and for the second at the other, while `lock` is held. Each has come to a lock
   * before the next one is asked for. `meanwhile` is written by the holder of the lock.
   */
  async function both(
    lock: string,
    asked: readonly Asked[],
    meanwhile: (tx: Transaction) => Promise<unknown> = async () => {},
  ) {
    const { db } = world.database
    return await db.transaction().execute(async (tx) => {
      await sql.raw(lock).execute(tx)
      const answers: ReturnType<Asked>[] = []
      for (const [n, one] of asked.entries()) {
        answers.push(one(n % 2 === 0 ? world : other))
        await waitForLocks(db, n + 1)
      }
      await meanwhile(tx)
      return answers
    })
  }
  const answersOf = async (...given: Parameters<typeof both>) => await Promise.all(await both(...given))
  const codesOf = async (...given: Parameters<typeof both>) => (await answersOf(...given)).map(({ code }) => code)

  const patientRow = ({ patientId }: PatientPerson) => `SELECT FROM patient WHERE patient_id = ${patientId} FOR UPDATE`
  const scheduleRow = (id: number) => `SELECT FROM schedule WHERE schedule_id = ${id} FOR UPDATE`
  const orderOf = async (id: number) =>
    (
      await world.rows<{ status: string; payment: string; paid: number; refunded: number }>(
        `SELECT status, payment_status AS payment, paid, refunded FROM registration_order WHERE order_id = ${id}`,
      )
    )[0]
  const openOrders = async (id: number) =>
    (
      await world.rows(
        `SELECT FROM registration_order WHERE schedule_id = ${id} AND status IN ('pending', 'confirmed', 'waitlist')`,
      )
    ).length
  const operations = async (action: string, id: number) => {
    await world.drain()
    return (await world.rows(`SELECT FROM operation_log WHERE action = '${action}' AND resource_id = '${id}'`)).length
  }
  const toldOf = async (person: Person, type: string) =>
    (await world.inbox(person)).filter((message) => message.type === type).length

  it('the last registration that the limit allows is made once', async () => {
    await configure(world, { registration: { maxAppointmentsPerPeriod: 2 } })
    const person = await patient(world)
    await registered(person, await schedule(world))
    const [one, two] = [await schedule(world), await schedule(world)]
    expect(await codesOf(patientRow(person), [register(person, one), register(person, two)])).toEqual([0, 1003])
    await configure(world, { registration: { maxAppointmentsPerPeriod: 10 } })
  })

  it('a patient gets one visit of a department within the interval', async () => {
    const of = await department(world)
    const [one, two] = [await schedule(world, { of, day: 2 }), await schedule(world, { of, day: 4 })]
    const person = await patient(world)
    expect(await codesOf(patientRow(person), [register(person, one), register(person, two)])).toEqual([0, 1002])
  })

  it('a visit that is moved beside a registration in the same department is one too many', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const far = await schedule(world, { of, doctorId, day: 20 })
    const near = await schedule(world, { of, doctorId, day: 4 })
    const third = await schedule(world, { of, doctorId, day: 5 })
    await configure(world, { registration: { advanceBookingDays: 30 } })
    const person = await patient(world)
    const order = await registered(person, far)
    expect(await codesOf(patientRow(person), [move(person, order, near), register(person, third)])).toEqual([0, 1002])
  })

  it('a missed visit that is noted during a registration blocks it', async () => {
    await configure(world, { registration: { noShowLimit: 1 } })
    const person = await patient(world)
    const missed = await registered(person, await schedule(world, { price: 0 }))
    const id = await schedule(world)
    const answers = await answersOf(patientRow(person), [register(person, id)], async (tx) => {
      const order = await findOrder(tx, missed)
      if (order) await writeNoShow(tx, order, world.clock.now())
    })
    expect(answers).toMatchObject([{ code: 99, message: { msg: expect.stringContaining('爽约 1 次') } }])
    await configure(world, { registration: { noShowLimit: 3 } })
  })

  it('a ban ends what its user is registering', async () => {
    const person = await patient(world)
    const id = await schedule(world)
    const ban = { user_id: person.id, ban_type: 'register', duration_days: 1, reason: '刷号' }
    const answers = await answersOf(patientRow(person), [
      ask(admin, 'POST', '/admin/anti-scalper/ban', ban),
      register(person, id),
    ])
    expect(answers).toMatchObject([{ code: 0 }, { code: 99, message: { msg: expect.stringContaining('限制挂号') } }])
    expect(await openOrders(id)).toBe(0)
  })

  it('an order is paid before it expires, or expires unpaid', async () => {
    const start = world.clock.now()
    const person = await patient(world)
    const [first, second] = [
      await registered(person, await schedule(world)),
      await registered(person, await schedule(world)),
    ]
    const expire: Asked = async (at) => {
      world.clock.set(new Date(start.getTime() + 15 * 60_000))
      await at.system.jobs.runNow('clinic.orders')
      return { code: 0, message: {} }
    }
    // The payment has read its instant before the time is over. The job ends the other order too.
    expect(await codesOf(patientRow(person), [pay(person, first), expire])).toEqual([0, 0])
    expect(await orderOf(first)).toEqual({ status: 'confirmed', payment: 'paid', paid: 5000, refunded: 0 })
    expect(await orderOf(second)).toEqual({ status: 'timeout', payment: 'failed', paid: 0, refunded: 0 })
    world.clock.set(start)
    const third = await registered(await patient(world), await schedule(world))
    const [row] = await world.rows<{ id: number; user: number }>(
      `SELECT patient_id AS id, initiator_user_id AS "user" FROM registration_order WHERE order_id = ${third}`,
    )
    const lock = `SELECT FROM patient WHERE patient_id = ${row?.id} FOR UPDATE`
    expect(await codesOf(lock, [expire, ask(desk, 'POST', `/admin/orders/${third}/confirm-payment`, {})])).toEqual([
      0, 99,
    ])
    expect(await orderOf(third)).toEqual({ status: 'timeout', payment: 'failed', paid: 0, refunded: 0 })
    world.clock.set(start)
  })

  it('an order is paid once', async () => {
    const person = await patient(world)
    const id = await registered(person, await schedule(world))
    const confirm = ask(desk, 'POST', `/admin/orders/${id}/confirm-payment`, {})
    expect(await codesOf(patientRow(person), [pay(person, id), confirm])).toEqual([0, 99])
    expect(await orderOf(id)).toMatchObject({ status: 'confirmed', paid: 5000, refunded: 0 })
    expect(await toldOf(person, 'clinic.order.paid')).toBe(1)
  })

  it('a number that is given up goes to the line, and not to somebody who registers meanwhile', async () => {
    const id = await schedule(world, { slots: 1 })
    const [holder, waiting, newcomer] = [await patient(world), await patient(world), await patient(world)]
    const order = await registered(holder, id)
    const entry = await joined(waiting, id)
    const [cancelled] = await both(scheduleRow(id), [cancel(holder, order)], async () => {
      expect((await register(newcomer, id)(other)).code).toBe(1001)
    })
    expect((await cancelled)?.code).toBe(0)
    expect(await orderOf(entry)).toMatchObject({ status: 'pending' })
    expect((await register(newcomer, id)(other)).code).toBe(1001)
  })

  it('a registration costs what the schedule costs when it is written', async () => {
    const id = await schedule(world)
    const person = await patient(world)
    const dearer = ask(admin, 'PUT', `/admin/schedules/${id}`, { price: 80 })
    const answers = await answersOf(scheduleRow(id), [dearer, register(person, id)])
    expect(answers).toMatchObject([{ code: 0 }, { code: 0, message: { payAmount: 80 } }])
  })

  it('a registration costs what the patient’s identity allows when it is written', async () => {
    const person = await patient(world)
    const scheduleId = await schedule(world, { price: 5000 })
    const verified = { patient_type: '学生', identifier: `S${person.patientId}` }
    const verify = ask(desk, 'POST', `/admin/patients/${person.patientId}/verify`, verified)
    const [, made] = await answersOf(patientRow(person), [verify, register(person, scheduleId)])
    expect(made).toMatchObject({ code: 0, message: { payAmount: 40 } })
  })

  it('the only number is given once at the moment of its release, and to nobody before', async () => {
    await configure(world, { registration: { advanceBookingDays: 14, releaseTime: '09:00' } })
    const scheduleId = await schedule(world, { day: 14, slots: 1 })
    const wishes = [register(await patient(world), scheduleId), register(await patient(world), scheduleId)]
    const now = world.clock.now()
    world.clock.set(new Date(now.getTime() + 3_600_000 - 1))
    for (const wish of wishes) expect(await wish(world)).toMatchObject({ code: 99 })
    world.clock.set(new Date(now.getTime() + 3_600_000))
    expect((await codesOf(scheduleRow(scheduleId), wishes)).sort()).toEqual([0, 1001])
    world.clock.set(now)
    await configure(world, { registration: { releaseTime: '00:00' } })
  })

  it('a promotion counts against what its patient is registering', async () => {
    const of = await department(world)
    const full = await schedule(world, { of, day: 2, slots: 1 })
    const near = await schedule(world, { of, day: 4 })
    const waiting = await patient(world)
    await registered(await patient(world), full)
    const entry = await joined(waiting, full)
    const codes = await codesOf(patientRow(waiting), [register(waiting, near)], async (tx) => {
      await setTotal(tx, full, 2)
      await promoteWaiting(world.kernel, tx, full, world.clock.now())
    })
    expect(codes).toEqual([1002])
    expect(await orderOf(entry)).toMatchObject({ status: 'pending' })
  })

  it('no order is left at a session that is stopped, whoever comes first', async () => {
    for (const stopsFirst of [true, false]) {
      const id = await schedule(world)
      const person = await patient(world)
      const asked = stopsFirst ? [stop(id), register(person, id)] : [register(person, id), stop(id)]
      expect(await codesOf(scheduleRow(id), asked)).toEqual(stopsFirst ? [0, 99] : [0, 0])
      expect(await openOrders(id)).toBe(0)
      expect(await toldOf(person, 'clinic.order.stopped')).toBe(stopsFirst ? 0 : 1)
    }
  })

  it('no order is moved to a session that is stopped, whoever comes first', async () => {
    for (const stopsFirst of [true, false]) {
      const of = await department(world)
      const { doctorId } = await doctor(world, of.deptId)
      const [from, to] = [
        await schedule(world, { of, doctorId, day: 2 }),
        await schedule(world, { of, doctorId, day: 3 }),
      ]
      const person = await patient(world)
      const order = await registered(person, from)
      await pay(person, order)(world)
      const asked = stopsFirst ? [stop(to), move(person, order, to)] : [move(person, order, to), stop(to)]
      expect(await codesOf(scheduleRow(to), asked)).toEqual(stopsFirst ? [0, 99] : [0, 0])
      expect(await orderOf(order)).toMatchObject(
        stopsFirst ? { status: 'confirmed', refunded: 0 } : { status: 'cancelled', refunded: 5000 },
      )
      expect(await openOrders(to)).toBe(0)
    }
  })

  it('a paid order that is moved while its session is stopped is refunded or moved', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const [from, to] = [
      await schedule(world, { of, doctorId, day: 2 }),
      await schedule(world, { of, doctorId, day: 3 }),
    ]
    const person = await patient(world)
    const order = await registered(person, from)
    await pay(person, order)(world)
    expect(await codesOf(patientRow(person), [stop(from), move(person, order, to)])).toEqual([0, 99])
    expect(await orderOf(order)).toEqual({ status: 'cancelled', payment: 'refunded', paid: 5000, refunded: 5000 })
  })

  it('a patient is checked in once', async () => {
    const person = await patient(world)
    const id = await registered(person, await schedule(world, { day: 0, section: '下午', price: 0 }))
    const atDesk = ask(desk, 'POST', `/admin/orders/${id}/check-in`)
    const own = ask(person, 'POST', `/patient/appointments/${id}/check-in`)
    expect(await codesOf(patientRow(person), [atDesk, own])).toEqual([0, 0])
    expect(await operations('clinic.order.check_in', id)).toBe(1)
  })

  it('one patient is called', async () => {
    const of = await department(world)
    const { doctorId, person: physician } = await doctor(world, of.deptId)
    const id = await schedule(world, { of, doctorId, day: 0, section: '下午', price: 0 })
    const [one, two] = [await patient(world), await patient(world)]
    const orders = [await registered(one, id), await registered(two, id)]
    const next = ask(physician, 'POST', '/doctor/consultation/next', { schedule_id: id })
    const answers = await answersOf(scheduleRow(id), [next, next])
    expect(answers).toMatchObject([{ code: 0, message: { orderId: orders[0] } }, { code: 99 }])
    expect([await toldOf(one, 'clinic.order.called'), await toldOf(two, 'clinic.order.called')]).toEqual([1, 0])
    const complete = ask(physician, 'POST', '/doctor/consultation/complete', { order_id: orders[0] })
    const pass = ask(physician, 'POST', '/doctor/consultation/pass', { order_id: orders[0] })
    expect(await codesOf(patientRow(one), [complete, pass])).toEqual([0, 99])
    expect(await orderOf(orders[0] ?? 0)).toMatchObject({ status: 'completed' })
  })

  it('money is given back once', async () => {
    const person = await patient(world)
    const id = await registered(person, await schedule(world))
    await pay(person, id)(world)
    const refund = ask(desk, 'POST', `/admin/orders/${id}/refund`, { reason: '退号' })
    expect(await codesOf(patientRow(person), [refund, refund])).toEqual([0, 99])
    expect(await orderOf(id)).toMatchObject({ status: 'cancelled', paid: 5000, refunded: 5000 })
    expect(await toldOf(person, 'clinic.order.cancelled')).toBe(1)
    const again = await registered(await patient(world), await schedule(world))
    await ask(desk, 'POST', `/admin/orders/${again}/confirm-payment`, {})(world)
    const part = ask(desk, 'POST', `/admin/orders/${again}/refund`, { amount: 30, reason: '差额' })
    const [row] = await world.rows<{ id: number }>(
      `SELECT patient_id AS id FROM registration_order WHERE order_id = ${again}`,
    )
    expect(await codesOf(`SELECT FROM patient WHERE patient_id = ${row?.id} FOR UPDATE`, [part, part])).toEqual([0, 99])
    expect(await orderOf(again)).toMatchObject({ status: 'confirmed', paid: 5000, refunded: 3000 })
  })

  it('an order is cancelled once, and its number goes to one person', async () => {
    const id = await schedule(world, { slots: 1 })
    const [person, first, second] = [await patient(world), await patient(world), await patient(world)]
    const order = await registered(person, id)
    const [one, two] = [await joined(first, id), await joined(second, id)]
    expect(await codesOf(patientRow(person), [cancel(person, order), cancel(person, order)])).toEqual([0, 99])
    expect([await orderOf(one), await orderOf(two)]).toMatchObject([{ status: 'pending' }, { status: 'waitlist' }])
  })

  it('a promotion is judged by what its patient registers at that moment', async () => {
    const of = await department(world)
    const full = await schedule(world, { of, day: 2, slots: 1 })
    const near = await schedule(world, { of, day: 4 })
    const [holder, waiting] = [await patient(world), await patient(world)]
    const order = await registered(holder, full)
    const entry = await joined(waiting, full)
    // The patient is locked by the registration: the cancellation gives up its locks and tries again.
    const { db } = world.database
    const cancelled = await db.transaction().execute(async (tx) => {
      await sql.raw(patientRow(waiting)).execute(tx)
      const made = register(waiting, near)(world)
      await waitForLocks(db, 1)
      return { made, cancelled: cancel(holder, order)(other) }
    })
    expect((await cancelled.made).code).toBe(0)
    expect((await cancelled.cancelled).code).toBe(0)
    // Not both: the visits are too near to each other.
    expect(await orderOf(entry)).toMatchObject({ status: 'cancelled' })
    expect(await openOrders(near)).toBe(1)
  })

  it('a number is added once by two approvals', async () => {
    const of = await department(world)
    const { doctorId, person: physician } = await doctor(world, of.deptId)
    const id = await schedule(world, { of, doctorId, slots: 1 })
    const person = await patient(world)
    const wish = { schedule_id: id, patient_id: person.patientId, reason: '' }
    const { audit_id } = (await ask(physician, 'POST', '/doctor/schedules/add-slot', wish)(world)).message
    const approve = ask(admin, 'POST', `/admin/audit/add-slot/${audit_id}/approve`, {})
    expect(await codesOf(patientRow(person), [approve, approve])).toEqual([0, 99])
    expect(await openOrders(id)).toBe(1)
  })

  it('an added number and a registration of the same patient are one order', async () => {
    const id = await schedule(world)
    const person = await patient(world)
    const add = ask(admin, 'POST', '/schedules/add-slot', { schedule_id: id, patient_id: person.patientId })
    expect(await codesOf(patientRow(person), [add, register(person, id)])).toEqual([0, 1002])
    expect(await openOrders(id)).toBe(1)
  })

  it('an added number counts against what its patient is registering', async () => {
    const of = await department(world)
    const [id, near] = [await schedule(world, { of, day: 2 }), await schedule(world, { of, day: 4 })]
    const person = await patient(world)
    const add = ask(admin, 'POST', '/schedules/add-slot', { schedule_id: id, patient_id: person.patientId })
    expect(await codesOf(patientRow(person), [add, register(person, near)])).toEqual([0, 1002])
  })
})
