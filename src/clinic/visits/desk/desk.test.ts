import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PatientPerson, patient, schedule } from '../../../../test/support/clinic.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'
import { phoneIndexes } from '../../core/phones.ts'
import { DESK_ROLE } from '../../permissions.ts'

const world = await openWorld({ PRODUCTS: 'clinic', CLINIC_PAYMENT: 'desk' })
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

let clerk: Person
beforeAll(async () => {
  clerk = await world.person(DESK_ROLE)
})

const register = async (person: PatientPerson, scheduleId: number) =>
  (
    await world.call('POST', '/patient/appointments', {
      as: person,
      payload: { scheduleId, patientId: person.patientId },
    })
  ).body.message.id
const at = async (id: number, what: string, payload: unknown = {}) =>
  (await world.call('POST', `/admin/orders/${id}/${what}`, { as: clerk, payload })).body

/** An order that the desk has taken the money for. */
async function paidOrder(options: Parameters<typeof schedule>[1] = {}) {
  const scheduleId = await schedule(world, options)
  const person = await patient(world)
  const id = await register(person, scheduleId)
  await at(id, 'confirm-payment', { method: 'cash' })
  return { id, person, scheduleId }
}

describe('Payment at the desk', () => {
  it('leaves the patient’s own call waiting, and is settled once by the desk', async () => {
    const person = await patient(world)
    const id = await register(person, await schedule(world))
    const paying = await world.call('POST', `/patient/appointments/${id}/pay`, {
      as: person,
      payload: { method: 'bank' },
    })
    expect(paying.body.message).toMatchObject({ success: false, paymentStatus: 'paying' })
    const both = await Promise.all([
      at(id, 'confirm-payment', { method: 'cash' }),
      at(id, 'confirm-payment', { method: 'cash' }),
    ])
    expect(both.map(({ code }) => code).sort()).toEqual([0, 99])
    expect(both.find(({ code }) => code === 0)?.message).toMatchObject({
      status: 'confirmed',
      payment_status: 'paid',
      payment_method: 'cash',
      paid: 50,
    })
  })

  it('ends with the order that waits for it', async () => {
    const person = await patient(world)
    const id = await register(person, await schedule(world))
    await world.call('POST', `/patient/appointments/${id}/pay`, { as: person, payload: { method: 'bank' } })
    await world.call('PUT', `/patient/appointments/${id}/cancel`, { as: person })
    const order = await world.call('GET', `/patient/appointments/${id}`, { as: person })
    expect(order.body.message).toMatchObject({ status: 'cancelled', paymentStatus: 'cancelled' })
  })

  it('is refused for orders that have ended', async () => {
    const person = await patient(world)
    const id = await register(person, await schedule(world))
    await world.call('PUT', `/patient/appointments/${id}/cancel`, { as: person })
    expect(await at(id, 'confirm-payment', { method: 'cash' })).toMatchObject({ code: 99 })
    expect(await at(999_999, 'confirm-payment', { method: 'cash' })).toMatchObject({ code: 106 })
  })
})

describe('A refund', () => {
  it('of a part leaves the order, of the rest cancels it', async () => {
    const { id } = await paidOrder()
    expect((await at(id, 'refund', { amount: 20.5, reason: '优惠' })).message).toMatchObject({
      status: 'confirmed',
      refunded: 20.5,
    })
    expect(await at(id, 'refund', { amount: 29.51, reason: '退号' })).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('29.50') },
    })
    expect((await at(id, 'refund', { reason: '退号' })).message).toMatchObject({
      status: 'cancelled',
      payment_status: 'refunded',
      refunded: 50,
    })
    expect(await at(id, 'refund', { reason: '退号' })).toMatchObject({ code: 99 })
  })

  it('is given once, also when two are asked at once', async () => {
    const { id } = await paidOrder()
    const both = await Promise.all([at(id, 'refund', { reason: '退号' }), at(id, 'refund', { reason: '退号' })])
    expect(both.map(({ code }) => code).sort()).toEqual([0, 99])
  })
})

describe('Checking in', () => {
  it('is noted once, on the day of the visit', async () => {
    const later = await paidOrder()
    expect(await at(later.id, 'check-in')).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('就诊当日') },
    })
    const { id } = await paidOrder({ day: 0, section: '下午' })
    const first = await at(id, 'check-in')
    expect(first.message).toMatchObject({ check_in_time: '2026-03-02T08:00:00' })
    world.clock.advance(1)
    expect((await at(id, 'check-in')).message).toMatchObject({ check_in_time: '2026-03-02T08:00:00' })
  })
})

const listed = async (query: string) =>
  (await world.call('GET', `/admin/orders?${query}`, { as: clerk })).body.message.orders

