import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { configure, department, doctor, patient, schedule } from '../../../../test/support/clinic.ts'
import { MONDAY, openWorld, type Person } from '../../../../test/support/world.ts'
import { DESK_ROLE } from '../../permissions.ts'
import { clinic } from '../../product.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
await configure(world, { registration: { cancelHoursBefore: 1 } })
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})
beforeEach(() => world.clock.set(MONDAY))

async function ordered(options: Parameters<typeof schedule>[1]) {
  const id = await schedule(world, { price: 0, ...options })
  const person = await patient(world)
  const payload = { scheduleId: id, patientId: person.patientId }
  const { body } = await world.call('POST', '/patient/appointments', { as: person, payload })
  expect(body.code, JSON.stringify(body)).toBe(0)
  return { id, person, orderId: body.message.id as number }
}
async function cancel({ person, orderId }: { readonly person: Person; readonly orderId: number }) {
  const { body } = await world.call('PUT', `/patient/appointments/${orderId}/cancel`, { as: person })
  expect(body.code, JSON.stringify(body)).toBe(0)
}
/** Runs the job at a local time of a day of March 2026, by one process or by two at once. */
async function remindAt(day: number, time: string, times = 1) {
  world.clock.set(new Date(`2026-03-0${day}T${time}:00+08:00`))
  await Promise.all(Array.from({ length: times }, () => world.system.jobs.runNow('clinic.reminders')))
}
const remindersOf = async (person: Person) =>
  (await world.inbox(person)).filter(({ type }) => type.includes('reminder')).map(({ type }) => type.split('_')[1])

describe('Reminders of visits', () => {
  it('come once at 20:00 the evening before, and once two hours before the session', async () => {
    const { person } = await ordered({ day: 1, section: '下午' })
    await remindAt(2, '19:59')
    expect(await remindersOf(person)).toEqual([])
    await remindAt(2, '20:00', 2)
    await remindAt(2, '23:59')
    expect(await remindersOf(person)).toEqual(['evening'])
    await remindAt(3, '11:59')
    expect(await remindersOf(person)).toEqual(['evening'])
    await remindAt(3, '12:00', 2)
    await remindAt(3, '13:55')
    expect(await remindersOf(person)).toEqual(['evening', 'day'])
    const [, last] = (await world.inbox(person)).filter(({ type }) => type.includes('reminder'))
    expect(last?.subject).toContain('今日就诊提醒：2026-03-03 下午')
  })

  it('are not sent for orders that are not paid, were cancelled, or made after they were due', async () => {
    const [pending, cancelled] = [await ordered({ day: 1, price: 5000 }), await ordered({ day: 1 })]
    await cancel(cancelled)
    world.clock.set(new Date('2026-03-02T20:00:00+08:00'))
    const late = await ordered({ day: 1, section: '下午' })
    await remindAt(2, '20:05')
    for (const { person } of [pending, cancelled, late]) expect(await remindersOf(person)).toEqual([])
    await remindAt(3, '12:30')
    expect(await remindersOf(late.person)).toEqual(['day'])
    await remindAt(3, '14:00')
    expect(await remindersOf(late.person)).toEqual(['day'])
  })

  it('come again for the new day of an order that was moved', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const moved = await ordered({ of, doctorId, day: 1, section: '下午' })
    const later = await schedule(world, { of, doctorId, day: 3, section: '下午', price: 0 })
    await remindAt(2, '20:00')
    const payload = { scheduleId: later }
    const answer = await world.call('PUT', `/patient/appointments/${moved.orderId}/reschedule`, {
      as: moved.person,
      payload,
    })
    expect(answer.body.code, JSON.stringify(answer.body)).toBe(0)
    await remindAt(3, '12:30')
    await remindAt(3, '20:00')
    expect(await remindersOf(moved.person)).toEqual(['evening'])
    await remindAt(4, '20:00')
    await remindAt(5, '12:30')
    expect(await remindersOf(moved.person)).toEqual(['evening', 'evening', 'day'])
  })

  it('are judged again before they leave by mail', async () => {
    const { person, orderId } = await ordered({ day: 1, section: '下午' })
    const type = clinic.notificationTypes.find(({ key }) => key === 'clinic.order.reminder_evening')
    const data = { order_id: orderId, date: '2026-03-03', section: '下午' }
    const isTrue = (more: object = {}) => type?.stillTrue?.(world.kernel.db, { ...data, ...more })
    expect(await isTrue()).toBe(true)
    expect(await isTrue({ date: '2026-03-04' })).toBe(false)
    expect(await isTrue({ section: '上午' })).toBe(false)
    expect(await isTrue({ order_id: 'x', date: 'y' })).toBe(false)
    await cancel({ person, orderId })
    expect(await isTrue()).toBe(false)
  })
})

