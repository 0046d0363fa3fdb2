import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import {
  department,
  doctor,
  hospitalAdmin,
  type PatientPerson,
  patient,
  schedule,
} from '../../../../test/support/clinic.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'
import { DESK_ROLE } from '../../permissions.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
/** The addresses of two processes over one database. */
let here: string
let elsewhere: string
const sockets: WebSocket[] = []

beforeAll(async () => {
  here = await world.listen()
  elsewhere = await (await world.anotherProcess()).listen()
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate()
})
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

// biome-ignore lint/suspicious/noExplicitAny: tests state what they expect
type Frame = any

/** A client of a WebSocket that keeps the frames it receives. */
async function connect(path: string, token: string, hello: object = {}, address = here) {
  const socket = new WebSocket(`${address.replace('http', 'ws')}${path}`)
  sockets.push(socket)
  const frames: Frame[] = []
  socket.on('message', (text) => frames.push(JSON.parse(String(text))))
  socket.on('error', () => {})
  let code: number | undefined
  const closed = once(socket, 'close').then(([given]) => {
    code = Number(given)
    return code
  })
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'auth', token, ...hello }))
  return {
    frames,
    closed,
    /** Waits for the close code, for less time than a heartbeat takes. */
    isClosedSoon: (expected: number) => expect.poll(() => code, { timeout: 5000 }).toBe(expected),
    say: (frame: object) => socket.send(JSON.stringify(frame)),
    /** Waits until the newest frame is like this. */
    sees: (like: object) => expect.poll(() => frames.at(-1), { timeout: 5000 }).toMatchObject(like),
  }
}
const queueOf = (as: Person, hello: object, address = here) => connect('/ws/clinic/queue', as.token, hello, address)

/** A session today with a doctor and patients who have numbers. */
async function session(count: number, day = 0) {
  const of = await department(world)
  const { doctorId, person } = await doctor(world, of.deptId)
  const id = await schedule(world, { of, doctorId, day, section: '下午', price: 0, slots: 9 })
  const patients: (PatientPerson & { readonly orderId: number })[] = []
  for (let n = 0; n < count; n += 1) patients.push(await registered(id))
  return { id, person, patients, of, doctorId }
}

async function registered(id: number) {
  const one = await patient(world)
  const payload = { scheduleId: id, patientId: one.patientId }
  const { body } = await world.call('POST', '/patient/appointments', { as: one, payload })
  expect(body.code, JSON.stringify(body)).toBe(0)
  return { ...one, orderId: body.message.id as number }
}

const post = async (path: string, as: Person, payload: object = {}) =>
  (await world.call('POST', path, { as, payload })).body
const next = (as: Person, schedule_id: number) => post('/doctor/consultation/next', as, { schedule_id })
const placeOf = async (as: Person, id: number) =>
  (await world.call('GET', `/patient/appointments/${id}/queue`, { as })).body

