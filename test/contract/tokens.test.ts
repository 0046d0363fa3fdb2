import { createHmac, hkdfSync, randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { accessTokens } from '../../src/kernel/identity/sessions/tokens.ts'
import { envelopeOf } from './envelopes.ts'
import { fingerprint, openFilledWorld } from './filledWorld.ts'
import { examplesOf } from './mutations.ts'
import { expectDecent, readDocument, shareOf, statusOf } from './operations.ts'

const world = await openFilledWorld()
const api = readDocument(world.app)
afterAll(() => world.close())

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Makes a JWT by hand; without a key the signature is empty. */
function forge(header: object, claims: object, key: Buffer | string | undefined): string {
  const text = `${encode(header)}.${encode(claims)}`
  const signature = key === undefined ? '' : createHmac('sha256', key).update(text).digest('base64url')
  return `${text}.${signature}`
}

/** Authorization headers that must be refused, by a description of the error. */
async function badAuthorizations(): Promise<Map<string, string>> {
  const { administrator, employee, config, clock } = world
  const claims = claimsOf(administrator.token)
  const key = Buffer.from(hkdfSync('sha256', config.secretKey, '', 'yuyue access tokens', 32))
  const hs256 = { alg: 'HS256', typ: 'JWT' }
  const [head = '', body = '', signature = ''] = administrator.token.split('.')
  const employeesSession = String(claimsOf(employee.token).jti)
  const expiresAt = new Date(clock.now().getTime() + 3_600_000)
  const tokens = accessTokens(config)

  const gone = await world.person('admin')
  await world.call('POST', '/api/v1/users/logout', { as: gone })

  const disabled = await world.person('admin')
  await world.call('PUT', `/api/v1/users/${disabled.id}`, { as: administrator, payload: { status: 'disabled' } })
  const deleted = await world.person('admin')
  await world.call('DELETE', `/api/v1/users/${deleted.id}`, { as: administrator })

  // Checks the forging itself: with the right key and claims the token is accepted.
  const good = await call(`Bearer ${forge(hs256, claims, key)}`)
  expect(good.statusCode).toBe(200)

  const bad: Record<string, string> = {
    expired: forge(hs256, { ...claims, exp: Math.floor(clock.now().getTime() / 1000) - 1 }, key),
    'expired this second': forge(hs256, { ...claims, exp: Math.floor(clock.now().getTime() / 1000) }, key),
    'without an expiry': forge(hs256, { ...claims, exp: undefined }, key),
    'with an expiry that is not a number': forge(hs256, { ...claims, exp: '9999999999' }, key),
    'with a changed signature': `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    'with changed claims': `${head}.${encode({ ...claims, sub: '1' })}.${signature}`,
    'without a signature': `${head}.${body}.`,
    'with alg none': forge({ alg: 'none', typ: 'JWT' }, claims, undefined),
    'with alg None': forge({ alg: 'None', typ: 'JWT' }, claims, undefined),
    'with alg HS512': forge({ alg: 'HS512', typ: 'JWT' }, claims, key),
    'with alg RS256': forge({ alg: 'RS256', typ: 'JWT' }, claims, key),
    'of another key': forge(hs256, claims, 'another key, another key, another key'),
    'signed with the secret itself': forge(hs256, claims, config.secretKey),
    'signed with an empty key': forge(hs256, claims, ''),
    'for another audience': forge(hs256, { ...claims, aud: 'room' }, key),
    'of another issuer': forge(hs256, { ...claims, iss: 'somebody' }, key),
    'without a session': forge(hs256, { ...claims, jti: undefined }, key),
    'of a session that never existed': tokens.sign(
      { sessionId: randomUUID(), userId: administrator.id, expiresAt },
      clock.now(),
    ),
    'of the session of another user': tokens.sign(
      { sessionId: employeesSession, userId: administrator.id, expiresAt },
      clock.now(),
    ),
    'of a session that has ended': gone.token,
    'of a disabled user': disabled.token,
    'of a deleted user': deleted.token,
    'with an empty key in its header': forge({ ...hs256, jwk: { kty: 'oct', k: '' } }, claims, ''),
    'with a key file that its header names': forge({ ...hs256, kid: '../../dev/null' }, claims, ''),
    'with SQL as its session': forge(hs256, { ...claims, jti: "x' OR 1=1 --" }, key),
    'with a list as its user': forge(hs256, { ...claims, sub: [administrator.id] }, key),
    'of garbage': 'a.b.c',
    'of three dots': '...',
    'of 10 kB': 'x'.repeat(10_000),
    'of invalid JSON': `${head}.${Buffer.from('{"sub":').toString('base64url')}.${signature}`,
  }
  return new Map([
    ...Object.entries(bad).map(([what, token]): [string, string] => [`a token ${what}`, `Bearer ${token}`]),
    ['no scheme', administrator.token],
    ['another scheme', `Basic ${administrator.token}`],
    ['a scheme alone', 'Bearer'],
    ['a scheme and a blank', 'Bearer '],
    ['two tokens', `Bearer ${administrator.token} ${administrator.token}`],
    ['a list', `Bearer ${administrator.token}, Bearer ${administrator.token}`],
    ['a NUL', 'Bearer \u0000'],
  ])
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

const call = (authorization: string) =>
  world.app.inject({ method: 'GET', url: '/api/v1/users/me', headers: { authorization } })

describe('A token that can only change the password', () => {
  it('allows this, the log-out, and the profile and menus of the room client, and nothing else', {
    timeout: 60_000,
  }, async () => {
    const limited = async () => {
      const made = await world.person('admin')
      await world.rows(`UPDATE sessions SET scope = 'password_change' WHERE user_id = ${made.id}`)
      return made
    }
    const person = await limited()
    const opened: string[] = []
    for (const operation of api.operations.filter(({ permission }) => permission !== 'public')) {
      // The log-out ends the session, so it gets a user of its own.
      const { token } = operation.path.endsWith('/logout') ? await limited() : person
      const answer = await world.app.inject({
        method: operation.method,
        url: operation.path.replaceAll(/\{\w+\}/g, '999999'),
        headers: { authorization: `Bearer ${token}` },
      })
      expectDecent(answer, operation.name, operation)
      if (statusOf(operation, answer) !== 403) opened.push(operation.name.replace(/\/api\/(?:v1\/)?/, '/'))
    }
    expect([...new Set(opened)].sort()).toEqual([
      'GET /getInfo',
      'GET /getRouters',
      'POST /users/logout',
      'PUT /system/user/profile/updatePwd',
      'PUT /users/me/password',
    ])
    for (const path of ['/ws/notifications', '/ws/support/chat']) {
      const socket = await world.app.injectWS(`${path}?token=${person.token}`)
      expect(await new Promise((resolve) => socket.on('close', resolve))).toBe(4401)
    }
  })
})

describe('A bad Authorization header', () => {
  it('is refused with 401 by every operation that needs a log-in, and writes nothing', {
    timeout: 60_000,
  }, async () => {
    const authorizations = await badAuthorizations()
    const before = await fingerprint(world)
    const failures: string[] = []
    for (const operation of api.operations.filter(({ permission }) => permission !== 'public')) {
      const payload = operation.body && examplesOf(operation.body)[0]
      for (const [what, authorization] of shareOf([...authorizations], operation.name.length)) {
        const answer = await world.app.inject({
          method: operation.method,
          url: operation.path.replaceAll(/\{\w+\}/g, '1'),
          headers: { authorization, ...(payload !== undefined && { 'content-type': 'application/json' }) },
          ...(payload !== undefined && { payload: JSON.stringify(payload) }),
        })
        expectDecent(answer, `${operation.name} with ${what}`, operation)
        const isRefused =
          envelopeOf(operation).isUnauthenticated(answer) &&
          String(answer.headers['www-authenticate']).startsWith('Bearer')
        if (!isRefused) failures.push(`${operation.name} with ${what}: ${answer.statusCode}`)
      }
    }
    expect(failures).toEqual([])
    expect(await fingerprint(world)).toBe(before)
  })

  it('is ignored by reads that need no log-in', { timeout: 60_000 }, async () => {
    const authorizations = await badAuthorizations()
    // Operations with a required parameter are left out: a signed token opens them, like the calendar of the clinic.
    const reading = api.operations.filter(
      ({ permission, method, path, parameters }) =>
        permission === 'public' &&
        method === 'GET' &&
        path !== '/patient/appointments/calendar.ics' &&
        !parameters.some((one) => one.in === 'query' && one.required),
    )
    let opened = 0
    for (const operation of reading) {
      const url = operation.path.replaceAll(/\{\w+\}/g, '1')
      const plain = await world.app.inject({ method: 'GET', url })
      // There is no file, legal text, provider or token `1`.
      if ([400, 404].includes(plain.statusCode) && /files|legal|auth|data-exports|\/[uot]\//.test(url)) continue
      expect(plain.statusCode, operation.name).toBe(200)
      opened += 1
      for (const [what, authorization] of authorizations) {
        const answer = await world.app.inject({ method: 'GET', url, headers: { authorization } })
        expect([what, answer.statusCode, answer.body]).toEqual([what, plain.statusCode, plain.body])
      }
    }
    expect(opened).toBeGreaterThan(10)
  })
})