describe('A reminder that is asked for', () => {
  const askFor = async (as: Person, orderId: number) =>
    (await world.call('POST', `/patient/appointments/${orderId}/send-reminder`, { as })).body
  const sentTo = async (person: Person) =>
    (await world.inbox(person)).filter(({ type }) => type === 'clinic.order.reminder')

  it('is sent at once, and once an hour, also if two ask at once', async () => {
    const { person, orderId } = await ordered({ day: 4 })
    const both = await Promise.all([askFor(person, orderId), askFor(person, orderId)])
    expect(both.map(({ code }) => code).sort()).toEqual([0, 99])
    expect((await sentTo(person)).map(({ subject }) => subject)).toEqual([expect.stringContaining('2026-03-06 上午')])
    world.clock.set(new Date(MONDAY.getTime() + 3_599_999))
    expect((await askFor(person, orderId)).message.msg).toContain('一小时内')
    world.clock.set(new Date(MONDAY.getTime() + 3_600_000))
    expect(await askFor(person, orderId)).toMatchObject({ code: 0, message: { success: true } })
    expect(await sentTo(person)).toHaveLength(2)
  })

  it('is refused for other people’s orders, and for those that are not ahead', async () => {
    const [ahead, unpaid] = [await ordered({ day: 1 }), await ordered({ day: 1, price: 5000 })]
    expect(await askFor(unpaid.person, ahead.orderId)).toMatchObject({ code: 106 })
    expect(await askFor(unpaid.person, unpaid.orderId)).toMatchObject({ code: 99 })
    world.clock.set(new Date('2026-03-03T12:00:00+08:00'))
    expect((await askFor(ahead.person, ahead.orderId)).message.msg).toContain('已结束')
    const cancelled = await ordered({ day: 3 })
    await cancel(cancelled)
    expect(await askFor(cancelled.person, cancelled.orderId)).toMatchObject({ code: 99 })
  })
})

describe('Messages at the desk and in the hall', () => {
  it('tell the people of an order about a refund in part', async () => {
    const { person, orderId } = await ordered({ price: 5000 })
    await world.call('POST', `/patient/appointments/${orderId}/pay`, { as: person, payload: { method: 'bank' } })
    const clerk = await world.person(DESK_ROLE)
    const payload = { amount: 20, reason: '检查未做' }
    const { body } = await world.call('POST', `/admin/orders/${orderId}/refund`, { as: clerk, payload })
    expect(body.code).toBe(0)
    const last = (await world.inbox(person)).at(-1)
    expect(last).toMatchObject({ type: 'clinic.order.refunded', body: expect.stringContaining('已退款 20.00 元') })
    expect(last?.body).toContain('检查未做')
  })

  it('tell the next four once that their turn is near when somebody is called', async () => {
    const of = await department(world)
    const { doctorId, person: treating } = await doctor(world, of.deptId)
    const id = await schedule(world, { of, doctorId, day: 0, section: '下午', price: 0, slots: 9 })
    const people: { readonly person: Person; readonly orderId: number }[] = []
    for (let n = 0; n < 7; n += 1) {
      const person = await patient(world)
      const payload = { scheduleId: id, patientId: person.patientId }
      const { body } = await world.call('POST', '/patient/appointments', { as: person, payload })
      people.push({ person, orderId: body.message.id as number })
    }
    const call = () => world.call('POST', '/doctor/consultation/next', { as: treating, payload: { schedule_id: id } })
    const near = async () => {
      const counts = []
      for (const { person } of people)
        counts.push((await world.inbox(person)).filter(({ type }) => type === 'clinic.order.near').length)
      return counts
    }
    await call()
    expect(await near()).toEqual([0, 1, 1, 1, 1, 0, 0])
    expect((await world.inbox(people[4]?.person as Person)).at(-1)?.body).toContain('前面还有 3 位患者')
    await world.call('POST', '/doctor/consultation/complete', {
      as: treating,
      payload: { order_id: people[0]?.orderId },
    })
    await call()
    expect(await near()).toEqual([0, 1, 1, 1, 1, 1, 0])
  })
})
