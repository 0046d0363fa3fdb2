import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { Type } from 'typebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSampleServer, type SampleServer } from '../../../../test/support/sampleServer.ts'
import { problemContract } from '../answer/problem.ts'
import type { App } from '../app.ts'
import { registerHealth } from '../health.ts'
import { route } from '../route.ts'
import { Id, IdParams, Instant, pageOf, pageQuery, Text } from '../schemas.ts'
import { openScope } from '../scope.ts'
import { describe } from './openapi.ts'

const Thing = Type.Object({ id: Id, name: Type.String(), at: Instant }, { title: 'Thing' })

async function sample(): Promise<SampleServer> {
  const server = await createSampleServer()
  registerHealth(server.app, [])
  await openScope(server.app, { product: 'venue', contract: problemContract }, declareThings)
  await server.app.ready()
  return server
}

function declareThings(app: App): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/things.txt'],
    permission: 'public',
    tag: 'things',
    summary: 'List things as text',
    schema: { response: { 200: { description: 'Lines.', content: { 'text/plain': { schema: Type.String() } } } } },
    handler: () => 'thing',
  })
  route(app, {
    method: 'GET',
    paths: ['/api/v1/things'],
    permission: 'public',
    tag: 'things',
    summary: 'List things',
    schema: { querystring: pageQuery(['name'], { q: Type.Optional(Text(20)) }), response: { 200: pageOf(Thing) } },
    handler: () => ({}),
  })
  route(app, {
    method: 'POST',
    paths: ['/api/v1/things', '/api/things'],
    permission: 'things:write',
    tag: 'things',
    summary: 'Make a thing',
    description: 'Makes one.',
    idempotent: true,
    schema: { body: Type.Object({ name: Text(20), size: Type.Integer() }), response: { 201: Thing } },
    handler: () => ({}),
  })
  route(app, {
    method: 'DELETE',
    paths: ['/api/v1/things/{id}'],
    permission: 'signed-in',
    tag: 'things',
    summary: 'Remove a thing',
    schema: { params: IdParams, response: { 204: Type.Null({ description: 'Removed' }) } },
    handler: (_request, reply) => reply.code(204).send(),
  })
}

let server: SampleServer
let folder: string
beforeAll(async () => {
  server = await sample()
  folder = await mkdtemp(join(tmpdir(), 'openapi-'))
})
afterAll(async () => {
  await server.app.close()
  await rm(folder, { recursive: true })
})

async function read(url: string) {
  return (await server.app.inject({ url })).json()
}

test('the document passes the linter', async () => {
  const file = join(folder, 'openapi.json')
  await writeFile(file, JSON.stringify(describe(server.app)))
  const redocly = fileURLToPath(new URL('../../../../node_modules/.bin/redocly', import.meta.url))
  const environment = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  const { stderr } = await promisify(execFile)(redocly, ['lint', '--extends=recommended', '--max-problems=50', file], {
    env: environment,
    cwd: folder,
  })
  expect(stderr).toContain('Your API description is valid')
})

test('the same routes give the same bytes', async () => {
  const other = await sample()
  expect(JSON.stringify(describe(other.app))).toBe(JSON.stringify(describe(server.app)))
  await other.app.close()
})

test('an operation documents its permission, its errors and its parameters', async () => {
  const { paths, components } = await read('/openapi.json')
  const make = paths['/api/v1/things'].post
  expect(make).toMatchObject({
    operationId: 'createThing',
    tags: ['things'],
    security: [{ bearer: [] }, { password: [] }],
    'x-permission': 'things:write',
    'x-product': 'venue',
  })
  expect(Object.keys(make.responses)).toEqual([
    '201',
    '400',
    '401',
    '403',
    '409',
    '413',
    '415',
    '422',
    '429',
    '500',
    '503',
  ])
  expect(make.responses[400]).toEqual({ $ref: '#/components/responses/BadRequest' })
  expect(components.responses.BadRequest.content['application/problem+json'].schema).toEqual({
    $ref: '#/components/schemas/Problem',
  })
  expect(make.responses[201].content['application/json'].schema).toEqual({ $ref: '#/components/schemas/Thing' })
  expect(make.requestBody.content['application/json'].schema.additionalProperties).toBe(false)
  expect(make.parameters).toContainEqual(
    expect.objectContaining({ in: 'header', name: 'Idempotency-Key', required: false }),
  )
  expect(Object.keys(components.schemas)).toEqual(['Problem', 'Thing'])
  const list = paths['/api/v1/things'].get
  expect(list.security).toEqual([])
  expect(list.parameters).toContainEqual(expect.objectContaining({ name: 'page', required: false }))
})

