import { afterAll, describe, expect, it } from 'vitest'
import { department, doctor, hospitalAdmin, patient, schedule } from '../../../../test/support/clinic.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'
import { DESK_ROLE } from '../../permissions.ts'
import { readIdCard } from './rules.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

/** An id card number with the right check digit; `n` tells people apart. */
function idCard(n: number): string {
  const start = `11010119900307${String(n).padStart(3, '0')}`
  const last = [...'0123456789X'].find((check) => readIdCard(start + check) !== undefined)
  return start + (last ?? '')
}

const add = async (as: Person, payload: Record<string, unknown>) =>
  (await world.call('POST', '/patient/patients', { as, payload })).body
const list = async (as: Person) => (await world.call('GET', '/patient/patients', { as })).body.message

describe('An id card number', () => {
  it('says birth date and gender, and is refused with a wrong check digit, date or form', () => {
    const number = idCard(1)
    expect(readIdCard(number)).toEqual({ number, birthDate: '1990-03-07', gender: '男' })
    expect(readIdCard(idCard(2))?.gender).toBe('女')
    const wrong = `${number.slice(0, 17)}${number.endsWith('0') ? '1' : '0'}`
    for (const text of [wrong, '110101199013071234', '1101011990030712', '']) expect(readIdCard(text)).toBeUndefined()
  })
})

describe('The patients of a user', () => {
  it('are added with encrypted numbers, listed, and can be registered', async () => {
    const person = await patient(world)
    const body = {
      name: '李奶奶',
      id_card: idCard(11),
      phone_number: '13800138000',
      relation_type: '祖母',
      is_default: true,
    }
    const { patient_id } = (await add(person, body)).message
    const stored = await world.rows<{ id_card_encrypted: string }>(
      `SELECT id_card_encrypted FROM patient WHERE patient_id = ${patient_id}`,
    )
    expect(stored[0]?.id_card_encrypted).not.toContain(body.id_card)
    expect((await list(person)).patients).toMatchObject([
      {
        is_default: true,
        relation_type: '祖母',
        patient: { patient_id, real_name: '李奶奶', id_card: body.id_card, phone_number: '+8613800138000', age: 35 },
      },
    ])
    const scheduleId = await schedule(world)
    const registered = await world.call('POST', '/patient/appointments', {
      as: person,
      payload: { scheduleId, patientId: patient_id },
    })
    expect(registered.body).toMatchObject({ code: 0 })
    const mine = await world.call('GET', '/patient/my-initiated-appointments', { as: person })
    expect(mine.body.message.list).toMatchObject([{ patientName: '李奶奶' }])
    // An unknown state is no filter, whatever it is called.
    const odd = await world.call('GET', '/patient/my-initiated-appointments?status=valueOf', { as: person })
    expect(odd.body.message.list).toHaveLength(1)
    expect((await world.call('GET', '/patient/appointments', { as: person })).body.message.total).toBe(0)
  })

  it('are linked by the id card if the name is the same, and then show masked data only', async () => {
    const [owner, other] = [await patient(world), await patient(world)]
    const number = idCard(12)
    const { patient_id } = (await add(owner, { name: '王爷爷', id_card: number })).message
    await world.rows(
      `UPDATE patient SET user_id = ${(await world.person('clinic:patient')).id} WHERE patient_id = ${patient_id}`,
    )
    expect(await add(other, { name: '张三', id_card: number })).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('姓名不一致') },
    })
    expect((await add(other, { name: '王爷爷', id_card: number })).message).toMatchObject({ patient_id })
    expect((await list(other)).patients[0].patient).toMatchObject({
      id_card: `1101**********${number.slice(-4)}`,
      birth_date: null,
    })
    expect(await add(other, { name: '王爷爷', id_card: number })).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('已在您的列表中') },
    })
  })

  it('are ten at most, also when several are added at once', async () => {
    const person = await patient(world)
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => add(person, { name: `家人 ${n}` })))
    expect(answers.filter(({ code }) => code === 0)).toHaveLength(10)
    expect((await list(person)).total).toBe(10)
  })

  it('have one default', async () => {
    const person = await patient(world)
    const [first, second] = [
      (await add(person, { name: '家人甲', is_default: true })).message.patient_id,
      (await add(person, { name: '家人乙' })).message.patient_id,
    ]
    const defaultOf = async () =>
      (await world.call('GET', '/patient/patients/default', { as: person })).body.message.patient
    expect(await defaultOf()).toMatchObject({ patient_id: first })
    await world.call('PUT', `/patient/patients/${second}/set-default`, { as: person })
    expect(await defaultOf()).toMatchObject({ patient_id: second })
    await world.call('DELETE', `/patient/patients/${second}`, { as: person })
    expect(await defaultOf()).toBeNull()
  })

  it('can no longer be registered when they are taken off, and are changed by their user only', async () => {
    const [person, other] = [await patient(world), await patient(world)]
    const { patient_id } = (await add(person, { name: '家人' })).message
    const change = async (as: Person) =>
      (await world.call('PUT', `/patient/patients/${patient_id}`, { as, payload: { relation_type: '子女' } })).body
    expect(await change(other)).toMatchObject({ code: 106 })
    expect(await change(person)).toMatchObject({ code: 0 })
    await world.rows(`INSERT INTO patient_relation (user_id, related_patient_id, create_time, update_time)
      VALUES (${other.id}, ${patient_id}, now(), now())`)
    await world.call('DELETE', `/patient/patients/${patient_id}`, { as: person })
    const payload = { scheduleId: await schedule(world), patientId: patient_id }
    expect((await world.call('POST', '/patient/appointments', { as: person, payload })).body).toMatchObject({
      code: 102,
    })
  })

  it.each([
    [{ name: '甲', id_card: '110101199003071234' }, '身份证号有误'],
    [{ name: '甲', phone_number: 'abc' }, '手机号有误'],
  ])('are refused with wrong numbers: %j', async (body, msg) => {
    expect(await add(await patient(world), body)).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining(msg) },
    })
  })
})

