import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { department, doctor, type PatientPerson, patient, schedule } from '../../../test/support/clinic.ts'
import { openWorld } from '../../../test/support/world.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import { register } from './booking.ts'
import { lockOrder } from './ordersStore.ts'
import { receivePayment } from './payment.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())

const callerOf = ({ id }: { readonly id: number }): Caller => ({
  userId: id,
  sessionId: randomUUID(),
  roles: new Set(['clinic:patient']),
  permissions: new Set(),
  isAdmin: false,
  scope: 'full',
  address: '127.0.0.1',
  requestId: 'test',
})

const take = (person: PatientPerson, scheduleId: number, patientId = person.patientId) =>
  register(world.kernel, callerOf(person), { scheduleId, patientId, symptoms: '' })

const numbersOf = async (scheduleId: number) => {
  const [row] = await world.rows<{ total: number; remaining: number; given: number[] }>(
    `SELECT total_slots AS total, remaining_slots AS remaining,
       ARRAY(SELECT queue_no FROM registration_order WHERE schedule_id = s.schedule_id AND queue_no IS NOT NULL ORDER BY 1) AS given
     FROM schedule s WHERE schedule_id = ${scheduleId}`,
  )
  return row
}

describe('Registering', () => {
  it('takes one number and gives it out in order', async () => {
    const id = await schedule(world, { slots: 3 })
    const first = await take(await patient(world), id)
    const second = await take(await patient(world), id)
    expect([first.number, second.number]).toEqual([1, 2])
    expect(first).toMatchObject({ status: 'pending', price: 5000 })
    expect(await numbersOf(id)).toEqual({ total: 3, remaining: 1, given: [1, 2] })
  })

  it('never gives out more numbers than there are, however many come at once', async () => {
    const id = await schedule(world, { slots: 5 })
    const people = await Promise.all(Array.from({ length: 30 }, () => patient(world)))
    const results = await Promise.allSettled(people.map((person) => take(person, id)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason.facts.code).toBe(1001)
    }
    expect(await numbersOf(id)).toEqual({ total: 5, remaining: 0, given: [1, 2, 3, 4, 5] })
  })

  it('lets one patient have one order of a schedule, also when two requests come at once', async () => {
    const id = await schedule(world, { slots: 5 })
    const person = await patient(world)
    const results = await Promise.allSettled([take(person, id), take(person, id)])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await numbersOf(id)).toMatchObject({ remaining: 4 })
  })

  it('lets one patient have one visit of a department in seven days, also when two requests come at once', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const monday = await schedule(world, { of, doctorId, day: 1 })
    const sunday = await schedule(world, { of, doctorId, day: 7 })
    const nextMonday = await schedule(world, { of, doctorId, day: 8 })
    const person = await patient(world)
    const results = await Promise.allSettled([take(person, monday), take(person, sunday)])
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const other = await patient(world)
    await take(other, monday)
    await expect(take(other, nextMonday)).resolves.toMatchObject({ number: 1 })
  })

  it('counts a completed visit against the interval, also one at the same schedule', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const [today, later] = [await schedule(world, { of, doctorId, price: 0 }), await schedule(world, { of, day: 5 })]
    const person = await patient(world)
    const { orderId } = await take(person, today)
    await world.rows(`UPDATE registration_order SET status = 'completed' WHERE order_id = ${orderId}`)
    await world.rows(`UPDATE schedule SET completed = 1 WHERE schedule_id = ${today}`)
    await expect(take(person, today)).rejects.toMatchObject({ facts: { code: 1002 } })
    await expect(take(person, later)).rejects.toMatchObject({ facts: { code: 1002 } })
  })

  it('confirms at once what costs nothing', async () => {
    const id = await schedule(world, { price: 0 })
    expect(await take(await patient(world), id)).toMatchObject({ status: 'confirmed', price: 0, expiresAt: null })
  })

  it('refuses to register somebody else’s patient', async () => {
    const [one, other] = [await patient(world), await patient(world)]
    await expect(take(one, await schedule(world), other.patientId)).rejects.toMatchObject({ facts: { code: 102 } })
  })
})

describe('Numbers that are free while patients wait who can no longer take them', () => {
  it('go to walk-ins at the desk, and not to others', async () => {
    const id = await schedule(world, { slots: 2 })
    const waiting = await patient(world)
    await world.rows(`INSERT INTO registration_order (patient_id, initiator_user_id, schedule_id, minor_dept_id, slot_date,
        slot_type, price, status, payment_status, create_time, update_time)
      SELECT ${waiting.patientId}, ${waiting.id}, schedule_id, minor_dept_id, date, slot_type, price, 'waitlist', 'pending',
        create_time, create_time
      FROM schedule WHERE schedule_id = ${id}`)
    const [walkIn, other] = [await patient(world), await patient(world)]
    await expect(take(other, id)).rejects.toMatchObject({ facts: { code: 1001 } })
    const request = { scheduleId: id, patientId: walkIn.patientId, symptoms: '' }
    await expect(register(world.kernel, callerOf(other), request, 'desk')).resolves.toMatchObject({ number: 1 })
  })
})

describe('A payment', () => {
  const receive = (orderId: number, amount: number, reference: string) =>
    world.kernel.transaction(async (tx) => {
      const order = await lockOrder(tx, orderId)
      if (!order) throw new Error('there is one')
      const entry = { amount, method: 'wechat', reference, by: null, now: world.clock.now() }
      return await receivePayment(world.kernel, tx, order, entry)
    })
  const orderOf = async (id: number) =>
    (
      await world.rows(
        `SELECT status, payment_status, payment_method, paid, refunded FROM registration_order WHERE order_id = ${id}`,
      )
    )[0]

  it('confirms once; further money goes back and the order stays paid', async () => {
    const { orderId } = await take(await patient(world), await schedule(world))
    const outcomes = await Promise.all(['a', 'a', 'b'].map((n) => receive(orderId, 5000, `${n}:${orderId}`)))
    expect(outcomes.toSorted()).toEqual(['confirmed', 'known', 'returned'])
    expect(await orderOf(orderId)).toMatchObject({
      status: 'confirmed',
      payment_status: 'paid',
      paid: 10000,
      refunded: 5000,
    })
  })

  it('of another amount than the price goes back, and the order still waits for its own', async () => {
    const { orderId } = await take(await patient(world), await schedule(world))
    expect(await receive(orderId, 4999, `c:${orderId}`)).toBe('returned')
    expect(await orderOf(orderId)).toMatchObject({
      status: 'pending',
      payment_status: 'pending',
      paid: 4999,
      refunded: 4999,
    })
    expect(await receive(orderId, 5000, `d:${orderId}`)).toBe('confirmed')
    expect(await orderOf(orderId)).toMatchObject({
      status: 'confirmed',
      payment_status: 'paid',
      paid: 9999,
      refunded: 4999,
    })
  })

  it('after the end of the order goes back', async () => {
    const { orderId } = await take(await patient(world), await schedule(world))
    const before = world.clock.now()
    world.clock.advance(15)
    await world.system.jobs.runNow('clinic.orders')
    expect(await receive(orderId, 5000, `e:${orderId}`)).toBe('returned')
    expect(await orderOf(orderId)).toMatchObject({
      status: 'timeout',
      payment_status: 'refunded',
      paid: 5000,
      refunded: 5000,
    })
    world.clock.set(before)
  })

  it('leaves all figures right', async () => {
    expect(await world.verify()).toEqual([])
  })
})
