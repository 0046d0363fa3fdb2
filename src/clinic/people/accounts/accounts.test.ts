import { afterAll, describe, expect, it } from 'vitest'
import { department, doctor, hospitalAdmin, patient } from '../../../../test/support/clinic.ts'
import { openWorld } from '../../../../test/support/world.ts'
import { issueSetupToken } from '../../../kernel/identity/accounts/firstAdministrator.ts'
import type { ProviderMessage } from '../../../kernel/notifications/providers/provider.ts'

/** Codes and links that were sent. */
const sent: ProviderMessage[] = []
const send = async (message: ProviderMessage) => {
  sent.push(message)
  return { providerId: 'x' }
}
const world = await openWorld({ PRODUCTS: 'clinic' }, { replaced: { secretCodes: { email: { send }, sms: { send } } } })
afterAll(() => world.close())

const PASSWORD = 'Str0ng-enough-2026'
const post = async (path: string, payload: unknown) => (await world.call('POST', path, { payload })).body

const codeIn = (text = '') => /\d{6}/.exec(text)?.[0] ?? ''

describe('Registering an administrator', () => {
  const admin = (identifier: string) => ({ identifier, password: PASSWORD, name: '张三' })

  it('is open to who holds the set-up token once, also when two come at once, and then to administrators', async () => {
    const setup_token = await issueSetupToken(world.kernel)
    for (const wrong of [{}, { setup_token: 'a guess' }])
      expect(
        await world.call('POST', '/auth/register-admin', { payload: { ...admin('boss0'), ...wrong } }),
      ).toMatchObject({ status: 403, body: { code: 102, message: { msg: expect.stringContaining('setup_token') } } })
    const both = await Promise.all(
      ['boss1', 'boss2'].map((identifier) => post('/auth/register-admin', { ...admin(identifier), setup_token })),
    )
    expect(both.map(({ code }) => code).sort()).toEqual([0, 102])
    expect(both.find(({ code }) => code === 0)?.message).toEqual({ detail: '成功创建管理员 张三' })
    const refused = await world.call('POST', '/auth/register-admin', { payload: { ...admin('boss3'), setup_token } })
    expect(refused).toMatchObject({
      status: 403,
      body: { code: 102, message: { error: '权限不足', msg: '仅管理员可创建新管理员' } },
    })
    const by = await hospitalAdmin(world)
    const again = await world.call('POST', '/auth/register-admin?identifier=boss4&name=李四', {
      as: by,
      payload: { password: PASSWORD },
    })
    expect(again.body).toMatchObject({ code: 0 })
    const taken = await world.call('POST', '/auth/register-admin', { as: by, payload: admin('boss4') })
    expect(taken).toMatchObject({
      status: 400,
      body: { code: 100, message: { error: '注册失败', msg: expect.stringContaining('工号(identifier)') } },
    })
  })
})

it('Registering the first administrator needs no set-up token if the hospital says so', async () => {
  const open = await openWorld({ PRODUCTS: 'clinic', CLINIC_OPEN_BOOTSTRAP: 'on' })
  const payload = { identifier: 'boss1', password: PASSWORD, name: '张三' }
  expect((await open.call('POST', '/auth/register-admin', { payload })).body).toMatchObject({ code: 0 })
  await open.close()
})

