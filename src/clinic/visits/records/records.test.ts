import { afterAll, describe, expect, it } from 'vitest'
import { doctor, hospitalAdmin, patient } from '../../../../test/support/clinic.ts'
import { call, calledVisit, logOf, register, seenVisit, visit } from '../../../../test/support/clinicVisits.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'
import { recordsOf } from '../../../kernel/privacy/records.ts'
import { leaveClinic } from '../../people/leaving.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

const RECORD = {
  chiefComplaint: '咽痛 3 天',
  presentIllness: '3 天前受凉后出现咽痛，伴低热。',
  auxiliaryExam: '血常规：白细胞 11.2×10⁹/L',
  diagnosis: '急性咽炎',
  prescription: '阿莫西林胶囊 0.5g 每日三次',
  advice: '多饮水，清淡饮食',
  followupDate: '2026-03-09',
}

const write = (as: Person, orderId: number, payload: object) =>
  call(world, as, 'PUT', `/doctor/consultation/${orderId}/record`, payload)
const read = (as: Person, orderId: number) => call(world, as, 'GET', `/common/visit-record/${orderId}`)
const refusal = (words: string) => ({ code: 99, message: { msg: expect.stringContaining(words) } })

/** Runs something at a local time of the world's first days, and sets the clock back. */
async function at<T>(local: string, work: () => Promise<T>): Promise<T> {
  const before = world.clock.now()
  world.clock.set(new Date(`${local}+08:00`))
  try {
    return await work()
  } finally {
    world.clock.set(before)
  }
}

describe('Writing the record of a visit', () => {
  it('is possible while the patient is being called, and with the end of the visit', async () => {
    const { doctor: own, orderId, patient: one } = await calledVisit(world)
    const { message } = await write(own, orderId, { chiefComplaint: ' 咽痛 ', diagnosis: '' })
    expect(message.recordData).toMatchObject({ id: orderId, chiefComplaint: '咽痛', diagnosis: null, version: 1 })
    expect(await read(one, orderId)).toMatchObject({ code: 106 })
    const payload = { order_id: orderId, record: RECORD }
    expect(await call(world, own, 'POST', '/doctor/consultation/complete', payload)).toMatchObject({ code: 0 })
    expect((await read(one, orderId)).message).toEqual({
      basicInfo: { name: expect.stringContaining('患者'), gender: '未知', age: null },
      recordData: {
        id: orderId,
        outpatientNo: expect.stringMatching(/^20260302\d{8}$/),
        visitDate: '2026-03-02',
        hospitalName: expect.stringContaining('院区'),
        department: expect.stringContaining('小科室'),
        doctorName: expect.stringContaining('医生'),
        doctorTitle: '主治医师',
        ...RECORD,
        version: 2,
        updateTime: '2026-03-02 08:00:00',
      },
    })
    expect(await call(world, one, 'GET', `/patient/visit-record/${orderId}`)).toEqual(await read(one, orderId))
  })

  it('is refused before the patient is called, and leaves the visit open if the record is refused', async () => {
    const { doctor: own, orderId, scheduleId } = await visit(world)
    expect(await write(own, orderId, RECORD)).toMatchObject(refusal('正在就诊'))
    await call(world, own, 'POST', '/doctor/consultation/next', { schedule_id: scheduleId })
    const bad = { order_id: orderId, record: { ...RECORD, followupDate: '2026-03-01' } }
    expect(await call(world, own, 'POST', '/doctor/consultation/complete', bad)).toMatchObject(refusal('复诊日期'))
    expect(await write(own, orderId, {})).toMatchObject(refusal('请填写'))
    expect(await write(own, orderId, { chiefComplaint: '  ' })).toMatchObject(refusal('请填写'))
    expect(await write(own, orderId, { followupDate: '2026-03-02' })).toMatchObject({ code: 0 })
    expect(await call(world, own, 'POST', '/doctor/consultation/complete', { order_id: orderId })).toMatchObject({
      code: 0,
    })
  })

  it('is possible until the end of the next day', async () => {
    const { doctor: own, orderId } = await seenVisit(world, RECORD)
    const change = { advice: '卧床休息' }
    expect(await at('2026-03-03T23:59:59.999', () => write(own, orderId, change))).toMatchObject({ code: 0 })
    expect(await at('2026-03-04T00:00:00', () => write(own, orderId, { advice: '' }))).toMatchObject(refusal('次日'))
    expect((await read(own, orderId)).message.recordData).toMatchObject({ ...RECORD, ...change, version: 2 })
  })

  it('is only for the doctor who sees the patient', async () => {
    const { orderId, of, patient: one } = await calledVisit(world)
    const colleague = (await doctor(world, of.deptId, { isHead: true })).person
    expect(await write(colleague, orderId, RECORD)).toMatchObject({ code: 106 })
    expect(await write(await hospitalAdmin(world), orderId, RECORD)).toMatchObject({ code: 102 })
    expect(await write(one, orderId, RECORD)).toMatchObject({ code: 102 })
    expect(await world.rows(`SELECT FROM visit_history WHERE order_id = ${orderId}`)).toEqual([])
  })

  it('is written in the operation log with the names of the fields, not with their content', async () => {
    const { doctor: own, orderId } = await seenVisit(world, RECORD)
    await write(own, orderId, { diagnosis: '扁桃体炎', advice: RECORD.advice })
    await write(own, orderId, { diagnosis: '扁桃体炎' })
    expect(await logOf(world, 'clinic_record', orderId)).toEqual([
      {
        action: 'clinic.record.write',
        actor_id: own.id,
        changes: { version: [0, 1], fields: [null, Object.keys(RECORD)] },
      },
      {
        action: 'clinic.record.change',
        actor_id: own.id,
        changes: { version: [1, 2], fields: [null, ['diagnosis']] },
      },
    ])
  })

  it('loses nothing when two write at once: other fields stay, and an old version is refused', async () => {
    const { doctor: own, orderId } = await calledVisit(world)
    const both = [{ diagnosis: '急性咽炎' }, { advice: '多饮水' }]
    const answers = await Promise.all(both.map((part) => write(own, orderId, part)))
    expect(answers.map(({ code }) => code)).toEqual([0, 0])
    expect((await read(own, orderId)).message.recordData).toMatchObject({ ...both[0], ...both[1], version: 2 })
    const again = await Promise.all(['甲', '乙'].map((diagnosis) => write(own, orderId, { diagnosis, version: 2 })))
    expect(again.map(({ code }) => code).sort()).toEqual([0, 99])
    expect(again.find(({ code }) => code === 99)).toMatchObject(refusal('刷新'))
    expect((await read(own, orderId)).message.recordData).toMatchObject({ advice: '多饮水', version: 3 })
    expect(await write(own, orderId, { advice: '休息', version: 0 })).toMatchObject({ code: 99 })
  })
})

