import { brotliDecompressSync } from 'node:zlib'
import { pino } from 'pino'
import { Type } from 'typebox'
import { afterEach, expect, test, vi } from 'vitest'
import { as, sample } from '../../../../test/support/sampleServer.ts'
import { databaseAway } from '../../database/constraints.ts'
import { Conflict, TooMany } from '../../errors.ts'
import { connectRedis } from '../request/limits.ts'
import { route } from '../route.ts'
import { IdParams, Instant } from '../schemas.ts'
import { openScope } from '../scope.ts'

afterEach(() => vi.useRealTimers())

const get = { method: 'GET', permission: 'public', tag: 'things', summary: 'Get it' } as const

test('writes dates in UTC, only declared members, and the declared success status', async () => {
  const { app } = await sample()
  const Thing = Type.Object({ id: Type.Integer(), at: Instant })
  route(app, {
    ...get,
    method: 'POST',
    paths: ['/things'],
    schema: { response: { 201: Thing } },
    handler: () => ({ id: 1, at: new Date(0), password_hash: 'x' }),
  })
  const answer = await app.inject({ method: 'POST', url: '/things' })
  expect(answer.statusCode).toBe(201)
  expect(answer.json()).toEqual({ id: 1, at: '1970-01-01T00:00:00.000Z' })
})

test('answers aliases with the same handler', async () => {
  const { app } = await sample()
  route(app, {
    ...get,
    paths: ['/api/v1/things/{id}', '/api/things/{id}'],
    schema: { params: IdParams },
    handler: ({ params }) => params,
  })
  for (const url of ['/api/v1/things/5', '/api/things/5']) expect((await app.inject({ url })).json()).toEqual({ id: 5 })
})

test('answers 304 for a known ETag, in a list and weakly compared, and only for GET', async () => {
  const { app } = await sample()
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => ({ a: 1 }) })
  route(app, { ...get, method: 'POST', paths: ['/things'], schema: {}, handler: () => ({ a: 1 }) })
  const first = await app.inject({ url: '/things' })
  const etag = String(first.headers.etag)
  expect(etag).toMatch(/^W\/"[\w-]+"$/)
  const again = (ifNoneMatch: string, method: 'GET' | 'HEAD' | 'POST' = 'GET') =>
    app.inject({ method, url: '/things', headers: { 'if-none-match': ifNoneMatch } })
  const unchanged = await again(`"other", ${etag.slice(2)}`)
  expect([unchanged.statusCode, unchanged.body, unchanged.headers.etag]).toEqual([304, '', etag])
  expect((await again(etag, 'HEAD')).statusCode).toBe(304)
  expect((await again('"other"')).statusCode).toBe(200)
  expect((await again(etag, 'POST')).statusCode).toBe(200)
})

test('compresses long answers, but never event streams', async () => {
  const { app } = await sample()
  const long = 'x'.repeat(5000)
  route(app, { ...get, paths: ['/long'], schema: {}, handler: () => ({ long }) })
  route(app, { ...get, paths: ['/short'], schema: {}, handler: () => ({ short: 1 }) })
  route(app, {
    ...get,
    paths: ['/events'],
    schema: {},
    handler: (_, reply) => reply.type('text/event-stream').send(long),
  })
  const headers = { 'accept-encoding': 'gzip, br' }
  const compressed = await app.inject({ url: '/long', headers })
  expect(compressed.headers['content-encoding']).toBe('br')
  expect(JSON.parse(brotliDecompressSync(compressed.rawPayload).toString())).toEqual({ long })
  expect((await app.inject({ url: '/short', headers })).headers['content-encoding']).toBeUndefined()
  expect((await app.inject({ url: '/events', headers })).headers['content-encoding']).toBeUndefined()
})

