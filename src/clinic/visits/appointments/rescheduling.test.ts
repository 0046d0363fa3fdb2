import { afterAll, describe, expect, it } from 'vitest'
import { department, doctor, type PatientPerson, patient, schedule } from '../../../../test/support/clinic.ts'
import { openWorld } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())

const HOUR = 3_600_000

const register = async (person: PatientPerson, scheduleId: number) =>
  (
    await world.call('POST', '/patient/appointments', {
      as: person,
      payload: { scheduleId, patientId: person.patientId },
    })
  ).body
const change = async (
  person: PatientPerson,
  id: number,
  verb: 'pay' | 'cancel' | 'check-in' | 'review',
  payload = {},
) =>
  (
    await world.call(verb === 'cancel' ? 'PUT' : 'POST', `/patient/appointments/${id}/${verb}`, {
      as: person,
      payload: verb === 'pay' ? { method: 'wechat' } : payload,
    })
  ).body
const move = async (person: PatientPerson, id: number, scheduleId: number) =>
  (await world.call('PUT', `/patient/appointments/${id}/reschedule`, { as: person, payload: { scheduleId } })).body
const options = async (person: PatientPerson, id: number) =>
  (await world.call('GET', `/patient/appointments/${id}/reschedule-options`, { as: person })).body.message

/** Free numbers, given numbers and money of a schedule. */
const stateOf = async (id: number) => {
  const [row] = await world.rows<{ remaining: number; given: number[]; revenue: number }>(
    `SELECT remaining_slots AS remaining, revenue,
       ARRAY(SELECT queue_no FROM registration_order o
             WHERE o.schedule_id = s.schedule_id AND queue_no IS NOT NULL ORDER BY 1) AS given
     FROM schedule s WHERE schedule_id = ${id}`,
  )
  return row
}

/** Two sessions of one doctor at one clinic. */
async function twoSessions(
  second: { readonly price?: number; readonly slots?: number; readonly slotType?: '专家' } = {},
) {
  const of = await department(world)
  const { doctorId } = await doctor(world, of.deptId)
  const from = await schedule(world, { of, doctorId, day: 3 })
  const to = await schedule(world, { of, doctorId, day: 4, ...second })
  return { of, doctorId, from, to }
}

describe('Moving an order to another session', () => {
  it('takes a number there, gives the old one back and takes the money along', async () => {
    const { from, to } = await twoSessions()
    const person = await patient(world)
    const { id } = (await register(person, from)).message
    await change(person, id, 'pay')
    expect(await options(person, id)).toMatchObject({
      currentScheduleId: from,
      options: [{ scheduleId: to, date: '2026-03-06', price: 50, remainingSlots: 5 }],
    })
    expect(await move(person, id, to)).toMatchObject({
      code: 0,
      message: {
        id,
        appointmentDate: '2026-03-06',
        price: 50,
        priceDiff: 0,
        status: 'confirmed',
        paymentStatus: 'paid',
      },
    })
    expect(await stateOf(from)).toEqual({ remaining: 5, given: [], revenue: 0 })
    expect(await stateOf(to)).toEqual({ remaining: 4, given: [1], revenue: 5000 })
    expect((await world.inbox(person)).at(-1)).toMatchObject({
      type: 'clinic.order.rescheduled',
      body: expect.stringContaining('原为 2026-03-05 上午'),
    })
  })

  it('keeps to doctor, clinic and kind of number, and does not list the others', async () => {
    const { of, from, to } = await twoSessions({ slotType: '专家' })
    const other = await schedule(world, { of, day: 5 })
    const person = await patient(world)
    const { id } = (await register(person, from)).message
    expect((await options(person, id)).options).toEqual([])
    for (const target of [to, other])
      expect(await move(person, id, target)).toMatchObject({
        code: 99,
        message: { msg: expect.stringContaining('同一') },
      })
    expect(await move(person, id, from)).toMatchObject({ code: 99 })
  })

  it('moves a paid order only to the same price; an unpaid one takes the new price', async () => {
    const { from, to } = await twoSessions({ price: 6000 })
    const paid = await patient(world)
    const { id } = (await register(paid, from)).message
    await change(paid, id, 'pay')
    expect((await options(paid, id)).options).toEqual([])
    expect(await move(paid, id, to)).toMatchObject({ code: 99, message: { msg: expect.stringContaining('同价格') } })
    const unpaid = await patient(world)
    const open = (await register(unpaid, from)).message.id
    expect(await move(unpaid, open, to)).toMatchObject({ message: { price: 60, priceDiff: 10, status: 'pending' } })
    expect(await change(unpaid, open, 'pay')).toMatchObject({ message: { amount: 60, paymentStatus: 'paid' } })
    expect(await stateOf(to)).toMatchObject({ revenue: 6000 })
  })

  it('confirms an unpaid order that costs nothing any more', async () => {
    const { from, to } = await twoSessions({ price: 0 })
    const person = await patient(world)
    const { id } = (await register(person, from)).message
    expect(await move(person, id, to)).toMatchObject({
      message: { status: 'confirmed', paymentStatus: 'paid', price: 0 },
    })
  })

  it('is refused when the other session is sold out, and for other people’s orders', async () => {
    const { from, to } = await twoSessions({ slots: 1 })
    await register(await patient(world), to)
    const person = await patient(world)
    const { id } = (await register(person, from)).message
    expect(await move(person, id, to)).toMatchObject({ code: 1001 })
    expect(await move(await patient(world), id, to)).toMatchObject({ code: 106 })
    expect(await stateOf(from)).toMatchObject({ given: [1] })
  })

  it('is refused for a confirmed order from cancelHoursBefore before the session on', async () => {
    const { from, to } = await twoSessions()
    const person = await patient(world)
    const { id } = (await register(person, from)).message
    await change(person, id, 'pay')
    const before = world.clock.now()
    world.clock.set(new Date(before.getTime() + 48 * HOUR))
    expect(await move(person, id, to)).toMatchObject({ code: 1006 })
    world.clock.set(new Date(before.getTime() + 48 * HOUR - 1))
    expect(await move(person, id, to)).toMatchObject({ code: 0 })
    world.clock.set(before)
  })

  it('gives the old number to the next in line', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const from = await schedule(world, { of, doctorId, day: 3, slots: 1 })
    const to = await schedule(world, { of, doctorId, day: 4 })
    const [holder, waiting] = [await patient(world), await patient(world)]
    const { id } = (await register(holder, from)).message
    const joined = await world.call('POST', '/patient/waitlist', {
      as: waiting,
      payload: { scheduleId: from, patientId: waiting.patientId },
    })
    expect(joined.body).toMatchObject({ code: 0 })
    expect(await move(holder, id, to)).toMatchObject({ code: 0 })
    expect(await stateOf(from)).toMatchObject({ remaining: 0, given: [1] })
    expect((await world.inbox(waiting)).at(-1)?.type).toBe('clinic.waitlist.promoted')
  })

  it('gives the last number of a session to one of two', async () => {
    const { from, to } = await twoSessions({ slots: 1 })
    const people = [await patient(world), await patient(world)]
    const ids: number[] = []
    for (const person of people) ids.push((await register(person, from)).message.id)
    const answers = await Promise.all(people.map((person, n) => move(person, ids[n] ?? 0, to)))
    expect(answers.map(({ code }) => code).sort()).toEqual([0, 1001])
    expect(await stateOf(to)).toMatchObject({ remaining: 0, given: [1] })
  })

  it('leaves one number or none when it is cancelled, paid or moved back at the same moment', async () => {
    const { from, to } = await twoSessions()
    for (const other of ['cancel', 'pay'] as const) {
      const person = await patient(world)
      const { id } = (await register(person, from)).message
      await Promise.all([move(person, id, to), change(person, id, other), move(person, id, to)])
      const [order] = await world.rows<{ paid: number; status: string }>(
        `SELECT paid - refunded AS paid, status FROM registration_order WHERE order_id = ${id}`,
      )
      expect(order).toEqual(other === 'cancel' ? { paid: 0, status: 'cancelled' } : { paid: 5000, status: 'confirmed' })
    }
    expect(await stateOf(from)).toEqual({ remaining: 5, given: [], revenue: 0 })
    expect(await stateOf(to)).toEqual({ remaining: 4, given: [1], revenue: 5000 })
  })

  it('leaves all figures right', async () => {
    expect(await world.verify()).toEqual([])
  })
})

