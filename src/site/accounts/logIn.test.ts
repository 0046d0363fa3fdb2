import { createHmac } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { logIn, PASSWORD, register, setUpAdministrator } from '../../../test/support/site.ts'
import { openWorld, type Person, SATURDAY, type World } from '../../../test/support/world.ts'
import { createIdentity, type Identity } from '../../kernel/identity/sessions/sessions.ts'
import { accessTokens } from '../../kernel/identity/sessions/tokens.ts'

let world: World
let identity: Identity
let admin: Person
beforeAll(async () => {
  world = await openWorld({}, { now: SATURDAY })
  admin = await setUpAdministrator(world)
  identity = await createIdentity(world.kernel, world.database)
})
afterAll(async () => {
  await identity.close()
  await world.close()
})

const me = (token: string) => world.call('GET', '/api/v1/users/me', { as: token })

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

  test('accepts the password form of OAuth 2.0', async () => {
    await register(world, 'form')
    const form = { grant_type: 'password', username: 'form', password: PASSWORD, scope: '' }
    expect((await world.call('POST', '/api/users/login', { form })).status).toBe(200)
  })

  test('gives the same answer for a wrong password, an unknown name and a disabled account', async () => {
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

  test('is locked for 15 minutes after 5 failures in 15 minutes, even for the right password', async () => {
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

  test('is locked in the same way for unknown names', async () => {
    for (let i = 0; i < 5; i += 1) await logIn(world, 'ghost', 'wrong')
    expect((await logIn(world, 'ghost', 'wrong')).body.code).toBe('locked_out')
  })

  test('is locked for all names of a person together, in any spelling', async () => {
    const body = { username: 'threefold', password: PASSWORD, email: 'threefold@example.com', phone: '13700137001' }
    await world.call('POST', '/api/v1/users/register', { payload: body })
    for (const name of ['137 0013 7001', '+86-137-0013-7001', '(137)00137001', 'Threefold@example.com', 'THREEFOLD']) {
      expect((await logIn(world, name, 'wrong')).status).toBe(401)
    }
    for (const name of ['1370013.7001', '１３７００１３７００１', 'threefold@example.com', 'threefold']) {
      expect((await logIn(world, name)).body.code).toBe('locked_out')
    }
  })

  test('is locked in the same way for an unknown phone number, in any spelling', async () => {
    for (const name of ['13700137009', '137 0013 7009', '137-0013-7009', '0086 13700137009', '+8613700137009']) {
      expect((await logIn(world, name, 'wrong')).status).toBe(401)
    }
    expect((await logIn(world, '137.0013.7009', 'wrong')).body.code).toBe('locked_out')
  })

  test('does not count failures before a success', async () => {
    await register(world, 'forgetful')
    for (let i = 0; i < 4; i += 1) await logIn(world, 'forgetful', 'wrong')
    expect((await logIn(world, 'forgetful')).status).toBe(200)
    for (let i = 0; i < 4; i += 1) await logIn(world, 'forgetful', 'wrong')
    expect((await logIn(world, 'forgetful')).status).toBe(200)
  })

  test('checks only 5 of 20 parallel guesses', async () => {
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

  test('treats all addresses of an IPv6 network (/64) as one, and logs each', async () => {
    const guesses = Array.from({ length: 50 }, (_, i) => `2001:db8:5:6:${i.toString(16)}::1`)
    for (const [i, address] of guesses.entries()) await logIn(world, `name${i} of six`, 'wrong', address)
    expect((await logIn(world, 'root', PASSWORD, '2001:db8:5:6:ffff::2')).body.code).toBe('locked_out')
    expect((await logIn(world, 'root', PASSWORD, '2001:db8:5:7::1')).status).toBe(200)
    const { body } = await world.call('GET', `/api/v1/login-logs?address=${guesses[49]}`, { as: admin })
    expect(body.items).toMatchObject([{ address: guesses[49], result: 'bad_credentials' }])
  })

  test('is logged without contact data and without passwords entered as the name', async () => {
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

  test('from an unknown network notifies the person, from a known one does not', async () => {
    const { id } = await register(world, 'traveller')
    for (const address of ['192.0.2.99', '203.0.113.5', '203.0.113.6', '2001:db8:1::5', '2001:db8:1:2::6']) {
      expect((await logIn(world, 'traveller', PASSWORD, address)).status).toBe(200)
    }
    await world.drain()
    const told = await world.kernel.db
      .selectFrom('notification_messages')
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
    // Correctly signed, but the session belongs to another user.
    const tokens = accessTokens(world.kernel.config)
    const expiresAt = new Date(world.clock.now().getTime() + 60_000)
    const stolen = tokens.sign({ sessionId: claims.jti, userId: id + 1, expiresAt }, world.clock.now())
    expect((await me(stolen)).status).toBe(401)
    expect((await me(token)).status).toBe(200)
  })

  test('expires after an hour', async () => {
    const { token } = await register(world, 'hourly')
    world.clock.advance(59)
    expect((await me(token)).status).toBe(200)
    world.clock.advance(1)
    expect((await me(token)).status).toBe(401)
    expect((await me(token)).body.code).toBe('unauthenticated')
    admin = { ...admin, token: (await logIn(world, 'root')).body.access_token }
  })

  test('that is cached needs no database query', async () => {
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

  test('is refused at once after log-out, and so is a second log-out', async () => {
    const { token } = await register(world, 'leaver')
    expect((await me(token)).status).toBe(200)
    expect((await world.call('POST', '/api/v1/users/logout', { as: token })).status).toBe(204)
    expect((await me(token)).status).toBe(401)
    expect((await world.call('POST', '/api/v1/users/logout', { as: token })).status).toBe(401)
  })
})
