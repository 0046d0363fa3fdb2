import { afterAll, describe, expect, it } from 'vitest'
import { department, doctor, type PatientPerson, patient, schedule } from '../../../../test/support/clinic.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

/** A session this afternoon, with a doctor and patients who have numbers. */
async function session(count: number, day = 0) {
  const of = await department(world)
  const { doctorId, person } = await doctor(world, of.deptId)
  const id = await schedule(world, { of, doctorId, day, section: '下午', price: 0 })
  const patients: (PatientPerson & { readonly orderId: number })[] = []
  for (let n = 0; n < count; n += 1) {
    const one = await patient(world)
    const payload = { scheduleId: id, patientId: one.patientId }
    const { message } = (await world.call('POST', '/patient/appointments', { as: one, payload })).body
    patients.push({ ...one, orderId: message.id })
  }
  return { id, person, patients, of }
}

const next = async (as: Person, schedule_id: number) =>
  (await world.call('POST', '/doctor/consultation/next', { as, payload: { schedule_id } })).body
const move = async (as: Person, kind: 'complete' | 'pass', order_id: number, more = {}) =>
  (await world.call('POST', `/doctor/consultation/${kind}`, { as, payload: { order_id, ...more } })).body
const queueOf = async (as: Person, id: number) =>
  (await world.call('GET', `/doctor/consultation/queue?schedule_id=${id}`, { as })).body.message

describe('The queue of a session', () => {
  it('is called by number, one patient at a time, also when two calls come at once', async () => {
    const { id, person, patients } = await session(2)
    const both = await Promise.all([next(person, id), next(person, id)])
    expect(both.map(({ code }) => code).sort()).toEqual([0, 99])
    expect(both.find(({ code }) => code === 0)?.message).toMatchObject({ queueNumber: 'A001', isCall: true })
    expect(await queueOf(person, id)).toMatchObject({
      stats: { totalSlots: 5, confirmedCount: 2, waitingCount: 1, completedCount: 0, passedCount: 0 },
      currentPatient: { orderId: patients[0]?.orderId },
      nextPatient: { orderId: patients[1]?.orderId },
    })
    expect((await world.inbox(patients[0] as Person)).at(-1)?.type).toBe('clinic.order.called')
  })

  it('completes visits, which the statistics count', async () => {
    const { id, person, patients } = await session(1)
    const [first] = patients
    expect(await move(person, 'complete', first?.orderId ?? 0)).toMatchObject({ code: 99 })
    await next(person, id)
    expect((await move(person, 'complete', first?.orderId ?? 0)).message).toMatchObject({
      status: 'completed',
      isCall: false,
    })
    expect(await move(person, 'complete', first?.orderId ?? 0)).toMatchObject({ code: 99 })
    expect(await world.rows(`SELECT completed FROM schedule WHERE schedule_id = ${id}`)).toEqual([{ completed: 1 }])
    expect(await next(person, id)).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('没有候诊患者') },
    })
  })

  it('puts passed patients behind the others, and notes them as absent at the last pass', async () => {
    const { id, person, patients } = await session(2)
    const [first, second] = patients.map(({ orderId }) => orderId)
    await next(person, id)
    expect((await move(person, 'pass', first ?? 0)).message).toMatchObject({ passCount: 1, status: 'confirmed' })
    expect((await queueOf(person, id)).queue.map(({ orderId }: { orderId: number }) => orderId)).toEqual([
      second,
      first,
    ])
    expect((await next(person, id)).message).toMatchObject({ orderId: second })
    await move(person, 'complete', second ?? 0)
    world.clock.advance(1)
    await next(person, id)
    expect((await move(person, 'pass', first ?? 0, { max_pass_count: 2 })).message).toMatchObject({ status: 'no_show' })
    expect((await world.inbox(patients[0] as Person)).map(({ type }) => type).slice(-2)).toEqual([
      'clinic.order.called',
      'clinic.order.no_show',
    ])
  })

  it('calls patients of added numbers first', async () => {
    const { id, person, patients } = await session(2)
    await world.rows(`UPDATE registration_order SET priority = -1 WHERE order_id = ${patients[1]?.orderId}`)
    expect((await next(person, id)).message).toMatchObject({ orderId: patients[1]?.orderId })
  })

  it('is only for its doctor, and only called on its day', async () => {
    const { id, patients } = await session(1)
    const other = await session(1, 1)
    expect(await next(other.person, id)).toMatchObject({ code: 106 })
    expect(await move(other.person, 'complete', patients[0]?.orderId ?? 0)).toMatchObject({ code: 106 })
    expect(await next(other.person, other.id)).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('当天') },
    })
    expect(await next(await world.person('clinic:doctor'), id)).toMatchObject({ code: 102 })
  })
})

describe('Patients who do not come', () => {
  it('are noted half an hour after the end of the session', async () => {
    const { patients } = await session(1)
    const [one] = patients
    const before = world.clock.now()
    const status = async () =>
      (await world.call('GET', `/patient/appointments/${one?.orderId}`, { as: one as Person })).body.message.status
    const due = new Date('2026-03-02T10:30:00Z')
    world.clock.set(new Date(due.getTime() - 1))
    await world.system.jobs.runNow('clinic.no-shows')
    expect(await status()).toBe('confirmed')
    world.clock.set(due)
    await world.system.jobs.runNow('clinic.no-shows')
    expect(await status()).toBe('no_show')
    world.clock.set(before)
  })
})