test('a GET with an answer other than JSON can answer 304 too', async () => {
  const { paths } = await read('/openapi.json')
  expect(Object.keys(paths['/api/v1/things.txt'].get.responses)).toContain('304')
  const again = await server.app.inject({ url: '/api/v1/things.txt', headers: { 'if-none-match': '*' } })
  expect(again.statusCode).toBe(304)
})

test('an operation names its aliases, which are not listed separately', async () => {
  const { paths } = await read('/openapi.json')
  expect(paths['/api/v1/things'].post).toMatchObject({ 'x-aliases': ['/api/things'] })
  expect(paths).not.toHaveProperty(['/api/things'])
  expect(paths['/api/v1/things'].get).not.toHaveProperty('x-aliases')
})

test('a product has a document of its own, with only the parts it uses', async () => {
  const { paths, components, info, tags } = await read('/openapi/venue.json')
  expect([info.title, tags]).toEqual(['Venue', [{ name: 'things' }]])
  expect(Object.keys(paths)).toEqual(['/api/v1/things', '/api/v1/things.txt', '/api/v1/things/{id}'])
  expect(Object.keys(components.schemas)).toEqual(['Problem', 'Thing'])
})

test('the routes without a scope have a document of their own', async () => {
  const { paths, components, info } = await read('/openapi/site.json')
  expect([info.title, Object.keys(paths)]).toEqual(['Site', ['/healthz', '/readyz']])
  expect(components).toEqual({
    schemas: { Problem: expect.anything() },
    responses: {
      BadRequest: expect.anything(),
      InternalServerError: expect.anything(),
      NotModified: expect.anything(),
      ServiceUnavailable: expect.anything(),
    },
    parameters: {},
    securitySchemes: {},
  })
})

test.each(['br', 'gzip', undefined])('a document is sent in the requested encoding: %s', async (encoding) => {
  const { payload: plain } = await server.app.inject({ url: '/openapi.json' })
  const headers =
    encoding === undefined ? { 'accept-encoding': 'br;q=0' } : { 'accept-encoding': `deflate, ${encoding}` }
  const answer = await server.app.inject({ url: '/openapi.json', headers })
  expect([answer.headers['content-encoding'], answer.headers.vary]).toEqual([encoding, 'accept-encoding'])
  const unpack = { br: brotliDecompressSync, gzip: gunzipSync, none: (text: Buffer) => text }
  expect(unpack[encoding === 'br' || encoding === 'gzip' ? encoding : 'none'](answer.rawPayload).toString()).toBe(plain)
  expect(JSON.parse(plain)).toEqual(describe(server.app))
})

test('a document that the client has already is not sent again', async () => {
  const { headers } = await server.app.inject({ url: '/openapi/venue.json', headers: { 'accept-encoding': 'br' } })
  const again = await server.app.inject({
    url: '/openapi/venue.json',
    headers: { 'accept-encoding': 'br', 'if-none-match': String(headers.etag) },
  })
  expect([again.statusCode, again.payload, again.headers['content-encoding']]).toEqual([304, '', undefined])
  expect((await server.app.inject({ url: '/openapi.json' })).headers.etag).not.toBe(headers.etag)
})

test('Swagger UI is public, needs no other server, and runs under its content security policy', async () => {
  const page = await server.app.inject({ url: '/docs' })
  expect(page.statusCode).toBe(200)
  expect(page.body).not.toMatch(/https?:\/\//)
  expect(page.headers['content-security-policy']).toContain("default-src 'self'")
  const scripts = [...page.body.matchAll(/<script(?: src="([^"]+)")?[^>]*>([^<]*)/g)]
  expect(scripts.length).toBeGreaterThan(2)
  for (const [, source, inline] of scripts) {
    expect(inline?.trim()).toBe('')
    expect((await server.app.inject({ url: source ?? '' })).statusCode).toBe(200)
  }
  const initializer = await server.app.inject({ url: '/docs/static/swagger-initializer.js' })
  const documents = [...initializer.body.matchAll(/\/openapi[\w/]*\.json/g)].map(([url]) => url)
  expect(documents).toEqual(['/openapi.json', '/openapi/venue.json', '/openapi/site.json'])
  for (const url of documents) expect((await server.app.inject({ url })).statusCode).toBe(200)
})

test('the log-in of Swagger UI posts the OAuth2 password form to our own log-in', async () => {
  const { components } = await read('/openapi.json')
  expect(components.securitySchemes.password.flows.password).toEqual({ tokenUrl: '/api/v1/users/login', scopes: {} })
})