describe('A patient’s place in the queue', () => {
  it('has position, people ahead, the number being called and a time that is never in the past', async () => {
    const { id, person, patients } = await session(3)
    const [first, second, third] = patients
    if (!first || !second || !third) throw new Error('three patients')
    expect((await placeOf(third, third.orderId)).message).toMatchObject({
      ...{ id: third.orderId, scheduleId: id, status: 'confirmed', queueNumber: 'A003' },
      ...{ position: 3, ahead: 2, callingNumber: null, isCall: false, estimatedTime: '2026-03-02 14:40:00' },
    })
    await next(person, id)
    expect((await placeOf(first, first.orderId)).message).toMatchObject({
      ...{ position: null, ahead: null, callingNumber: 'A001', isCall: true, estimatedTime: null },
    })
    world.clock.set(new Date('2026-03-02T07:00:00Z'))
    expect((await placeOf(third, third.orderId)).message).toMatchObject({
      ...{ position: 2, ahead: 1, callingNumber: 'A001' },
      estimatedTime: '2026-03-02 15:40:00',
    })
    expect(await placeOf(second, third.orderId)).toMatchObject({ code: 106 })
    world.clock.set(new Date('2026-03-02T00:00:00Z'))
  })

  it('comes at once and after each change, in every process', async () => {
    const { id, person, patients } = await session(2)
    const [first, second] = patients
    if (!first || !second) throw new Error('two patients')
    const clients = [
      await queueOf(second, { order_id: second.orderId }),
      await queueOf(second, { order_id: String(second.orderId) }, elsewhere),
    ]
    const both = async (like: object) => {
      for (const client of clients) await client.sees({ type: 'place', appointment: like })
    }
    await both({ position: 2, callingNumber: null })
    await next(person, id)
    await both({ position: 1, ahead: 0, callingNumber: 'A001' })
    await post('/doctor/consultation/pass', person, { order_id: first.orderId })
    await both({ position: 1, callingNumber: null })
    await post(`/patient/appointments/${second.orderId}/check-in`, second)
    await both({ checkInTime: '2026-03-02 08:00:00' })
    await world.rows(`UPDATE registration_order SET pass_count = 2 WHERE order_id = ${second.orderId}`)
    await both({ position: 2 })
    await next(person, id)
    await post('/doctor/consultation/complete', person, { order_id: first.orderId })
    await next(person, id)
    await both({ isCall: true, callingNumber: 'A002' })
    await post('/doctor/consultation/complete', person, { order_id: second.orderId })
    await both({ status: 'completed', position: null })
    const again = await queueOf(second, { order_id: second.orderId })
    await again.sees({ appointment: { status: 'completed' } })
    again.say({ type: 'ping' })
    await again.sees({ type: 'pong' })
  })

  it('follows an order that is moved to another session, and one that ends', async () => {
    const { id, person, patients, of, doctorId } = await session(2)
    const [first, second] = patients
    if (!first || !second) throw new Error('two patients')
    const evening = await schedule(world, { of, doctorId, day: 0, section: '晚上', price: 0 })
    await registered(evening)
    const client = await queueOf(second, { order_id: second.orderId })
    await client.sees({ appointment: { scheduleId: id, position: 2 } })
    await world.rows(
      `UPDATE registration_order SET schedule_id = ${evening}, queue_no = 7 WHERE order_id = ${second.orderId}`,
    )
    await client.sees({ appointment: { scheduleId: evening, position: 2, queueNumber: 'A007' } })
    await world.rows(
      `UPDATE registration_order SET schedule_id = ${id}, queue_no = 2 WHERE order_id = ${second.orderId}`,
    )
    await client.sees({ appointment: { scheduleId: id, position: 2 } })
    await world.rows(`UPDATE registration_order SET status = 'no_show' WHERE order_id = ${second.orderId}`)
    await client.sees({ appointment: { status: 'no_show', position: null } })
    expect(await next(person, id)).toMatchObject({ code: 0 })
  })

  it('is closed to others, to wrong frames, and when the session ends', async () => {
    const { patients, id } = await session(1)
    const [first] = patients
    if (!first) throw new Error('a patient')
    const stranger = await patient(world)
    expect(await (await queueOf(stranger, { order_id: first.orderId })).closed).toBe(4404)
    expect(await (await queueOf(first, { schedule_id: id })).closed).toBe(4404)
    expect(await (await queueOf(first, { order_id: 'x' })).closed).toBe(4400)
    expect(await (await connect('/ws/clinic/queue', 'nonsense')).closed).toBe(4401)
    const client = await queueOf(first, { order_id: first.orderId })
    await client.sees({ type: 'place' })
    await world.call('POST', '/auth/logout', { as: first })
    await client.isClosedSoon(4401)
  })
})

describe('The live queue of a session', () => {
  it('shows its doctor, the desk and administrators who comes, is called and goes', async () => {
    const { id, person, patients } = await session(1)
    const [first] = patients
    if (!first) throw new Error('a patient')
    const people = [person, await world.person(DESK_ROLE), await hospitalAdmin(world)]
    const clients = await Promise.all(people.map((one, n) => queueOf(one, { schedule_id: id }, n ? elsewhere : here)))
    const all = async (like: object) => {
      for (const client of clients) await client.sees({ type: 'queue', queue: like })
    }
    await all({ stats: { waitingCount: 1 }, scheduleInfo: { scheduleId: id }, currentPatient: null })
    const second = await registered(id)
    await all({ stats: { waitingCount: 2 }, nextPatient: { orderId: first.orderId } })
    await world.rows(`UPDATE registration_order SET priority = -1 WHERE order_id = ${second.orderId}`)
    await all({ nextPatient: { orderId: second.orderId } })
    await next(person, id)
    await all({ currentPatient: { orderId: second.orderId, patientName: expect.any(String) } })
    const desk = await world.person(DESK_ROLE)
    expect((await post(`/admin/orders/${first.orderId}/check-in`, desk)).code).toBe(0)
    await all({ stats: { waitingCount: 1, passedCount: 0 } })
    await post('/doctor/consultation/pass', person, { order_id: second.orderId })
    await all({ stats: { waitingCount: 2, passedCount: 1 }, currentPatient: null })
  })

  it('is closed to other doctors', async () => {
    const [mine, theirs] = [await session(0), await session(0)]
    expect(await (await queueOf(theirs.person, { schedule_id: mine.id })).closed).toBe(4404)
    expect(await (await queueOf(mine.person, { schedule_id: 999_999 })).closed).toBe(4404)
  })
})

