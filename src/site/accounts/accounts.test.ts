import { createHmac } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOME, logIn, PASSWORD, register, setUpAdministrator } from '../../../test/support/site.ts'
import { openWorld, type Person, type World } from '../../../test/support/world.ts'
import { createIdentity, type Identity } from '../../kernel/identity/sessions/sessions.ts'
import { accessTokens } from '../../kernel/identity/sessions/tokens.ts'

/** Somebody who sees accounts and changes none. */
const readerRole = { name: 'test:reader', title: 'Reader', permissions: ['site:users.read'] }

let world: World
let identity: Identity
let admin: Person

beforeAll(async () => {
  world = await openWorld({ PRODUCTS: 'venue' }, { now: new Date('2026-03-14T01:00:00Z') })
  Object.assign(world.kernel, { roles: [...world.kernel.roles, readerRole] })
  identity = await createIdentity(world.kernel, world.database)
  admin = await setUpAdministrator(world)
})
afterAll(async () => {
  expect(world.faults).toEqual([])
  await identity.close()
  await world.close()
})

const me = (token: string) => world.call('GET', '/api/v1/users/me', { as: token })

describe('registering', () => {
  test('answers 201 with the user, who is an employee, and nothing of the password', async () => {
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

  test('keeps the phone number encrypted', async () => {
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

  test('says what would make a weak password better', async () => {
    const body = { username: 'wang', password: 'password1' }
    const answer = await world.call('POST', '/api/v1/users/register', { payload: body })
    expect(answer.body.suggestions.length).toBeGreaterThan(0)
  })

  test('of two registrations of one name at once, one wins', async () => {
    const body = { username: 'twin', password: PASSWORD }
    const answers = await Promise.all(
      [1, 2, 3].map(() => world.call('POST', '/api/v1/users/register', { payload: body })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
  })

  test('leaves a welcome message in the inbox', async () => {
    const { id } = await register(world, 'welcomed')
    await world.drain()
    const rows = await world.kernel.db.selectFrom('messages').select('type').where('user_id', '=', id).execute()
    expect(rows).toEqual([{ type: 'account.welcome' }])
  })
})

describe('logging in', () => {
  test.each(['lisi', 'LiSi', 'LISI@example.com', '136 0013 6000', '+8613600136000'])(
    'takes %s for the name',
    async (name) => {
      await world.call('POST', '/api/v1/users/register', {
        payload: { username: 'lisi', password: PASSWORD, email: 'lisi@example.com', phone: '13600136000' },
      })
      const { status, body, headers } = await logIn(world, name)
      expect(status).toBe(200)
      expect(headers['cache-control']).toContain('no-store')
      expect(body).toMatchObject({ token_type: 'bearer', expires_in: 3600, user: { username: 'lisi' } })
      expect((await me(body.access_token)).body.username).toBe('lisi')
    },
  )

  test('takes the form of OAuth 2.0', async () => {
    await register(world, 'form')
    const form = { grant_type: 'password', username: 'form', password: PASSWORD, scope: '' }
    expect((await world.call('POST', '/api/users/login', { form })).status).toBe(200)
  })

  test('answers the same to a wrong password, an unknown name and a disabled account', async () => {
    const { id } = await register(world, 'sleepy')
    await world.call('PUT', `/api/v1/users/${id}`, { as: admin, payload: { status: 'disabled' } })
    const answers = [
      await logIn(world, 'sleepy'),
      await logIn(world, 'sleepy', 'wrong'),
      await logIn(world, 'nobody-here'),
      await logIn(world, 'root', 'wrong'),
    ]
    const bare = answers.map(({ status, body: { request_id: _id, ...rest } }) => ({ status, ...rest }))
    expect(bare[0]).toMatchObject({ status: 401, code: 'bad_credentials' })
    expect(new Set(bare.map((answer) => JSON.stringify(answer))).size).toBe(1)
    const { body } = await world.call('GET', '/api/v1/login-logs?name=sleepy', { as: admin })
    expect(body.items.map((item: { result: string }) => item.result)).toEqual([
      'bad_credentials',
      'disabled',
      'success',
    ])
  })

  test('is refused with 5 failures in 15 minutes, for 15 minutes, also with the right password', async () => {
    await register(world, 'locked')
    for (let i = 0; i < 5; i += 1) {
      expect((await logIn(world, 'LOCKED', 'wrong')).status).toBe(401)
      world.clock.advance(1)
    }
    const refused = await logIn(world, 'locked')
    expect([refused.status, refused.body.code, refused.headers['retry-after']]).toEqual([429, 'locked_out', '840'])
    world.clock.advance(13.9)
    expect((await logIn(world, 'locked')).status).toBe(429)
    world.clock.advance(0.1)
    expect((await logIn(world, 'locked')).status).toBe(200)
  })

  test('is locked the same for names that don’t exist', async () => {
    for (let i = 0; i < 5; i += 1) await logIn(world, 'ghost', 'wrong')
    expect((await logIn(world, 'ghost', 'wrong')).body.code).toBe('locked_out')
  })

  test('is locked whichever of their names, however written, a person is guessed at by', async () => {
    const body = { username: 'threefold', password: PASSWORD, email: 'threefold@example.com', phone: '13700137001' }
    await world.call('POST', '/api/v1/users/register', { payload: body })
    for (const name of ['137 0013 7001', '+86-137-0013-7001', '(137)00137001', 'Threefold@example.com', 'THREEFOLD']) {
      expect((await logIn(world, name, 'wrong')).status).toBe(401)
    }
    for (const name of ['1370013.7001', '１３７００１３７００１', 'threefold@example.com', 'threefold']) {
      expect((await logIn(world, name)).body.code).toBe('locked_out')
    }
  })

  test('is locked the same for a phone number that nobody has, however it is written', async () => {
    for (const name of ['13700137009', '137 0013 7009', '137-0013-7009', '0086 13700137009', '+8613700137009']) {
      expect((await logIn(world, name, 'wrong')).status).toBe(401)
    }
    expect((await logIn(world, '137.0013.7009', 'wrong')).body.code).toBe('locked_out')
  })

  test('counts no failures from before a success', async () => {
    await register(world, 'forgetful')
    for (let i = 0; i < 4; i += 1) await logIn(world, 'forgetful', 'wrong')
    expect((await logIn(world, 'forgetful')).status).toBe(200)
    for (let i = 0; i < 4; i += 1) await logIn(world, 'forgetful', 'wrong')
    expect((await logIn(world, 'forgetful')).status).toBe(200)
  })

  test('gives 20 guesses at once no more answers than 5', async () => {
    await register(world, 'stormed')
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => logIn(world, 'stormed', `guess ${i}`)))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15)
  })

  test('locks an address that tries many names', async () => {
    const address = '198.51.100.9'
    for (let i = 0; i < 50; i += 1) await logIn(world, `name${i}`, 'wrong', address)
    expect((await logIn(world, 'root', PASSWORD, address)).body.code).toBe('locked_out')
    expect((await logIn(world, 'root', PASSWORD, '198.51.100.10')).status).toBe(200)
  })

  test('takes all addresses of an IPv6 network (/64) for one, and logs each', async () => {
    const guesses = Array.from({ length: 50 }, (_, i) => `2001:db8:5:6:${i.toString(16)}::1`)
    for (const [i, address] of guesses.entries()) await logIn(world, `name${i} of six`, 'wrong', address)
    expect((await logIn(world, 'root', PASSWORD, '2001:db8:5:6:ffff::2')).body.code).toBe('locked_out')
    expect((await logIn(world, 'root', PASSWORD, '2001:db8:5:7::1')).status).toBe(200)
    const { body } = await world.call('GET', `/api/v1/login-logs?address=${guesses[49]}`, { as: admin })
    expect(body.items).toMatchObject([{ address: guesses[49], result: 'bad_credentials' }])
  })

  test('is logged without what must stay unread: contact data, and passwords in the field of the name', async () => {
    const body = { username: 'Discreet', password: PASSWORD, email: 'Discreet@example.com', phone: '13700137002' }
    const { id } = (await world.call('POST', '/api/v1/users/register', { payload: body })).body
    for (const name of ['Discreet', 'DISCREET@example.com', '137 0013 7002']) await logIn(world, name)
    for (const name of [PASSWORD, 'P@ssw0rd-of-mine', '13700137003']) await logIn(world, name, 'wrong')
    const read = async (query: string) =>
      (await world.call('GET', `/api/v1/login-logs?${query}`, { as: admin })).body.items.map(
        (item: { name: string }) => item.name,
      )
    expect(await read(`user_id=${id}&sort=at`)).toEqual(['discreet', 'd***@example.com', '+86*******7002'])
    expect(await read('sort=-at&page_size=3')).toEqual(['1***', 'p***', 'v***'])
    expect(await read(`name=${encodeURIComponent('+86 137-0013-7002')}`)).toEqual(['+86*******7002'])
    expect(await read('name=137%200013%207003')).toEqual(['1***'])
    const { rows } = await sql<{ text: string }>`
      SELECT string_agg(l::text, ' ') AS text FROM login_log l`.execute(world.kernel.db)
    expect(rows[0]?.text).not.toMatch(/1370013|violet|ssw0rd|discreet@/i)
  })

  test('from an unknown neighbourhood tells the person, from a known one does not', async () => {
    const { id } = await register(world, 'traveller')
    for (const address of ['192.0.2.99', '203.0.113.5', '203.0.113.6', '2001:db8:1::5', '2001:db8:1:2::6']) {
      expect((await logIn(world, 'traveller', PASSWORD, address)).status).toBe(200)
    }
    await world.drain()
    const told = await world.kernel.db
      .selectFrom('messages')
      .select('body')
      .where('user_id', '=', id)
      .where('type', '=', 'account.new_place')
      .orderBy('id')
      .execute()
    expect(told.map(({ body }) => /IP 地址：(.*)/.exec(body)?.[1])).toEqual(['203.0.113.5', '2001:db8:1::5'])
  })
})

describe('a token', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

  test('is refused when forged, unsigned, of another algorithm or purpose, or damaged', async () => {
    const { id, token } = await register(world, 'forger')
    const [header = '', payload = ''] = token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const sign = (text: string, key: string) => createHmac('sha256', key).update(text).digest('base64url')
    const forged = [
      `${part({ alg: 'none', typ: 'JWT' })}.${payload}.`,
      `${part({ alg: 'none', typ: 'JWT' })}.${payload}.x`,
      `${header}.${part({ ...claims, sub: String(admin.id) })}.${token.split('.')[2]}`,
      `${header}.${payload}.${sign(`${header}.${payload}`, 'k'.repeat(48))}`,
      `${header}.${payload}.`,
      `${token}x`,
      'x',
      'a.b.c',
    ]
    for (const bad of forged) expect([bad, (await me(bad)).status]).toEqual([bad, 401])
    // Well signed, but of a session that belongs to somebody else.
    const tokens = accessTokens(world.kernel.config)
    const expiresAt = new Date(world.clock.now().getTime() + 60_000)
    const stolen = tokens.sign({ sessionId: claims.jti, userId: id + 1, expiresAt }, world.clock.now())
    expect((await me(stolen)).status).toBe(401)
    expect((await me(token)).status).toBe(200)
  })

  test('ends after an hour', async () => {
    const { token } = await register(world, 'hourly')
    world.clock.advance(59)
    expect((await me(token)).status).toBe(200)
    world.clock.advance(1)
    expect((await me(token)).status).toBe(401)
    expect((await me(token)).body.code).toBe('unauthenticated')
    admin = { ...admin, token: (await logIn(world, 'root')).body.access_token }
  })

  test('that is known costs no round trip to the database', async () => {
    const { token } = await register(world, 'cached')
    await identity.authenticate(token)
    let asked = 0
    const { withRetries } = world.kernel
    Object.assign(world.kernel, {
      withRetries: (work: never) => {
        asked += 1
        return withRetries(work)
      },
    })
    await identity.authenticate(token)
    Object.assign(world.kernel, { withRetries })
    expect(asked).toBe(0)
  })

  test('is refused after log-out, at once, and logging out again is refused too', async () => {
    const { token } = await register(world, 'leaver')
    expect((await me(token)).status).toBe(200)
    expect((await world.call('POST', '/api/v1/users/logout', { as: token })).status).toBe(204)
    expect((await me(token)).status).toBe(401)
    expect((await world.call('POST', '/api/v1/users/logout', { as: token })).status).toBe(401)
  })
})

describe('one’s own account', () => {
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

  test('gets another address from its owner only: by the password, or within 10 minutes of logging in', async () => {
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

  test('is locked by wrong old passwords as by failed log-ins, and they are logged', async () => {
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

  test('gets a new password for the old one; all other sessions end', async () => {
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

  test('shows its log, in which contact data and passwords are masked', async () => {
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

describe('administrators', () => {
  const as = (token: string) => ({
    get: (path: string) => world.call('GET', path, { as: token }),
    put: (path: string, body: unknown) => world.call('PUT', path, { as: token, payload: body }),
    delete: (path: string) => world.call('DELETE', path, { as: token }),
  })

  test('alone see and change other people, at all three paths', async () => {
    const { id, token } = await register(world, 'ordinary')
    for (const path of [`/api/v1/users/${id}`, `/api/users/${id}`, `/api/admin/users/${id}`]) {
      expect((await as(token).get(path)).status).toBe(403)
      expect((await as(token).put(path, { display_name: 'x' })).status).toBe(403)
      expect((await as(token).delete(path)).status).toBe(403)
      expect((await as(admin.token).get(path)).body.username).toBe('ordinary')
      expect((await as(admin.token).put(path, { department: '研发部' })).body.department).toBe('研发部')
    }
    for (const path of [
      '/api/admin/users',
      '/api/v1/roles',
      `/api/v1/users/${id}/roles`,
      `/api/v1/logs/user/${id}`,
      '/api/v1/login-logs',
    ]) {
      expect([path, (await as(token).get(path)).status]).toEqual([path, 403])
      expect([path, (await world.call('GET', path)).status]).toEqual([path, 401])
      expect([path, (await as(admin.token).get(path)).status]).toEqual([path, 200])
    }
    expect((await as(admin.token).get('/api/v1/users/999999999')).status).toBe(404)
  })

  test('find people by a part of their name, role and status, page by page', async () => {
    for (const name of ['find_b', 'find_a', 'findc']) await register(world, name)
    const found = async (query: string) => {
      const { body } = await as(admin.token).get(`/api/admin/users?${query}`)
      return [body.total, body.items.map((item: { username: string }) => item.username)]
    }
    expect(await found('q=find_&sort=username')).toEqual([2, ['find_a', 'find_b']])
    expect(await found('q=FIND&sort=-username&page=2&page_size=1')).toEqual([3, ['find_b']])
    expect(await found('role=admin')).toEqual([1, ['root']])
    expect(await found('q=find&status=disabled')).toEqual([0, []])
    expect((await as(admin.token).get('/api/admin/users?sort=password_hash')).status).toBe(400)
    expect((await as(admin.token).get('/api/admin/users?page_size=101')).status).toBe(400)
  })

  test('see contact data masked unless they may change accounts', async () => {
    const { id, token } = await register(world, 'contact')
    await as(token).put('/api/v1/users/me', { email: 'contact@example.com', phone: '13500135000' })
    const show = async (reader: string) => (await as(reader).get(`/api/v1/users/${id}`)).body
    expect(await show(admin.token)).toMatchObject({ email: 'contact@example.com', phone: '+8613500135000' })
    const reader = await register(world, 'reader')
    await as(admin.token).put(`/api/v1/users/${reader.id}/roles`, { roles: ['test:reader'] })
    expect(await show(reader.token)).toMatchObject({ email: 'c***@example.com', phone: '+86*******5000' })
    const { body } = await as(reader.token).get('/api/admin/users?q=contact')
    expect(body.items).toMatchObject([{ email: 'c***@example.com', phone: '+86*******5000' }])
  })

  test('disable an account: its tokens are refused at once, and good ones are needed after enabling', async () => {
    const { id, token } = await register(world, 'disabled')
    expect((await me(token)).status).toBe(200)
    await as(admin.token).put(`/api/v1/users/${id}`, { status: 'disabled' })
    expect((await me(token)).status).toBe(401)
    await as(admin.token).put(`/api/v1/users/${id}`, { status: 'active' })
    expect((await me(token)).status).toBe(401)
    expect((await logIn(world, 'disabled')).status).toBe(200)
  })

  test('grant roles that hold from the next request on, and no unknown ones', async () => {
    const { id, token } = await register(world, 'promoted')
    expect((await as(token).get('/api/admin/users')).status).toBe(403)
    const granted = await as(admin.token).put(`/api/v1/users/${id}/roles`, {
      roles: ['venue:leader', 'venue:admin', 'venue:leader'],
    })
    expect(granted.body).toEqual({ user_id: id, roles: ['venue:admin', 'venue:leader'] })
    expect((await as(token).get('/api/admin/users')).status).toBe(200)
    const unknown = await as(admin.token).put(`/api/v1/users/${id}/roles`, { roles: ['venue:king'] })
    expect([unknown.status, unknown.body.code]).toEqual([400, 'unknown_role'])
    await as(admin.token).put(`/api/v1/users/${id}/roles`, { roles: [] })
    expect((await as(token).get('/api/admin/users')).status).toBe(403)
    const { body } = await as(admin.token).get('/api/v1/roles')
    expect(body.items.map((role: { name: string }) => role.name)).toEqual([
      'admin',
      'test:reader',
      'venue:admin',
      'venue:employee',
      'venue:leader',
      'venue:support',
      'venue:visitor',
    ])
  })

  test('of one product can’t make, touch or unmake an administrator over all', async () => {
    const { id, token } = await register(world, 'steward')
    await as(admin.token).put(`/api/v1/users/${id}/roles`, { roles: ['venue:admin'] })
    for (const attempt of [
      as(token).put(`/api/v1/users/${id}/roles`, { roles: ['admin'] }),
      as(token).put(`/api/v1/users/${admin.id}/roles`, { roles: [] }),
      as(token).put(`/api/v1/users/${admin.id}`, { email: 'steward@example.com' }),
      as(token).delete(`/api/v1/users/${admin.id}`),
    ]) {
      expect((await attempt).body.code).toBe('beyond_own_rights')
    }
  })

  test('delete people: sessions end, names are free, nothing personal stays', async () => {
    await logIn(world, '134 0013 4000', 'wrong', '203.0.113.250')
    const { id, token } = await register(world, 'goner')
    await as(token).put('/api/v1/users/me', { email: 'goner-before@example.com' })
    await as(token).put('/api/v1/users/me', { email: 'goner@example.com', phone: '13400134000' })
    for (let i = 0; i < 6; i += 1) await logIn(world, 'goner@example.com', 'wrong')
    await logIn(world, '134-0013-4000', 'wrong', '203.0.113.251')
    await world.drain()
    expect((await as(admin.token).delete(`/api/v1/users/${id}`)).status).toBe(204)
    expect((await me(token)).status).toBe(401)
    expect((await as(admin.token).get(`/api/v1/users/${id}`)).status).toBe(404)
    expect((await as(admin.token).delete(`/api/v1/users/${id}`)).status).toBe(404)
    const { rows } = await sql<{ text: string }>`
      SELECT concat(
        (SELECT string_agg(u::text, '') FROM users u WHERE id = ${id}),
        (SELECT string_agg(l::text, '') FROM login_log l WHERE user_id = ${id} OR user_id IS NULL),
        (SELECT string_agg(s::text, '') FROM sessions s WHERE user_id = ${id}),
        (SELECT string_agg(d::text, '') FROM deliveries d WHERE user_id = ${id}),
        (SELECT string_agg(m::text, '') FROM messages m WHERE user_id = ${id})
      ) AS text`.execute(world.kernel.db)
    expect(rows[0]?.text).not.toMatch(/goner|argon2|203\.0\.113\.25[01]/)
    expect((await logIn(world, 'goner')).status).toBe(401)
    const body = { username: 'goner', password: PASSWORD, email: 'goner@example.com', phone: '13400134000' }
    expect((await world.call('POST', '/api/v1/users/register', { payload: body })).status).toBe(201)
  })

  test('can’t delete themselves', async () => {
    expect((await as(admin.token).delete(`/api/v1/users/${admin.id}`)).body.code).toBe('own_account')
  })

  test('always number at least one', async () => {
    const lastOne = async (answer: Promise<{ status: number; body: { code: string } }>) => {
      const { status, body } = await answer
      expect([status, body.code]).toEqual([409, 'last_administrator'])
    }
    await lastOne(as(admin.token).put(`/api/v1/users/${admin.id}/roles`, { roles: ['venue:admin'] }))
    await lastOne(as(admin.token).put(`/api/v1/users/${admin.id}`, { status: 'disabled' }))
    const second = await register(world, 'second')
    await as(admin.token).put(`/api/v1/users/${second.id}/roles`, { roles: ['admin'] })
    // Both at once lay the office down, or throw each other out: one of them stays.
    const answers = await Promise.all([
      as(admin.token).put(`/api/v1/users/${admin.id}/roles`, { roles: [] }),
      as(second.token).put(`/api/v1/users/${second.id}/roles`, { roles: [] }),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    const [, survivor] = answers[0].status === 409 ? [0, admin] : [0, second]
    await as(survivor.token).put(`/api/v1/users/${admin.id}/roles`, { roles: ['admin'] })
    expect((await as(admin.token).get('/api/v1/roles')).status).toBe(200)
  })
})
