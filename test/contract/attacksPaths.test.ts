import { afterAll, describe, expect, it } from 'vitest'
import { envelopeOf } from './envelopes.ts'
import { fingerprint, openFilledWorld } from './filledWorld.ts'
import { codeOf, type Operation, readDocument } from './operations.ts'
import { rawSite } from './rawSite.ts'

const world = await openFilledWorld()
const api = readDocument(world.app)
const site = await rawSite(world.app)
afterAll(() => world.close())

/** Other spellings of a path, which some proxies or routers normalize to the path itself. */
const spellings: readonly ((path: string) => string)[] = [
  (path) => path.toUpperCase(),
  (path) => `/${path}`,
  (path) => path.replaceAll('/', '//'),
  (path) => `${path}/`,
  (path) => `${path}/.`,
  (path) => `${path}.`,
  (path) => `${path}.json`,
  (path) => `${path}%20`,
  (path) => `${path}%00`,
  (path) => `${path};a=b`,
  (path) => `${path}%2f`,
  (path) => `${path}%3Ffields=id`,
  (path) => `${path}#/api/v1/venues`,
  (path) => `/api/v1/venues/..%2f..%2f..${path}`,
  (path) => `/api/v1/venues/../../..${path}`,
  (path) => `/api/v1/venues/%2e%2e/%2e%2e/%2e%2e${path}`,
  (path) => `/docs/static/..${path}`,
  (path) => `/healthz/%2e%2e${path}`,
  (path) => path.replaceAll('/', '\\'),
  (path) => path.replace('/', '/./'),
  (path) => path.replaceAll('/', '%2f').replace('%2f', '/'),
  (path) => path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (path) => `http://localhost${path}`,
  (path) => `http://evil.example${path}`,
]

const withPrefixes = (operation: Operation) =>
  envelopeOf(operation).prefixes.map((prefix) => prefix + operation.path.replaceAll(/\{\w+\}/g, '1'))

/** True if an answer is a success, in the form of either product. */
const isLetIn = (
  operation: Operation,
  answer: { statusCode: number; headers: Record<string, unknown>; body: string },
) => answer.statusCode >= 200 && answer.statusCode < 300 && codeOf(operation, answer) < 300

describe('Another spelling of a path', () => {
  it('opens no operation without its log-in, and writes nothing', { timeout: 120_000 }, async () => {
    const before = await fingerprint(world)
    const guarded = api.operations.filter(({ permission, isAlias }) => permission !== 'public' && !isAlias)
    const opened: string[] = []
    for (const operation of guarded) {
      // Every sixteenth path is tried in every spelling; the others in one each.
      const index = guarded.indexOf(operation)
      const ways = index % 16 === 0 ? spellings : [spellings[index % spellings.length]]
      for (const path of withPrefixes(operation)) {
        for (const spell of ways) {
          const url = spell?.(path) ?? path
          const answer = await site.send(`${operation.method} ${url} HTTP/1.1`)
          if (answer.statusCode >= 500 || isLetIn(operation, answer))
            opened.push(`${operation.method} ${url}: ${answer.statusCode}`)
        }
      }
    }
    expect(opened).toEqual([])
    expect(await fingerprint(world)).toBe(before)
  })

  it('opens no read to a user without its permission', { timeout: 120_000 }, async () => {
    const opened: string[] = []
    const authorization = `Authorization: Bearer ${world.visitor.token}`
    const guarded = api.operations.filter(({ permission, method }) => permission.includes(':') && method === 'GET')
    for (const [index, operation] of guarded.entries()) {
      const spell = spellings[index % spellings.length]
      const url = spell?.(operation.path.replaceAll(/\{\w+\}/g, '1')) ?? ''
      const answer = await site.send(`GET ${url} HTTP/1.1`, authorization)
      if (answer.statusCode >= 500 || isLetIn(operation, answer))
        opened.push(`GET ${url}: ${answer.statusCode} ${answer.body}`)
    }
    expect(opened).toEqual([])
  })

  it('would be noticed if it were accepted: the plain path is open with a good token', async () => {
    const authorization = `Authorization: Bearer ${world.administrator.token}`
    expect((await site.send('GET /api/v1/users/1 HTTP/1.1', authorization)).statusCode).toBe(200)
    expect((await site.send('GET /prod-api/manage/facility/room/1 HTTP/1.1', authorization)).body).toContain(
      '"code":200',
    )
  })
})

describe('A path that leaves the folder', () => {
  it.each([
    '/docs/static/../../../../package.json',
    '/docs/static/..%2f..%2f..%2f..%2fpackage.json',
    '/docs/static/%2e%2e/%2e%2e/%2e%2e/package.json',
    '/docs/static/..%5c..%5c..%5cpackage.json',
    '/docs/static/....//....//package.json',
    '/docs/static/%00/package.json',
    '/docs/static//etc/passwd',
    '/docs/static/C:%5cWindows%5cwin.ini',
    '/api/v1/files/..%2f..%2fsecrets.json',
    '/api/v1/files/%2e%2e%2f1',
    '/api/v1/files/1%00.png',
    '/api/v1/data-exports/..%2f..%2f..%2fetc%2fpasswd',
    '/openapi/..%2f..%2fpackage.json',
    '/openapi/%2e%2e%2fpackage.json',
    '/package.json',
    '/.env',
    '/.git/config',
    '/data/secrets.json',
    '/migrations/0001_kernel.sql',
  ])('is refused and shows no file: %s', async (path) => {
    const answer = await site.send(`GET ${path} HTTP/1.1`)
    expect([400, 403, 404]).toContain(answer.statusCode)
    expect(answer.body).not.toMatch(/"dependencies"|root:|\[core\]|CREATE TABLE/)
  })

  it('is refused if it is very long', async () => {
    for (const path of [`/api/v1/venues/${'1'.repeat(10_000)}`, `/${'a/'.repeat(5000)}`, `/?${'a=1&'.repeat(3000)}`]) {
      const { statusCode } = await site.send(`GET ${path} HTTP/1.1`)
      expect([400, 404, 414, 431]).toContain(statusCode)
    }
    expect((await site.send(`GET /${'x'.repeat(40_000)} HTTP/1.1`)).statusCode).toBe(431)
  })
})
