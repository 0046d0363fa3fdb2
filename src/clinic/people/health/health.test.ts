import { afterAll, describe, expect, it } from 'vitest'
import { department, doctor, hospitalAdmin, patient, schedule } from '../../../../test/support/clinic.ts'
import { call, logOf, register, seenVisit, visit } from '../../../../test/support/clinicVisits.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

const mine = (as: Person, of = '') => call(world, as, 'GET', `/patient/health-record${of}`)
const change = (as: Person, payload: object, of = '') => call(world, as, 'PUT', `/patient/health-record${of}`, payload)
const patientOf = (as: Person, id: number) => call(world, as, 'GET', `/doctor/patient/${id}`)

describe('A person’s health record', () => {
  it('has what they wrote, and the records of their completed visits, the latest first', async () => {
    const { patient: one, orderId, of } = await seenVisit(world, { diagnosis: '感冒', advice: '休息' })
    const { doctorId, person } = await doctor(world, of.deptId)
    const id = await schedule(world, { of, doctorId, day: 0, section: '晚上', price: 0 })
    await world.rows(`UPDATE visit_history SET visit_date = '2026-03-01' WHERE order_id = ${orderId}`)
    await world.rows(`UPDATE registration_order SET slot_date = '2026-01-01' WHERE order_id = ${orderId}`)
    const second = await register(world, one, id, one.patientId)
    await call(world, person, 'POST', '/doctor/consultation/next', { schedule_id: id })
    await call(world, person, 'PUT', `/doctor/consultation/${second}/record`, { diagnosis: '鼻炎' })
    const diagnoses = async () =>
      (await mine(one)).message.consultationRecords.map(({ diagnosis }: { diagnosis: string }) => diagnosis)
    expect(await diagnoses(), 'the second visit is not over').toEqual(['感冒'])
    await call(world, person, 'POST', '/doctor/consultation/complete', { order_id: second })
    expect(await diagnoses()).toEqual(['鼻炎', '感冒'])
    expect((await mine(one)).message).toMatchObject({
      patientId: one.patientId,
      basicInfo: { name: expect.stringContaining('患者'), gender: '未知', age: null, height: null, idCard: null },
      medicalHistory: { pastHistory: [], allergyHistory: [], familyHistory: [] },
      consultationRecords: [
        { id: second, visitDate: '2026-03-02' },
        { id: orderId, advice: '休息' },
      ],
    })
  })

  it('is changed field by field, and the operation log names the fields', async () => {
    const one = await patient(world)
    const first = { pastHistory: [' 哮喘 '], allergyHistory: ['青霉素', '花生'], height: 172, address: '公寓 3 栋' }
    expect((await change(one, first)).message).toMatchObject({
      basicInfo: { height: 172, address: '公寓 3 栋' },
      medicalHistory: { pastHistory: ['哮喘'], allergyHistory: ['青霉素', '花生'], familyHistory: [] },
    })
    await Promise.all([change(one, { familyHistory: ['高血压'] }), change(one, { pastHistory: [], address: '' })])
    expect((await mine(one)).message).toMatchObject({
      basicInfo: { height: 172, address: null },
      medicalHistory: { pastHistory: [], allergyHistory: ['青霉素', '花生'], familyHistory: ['高血压'] },
    })
    const [entry] = await logOf(world, 'clinic_patient', one.patientId)
    expect(entry).toEqual({
      action: 'clinic.patient.health',
      actor_id: one.id,
      changes: { fields: [null, ['past_history', 'allergy_history', 'height', 'address']] },
    })
  })

  it('refuses too long or too many entries', async () => {
    const one = await patient(world)
    for (const payload of [
      { pastHistory: ['x'.repeat(201)] },
      { allergyHistory: Array.from({ length: 51 }, () => '花生') },
      { familyHistory: ['  '] },
      { height: 19 },
      { height: 261 },
    ])
      expect(await change(one, payload)).toMatchObject({ code: 99 })
  })

  it('is also there for patients without an account whom one has entered, and for no others', async () => {
    const [parent, other] = [await patient(world), await patient(world)]
    const child = { name: '小红', identifier: 'C-1' }
    const { patient_id } = (await call(world, parent, 'POST', '/patient/patients', child)).message
    const of = `?patient_id=${patient_id}`
    expect((await change(parent, { allergyHistory: ['牛奶'] }, of)).message).toMatchObject({ patientId: patient_id })
    expect((await mine(parent, of)).message.medicalHistory).toMatchObject({ allergyHistory: ['牛奶'] })
    expect((await mine(parent)).message.medicalHistory).toMatchObject({ allergyHistory: [] })
    await world.rows(
      `INSERT INTO patient_relation (user_id, related_patient_id, create_time, update_time)
       VALUES (${other.id}, ${patient_id}, now(), now())`,
    )
    for (const [as, whose] of [[other, of] as const, [parent, `?patient_id=${other.patientId}`] as const]) {
      expect(await mine(as, whose)).toMatchObject({ code: 106 })
      expect(await change(as, { pastHistory: ['x'] }, whose)).toMatchObject({ code: 106 })
    }
    expect(await mine(await world.person('clinic:desk'))).toMatchObject({ code: 106 })
  })
})