describe('Registering as a patient', () => {
  it('with a username sends a link, and the address counts once the link is opened', async () => {
    const body = { username: 'testuser', email: 'user@example.com', phonenumber: '+86 13912345678', password: PASSWORD }
    expect(await post('/auth/register', body)).toEqual({ code: 0, message: { detail: '注册成功，请前往邮箱验证' } })
    const logIn = await post('/auth/patient/login', { username: '13912345678', password: PASSWORD })
    expect(logIn.message).toMatchObject({ userid: expect.any(Number), token_type: 'Bearer' })
    const me = async () =>
      (await world.call('GET', `/auth/users/${logIn.message.userid}`, { as: logIn.message.access_token })).body
    expect((await me()).message).toMatchObject({ username: 'testuser', email: '', is_admin: false })
    await world.drain()
    const link = sent.at(-1)
    expect(link?.to).toBe('user@example.com')
    const path = /\/auth\/verify-email\?\S+/.exec(link?.text ?? '')?.[0] ?? ''
    expect((await world.call('GET', path)).body).toMatchObject({ code: 0 })
    expect((await me()).message).toMatchObject({ email: 'user@example.com' })
    for (const old of [path, `${path}x`]) expect((await world.call('GET', old)).body).toMatchObject({ code: 99 })
  })

  it('without a username needs a phone number that was proved by a code, and logs in at once', async () => {
    const body = {
      phonenumber: '13811112222',
      password: PASSWORD,
      name: '李同学',
      gender: '女',
      birth_date: '2004-03-03',
    }
    expect(await post('/auth/register', body)).toMatchObject({
      code: 100,
      message: { msg: expect.stringContaining('验证码') },
    })
    expect(await post('/auth/sms/send-code', { phone: body.phonenumber })).toMatchObject({ code: 0 })
    await world.drain()
    const code = codeIn(sent.at(-1)?.text)
    const wrong = code === '000000' ? '000001' : '000000'
    expect(await post('/auth/sms/verify-code', { phone: body.phonenumber, code: wrong })).toMatchObject({ code: 99 })
    expect(await post('/auth/sms/verify-code', { phone: body.phonenumber, code })).toMatchObject({ code: 0 })
    const registered = await post('/auth/register', body)
    expect(registered.message.access_token).toEqual(expect.any(String))
    const info = await world.call('GET', '/auth/user-info', { as: registered.message.access_token })
    expect(info.body.message).toMatchObject({
      doctor: null,
      patient: {
        realName: '李同学',
        gender: '女',
        birthDate: '2004-03-03',
        age: 21,
        patientType: '校外',
        verified: false,
      },
    })
    expect(await post('/auth/register', { ...body, phonenumber: '13811112223' })).toMatchObject({ code: 100 })
  })

  it('uses each proof once', async () => {
    const phone = '13811113333'
    await post('/auth/sms/send-code', { phone })
    await world.drain()
    await post('/auth/sms/verify-code', { phone, code: codeIn(sent.at(-1)?.text) })
    const body = { phonenumber: phone, password: PASSWORD, name: '王同学' }
    const both = await Promise.all([post('/auth/register', body), post('/auth/register', body)])
    expect(both.map(({ code }) => code).sort()).toEqual([0, 100])
  })

  it('is refused with a weak password', async () => {
    expect(await post('/auth/register', { username: 'weakling', password: '12345678' })).toMatchObject({
      code: 100,
      message: { msg: expect.stringContaining('密码强度') },
    })
  })

  it('gets five codes an hour at most, and five tries each', async () => {
    const phone = '13811114444'
    for (const code of [0, 0, 0, 0, 0, 99]) expect(await post('/auth/sms/send-code', { phone })).toMatchObject({ code })
    await world.drain()
    const right = codeIn(sent.at(-1)?.text)
    const wrong = right === '000000' ? '000001' : '000000'
    for (let n = 0; n < 5; n += 1) await post('/auth/sms/verify-code', { phone, code: wrong })
    expect(await post('/auth/sms/verify-code', { phone, code: right })).toMatchObject({ code: 99 })
  })
})

describe('Logging in', () => {
  it('answers 101 with HTTP 200 for a wrong password', async () => {
    const answer = await world.call('POST', '/auth/staff/login', {
      payload: { identifier: 'boss4', password: 'wrong' },
    })
    expect(answer).toMatchObject({ status: 200, body: { code: 101, message: { error: '登录失败' } } })
  })

  it('takes a form at swagger-login, and answers outside the envelope', async () => {
    const answer = await world.call('POST', '/auth/swagger-login', { form: { username: 'boss4', password: PASSWORD } })
    expect(answer.body).toEqual({ access_token: expect.any(String), token_type: 'bearer' })
    const me = await world.call('GET', '/auth/me', { as: answer.body.access_token })
    expect(me.body).toEqual({ code: 0, message: { role: 'admin' } })
  })

  it('answers the token alone if it is configured so', async () => {
    const other = await openWorld({
      ...{ PRODUCTS: 'clinic', CLINIC_OPEN_BOOTSTRAP: 'on' },
      ...{ CLINIC_LOGIN_REPLY: 'token', CLINIC_SINGLE_SESSION: 'on' },
    })
    await other.call('POST', '/auth/register-admin', {
      payload: { identifier: 'chief', password: PASSWORD, name: '张三' },
    })
    const enter = async () =>
      (await other.call('POST', '/auth/staff/login', { payload: { identifier: 'chief', password: PASSWORD } })).body
        .message
    const first = await enter()
    expect(first).toEqual(expect.any(String))
    const second = await enter()
    expect((await other.call('GET', '/auth/me', { as: first })).status).toBe(401)
    expect((await other.call('GET', '/auth/me', { as: second })).status).toBe(200)
    await other.close()
  })
})