describe('A paid order', () => {
  it('is not given up by cancel-payment', async () => {
    const person = await patient(world)
    const { id } = (await register(person, await schedule(world))).message
    await change(person, id, 'pay')
    const { body } = await world.call('POST', `/patient/appointments/${id}/cancel-payment`, { as: person, payload: {} })
    expect(body).toMatchObject({ code: 99 })
  })

  it('that cost nothing is for staff only from cancelHoursBefore on', async () => {
    const person = await patient(world)
    const { id } = (await register(person, await schedule(world, { day: 2, price: 0 }))).message
    const before = world.clock.now()
    world.clock.set(new Date(before.getTime() + 24 * HOUR))
    expect(await change(person, id, 'cancel')).toMatchObject({ code: 1006 })
    world.clock.set(before)
  })
})

describe('A visit', () => {
  it('can be checked in on its day until the session ends, once', async () => {
    const person = await patient(world)
    const { id } = (await register(person, await schedule(world, { day: 1, section: '下午' }))).message
    expect(await change(person, id, 'check-in')).toMatchObject({ code: 99 })
    await change(person, id, 'pay')
    const before = world.clock.now()
    expect(await change(person, id, 'check-in')).toMatchObject({
      message: { msg: expect.stringContaining('2026-03-03') },
    })
    world.clock.set(new Date('2026-03-03T18:00:00+08:00'))
    expect(await change(person, id, 'check-in')).toMatchObject({ code: 99 })
    world.clock.set(new Date('2026-03-03T17:59:00+08:00'))
    expect(await change(person, id, 'check-in')).toMatchObject({ message: { checkInTime: '2026-03-03 17:59:00' } })
    world.clock.set(new Date('2026-03-03T18:30:00+08:00'))
    expect(await change(person, id, 'check-in')).toMatchObject({ message: { checkInTime: '2026-03-03 17:59:00' } })
    world.clock.set(before)
  })

  it('is reviewed once, when it is over', async () => {
    const person = await patient(world)
    const { id } = (await register(person, await schedule(world, { price: 0 }))).message
    expect(await change(person, id, 'review', { rating: 5 })).toMatchObject({ code: 99 })
    await world.rows(`UPDATE registration_order SET status = 'completed' WHERE order_id = ${id}`)
    const answers = await Promise.all([1, 2].map(() => change(person, id, 'review', { rating: 5, comment: '很好' })))
    expect(answers.map(({ code }) => code).sort()).toEqual([0, 99])
    expect(await change(await patient(world), id, 'review', { rating: 1 })).toMatchObject({ code: 106 })
  })
})