describe('The desk', () => {
  it('registers walk-ins after the deadline of the morning, but not beyond the numbers', async () => {
    const schedule_id = await schedule(world, { day: 0, slots: 1 })
    const walkIn = async (person: PatientPerson) =>
      (
        await world.call('POST', '/admin/walk-ins', {
          as: clerk,
          payload: { schedule_id, patient_id: person.patientId },
        })
      ).body
    expect((await walkIn(await patient(world))).message).toMatchObject({ queue_number: 'A001', amount: 50 })
    expect(await walkIn(await patient(world))).toMatchObject({ code: 1001 })
  })

  it('takes the money of a walk-in at once', async () => {
    const schedule_id = await schedule(world, { day: 0 })
    const walkIn = async (payload: object) => {
      const { patientId: patient_id } = await patient(world)
      return (
        await world.call('POST', '/admin/walk-ins', { as: clerk, payload: { schedule_id, patient_id, ...payload } })
      ).body.message
    }
    const paid = await walkIn({ paid: true, method: 'card' })
    expect(paid).toMatchObject({ status: 'confirmed', amount: 50 })
    expect(await listed(`schedule_id=${schedule_id}`)).toMatchObject([
      { order_id: paid.order_id, status: 'confirmed', payment_status: 'paid', payment_method: 'card', paid: 50 },
    ])
    expect(await walkIn({ method: 'card' })).toMatchObject({ status: 'pending' })
  })

  it('makes a walk-in the patient’s and not the clerk’s: only the patient is told and may cancel', async () => {
    const person = await patient(world)
    const payload = { schedule_id: await schedule(world), patient_id: person.patientId, paid: true }
    const clerkWas = (await world.inbox(clerk)).length
    const { order_id } = (await world.call('POST', '/admin/walk-ins', { as: clerk, payload })).body.message
    expect((await world.inbox(person)).length).toBeGreaterThan(0)
    expect(await world.inbox(clerk)).toHaveLength(clerkWas)
    const cancel = async (as: Person) =>
      (await world.call('PUT', `/patient/appointments/${order_id}/cancel`, { as })).body
    expect(await cancel(clerk)).toMatchObject({ code: 106 })
    expect(await cancel(person)).toMatchObject({ code: 0, message: { refundAmount: 50 } })
  })

  it('takes nothing for a walk-in that is free', async () => {
    const [schedule_id, { patientId }] = [await schedule(world, { day: 0, price: 0 }), await patient(world)]
    const payload = { schedule_id, patient_id: patientId, paid: true }
    const { body } = await world.call('POST', '/admin/walk-ins', { as: clerk, payload })
    expect(body.message).toMatchObject({ status: 'confirmed', amount: 0 })
    expect(await listed(`schedule_id=${schedule_id}`)).toMatchObject([{ paid: 0 }])
  })

  it('finds orders by name, phone number, date and state of the payment', async () => {
    const [one, other] = [await paidOrder(), await paidOrder({ day: 5 })]
    await world.rows(`UPDATE patient SET name = '欧阳_明' WHERE patient_id = ${one.person.patientId}`)
    const [phone, away] = ['13912345678', '13912345679']
    const { cipher } = world.kernel.secrets
    const index = phoneIndexes(world.kernel, phone)
    await world.rows(
      `UPDATE users SET phone_index = '${index?.account}', phone_encrypted = '${cipher.encrypt(phone)}' WHERE id = ${one.person.id}`,
    )
    await world.rows(
      `UPDATE patient SET phone_index = '${index?.patient}', phone_encrypted = '${cipher.encrypt(phone)}' WHERE patient_id = ${other.person.patientId}`,
    )
    const find = async (query: string) => (await listed(query)).map(({ order_id }: { order_id: number }) => order_id)
    expect(await find(`patient_name=${encodeURIComponent('阳_')}`)).toEqual([one.id])
    expect(await find(`patient_name=${encodeURIComponent('欧%明')}`)).toEqual([])
    expect(await find(`phone=${phone}`)).toEqual([other.id, one.id])
    for (const nobody of [away, 'x']) expect(await find(`phone=${nobody}`)).toEqual([])
    expect(await find(`phone=${phone}&date=2026-03-07`)).toEqual([other.id])
    await at(other.id, 'refund', { reason: '退号' })
    expect(await find(`phone=${phone}&payment_status=refunded`)).toEqual([other.id])
  })

  it('finds orders by number, schedule and state', async () => {
    const { id, scheduleId } = await paidOrder()
    const find = async (query: string) =>
      (await world.call('GET', `/admin/orders?${query}`, { as: clerk })).body.message.orders.map(
        ({ order_id }: { order_id: number }) => order_id,
      )
    const orderNo = `20260302${String(id).padStart(8, '0')}`
    expect(await find(`order_no=${orderNo}`)).toEqual([id])
    expect(await find(`order_no=20260303${orderNo.slice(8)}`)).toEqual([])
    expect(await find('order_no=nonsense')).toEqual([])
    expect(
      (await world.call('GET', '/admin/orders?order_no=2026023100000001', { as: await world.person('clinic:desk') }))
        .body,
    ).toMatchObject({
      message: { orders: [], total: 0 },
    })
    expect(await find(`schedule_id=${scheduleId}&status=confirmed`)).toEqual([id])
    expect(await find(`schedule_id=${scheduleId}&status=cancelled`)).toEqual([])
  })
})