describe('Users', () => {
  it('see themselves only; administrators see everybody', async () => {
    const [person, other, admin] = [await patient(world), await patient(world), await hospitalAdmin(world)]
    expect((await world.call('GET', `/auth/users/${person.id}`, { as: person })).body).toMatchObject({ code: 0 })
    expect((await world.call('GET', `/auth/users/${other.id}`, { as: person })).body).toMatchObject({ code: 102 })
    expect((await world.call('GET', '/auth/users', { as: person })).status).toBe(403)
    expect((await world.call('GET', '/auth/users/999999', { as: admin })).body).toMatchObject({ code: 103 })
    const { message } = (await world.call('GET', '/auth/users', { as: admin })).body
    expect(message).toContainEqual(expect.objectContaining({ userid: other.id, is_admin: false }))
  })

  it('change their names, but their contacts only with the password', async () => {
    await post('/auth/register', { username: 'renamed', password: PASSWORD, phonenumber: '13700000001' })
    const { userid, access_token: as } = (await post('/auth/login', { username: 'renamed', password: PASSWORD }))
      .message
    const change = async (payload: unknown) =>
      (await world.call('PUT', `/auth/users/${userid}/updateProfile`, { as, payload })).body
    expect((await change({ username: 'newname' })).message.user).toMatchObject({ username: 'newname' })
    world.clock.set(new Date(world.clock.now().getTime() + 11 * 60_000))
    expect(await change({ phonenumber: '13700000002' })).toMatchObject({
      code: 104,
      message: { msg: expect.stringContaining('password') },
    })
    expect(await change({ phonenumber: '13700000002', password: PASSWORD })).toMatchObject({ code: 0 })
    expect(await change({ username: '13700000003' })).toMatchObject({ code: 104 })
  })

  it('are deleted by administrators, who are not deleted themselves', async () => {
    const [person, admin, other] = [await patient(world), await hospitalAdmin(world), await hospitalAdmin(world)]
    const remove = async (id: number) => (await world.call('DELETE', `/auth/users/${id}`, { as: admin })).body
    expect(await remove(other.id)).toMatchObject({ code: 102 })
    expect(await remove(person.id)).toMatchObject({ code: 0 })
    expect((await world.call('GET', '/auth/me', { as: person })).status).toBe(401)
  })
})

describe('One’s own information', () => {
  it('shows a doctor with their department', async () => {
    const { deptId } = await department(world)
    const { person } = await doctor(world, deptId, { isHead: true })
    const info = (await world.call('GET', '/auth/user-info', { as: person })).body.message
    expect(info).toMatchObject({ patient: null, doctor: { department_id: deptId, is_department_head: 'True' } })
  })

  it('is changed by the patient', async () => {
    const person = await patient(world)
    const payload = { realName: '新名字', gender: '男', birthDate: '2000-01-01' }
    const changed = await world.call('PUT', '/auth/profile', { as: person, payload })
    expect(changed.body.message).toMatchObject({ updatedFields: ['realName', 'gender', 'birthDate'] })
    expect((await world.call('GET', '/auth/user-info', { as: person })).body.message.patient).toMatchObject({
      realName: '新名字',
      age: 26,
    })
  })
})

it('refuses a missing or forged token with HTTP 401 and the code 105', async () => {
  for (const as of [undefined, 'forged'])
    expect(await world.call('GET', '/auth/me', { as })).toMatchObject({ status: 401, body: { code: 105 } })
})

it('answers unknown paths under its roots with 404 and the code 98', async () => {
  expect(await world.call('GET', '/patient/nonsense')).toMatchObject({ status: 404, body: { code: 98 } })
  expect(await world.call('DELETE', '/auth/me')).toMatchObject({ status: 405, body: { code: 98 } })
})
