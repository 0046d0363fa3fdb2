import { connect } from 'node:net'
import { Type } from 'typebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { as, createSampleServer, type SampleServer } from '../../../../test/support/sampleServer.ts'
import { onUnexpected } from '../answer/failures.ts'
import { route } from '../route.ts'
import { Id, IdParams, InstantInput, LocalDate, pageQuery, Text } from '../schemas.ts'

let server: SampleServer
const faults: unknown[] = []
const stopWatching = onUnexpected((error) => faults.push(error))

beforeAll(async () => {
  server = await createSampleServer({ requestTimeout: 300 })
  route(server.app, {
    method: 'POST',
    paths: ['/things'],
    permission: 'things:write',
    tag: 'things',
    summary: 'Make a thing',
    schema: {
      body: Type.Object({
        name: Text(10),
        size: Type.Optional(Type.Integer()),
        weight: Type.Optional(Type.Number()),
        password: Type.Optional(Type.String({ maxLength: 100 })),
        on: Type.Optional(LocalDate),
        at: Type.Optional(InstantInput),
        owner: Type.Optional(Type.Object({ id: Id })),
        kind: Type.Optional(Type.Union([Type.Literal('a'), Type.Literal('b')])),
        both: Type.Optional(Type.Intersect([Type.Object({ x: Type.String() }), Type.Object({ y: Type.String() })])),
        anything: Type.Optional(Type.Unknown()),
      }),
    },
    handler: ({ body }) => body,
  })
  route(server.app, {
    method: 'GET',
    paths: ['/things/{id}'],
    permission: 'public',
    tag: 'things',
    summary: 'One thing',
    schema: {
      params: IdParams,
      querystring: pageQuery(['name', 'created_at'], { status: Type.Optional(Type.Array(Text(10), { maxItems: 3 })) }),
    },
    handler: ({ params, query }) => ({ ...params, ...query }),
  })
  route(server.app, {
    method: 'POST',
    paths: ['/forms'],
    permission: 'public',
    tag: 'things',
    summary: 'A form',
    schema: { body: Type.Object({ username: Text(50), password: Type.String() }) },
    handler: ({ body }) => body,
  })
  await server.app.ready()
})

afterAll(async () => {
  stopWatching()
  await server.app.close()
  expect(faults, 'no input may cause a 500').toEqual([])
})

const json = { 'content-type': 'application/json' }

async function post(payload: string | Buffer | object, headers: Record<string, string> = json) {
  const answer = await server.app.inject({
    method: 'POST',
    url: '/things',
    headers: { ...as('clerk'), ...headers },
    payload,
  })
  return { status: answer.statusCode, type: answer.headers['content-type'], body: answer.json() }
}

const refusals: readonly [string, string | Buffer | object, number, string, Record<string, string>?][] = [
  ['broken JSON', '{"name": ', 400, 'invalid_json'],
  ['JSON that is no object', '[1]', 400, 'validation'],
  ['null', 'null', 400, 'validation'],
  ['no body', '', 400, 'validation'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'bad_encoding'],
  [
    'another character set',
    '{"name":"a"}',
    415,
    'unsupported_media_type',
    { 'content-type': 'application/json; charset=gbk' },
  ],
  ['text', 'name', 415, 'unsupported_media_type', { 'content-type': 'text/plain' }],
  ['a broken content type', '{}', 415, 'unsupported_media_type', { 'content-type': 'json;;;=' }],
  ['no content type', '{}', 415, 'unsupported_media_type', { 'content-type': '' }],
  ['a compressed body', '{}', 415, 'unsupported_encoding', { ...json, 'content-encoding': 'gzip' }],
  ['more than 1 MB', JSON.stringify({ name: 'x'.repeat(1_100_000) }), 413, 'body_too_large'],
  ['a NUL byte in a text', '{"name":"a\\u0000b"}', 400, 'validation'],
  ['a NUL byte in a name', '{"name":"a","anything":{"a\\u0000":1}}', 400, 'validation'],
  ['half of a surrogate pair', '{"name":"\\ud800"}', 400, 'validation'],
  ['a number beyond all bounds', '{"name":"a","weight":1e400}', 400, 'validation'],
  ['an integer beyond 2^53', '{"name":"a","size":9007199254740993}', 400, 'validation'],
  ['an integer beyond 2^53 where anything goes', '{"name":"a","anything":[9007199254740993]}', 400, 'validation'],
  ['NaN', '{"name":"a","weight":NaN}', 400, 'invalid_json'],
  ['JSON of 21 levels', `{"name":"a","anything":${'['.repeat(21)}${']'.repeat(21)}}`, 400, 'validation'],
  ['JSON of 400,000 levels', `{"name":"a","anything":${'['.repeat(400_000)}${']'.repeat(400_000)}}`, 400, 'validation'],
  ['__proto__', '{"name":"a","anything":{"__proto__":{"isAdmin":true}}}', 400, 'validation'],
  ['constructor.prototype', '{"name":"a","anything":{"constructor":{"prototype":{"x":1}}}}', 400, 'validation'],
  ['a field that is not known', { name: 'a', role: 'admin' }, 400, 'validation'],
  ['a field that is not known, further down', { name: 'a', owner: { id: 1, role: 'admin' } }, 400, 'validation'],
  ['a field that is not known, in an intersection', { name: 'a', both: { x: '1', y: '2', z: '3' } }, 400, 'validation'],
  ['a number as text', { name: 'a', size: '7' }, 400, 'validation'],
  ['a text as number', { name: 7 }, 400, 'validation'],
  ['nothing but spaces', { name: ' \t\u3000 ' }, 400, 'validation'],
  ['nothing that can be seen', { name: '\u200b' }, 400, 'validation'],
  ['the 30th of February', { name: 'a', on: '2026-02-30' }, 400, 'validation'],
  ['the year 0', { name: 'a', on: '0000-01-01' }, 400, 'validation'],
  ['a leap second', { name: 'a', at: '2026-06-30T23:59:60Z' }, 400, 'validation'],
]