describe('Reading the record of a visit', () => {
  it('is for the patient, the doctor who treated them, and administrators', async () => {
    const { doctor: own, patient: one, orderId, of } = await seenVisit(world, RECORD)
    const admin = await hospitalAdmin(world)
    const colleague = (await doctor(world, of.deptId)).person
    for (const as of [one, own, admin]) expect(await read(as, orderId)).toMatchObject({ code: 0 })
    for (const as of [await patient(world), colleague, await world.person('clinic:desk')])
      expect(await read(as, orderId)).toMatchObject({ code: 106 })
    expect(await read(one, 999_999)).toMatchObject({ code: 106 })
    const log = await logOf(world, 'clinic_record', orderId)
    expect(log.slice(1).map(({ action, actor_id }) => [action, actor_id])).toEqual([
      ['clinic.record.read', own.id],
      ['clinic.record.read', admin.id],
    ])
  })

  it('is for the person who looks after a patient without an account, not for others who know the id card', async () => {
    const { doctor: own, scheduleId, patient: parent } = await visit(world)
    await world.rows(`UPDATE registration_order SET pass_count = 1 WHERE schedule_id = ${scheduleId}`)
    const child = { name: '小明', id_card: '110101201503070018' }
    const { patient_id } = (await call(world, parent, 'POST', '/patient/patients', child)).message
    const orderId = await register(world, parent, scheduleId, patient_id)
    await call(world, own, 'POST', '/doctor/consultation/next', { schedule_id: scheduleId })
    const payload = { order_id: orderId, record: RECORD }
    await call(world, own, 'POST', '/doctor/consultation/complete', payload)
    expect((await read(parent, orderId)).message.basicInfo).toMatchObject({ name: '小明', gender: '男', age: 10 })

    const stranger = await patient(world)
    expect(await call(world, stranger, 'POST', '/patient/patients', child)).toMatchObject({ code: 0 })
    expect(await read(stranger, orderId)).toMatchObject({ code: 106 })
    await world.rows(`UPDATE registration_order SET initiator_user_id = ${stranger.id} WHERE order_id = ${orderId}`)
    expect(await read(stranger, orderId), 'who registered this visit').toMatchObject({ code: 0 })
    await world.rows(`UPDATE patient SET user_id = ${(await world.person()).id} WHERE patient_id = ${patient_id}`)
    for (const as of [parent, stranger]) expect(await read(as, orderId)).toMatchObject({ code: 106 })
  })

  it('shows the diagnosis at the workbench', async () => {
    const { doctor: own, orderId } = await seenVisit(world, RECORD)
    const recent = [expect.objectContaining({ id: orderId, diagnosis: '急性咽炎' })]
    const path = '/doctor/workbench/recent-consultations?limit=1'
    expect((await call(world, own, 'GET', path)).message.records).toEqual(recent)
    expect((await call(world, own, 'GET', '/doctor/workbench/dashboard')).message.recentRecords).toEqual(recent)
  })
})

