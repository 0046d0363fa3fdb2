import { afterAll, describe, expect, it } from 'vitest'
import {
  department,
  doctor,
  hospitalAdmin,
  type PatientPerson,
  patient,
  schedule,
} from '../../../test/support/clinic.ts'
import { openWorld, type Person } from '../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})
const admin = await hospitalAdmin(world)

const add = async (as: Person, name: string): Promise<number> =>
  (await world.call('POST', '/patient/patients', { as, payload: { name, phone_number: '13900000000' } })).body.message
    .patient_id
const remove = async (as: Person, patientId: number) =>
  (await world.call('DELETE', `/patient/patients/${patientId}`, { as })).body.code
const relate = (user: Person, patientId: number) =>
  world.rows(`INSERT INTO patient_relation (user_id, related_patient_id, create_time, update_time)
    VALUES (${user.id}, ${patientId}, now(), now())`)
const order = async (as: Person, patientId: number, symptoms = '头痛'): Promise<number> => {
  const payload = { scheduleId: await schedule(world), patientId, symptoms }
  return (await world.call('POST', '/patient/appointments', { as, payload })).body.message.id
}
const leave = async (person: Person) =>
  expect((await world.call('DELETE', `/auth/users/${person.id}`, { as: admin })).body).toMatchObject({ code: 0 })
const patientRow = async (id: number) =>
  (
    await world.rows<{ name: string; phone_index: string | null; gone: boolean }>(
      `SELECT name, phone_index, deleted_at IS NOT NULL AS gone FROM patient WHERE patient_id = ${id}`,
    )
  )[0]
const orderRow = async (id: number) =>
  (
    await world.rows<{ symptoms: string; status: string; cancel_reason: string | null }>(
      `SELECT symptoms, status, cancel_reason FROM registration_order WHERE order_id = ${id}`,
    )
  )[0]

describe('A patient who is taken off the last list', () => {
  it('is deleted without orders', async () => {
    const person = await patient(world)
    const id = await add(person, '家人')
    expect(await remove(person, id)).toBe(0)
    expect(await patientRow(id)).toBeUndefined()
  })

  it('is kept with orders, until the user leaves: then without personal data', async () => {
    const person = await patient(world)
    const id = await add(person, '家人')
    const orderId = await order(person, id)
    await remove(person, id)
    expect(await patientRow(id)).toMatchObject({ name: '家人', gone: false })
    await leave(person)
    expect(await patientRow(id)).toEqual({ name: '已注销', phone_index: null, gone: true })
    expect(await orderRow(orderId)).toMatchObject({ status: 'cancelled', symptoms: '' })
  })

  it('is kept while another user registers for them, also when users leave', async () => {
    const [one, other] = [await patient(world), await patient(world)]
    const id = await add(one, '奶奶')
    await relate(other, id)
    await remove(one, id)
    expect(await patientRow(id)).toMatchObject({ name: '奶奶' })
    await relate(one, id)
    await order(one, id)
    await leave(one)
    expect(await patientRow(id)).toMatchObject({ name: '奶奶', gone: false })
    await leave(other)
    expect(await patientRow(id)).toMatchObject({ name: '已注销', gone: true })
  })

  it('is kept with an account of their own, or with a request for a number', async () => {
    const [person, relative] = [await patient(world), await patient(world)]
    await relate(person, relative.patientId)
    await remove(person, relative.patientId)
    expect(await patientRow(relative.patientId)).toMatchObject({ gone: false })
    const id = await add(person, '家人')
    const { deptId } = await department(world)
    const ours = await doctor(world, deptId)
    const payload = {
      schedule_id: await schedule(world, { doctorId: ours.doctorId }),
      patient_id: id,
      slot_type: '普通',
    }
    const asked = await world.call('POST', '/doctor/schedules/add-slot', { as: ours.person, payload })
    expect(asked.body.code).toBe(0)
    await remove(person, id)
    expect(await patientRow(id)).toMatchObject({ name: '家人' })
  })

  it('is not deleted while somebody registers for them at the same moment', async () => {
    const person = await patient(world)
    for (let n = 0; n < 3; n += 1) {
      const id = await add(person, `家人 ${n}`)
      const payload = { scheduleId: await schedule(world), patientId: id }
      const [made] = await Promise.all([
        world.call('POST', '/patient/appointments', { as: person, payload }),
        remove(person, id),
      ])
      expect([0, 102, 106]).toContain(made.body.code)
      expect((await patientRow(id)) !== undefined).toBe(made.body.code === 0)
    }
  })
})

describe('A user who leaves', () => {
  const feedback = {
    type: 'complaint',
    content: '我是李雷',
    contactPhone: '13800000000',
    contactEmail: 'a@example.com',
  }

  it('takes along their words: feedback, symptoms, reviews and reasons', async () => {
    const person = await patient(world)
    const { feedback_id } = (await world.call('POST', '/common/feedback', { as: person, payload: feedback })).body
      .message
    const own = await order(person, person.patientId, '胃痛三天')
    await world.call('POST', `/patient/appointments/${own}/cancel-payment`, {
      as: person,
      payload: { reason: '我改在家里休息' },
    })
    await leave(person)
    const [left] = await world.rows(
      `SELECT content, contact_phone, contact_email FROM clinic_feedback WHERE feedback_id = ${feedback_id}`,
    )
    expect(left).toEqual({ content: '已注销', contact_phone: null, contact_email: null })
    expect(await orderRow(own)).toEqual({ status: 'cancelled', symptoms: '', cancel_reason: null })
  })

  it('takes along patients without an account and without history', async () => {
    const person = await patient(world)
    const id = await add(person, '家人')
    await leave(person)
    expect(await patientRow(id)).toBeUndefined()
  })

  it('leaves other people’s words and patients alone', async () => {
    const [person, other] = [await patient(world), await patient(world)]
    const { feedback_id } = (await world.call('POST', '/common/feedback', { as: other, payload: feedback })).body
      .message
    const theirs = await order(other, other.patientId, '咳嗽')
    await relate(person, other.patientId)
    await leave(person)
    expect(await orderRow(theirs)).toMatchObject({ symptoms: '咳嗽', status: 'pending' })
    expect(await patientRow(other.patientId)).toMatchObject({ gone: false })
    expect(await world.rows(`SELECT content FROM clinic_feedback WHERE feedback_id = ${feedback_id}`)).toMatchObject([
      { content: feedback.content },
    ])
  })

  it('as staff leaves the orders that they made for patients', async () => {
    const desk = await world.person('clinic:desk')
    const walker: PatientPerson = await patient(world)
    const payload = { schedule_id: await schedule(world), patient_id: walker.patientId }
    const { order_id } = (await world.call('POST', '/admin/walk-ins', { as: desk, payload })).body.message
    await leave(desk)
    expect(await orderRow(order_id)).toMatchObject({ status: 'pending' })
    expect(await patientRow(walker.patientId)).toMatchObject({ gone: false })
  })
})