describe('A doctor', () => {
  it('reads patients who have or had an order with them; each reading is in the operation log', async () => {
    const { doctor: own, patient: one } = await seenVisit(world, { diagnosis: '感冒' })
    await world.rows(
      `UPDATE patient SET id_card_encrypted = '${world.kernel.secrets.cipher.encrypt('110101199003071234')}',
         id_card_index = 'x' WHERE patient_id = ${one.patientId}`,
    )
    await change(one, { allergyHistory: ['青霉素'] })
    expect((await patientOf(own, one.patientId)).message).toMatchObject({
      patientId: one.patientId,
      basicInfo: { name: expect.stringContaining('患者'), idCard: '1101**********1234' },
      medicalHistory: { allergyHistory: ['青霉素'] },
      consultationRecords: [{ diagnosis: '感冒' }],
    })
    expect((await mine(one)).message.basicInfo).toMatchObject({ idCard: '110101199003071234' })
    expect((await logOf(world, 'clinic_patient', one.patientId)).slice(1)).toEqual([
      { action: 'clinic.patient.read', actor_id: own.id, changes: null },
    ])
  })

  it('reads the patients of their department on the day of the visit only, and no others', async () => {
    const { of, patient: one } = await visit(world)
    const colleague = (await doctor(world, of.deptId)).person
    const elsewhere = (await visit(world)).doctor
    expect(await patientOf(colleague, one.patientId)).toMatchObject({ code: 0 })
    expect(await patientOf(elsewhere, one.patientId)).toMatchObject({ code: 106 })
    expect(await patientOf(await world.person('clinic:doctor'), one.patientId)).toMatchObject({ code: 102 })
    expect(await patientOf(await hospitalAdmin(world), one.patientId)).toMatchObject({ code: 0 })
    expect(await patientOf(one, one.patientId)).toMatchObject({ code: 102 })
    world.clock.advance(16 * 60)
    expect(await patientOf(colleague, one.patientId)).toMatchObject({ code: 106 })
    world.clock.advance(-16 * 60)
  })

  it('does not read patients whose order was cancelled', async () => {
    const of = await department(world)
    const own = await doctor(world, of.deptId)
    const one = await patient(world)
    const id = await register(world, one, await schedule(world, { of, doctorId: own.doctorId }), one.patientId)
    expect(await patientOf(own.person, one.patientId)).toMatchObject({ code: 0 })
    await world.call('PUT', `/patient/appointments/${id}/cancel`, { as: one })
    expect(await patientOf(own.person, one.patientId)).toMatchObject({ code: 106 })
  })
})