describe('A display in a hall', () => {
  async function display(scope: object, admin: Person) {
    const { code, message } = await post('/admin/displays', admin, { name: '一楼大厅', ...scope })
    expect(code).toBe(0)
    return message as { display_id: number; token: string }
  }

  it('shows numbers, rooms and masked names of its area, and nobody’s full name', async () => {
    const admin = await hospitalAdmin(world)
    const { id, person, patients, of } = await session(2)
    await session(1)
    await world.rows(`UPDATE patient SET name = '欧阳建国' WHERE patient_id = ${patients[0]?.patientId}`)
    await world.rows(`UPDATE clinic SET address = '2 楼 203 室' WHERE clinic_id = ${of.clinicId}`)
    const { token } = await display({ area_id: of.areaId }, admin)
    const clients = [
      await connect('/ws/clinic/display', token),
      await connect('/ws/clinic/display', person.token, { clinic_id: of.clinicId }, elsewhere),
    ]
    const both = async (like: object) => {
      for (const client of clients)
        await client.sees({ type: 'display', date: '2026-03-02', sessions: [{ scheduleId: id, ...like }] })
    }
    await both({ calling: null, waitingCount: 2, room: '2 楼 203 室' })
    await next(person, id)
    await both({
      calling: { queueNumber: 'A001', patient: '欧*', passed: false },
      waiting: [{ queueNumber: 'A002', patient: '患*' }],
      waitingCount: 1,
    })
    expect(JSON.stringify(clients[0]?.frames)).not.toContain('建国')
  })

  it('is closed at once when an administrator deletes it', async () => {
    const admin = await hospitalAdmin(world)
    const { of } = await session(0)
    const { display_id, token } = await display({ clinic_id: of.clinicId }, admin)
    const client = await connect('/ws/clinic/display', token, {}, elsewhere)
    await client.sees({ type: 'display', sessions: [{ waitingCount: 0 }] })
    const { displays } = (await world.call('GET', '/admin/displays', { as: admin })).body.message
    expect(displays).toContainEqual(expect.objectContaining({ display_id, clinic_id: of.clinicId, area_id: of.areaId }))
    expect(JSON.stringify(displays)).not.toContain(token)
    const path = `/admin/displays/${display_id}`
    expect((await world.call('DELETE', path, { as: admin })).body.code).toBe(0)
    await client.isClosedSoon(4401)
    expect(await (await connect('/ws/clinic/display', token)).closed).toBe(4401)
    expect((await world.call('DELETE', path, { as: admin })).body.code).toBe(106)
  })

  it('is added for an area or clinic that exists, by administrators only', async () => {
    const admin = await hospitalAdmin(world)
    const [one, other] = [await department(world), await department(world)]
    const add = (payload: object, as = admin) => post('/admin/displays', as, { name: '大厅', ...payload })
    expect(await add({})).toMatchObject({ code: 99 })
    expect(await add({ area_id: 999_999 })).toMatchObject({ code: 106 })
    expect(await add({ clinic_id: 999_999 })).toMatchObject({ code: 106 })
    expect(await add({ clinic_id: one.clinicId, area_id: other.areaId })).toMatchObject({ code: 106 })
    expect(await add({ area_id: one.areaId }, await world.person(DESK_ROLE))).toMatchObject({ code: 102 })
    const visitor = await patient(world)
    expect(await (await connect('/ws/clinic/display', visitor.token, { area_id: one.areaId })).closed).toBe(4404)
    expect(await (await connect('/ws/clinic/display', admin.token)).closed).toBe(4400)
  })
})