describe('Patients', () => {
  it('are found by staff by name, phone number and id, with masked id cards', async () => {
    const admin = await hospitalAdmin(world)
    const { patient_id } = (
      await add(await patient(world), { name: '独一无二', id_card: idCard(13), phone_number: '13612345678' })
    ).message
    for (const query of ['name=独一', 'phone=13612345678', `patient_id=${patient_id}`]) {
      const { message } = (await world.call('GET', `/admin/patients?${query}`, { as: admin })).body
      expect(message).toMatchObject({
        total: 1,
        patients: [{ patient_id, name: '独一无二', idCard: expect.stringContaining('****') }],
      })
    }
    expect((await world.call('GET', '/admin/patients?phone=xyz', { as: admin })).body.message).toEqual({
      patients: [],
      total: 0,
    })
  })
})

describe('The desk', () => {
  it('finds patients, and enters new ones once, who can then be registered', async () => {
    const as = await world.person(DESK_ROLE)
    const enter = async (payload: object) => (await world.call('POST', '/admin/patients', { as, payload })).body
    const kim = { name: '金大勇', id_card: '11010519491231002X', phone: '13912340000' }
    const { message } = await enter(kim)
    expect(message).toEqual({ patient_id: expect.any(Number), detail: '患者已登记' })
    expect((await enter(kim)).message).toMatchObject({ patient_id: message.patient_id })
    expect(await enter({ ...kim, name: '别人' })).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('姓名') },
    })
    expect(await enter({ name: '某某', id_card: '110105194912310021' })).toMatchObject({ code: 99 })
    expect((await world.call('GET', '/admin/patients?phone=13912340000', { as })).body.message).toMatchObject({
      total: 1,
      patients: [{ patient_id: message.patient_id, name: '金大勇', gender: '女' }],
    })
    const payload = { schedule_id: await schedule(world), patient_id: message.patient_id }
    expect((await world.call('POST', '/admin/walk-ins', { as, payload })).body).toMatchObject({ code: 0 })
    const stranger = await world.call('POST', '/admin/patients', { as: await patient(world), payload: kim })
    expect(stranger).toMatchObject({ status: 403, body: { code: 102 } })
  })
})

describe('Doctors', () => {
  it('find patients by their whole name or phone number only, with masked numbers', async () => {
    const { person: as } = await doctor(world, (await department(world)).deptId)
    const owner = await patient(world)
    const kim = { name: '金小满', gender: '女', birth_date: '2000-02-03', phone_number: '13912345678' }
    await world.call('POST', '/patient/patients', { as: owner, payload: { ...kim, relation_type: '朋友' } })
    const find = async (keyword: string) =>
      (await world.call('GET', `/doctor/patients/exact-search?keyword=${encodeURIComponent(keyword)}`, { as })).body
    for (const keyword of ['金小满', '13912345678', '+86 139 1234 5678']) {
      const { patients } = (await find(keyword)).message
      expect(patients).toMatchObject([{ name: '金小满', gender: '女', age: 26, phone: expect.stringContaining('*') }])
      expect(JSON.stringify(patients)).not.toContain('13912345678')
    }
    for (const keyword of ['金小', '小满', '1391234', '%']) expect((await find(keyword)).message.patients).toEqual([])
    expect(await find(' ')).toMatchObject({ code: 99 })
  })
})

describe('A user who leaves', () => {
  it('gives open orders back with the money, and leaves no personal data', async () => {
    const [person, admin] = [await patient(world), await hospitalAdmin(world)]
    const id = await schedule(world, { slots: 1 })
    const order = await world.call('POST', '/patient/appointments', {
      as: person,
      payload: { scheduleId: id, patientId: person.patientId },
    })
    await world.call('POST', `/patient/appointments/${order.body.message.id}/pay`, {
      as: person,
      payload: { method: 'bank' },
    })
    const next = await patient(world)
    const waiting = await world.call('POST', '/patient/waitlist', {
      as: next,
      payload: { scheduleId: id, patientId: next.patientId },
    })
    expect((await world.call('DELETE', `/auth/users/${person.id}`, { as: admin })).body).toMatchObject({ code: 0 })
    const rows = await world.rows(
      `SELECT status, payment_status FROM registration_order WHERE order_id = ${order.body.message.id}`,
    )
    expect(rows).toEqual([{ status: 'cancelled', payment_status: 'refunded' }])
    expect(await world.rows(`SELECT name, user_id FROM patient WHERE patient_id = ${person.patientId}`)).toEqual([
      { name: '已注销', user_id: null },
    ])
    const promoted = await world.call('GET', `/patient/appointments/${waiting.body.message.id}`, { as: next })
    expect(promoted.body.message).toMatchObject({ status: 'pending' })
  })
})