test.each(refusals)('refuses %s', async (_what, payload, status, code, headers) => {
  const answer = await post(payload, headers)
  expect(answer.body).toMatchObject({ status, code, type: 'about:blank', request_id: expect.any(String) })
  expect(answer.status).toBe(status)
  expect(answer.type).toBe('application/problem+json')
})

test('accepts an intersection when each member is named by one of its branches', async () => {
  expect((await post({ name: 'a', both: { x: '1', y: '2' } })).status).toBe(200)
})

test('names every wrong field by its JSON pointer', async () => {
  const { body } = await post({ name: '', size: 1.5, kind: 'c', owner: {}, 'a/b': 1 })
  expect(body.errors).toEqual(
    expect.arrayContaining([
      { in: 'body', path: '/name', message: 'must not be blank' },
      { in: 'body', path: '/size', message: 'must be integer' },
      { in: 'body', path: '/kind', message: 'must be one of "a", "b"' },
      { in: 'body', path: '/owner/id', message: 'is required' },
      { in: 'body', path: '/a~1b', message: 'is not a known field' },
    ]),
  )
  expect(body.errors).toHaveLength(5)
})

test('names at most 20 wrong fields', async () => {
  const wrong = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`field${n}`, n]))
  expect((await post(wrong)).body.errors).toHaveLength(20)
})

test('trims texts, but never passwords', async () => {
  const { body } = await post({ name: '  ball ', password: ' p w ', anything: [' x '] })
  expect(body).toEqual({ name: 'ball', password: ' p w ', anything: ['x'] })
})

test('reads forms, and refuses broken percent encoding in them', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const send = (payload: string) => server.app.inject({ method: 'POST', url: '/forms', headers: form, payload })
  expect((await send('username=%E5%BC%A0+san&password=a%3Db')).json()).toEqual({ username: '张 san', password: 'a=b' })
  expect((await send('username=%ff&password=x')).json()).toMatchObject({ status: 400, code: 'bad_encoding' })
  expect((await send('username=a&username=b&password=x')).json()).toMatchObject({ status: 400, code: 'validation' })
  expect((await send('username=a&password=x&__proto__=b')).json()).toMatchObject({ status: 400, code: 'validation' })
})

const badUrls: readonly [string, number, string][] = [
  ['/things/%zz', 400, 'bad_url'],
  ['/things/1?page=%zz', 400, 'bad_url'],
  ['/things/1?status=%00', 400, 'validation'],
  ['/things/1?status=%ED%A0%80', 400, 'bad_url'],
  ['/things/%00', 400, 'validation'],
  ['/things/abc', 400, 'validation'],
  ['/things/0', 400, 'validation'],
  ['/things/9007199254740993', 400, 'validation'],
  ['/things/Infinity', 400, 'validation'],
  ['/things/1?page=0', 400, 'validation'],
  ['/things/1?page=1&page=2', 400, 'validation'],
  ['/things/1?page=', 400, 'validation'],
  ['/things/1?page_size=101', 400, 'validation'],
  ['/things/1?sort=secret', 400, 'validation'],
  ['/things/1?status=a&status=b&status=c&status=d', 400, 'validation'],
  [`/things/${'1'.repeat(600)}`, 414, 'path_too_long'],
  ['/nothing', 404, 'not_found'],
  ['/things/1/more', 404, 'not_found'],
]

test.each(badUrls)('refuses GET %s', async (url, status, code) => {
  const answer = await server.app.inject({ url })
  expect(answer.json()).toMatchObject({ status, code })
  expect(answer.statusCode).toBe(status)
  expect(answer.headers['content-type']).toBe('application/problem+json')
})

test('coerces queries, fills in defaults and accepts a single value as a list', async () => {
  const answer = await server.app.inject({ url: '/things/7/?page=2&status=open' })
  expect(answer.json()).toEqual({ id: 7, page: 2, page_size: 20, sort: 'name', status: ['open'] })
})

test('answers a wrong method with 405 and the allowed methods', async () => {
  const answer = await server.app.inject({ method: 'DELETE', url: '/things/1?x=1' })
  expect(answer.json()).toMatchObject({ status: 405, code: 'method_not_allowed' })
  expect(answer.headers.allow).toBe('GET, HEAD')
})

test.each(['/nothing?x=%zz', '/things/1?x=%zz'])(
  'says that there is nothing at %s before it looks at the rest',
  async (url) => {
    const headers = { 'content-type': 'application/nonsense' }
    const answer = await server.app.inject({ method: 'PATCH', url, headers, payload: '{' })
    expect(answer.json()).toMatchObject(url.startsWith('/nothing') ? { status: 404 } : { status: 405 })
  },
)

let listening: Promise<string> | undefined

/** Sends `text` over a raw connection, waits, and returns the answer. */
async function speak(text: string): Promise<string> {
  listening ??= server.app.listen({ port: 0 })
  const { port } = new URL(await listening)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text))
    socket.on('data', (chunk) => (answer += chunk))
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}

test('answers input that is not HTTP with a problem document and closes the connection', async () => {
  const answer = await speak('GET / NOT-HTTP\r\n\r\n')
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(answer).toContain('"code":"bad_request"')
})

test('does not wait for a body that never arrives', async () => {
  const answer = await speak(
    'POST /forms HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{',
  )
  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  expect(answer).toContain('"code":"request_timeout"')
})

test('limits the size of headers', async () => {
  const answer = await speak(`GET /things/1 HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 431 /)
})
