import { afterAll, describe, expect, it } from 'vitest'
import {
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

const ask = async (person: PatientPerson, path: string, payload: unknown) =>
  (await world.call('POST', path, { as: person, payload })).body
const register = (person: PatientPerson, scheduleId: number) =>
  ask(person, '/patient/appointments', { scheduleId, patientId: person.patientId })
const join = (person: PatientPerson, scheduleId: number) =>
  ask(person, '/patient/waitlist', { scheduleId, patientId: person.patientId })
const orderOf = async (person: PatientPerson, id: number) =>
  (await world.call('GET', `/patient/appointments/${id}`, { as: person })).body.message

/** A schedule with one number, which somebody has taken, and its order. */
async function soldOut(options: Parameters<typeof schedule>[1] = {}) {
  const id = await schedule(world, { slots: 1, ...options })
  const holder = await patient(world)
  const { message } = await register(holder, id)
  return { id, holder, orderId: Number(message.id) }
}

const cancel = (person: PatientPerson, id: number) =>
  world.call('PUT', `/patient/appointments/${id}/cancel`, { as: person })

describe('The waiting list', () => {
  it('is only for schedules that are sold out, and once for each patient', async () => {
    const { id } = await soldOut()
    const person = await patient(world)
    expect(await join(person, await schedule(world))).toMatchObject({ code: 1005 })
    expect((await join(person, id)).message).toMatchObject({ queueNumber: 1, createdAt: '2026-03-02 08:00:00' })
    expect(await join(person, id)).toMatchObject({ code: 1006 })
    expect((await join(await patient(world), id)).message).toMatchObject({ queueNumber: 2 })
  })

  it('gets a number that is given up: the first in line, who has time to pay', async () => {
    const { id, holder, orderId } = await soldOut()
    const [first, second] = [await patient(world), await patient(world)]
    const entry = (await join(first, id)).message.id
    await join(second, id)
    await cancel(holder, orderId)
    expect(await orderOf(first, entry)).toMatchObject({
      status: 'pending',
      queueNumber: 'A001',
      sourceType: 'waitlist',
      expiresAt: '2026-03-02 08:15:00',
    })
    expect((await world.inbox(first)).at(-1)?.type).toBe('clinic.waitlist.promoted')
    expect((await world.call('GET', '/patient/waitlist', { as: second })).body.message.list).toMatchObject([
      { queueNumber: 1, canConvert: false },
    ])
  })

  it('gets the number on when the first in line does not pay', async () => {
    const { id, holder, orderId } = await soldOut()
    const [first, second] = [await patient(world), await patient(world)]
    const entries = [(await join(first, id)).message.id, (await join(second, id)).message.id]
    await cancel(holder, orderId)
    const before = world.clock.now()
    world.clock.set(new Date(before.getTime() + 15 * MINUTE))
    await world.system.jobs.runNow('clinic.orders')
    expect(await orderOf(first, entries[0])).toMatchObject({ status: 'timeout' })
    expect(await orderOf(second, entries[1])).toMatchObject({ status: 'pending' })
    world.clock.set(before)
  })

  it('is before others: a free number is not sold past it', async () => {
    const { id, holder, orderId } = await soldOut()
    const [first, other] = [await patient(world), await patient(world)]
    await join(first, id)
    const answers = await Promise.all([
      cancel(holder, orderId),
      register(other, id),
      register(await patient(world), id),
    ])
    expect(answers.slice(1)).toMatchObject([{ code: 1001 }, { code: 1001 }])
  })

  it('gets added numbers first', async () => {
    const admin = await hospitalAdmin(world)
    const { id } = await soldOut()
    const person = await patient(world)
    const entry = (await join(person, id)).message.id
    await world.call('PUT', `/admin/schedules/${id}`, { as: admin, payload: { total_slots: 3 } })
    expect(await orderOf(person, entry)).toMatchObject({ status: 'pending', queueNumber: 'A002' })
    expect((await register(await patient(world), id)).message).toMatchObject({ queueNumber: 'A003' })
  })

  it('judges again: who may not register any more loses the place and is told why', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const { id, holder, orderId } = await soldOut({ of, doctorId, day: 3 })
    const [first, second] = [await patient(world), await patient(world)]
    await join(first, id)
    const entry = (await join(second, id)).message.id
    await register(first, await schedule(world, { of, doctorId, day: 4 }))
    await cancel(holder, orderId)
    expect(await orderOf(second, entry)).toMatchObject({ status: 'pending' })
    const last = (await world.inbox(first)).at(-1)
    expect(last).toMatchObject({ type: 'clinic.waitlist.ended', body: expect.stringContaining('7 天内') })
  })

  it('can be left, by the person who waits and nobody else', async () => {
    const { id } = await soldOut()
    const [person, other] = [await patient(world), await patient(world)]
    const entry = (await join(person, id)).message.id
    const leave = async (as: PatientPerson) => (await world.call('DELETE', `/patient/waitlist/${entry}`, { as })).body
    expect(await leave(other)).toMatchObject({ code: 106 })
    expect(await leave(person)).toMatchObject({ code: 0 })
    expect(await leave(person)).toMatchObject({ code: 106 })
    expect(await ask(person, `/patient/waitlist/${entry}/convert`, {})).toMatchObject({ code: 106 })
  })

  it('is not converted while no number is free', async () => {
    const { id } = await soldOut()
    const person = await patient(world)
    const entry = (await join(person, id)).message.id
    expect(await ask(person, `/patient/waitlist/${entry}/convert`, {})).toMatchObject({ code: 1008 })
  })

  it('ends when nobody can register for the session any more', async () => {
    const { id } = await soldOut({ day: 0, section: '下午' })
    const person = await patient(world)
    const entry = (await join(person, id)).message.id
    const before = world.clock.now()
    const start = new Date('2026-03-02T06:00:00Z')
    world.clock.set(new Date(start.getTime() - 1))
    await world.system.jobs.runNow('clinic.waiting')
    expect(await orderOf(person, entry)).toMatchObject({ status: 'waitlist' })
    world.clock.set(start)
    await world.system.jobs.runNow('clinic.waiting')
    expect(await orderOf(person, entry)).toMatchObject({ status: 'cancelled' })
    expect((await world.inbox(person)).at(-1)?.type).toBe('clinic.waitlist.ended')
    world.clock.set(before)
  })

  it('ends when the schedule is stopped', async () => {
    const admin = await hospitalAdmin(world)
    const { id } = await soldOut()
    const person = await patient(world)
    const entry = (await join(person, id)).message.id
    await world.call('DELETE', `/admin/schedules/${id}`, { as: admin })
    expect(await orderOf(person, entry)).toMatchObject({ status: 'cancelled' })
    expect((await world.inbox(person)).at(-1)?.type).toBe('clinic.order.stopped')
  })
})
