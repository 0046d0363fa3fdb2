import { afterAll, describe, expect, it } from 'vitest'
import { hospitalAdmin, type PatientPerson, patient, schedule } from '../../../../test/support/clinic.ts'
import { startCampus } from '../../../../test/support/fakes/campus.ts'
import type { Reply } from '../../../../test/support/fakes/http.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'

const KEY = 'the key of the campus'
const SECRET = 'Campus-secret-2026'
const numbers = Array.from({ length: 30 }, (_, n) => `S${1000 + n}`)
let other: Reply | undefined
const campus = await startCampus(
  KEY,
  {
    ...Object.fromEntries(numbers.map((number) => [number, { password: SECRET, patient_type: 'student' }])),
    T1: { password: SECRET, patient_type: '教师' },
    X1: { password: SECRET, patient_type: 'robot' },
  },
  () => other,
)
const world = await openWorld(
  { PRODUCTS: 'clinic', CLINIC_CAMPUS_URL: campus.url, CLINIC_CAMPUS_KEY: KEY },
  { logLevel: 'debug' },
)
afterAll(async () => {
  await world.close()
  await campus.close()
})
const admin = await hospitalAdmin(world)
const desk = await world.person('clinic:desk')

const verify = async (as: Person, identifier: string, password = SECRET) =>
  (await world.call('POST', '/patient/identity/verify', { as, payload: { identifier, password } })).body
const byCard = async (as: Person, id: number, payload: object) =>
  (await world.call('POST', `/admin/patients/${id}/verify`, { as, payload })).body
const rowOf = async ({ patientId }: { readonly patientId: number }) =>
  (
    await world.rows<object>(
      `SELECT patient_type, is_verified, identifier FROM patient WHERE patient_id = ${patientId}`,
    )
  )[0]
const priceFor = async (person: PatientPerson) => {
  const payload = { scheduleId: await schedule(world, { price: 5000 }), patientId: person.patientId }
  return (await world.call('POST', '/patient/appointments', { as: person, payload })).body.message.payAmount
}
let next = 0
const number = () => numbers[next++] ?? ''
const later = (minutes: number) => world.clock.set(new Date(world.clock.now().getTime() + minutes * 60_000))