describe('The record of somebody who leaves', () => {
  it('is kept as it was written, but nobody but the doctor and administrators reads it', async () => {
    const { doctor: own, patient: one, orderId } = await seenVisit(world, RECORD)
    const { name } = (await read(one, orderId)).message.basicInfo
    const health = { pastHistory: ['哮喘'], address: '学生公寓 3 栋' }
    await call(world, one, 'PUT', '/patient/health-record', health)
    await world.rows(`UPDATE registration_order SET symptoms = '咽痛' WHERE order_id = ${orderId}`)
    const review = { rating: 5, comment: '很好' }
    await call(world, one, 'POST', `/patient/appointments/${orderId}/review`, review)
    const feedback = { type: 'praise', content: '很好', contactPhone: '13800138000', contactEmail: 'a@example.com' }
    await call(world, one, 'POST', '/common/feedback', feedback)
    const friend = await patient(world)
    await world.rows(
      `INSERT INTO patient_relation (user_id, related_patient_id, is_keeper, create_time, update_time)
       VALUES (${friend.id}, ${one.patientId}, true, now(), now())`,
    )
    await world.kernel.transaction((tx) => leaveClinic(tx, world.kernel, one.id))
    expect(await world.rows(`SELECT * FROM patient WHERE patient_id = ${one.patientId}`)).toMatchObject([
      { name: '已注销', user_id: null, past_history: [], address: null },
    ])
    expect(await world.rows(`SELECT symptoms FROM registration_order WHERE order_id = ${orderId}`)).toEqual([
      { symptoms: '' },
    ])
    expect(await world.rows(`SELECT rating, comment FROM visit_review WHERE order_id = ${orderId}`)).toEqual([
      { rating: 5, comment: null },
    ])
    const contacts = `SELECT contact_phone, contact_email FROM clinic_feedback WHERE user_id = ${one.id}`
    expect(await world.rows(contacts)).toEqual([{ contact_phone: null, contact_email: null }])
    expect((await read(own, orderId)).message).toMatchObject({ basicInfo: { name }, recordData: RECORD })
    for (const as of [one, friend]) expect(await read(as, orderId)).toMatchObject({ code: 106 })
  })

  it('is in the copy of the person’s data before', async () => {
    const { patient: one, orderId } = await seenVisit(world, RECORD)
    await call(world, one, 'PUT', '/patient/health-record', { allergyHistory: ['青霉素'] })
    const files = new Map<string, unknown>()
    for await (const { name, rows } of recordsOf(world.kernel, one.id)) files.set(name, rows)
    expect(files.get('clinic_visits')).toMatchObject([
      { id: orderId, diagnosis: '急性咽炎', advice: '多饮水，清淡饮食', patient_name: expect.stringContaining('患者') },
    ])
    expect(files.get('patient')).toMatchObject([{ allergy_history: ['青霉素'] }])
  })
})

describe('A doctor whose right to treat is taken away', () => {
  it('no longer reads the records', async () => {
    const { doctor: own, orderId } = await seenVisit(world, RECORD)
    await world.rows(`UPDATE user_roles SET role = 'clinic:patient' WHERE user_id = ${own.id}`)
    world.kernel.sessions.forget(own.id)
    expect(await read(own, orderId)).toMatchObject({ code: 106 })
  })
})