test('accepts a well-formed X-Request-Id, creates one otherwise, and always returns it', async () => {
  const { app, lines } = await sample()
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => 'ok' })
  const send = async (id?: string, url = '/things') =>
    (await app.inject({ url, headers: id === undefined ? {} : { 'x-request-id': id } })).headers['x-request-id']
  expect(await send('order-2026_03')).toBe('order-2026_03')
  expect(lines.some((line) => JSON.parse(line).request_id === 'order-2026_03')).toBe(true)
  const uuid = /^[\da-f]{8}-/
  expect(await send()).toMatch(uuid)
  expect(await send('short')).toMatch(uuid)
  expect(await send('evil id; drop')).toMatch(uuid)
  expect(await send('order-2026_03', '/%zz')).toBe('order-2026_03')
  expect(await send('order-2026_03', '/nothing')).toBe('order-2026_03')
})

test('allows only listed origins, and sends hardening headers', async () => {
  const { app } = await sample()
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => 'ok' })
  const from = (origin: string) =>
    app.inject({
      method: 'OPTIONS',
      url: '/things',
      headers: { origin, 'access-control-request-method': 'GET' },
    })
  expect((await from('https://desk.example.org')).headers['access-control-allow-origin']).toBe(
    'https://desk.example.org',
  )
  expect((await from('https://evil.example.org')).headers['access-control-allow-origin']).toBeUndefined()
  const { 'x-request-id': first, ...headers } = (await app.inject({ url: '/things' })).headers
  const { 'x-request-id': second, ...again } = (await app.inject({ url: '/things' })).headers
  expect(first).not.toBe(second)
  expect({ ...again, date: '' }).toEqual({ ...headers, date: '' })
  expect(headers['x-content-type-options']).toBe('nosniff')
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
  expect(headers['content-security-policy']).not.toContain('upgrade-insecure-requests')
})

const LIMITS = { general: 1, anonymous: 1, login: 1, loginAddress: 1, register: 1, message: 1 }

test('limits calls per user or address and log-ins separately over all routes, with Retry-After', async () => {
  const { app } = await sample({ rateLimits: { ...LIMITS, anonymous: 3, login: 2, loginAddress: 5 } })
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => 'ok' })
  const body = Type.Object({ username: Type.Optional(Type.String()) })
  const logIn = { ...get, method: 'POST', limit: 'login', schema: { body }, handler: () => 'ok' } as const
  route(app, { ...logIn, paths: ['/login', '/api/login'] })
  route(app, { ...get, paths: ['/register'], limit: 'register', schema: {}, handler: () => 'ok' })
  route(app, { ...get, paths: ['/message'], limit: 'message', schema: {}, handler: () => 'ok' })
  const call = (url: string, headers = {}, remoteAddress = '10.0.0.1') => app.inject({ url, headers, remoteAddress })
  for (let n = 0; n < 3; n++) expect((await call('/things')).statusCode).toBe(200)
  const refused = await call('/things')
  expect(refused.json()).toMatchObject({ status: 429, code: 'rate_limited' })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(50)
  expect(refused.headers['content-type']).toBe('application/problem+json')
  expect((await call('/things', {}, '10.0.0.2')).statusCode, 'another address').toBe(200)
  expect((await call('/things', as('plain'))).statusCode, 'a user at the same address').toBe(200)
  expect((await call('/nothing')).statusCode, 'unknown paths count too').toBe(429)

  expect((await call('/register')).statusCode).toBe(200)
  expect((await call('/register', as('plain'))).statusCode, 'registrations count by address').toBe(429)

  const enter = async (payload: object, url = '/login', remoteAddress = '10.0.0.1', headers = {}) =>
    (await app.inject({ method: 'POST', url, payload, remoteAddress, headers })).statusCode
  expect(await enter({ username: 'Lin' })).toBe(200)
  expect(await enter({ username: ' ｌｉｎ' }, '/api/login'), 'the same name').toBe(200)
  expect(await enter({ username: 'lin' })).toBe(429)
  expect(await enter({ username: 'lin' }, '/login', '10.0.0.2'), 'another address').toBe(200)
  expect(await enter({ username: 'wang' }), 'another name').toBe(200)
  expect(await enter({}), 'without a name').toBe(200)
  expect(await enter({ username: 'chen' }), 'too many at the address').toBe(429)
  const own = (address: string) => enter({}, '/login', address, as('plain'))
  expect([await own('10.0.0.3'), await own('10.0.0.4'), await own('10.0.0.5')], 'a user').toEqual([200, 200, 429])
  expect((await call('/message')).statusCode).toBe(200)
  expect((await call('/message')).statusCode).toBe(429)
})