describe('An identity by the campus account', () => {
  it('sets type and number, and so the price', async () => {
    const [person, identifier] = [await patient(world), number()]
    expect(await priceFor(person)).toBe(50)
    expect(await verify(person, ` ${identifier} `)).toEqual({
      code: 0,
      message: {
        ...{ status: 'verified', verified: true, patient_type: '学生', identifier, discount: 0.8 },
        detail: '身份认证成功',
      },
    })
    expect(await rowOf(person)).toEqual({ patient_type: '学生', is_verified: true, identifier })
    expect(await priceFor(person)).toBe(40)
    const info = (await world.call('GET', '/auth/user-info', { as: person })).body.message.patient
    expect(info).toMatchObject({ verified: true, patientType: '学生', identifier })
    expect((await verify(person, 'T1')).message).toMatchObject({ patient_type: '教师', identifier: 'T1' })
  })

  it('verifies one patient only, also when two come at once', async () => {
    const [one, two, identifier] = [await patient(world), await patient(world), number()]
    const both = await Promise.all([verify(one, identifier), verify(two, identifier)])
    expect(both.map(({ code }) => code).sort()).toEqual([0, 99])
    const third = await patient(world)
    expect(await verify(third, identifier)).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('已登记') },
    })
    expect(await rowOf(third)).toMatchObject({ is_verified: false, identifier: null })
  })

  it('takes the number from a patient who only claimed it', async () => {
    const [person, squatter, identifier] = [await patient(world), await patient(world), number()]
    const payload = { name: '某人', identifier }
    const { patient_id: patientId } = (await world.call('POST', '/patient/patients', { as: squatter, payload })).body
      .message
    expect(await verify(person, identifier)).toMatchObject({ code: 0 })
    expect(await rowOf({ patientId })).toMatchObject({ identifier: null, is_verified: false })
  })

  it('is refused for a wrong password, at most five times in 15 minutes', async () => {
    const [person, identifier] = [await patient(world), number()]
    const wrong = { code: 99, message: { msg: expect.stringContaining('密码错误') } }
    for (let n = 0; n < 5; n += 1) expect(await verify(person, `none${n}`, 'guess')).toMatchObject(wrong)
    const asked = campus.asked.length
    const tooMany = { code: 99, message: { msg: expect.stringContaining('次数过多') } }
    expect(await verify(person, identifier)).toMatchObject(tooMany)
    expect(campus.asked).toHaveLength(asked)
    later(15)
    expect(await verify(person, identifier)).toMatchObject({ code: 0 })
  })

  it('counts tries that come at once, and those for one number by many accounts', async () => {
    const [person, identifier] = [await patient(world), number()]
    const guesses = await Promise.all(Array.from({ length: 8 }, (_, n) => verify(person, `many${n}`, 'guess')))
    expect(guesses.filter(({ message }) => message.msg.includes('密码错误'))).toHaveLength(5)
    for (let n = 0; n < 5; n += 1) await verify(await patient(world), identifier, 'guess')
    expect((await verify(await patient(world), identifier)).message.msg).toContain('次数过多')
    later(15)
    await world.system.jobs.runNow('clinic.identity-tries-sweep')
    expect(await world.rows('SELECT FROM clinic_identity_try')).toEqual([])
  })

  it.each<[string, Reply]>([
    ['a failure', { status: 500, body: { error: SECRET } }],
    ['a wrong key', { status: 401, body: {} }],
    ['a redirection', { status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: {} }],
    ['something else', { body: { ok: true } }],
    ['no object', { body: [SECRET] }],
    ['too long a number', { body: { verified: true, identifier: 'x'.repeat(51), patient_type: 'student' } }],
  ])('answers “try later” for %s, and doesn’t count the try', async (_, reply) => {
    const person = await patient(world)
    const identifier = number()
    other = reply
    for (let n = 0; n < 6; n += 1)
      expect(await verify(person, identifier)).toMatchObject({
        code: 99,
        message: { msg: expect.stringContaining('稍后再试') },
      })
    other = undefined
    expect(await verify(person, identifier)).toMatchObject({ code: 0 })
  })

  it('is refused for a kind of person that is unknown, and for users without a record', async () => {
    expect((await verify(await patient(world), 'X1')).message.msg).toContain('稍后再试')
    expect((await verify(admin, number())).message.msg).toContain('没有患者档案')
  })

  it('leaves no password and no answer in logs and tables', async () => {
    const tables = await world.rows<{ all: string }>(`SELECT jsonb_agg(to_jsonb(o))::text AS all FROM operation_log o`)
    expect(JSON.stringify([world.lines, tables])).not.toContain(SECRET)
    expect(world.lines.join('')).toContain('the campus system did not answer as agreed')
    expect(world.lines.join('')).not.toContain(KEY)
  })
})

it('without a campus system is confirmed at the desk only', async () => {
  const plain = await openWorld({ PRODUCTS: 'clinic' })
  const answer = await plain.call('POST', '/patient/identity/verify', {
    as: await patient(plain),
    payload: { identifier: 'S1', password: 'x' },
  })
  expect(answer.body).toMatchObject({ code: 99, message: { msg: expect.stringContaining('挂号窗口') } })
  await plain.close()
})

describe('An identity by the card', () => {
  it('is set by desk and administrators, written down, and ended by 校外', async () => {
    const [person, identifier] = [await patient(world), 'CARD1']
    expect(await byCard(desk, person.patientId, { patient_type: '职工', identifier })).toMatchObject({
      code: 0,
      message: { patient_type: '职工', identifier, discount: 0.8 },
    })
    expect(await priceFor(person)).toBe(40)
    await world.drain()
    const log = await world.rows(
      `SELECT actor_id FROM operation_log WHERE action = 'clinic.identity.verify_by_card' AND resource_id = '${person.patientId}'`,
    )
    expect(log).toEqual([{ actor_id: desk.id }])
    expect(await byCard(admin, person.patientId, { patient_type: '校外' })).toMatchObject({ code: 0 })
    expect(await rowOf(person)).toEqual({ patient_type: '校外', is_verified: true, identifier: null })
    expect(await priceFor(person)).toBe(50)
  })

  it('is refused without a number, for a number of somebody else, and for nobody', async () => {
    const [one, two] = [await patient(world), await patient(world)]
    expect(await byCard(desk, one.patientId, { patient_type: '学生' })).toMatchObject({ code: 99 })
    await byCard(desk, one.patientId, { patient_type: '学生', identifier: 'CARD2' })
    expect(await byCard(desk, two.patientId, { patient_type: '学生', identifier: 'CARD2' })).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('已登记') },
    })
    expect(await byCard(desk, 999_999, { patient_type: '校外' })).toMatchObject({ code: 106 })
    expect(await byCard(one, two.patientId, { patient_type: '校外' })).toMatchObject({ code: 102 })
  })
})
