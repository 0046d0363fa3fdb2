import { sql } from 'kysely'
import { afterAll, describe, expect, test } from 'vitest'
import { HOME, logIn, PASSWORD, register, setUpAdministrator } from '../../../test/support/site.ts'
import { openWorld, SATURDAY } from '../../../test/support/world.ts'

const world = await openWorld({}, { now: SATURDAY })
const admin = await setUpAdministrator(world)
afterAll(() => world.close())

const me = (token: string) => world.call('GET', '/api/v1/users/me', { as: token })

describe('registering', () => {
  test('answers 201 with the user, who is an employee, without the password', async () => {
    const answer = await world.call('POST', '/api/v1/users/register', {
      payload: {
        username: '张三',
        password: PASSWORD,
        email: 'Zhang@Example.com',
        phone: '138 0013 8000',
        display_name: '张三丰',
      },
    })
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({
      username: '张三',
      email: 'Zhang@Example.com',
      phone: '+8613800138000',
      display_name: '张三丰',
      department: null,
      roles: ['venue:employee'],
      status: 'active',
      created_at: '2026-03-14T01:00:00.000Z',
    })
    expect(answer.text).not.toMatch(/password|argon2/)
  })

  test('works at the path without v1, too', async () => {
    const body = { username: 'alias', password: PASSWORD }
    expect((await world.call('POST', '/api/users/register', { payload: body })).status).toBe(201)
  })

  test('stores the phone number encrypted', async () => {
    const { rows } = await sql<{ text: string }>`SELECT users::text AS text FROM users`.execute(world.kernel.db)
    expect(rows.some(({ text }) => text.includes('13800138000'))).toBe(false)
  })

  test.each([
    ['username_taken', { username: 'ZHANGSAN' }],
    ['email_taken', { username: 'someone', email: 'ZHANGSAN@example.com' }],
    ['phone_taken', { username: 'someone', phone: '+86 139-0013-9000' }],
  ])('refuses a name that is taken, however it is written: %s', async (code, wish) => {
    await world.call('POST', '/api/v1/users/register', {
      payload: { username: 'zhangsan', password: PASSWORD, email: 'zhangsan@example.com', phone: '13900139000' },
    })
    const answer = await world.call('POST', '/api/v1/users/register', { payload: { password: PASSWORD, ...wish } })
    expect([answer.status, answer.body.code]).toEqual([409, code])
  })

  test.each([
    ['a short password', { username: 'wang', password: 'a7!kq' }, 'weak_password'],
    ['a common password', { username: 'wang', password: 'password1' }, 'weak_password'],
    ['the username as password', { username: 'harbour-violet-77', password: 'Harbour-Violet-77' }, 'weak_password'],
    [
      'an e-mail name as password',
      { username: 'wang', password: 'quartz.falcon', email: 'quartz.falcon@x.cn' },
      'weak_password',
    ],
    ['a username with @', { username: 'wang@x.cn', password: PASSWORD }, 'validation'],
    ['a phone number as username', { username: '13700137000', password: PASSWORD }, 'validation'],
    ['no phone number', { username: 'wang', password: PASSWORD, phone: '12345678' }, 'validation'],
    ['no e-mail address', { username: 'wang', password: PASSWORD, email: 'wang' }, 'validation'],
    ['an unknown field', { username: 'wang', password: PASSWORD, roles: ['admin'] }, 'validation'],
    ['no password', { username: 'wang' }, 'validation'],
  ])('refuses %s', async (_what, body, code) => {
    const answer = await world.call('POST', '/api/v1/users/register', { payload: body })
    expect([answer.status, answer.body.code]).toEqual([400, code])
  })

  test('says how to improve a weak password', async () => {
    const body = { username: 'wang', password: 'password1' }
    const answer = await world.call('POST', '/api/v1/users/register', { payload: body })
    expect(answer.body.suggestions.length).toBeGreaterThan(0)
  })

  test('one of two parallel registrations of one name succeeds', async () => {
    const body = { username: 'twin', password: PASSWORD }
    const answers = await Promise.all(
      [1, 2, 3].map(() => world.call('POST', '/api/v1/users/register', { payload: body })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
  })

  test('puts a welcome message into the inbox', async () => {
    const { id } = await register(world, 'welcomed')
    await world.drain()
    const rows = await world.kernel.db
      .selectFrom('notification_messages')
      .select('type')
      .where('user_id', '=', id)
      .execute()
    expect(rows).toEqual([{ type: 'account.welcome' }])
  })
})

describe('the caller’s own account', () => {
  test('can be changed, but not its department, status or roles', async () => {
    const { token } = await register(world, 'changer')
    const body = { email: 'changer@example.com', phone: '010-8888 8888', display_name: '变', locale: 'en' }
    const changed = await world.call('PUT', '/api/v1/users/me', { as: token, payload: body })
    expect(changed.body).toMatchObject({ ...body, phone: '+861088888888' })
    const cleared = await world.call('PUT', '/api/v1/users/me', { as: token, payload: { phone: null } })
    expect(cleared.body).toMatchObject({ phone: null, email: 'changer@example.com' })
    for (const field of [{ department: 'x' }, { status: 'disabled' }, { roles: ['admin'] }, { username: 'root2' }]) {
      expect((await world.call('PUT', '/api/v1/users/me', { as: token, payload: field })).status).toBe(400)
    }
  })

  test('changes its address only with the password, or within 10 minutes of the log-in', async () => {
    const { token } = await register(world, 'owner')
    const put = (body: object) => world.call('PUT', '/api/v1/users/me', { as: token, payload: body })
    const [email, phone] = ['owner@example.com', '13700137010']
    world.clock.advance(9)
    expect((await put({ email })).status).toBe(200)
    world.clock.advance(1)
    for (const wish of [{ email: 'thief@example.com' }, { email: null }, { phone }]) {
      const refused = await put(wish)
      expect([refused.status, refused.body.code]).toEqual([400, 'password_required'])
      expect((await put({ ...wish, current_password: 'a guess' })).body.code).toBe('bad_password')
    }
    expect((await put({ email, phone: null, display_name: '同前' })).body).toMatchObject({
      email,
      display_name: '同前',
    })
    expect((await put({ phone, current_password: PASSWORD })).body).toMatchObject({ email, phone: '+8613700137010' })
  })

  test('is locked by wrong old passwords as by failed log-ins, and both are logged', async () => {
    const { id, token } = await register(world, 'guessed')
    const guess = (old_password: string) =>
      world.call('PUT', '/api/v1/users/me/password', {
        as: token,
        payload: { old_password, new_password: 'orchid-Tunnel-9' },
      })
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => guess(`guess ${i}`)))
    expect(answers.map(({ body }) => body.code).sort()).toEqual([
      ...Array(5).fill('bad_password'),
      ...Array(3).fill('locked_out'),
    ])
    expect((await guess(PASSWORD)).status).toBe(429)
    const email = { email: 'thief@example.com', current_password: PASSWORD }
    expect((await world.call('PUT', '/api/v1/users/me', { as: token, payload: email })).body.code).toBe('locked_out')
    expect((await logIn(world, 'guessed')).body.code).toBe('locked_out')
    const { body } = await world.call('GET', `/api/v1/login-logs?user_id=${id}&result=bad_credentials`, { as: admin })
    expect(body.total).toBe(5)
  })

  test('changes its password with the old one; all other sessions end', async () => {
    const { token } = await register(world, 'renewer')
    const other = (await logIn(world, 'renewer')).body.access_token
    expect((await me(other)).status).toBe(200)
    const change = (old_password: string, new_password: string) =>
      world.call('PUT', '/api/v1/users/me/password', { as: token, payload: { old_password, new_password } })
    expect((await change('wrong', 'orchid-Tunnel-9')).body.code).toBe('bad_password')
    expect((await change(PASSWORD, PASSWORD)).body.code).toBe('weak_password')
    expect((await change(PASSWORD, 'renewer')).body.code).toBe('weak_password')
    expect((await change(PASSWORD, 'orchid-Tunnel-9')).status).toBe(204)
    expect((await me(token)).status).toBe(200)
    expect((await me(other)).status).toBe(401)
    expect((await logIn(world, 'renewer')).status).toBe(401)
    expect((await logIn(world, 'renewer', 'orchid-Tunnel-9')).status).toBe(200)
  })

  test('shows its log-in log, with contact data and passwords masked', async () => {
    const { token } = await register(world, 'logged')
    await world.call('PUT', '/api/v1/users/me', { as: token, payload: { email: 'logged@example.com' }, address: HOME })
    await world.drain()
    const { body } = await world.call('GET', '/api/v1/logs/me', { as: token })
    expect(body.items.map((item: { action: string }) => item.action)).toEqual(['user.update', 'user.register'])
    expect(body.items[0].changes).toEqual({ email: [null, 'l***@example.com'] })
    expect((await world.call('GET', '/api/v1/logs', { as: token })).status).toBe(403)
    const all = await world.call('GET', '/api/v1/logs?action=user.update', { as: admin })
    expect(all.body.items[0]).toMatchObject({ action: 'user.update', resource: 'user', address: '192.0.2.10' })
  })
})
