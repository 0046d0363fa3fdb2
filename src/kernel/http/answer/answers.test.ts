import { connect } from 'node:net'
import { brotliDecompressSync } from 'node:zlib'
import { pino } from 'pino'
import { Type } from 'typebox'
import { afterEach, expect, test, vi } from 'vitest'
import { as, createSampleServer, type SampleServer } from '../../../../test/support/sampleServer.ts'
import { databaseAway } from '../../database/constraints.ts'
import { Conflict, TooMany } from '../../errors.ts'
import { registerHealth } from '../health.ts'
import { connectRedis } from '../request/limits.ts'
import { route } from '../route.ts'
import { IdParams, Instant } from '../schemas.ts'
import { openScope } from '../scope.ts'
import { closeServer } from '../stop.ts'
import { onUnexpected } from './failures.ts'

const open: SampleServer[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const { app } of open.splice(0)) await app.close()
})

async function sample(options: Parameters<typeof createSampleServer>[0] = {}): Promise<SampleServer> {
  const server = await createSampleServer(options)
  open.push(server)
  return server
}

const get = { method: 'GET', permission: 'public', tag: 'things', summary: 'Get it' } as const

test('writes dates in UTC, only the members that are declared, and the declared status of a success', async () => {
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

test('answers 304 to who has the ETag already, in a list and weakly compared, and only for GET', async () => {
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

test('takes a sane X-Request-Id, makes one otherwise, and always gives it back', async () => {
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

test('lets listed origins in, others not, and sends hardening headers', async () => {
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

test('counts calls per user or address, log-ins for themselves over all doors, and says when to come back', async () => {
  const { app } = await sample({ rateLimits: { general: 3, login: 2, message: 1 } })
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => 'ok' })
  route(app, { ...get, paths: ['/login', '/api/login'], limit: 'login', schema: {}, handler: () => 'ok' })
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

  expect((await call('/login')).statusCode).toBe(200)
  expect((await call('/api/login', as('plain'))).statusCode).toBe(200)
  expect((await call('/login')).statusCode).toBe(429)
  expect((await call('/message')).statusCode).toBe(200)
  expect((await call('/message')).statusCode).toBe(429)
})

test('counts for itself, and waits for nothing, while the Redis that counts can not be reached', async () => {
  const sharedCounts = connectRedis('redis://127.0.0.1:1', pino({ level: 'silent' }))
  const { app } = await sample({ sharedCounts, rateLimits: { general: 2, login: 1, message: 1 } })
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => 'ok' })
  const statuses: number[] = []
  for (let n = 0; n < 3; n++) statuses.push((await app.inject({ url: '/things' })).statusCode)
  sharedCounts.close()
  expect(statuses).toEqual([200, 200, 429])
})

test('counts what comes through a trusted proxy by the address it names, if that is one', async () => {
  const { app } = await sample({ trustProxy: true, rateLimits: { general: 1, login: 1, message: 1 } })
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => 'ok' })
  const from = async (name: string) =>
    (await app.inject({ url: '/things', headers: { 'x-forwarded-for': name } })).statusCode
  expect(await from('203.0.113.1')).toBe(200)
  expect(await from('203.0.113.1')).toBe(429)
  expect(await from('203.0.113.2')).toBe(200)
  expect(await from('made-up-1')).toBe(200)
  expect(await from('made-up-2')).toBe(429)
})

test('a product answers every refusal in its own shape: its errors, bad requests, missing permissions, wrong methods', async () => {
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

test('answers a fault of ours with the request id and nothing else, logs it and tells the witnesses', async () => {
  const { app, lines } = await sample()
  const seen: unknown[] = []
  const stop = onUnexpected((error) => seen.push(error))
  route(app, {
    ...get,
    paths: ['/fault'],
    schema: {},
    handler: () => {
      throw new Error('relation "users" does not exist')
    },
  })
  const answer = await app.inject({ url: '/fault' })
  stop()
  expect(answer.json()).toMatchObject({ status: 500, code: 'internal', request_id: answer.headers['x-request-id'] })
  expect(answer.body).not.toContain('relation')
  expect(seen).toHaveLength(1)
  const [line] = lines.map((one) => JSON.parse(one)).filter(({ level }) => level === 50)
  expect(line).toMatchObject({
    request_id: answer.headers['x-request-id'],
    err: { message: 'relation "users" does not exist' },
  })
})

test('never logs a token, a password or a cookie', async () => {
  const { app, lines } = await sample()
  route(app, {
    ...get,
    paths: ['/things'],
    schema: {},
    handler: (request) => {
      request.log.info({ headers: request.headers, body: { password: 'hunter2' }, token: 'hunter2' }, 'seen')
      request.log.info({ req: request }, 'seen')
      return 'ok'
    },
  })
  route(app, { ...get, paths: ['/u/{token}'], schema: {}, handler: () => 'ok' })
  const headers = { authorization: 'Bearer hunter2', cookie: 'sid=hunter2' }
  await app.inject({ url: '/things?page=2&token=hunter2&access_token=hunter2&sig=hunter2#x', headers })
  await app.inject({ url: '/u/hunter2' })
  await app.inject({ url: '/nothing?reset_token=hunter2' })
  const text = lines.join('')
  expect(text).toContain('page=2&token=[hidden]')
  expect(text).not.toContain('hunter2')
})

test('never logs a phone number or an e-mail address of the query, however it is written', async () => {
  const { app, lines } = await sample()
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => 'ok' })
  const queries = [
    'q=13800138123',
    'phone=138%200013-8123',
    '%71=1%338%30013+8123',
    'filter=%2B86+138+0013+8123',
    'filter=8613800138123',
    'filter=%EF%BC%91%EF%BC%93%EF%BC%98%EF%BC%90%EF%BC%90%EF%BC%91%EF%BC%93%EF%BC%98%EF%BC%91%EF%BC%92%EF%BC%93',
    'filter=%2B442071238123',
    'filter=lei%40example.com',
    'filter=lei%2540example.com',
    'name=%E7%8E%8B%E7%A3%8A&username=wanglei8123',
    '13800138123',
    'lei@example.com=1',
    'filter=%zz13800138123',
  ]
  for (const query of queries) await app.inject({ url: `/things?page=3&${query}&sort=-at` })
  await app.inject({ url: '/nothing?q=lei@example.com' })
  const text = lines.join('')
  expect(text).not.toMatch(/example|8123|8%30013|%EF%BC|%E7%8E/)
  expect(text.match(/page=3&[^"]*\[hidden\]&sort=-at/g)).toHaveLength(queries.length)
})

test('logs days, times, ids and marks of the query as they are', async () => {
  const { app, lines } = await sample()
  route(app, { ...get, paths: ['/things'], schema: {}, handler: () => 'ok' })
  const url =
    '/things?start_date=2026-03-03&from=2026-03-03T10:00:00%2B08:00&at=1772500000000&id=13&status=confirmed&flag'
  await app.inject({ url })
  expect(lines.join('')).toContain(`"url":"${url}"`)
})

test('makes a logger for a request only when something is logged by it', async () => {
  const { app, lines } = await sample()
  route(app, { ...get, paths: ['/quiet'], schema: {}, handler: () => 'ok' })
  route(app, {
    ...get,
    paths: ['/loud'],
    schema: {},
    handler(request) {
      request.log.info('first')
      request.log.info('second')
      return 'ok'
    },
  })
  const made = vi.spyOn(app.log, 'child')
  await app.inject({ url: '/quiet' })
  expect(made).toHaveBeenCalledTimes(0)
  const { headers } = await app.inject({ url: '/loud' })
  expect(made).toHaveBeenCalledTimes(1)
  const said = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'first' || msg === 'second')
  expect(said.map(({ request_id: id }) => id)).toEqual([headers['x-request-id'], headers['x-request-id']])
})

test('tells whether it is alive, and which of the things it needs do not work', async () => {
  const { app } = await sample()
  vi.useFakeTimers({ toFake: ['performance'] })
  let broken = false
  let asked = 0
  registerHealth(app, [
    { name: 'database', check: async () => {} },
    {
      name: 'jobs',
      check: async () => {
        asked += 1
        if (broken) throw new Error('no worker, password hunter2')
      },
    },
  ])
  const together = await Promise.all([app.inject({ url: '/readyz' }), app.inject({ url: '/readyz' })])
  expect(together.map((answer) => answer.json())).toEqual([{ status: 'ok' }, { status: 'ok' }])
  broken = true
  vi.advanceTimersByTime(999)
  expect((await app.inject({ url: '/readyz' })).statusCode).toBe(200)
  expect(asked).toBe(1)
  vi.advanceTimersByTime(1)
  const answer = await app.inject({ url: '/readyz' })
  expect(answer.json()).toMatchObject({ status: 503, code: 'not_ready', failed: ['jobs'] })
  expect(answer.body).not.toContain('hunter2')
  expect((await app.inject({ url: '/healthz' })).json()).toEqual({ status: 'ok' })
})

test('when stopping, answers what is in flight, turns away what comes later and closes the rest', async () => {
  const { app } = await sample()
  let finish = () => {}
  let begun = () => {}
  const started = new Promise<void>((resolve) => (begun = resolve))
  route(app, {
    ...get,
    paths: ['/slow'],
    schema: {},
    handler: () => {
      begun()
      return new Promise((resolve) => (finish = () => resolve('done')))
    },
  })
  route(app, { ...get, paths: ['/quick'], schema: {}, handler: () => 'quick' })
  app.get('/ws', { websocket: true, config: { permission: 'public' } }, () => {})
  const url = await app.listen({ port: 0 })
  const closed = new Promise<number>((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`)
    socket.addEventListener('close', ({ code }) => resolve(code))
    socket.addEventListener('open', () => opened())
  })
  let opened = () => {}
  await new Promise<void>((resolve) => (opened = resolve))

  // One connection asks for something slow, another is in the middle of asking for something quick.
  const connection = () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    const answer = { text: '', ended: new Promise((resolve) => socket.on('close', resolve)), socket }
    socket.on('data', (chunk) => (answer.text += chunk))
    return answer
  }
  const [slow, quick] = [connection(), connection()]
  quick.socket.write('GET /quick HTTP/1.1\r\nHost: x\r\n')
  slow.socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n')
  await started
  const stopping = closeServer(app, 5000)
  await closed
  quick.socket.write('\r\n')
  await quick.ended
  finish()
  await stopping
  await slow.ended
  expect(slow.text).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*done/i)
  expect(quick.text).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"stopping"/)
  await expect(fetch(`${url}/quick`)).rejects.toThrow()
})

test('when stopping, does not wait longer than the grace for what does not end', async () => {
  const { app } = await sample()
  let begun = () => {}
  const started = new Promise<void>((resolve) => (begun = resolve))
  route(app, {
    ...get,
    paths: ['/stuck'],
    schema: {},
    handler: () => {
      begun()
      return new Promise(() => {})
    },
  })
  const url = await app.listen({ port: 0 })
  const answer = fetch(`${url}/stuck`).catch(() => 'cut off')
  await started
  await closeServer(app, 50)
  expect(await answer).toBe('cut off')
})

test.each([
  // What the pool makes of a connection that is refused, reset, or not taken yet.
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