test('counts in memory without delay while Redis cannot be reached', async () => {
  const sharedCounts = connectRedis('redis://127.0.0.1:1', pino({ level: 'silent' }))
  const { app } = await sample({ sharedCounts, rateLimits: { ...LIMITS, anonymous: 2 } })
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => 'ok' })
  const statuses: number[] = []
  for (let n = 0; n < 3; n++) statuses.push((await app.inject({ url: '/things' })).statusCode)
  sharedCounts.close()
  expect(statuses).toEqual([200, 200, 429])
})

test('counts requests through a trusted proxy by the client address it names, if valid', async () => {
  const { app } = await sample({ trustProxy: true, rateLimits: { ...LIMITS, anonymous: 1 } })
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => 'ok' })
  const from = async (name: string) =>
    (await app.inject({ url: '/things', headers: { 'x-forwarded-for': name } })).statusCode
  expect(await from('203.0.113.1')).toBe(200)
  expect(await from('203.0.113.1')).toBe(429)
  expect(await from('203.0.113.2')).toBe(200)
  expect(await from('made-up-1')).toBe(200)
  expect(await from('made-up-2')).toBe(429)
})

test('a product shapes all its refusals: errors, bad requests, missing permissions, wrong methods', async () => {
  const { app } = await sample()
  await openScope(
    app,
    {
      product: 'room',
      contract: {
        refuse: (error, request, reply) =>
          reply.code(200).send({ code: error.status, msg: error.code, id: request.id }),
      },
    },
    (scope) => {
      const common = { ...get, method: 'POST' } as const
      const body = Type.Object({ name: Type.String() })
      route(scope, {
        ...common,
        paths: ['/rooms'],
        permission: 'things:write',
        schema: { body, response: { 201: Type.Unknown() } },
        handler: () => {
          throw new Conflict('room_taken', 'The room is taken.')
        },
      })
      route(scope, {
        ...common,
        paths: ['/slow'],
        schema: {},
        handler: () => {
          throw new TooMany('slow_down', 'Slow down.', { retryAfter: 2.1 })
        },
      })
    },
  )
  const send = async (headers: Record<string, string>, payload: object, method: 'POST' | 'PUT' = 'POST') => {
    const answer = await app.inject({ method, url: '/rooms', headers, payload })
    return [answer.statusCode, answer.json().code, answer.json().msg]
  }
  expect(await send(as('clerk'), { name: 'a' })).toEqual([200, 409, 'room_taken'])
  expect(await send(as('clerk'), {})).toEqual([200, 400, 'validation'])
  expect(await send(as('plain'), {})).toEqual([200, 403, 'forbidden'])
  expect(await send({}, {})).toEqual([200, 401, 'unauthenticated'])
  expect(await send({}, {}, 'PUT')).toEqual([200, 405, 'method_not_allowed'])
  expect((await app.inject({ method: 'POST', url: '/slow' })).headers['retry-after']).toBe('3')
})

test.each([
  // Errors of the pool for a connection that is refused, reset, or not accepted yet.
  ['can’t be reached', databaseAway(new Error('what the driver says')), 'database_unavailable'],
  ['takes too long', Object.assign(new Error('what the driver says'), { code: '57014' }), 'database_timeout'],
])('answers 503 to a plain query when the database %s', async (_, error, code) => {
  const { app } = await sample()
  route(app, {
    ...get,
    paths: ['/things'],
    schema: {},
    handler: () => {
      throw error
    },
  })
  const answer = await app.inject({ url: '/things' })
  expect([answer.statusCode, answer.json().code, answer.headers['retry-after']]).toEqual([503, code, '5'])
  expect(answer.body).not.toContain('driver')
})
