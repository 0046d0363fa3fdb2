import { afterAll, describe, expect, it } from 'vitest'
import { openWorld, type Person } from '../support/world.ts'
import { rawSite } from './rawSite.ts'

const world = await openWorld({ PUBLIC_URL: 'https://book.example.org' })
const site = await rawSite(world.app)
const person = await world.person('venue:employee', { email: 'lin@example.org' })
const administrator = await world.person('admin')
afterAll(() => world.close())

const signedIn = (as: Person) => `Authorization: Bearer ${as.token}`

describe('The Host header', () => {
  it.each([
    'Host: evil.example',
    'X-Forwarded-Host: evil.example',
    'Forwarded: host=evil.example;proto=http',
    'X-Original-URL: /api/v1/users',
    'X-Rewrite-URL: /api/v1/users',
  ])('never changes the address in a link: %s', async (header) => {
    for (const path of ['/api/v1/users/me/calendar-link', '/portal/facility/booking/my/calendar-link']) {
      const { body } = await world.call('GET', path, { as: person, headers: headerOf(header) })
      expect(body.data?.url ?? body.url).toMatch(/^https:\/\/book\.example\.org\//)
    }
    await world.call('POST', '/api/v1/users/password/reset-code', {
      headers: headerOf(header),
      payload: { username: 'lin@example.org', channel: 'email' },
    })
    await world.drain()
    const [{ said }] = (await world.rows<{ said: string }>(
      "SELECT coalesce(string_agg(m::text, ' '), '') || (SELECT coalesce(string_agg(d::text, ' '), '') FROM deliveries d) AS said FROM notification_messages m",
    )) as [{ said: string }]
    expect(said).not.toContain('evil.example')
    expect((await world.call('GET', '/healthz', { headers: headerOf(header) })).body).not.toHaveProperty('items')
  })

  it('is required, and two of them cause no server error', async () => {
    expect(await site.speak('GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    const twice = 'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n'
    expect(await site.speak(twice)).toMatch(/^HTTP\/1\.1 [24]00 /)
  })
})

function headerOf(header: string): Record<string, string> {
  const [name = '', value = ''] = header.split(': ')
  return { [name.toLowerCase()]: value }
}

describe('X-Forwarded-For without a trusted proxy', () => {
  it('is ignored by the log of log-ins', async () => {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await world.call('POST', '/api/v1/users/login', {
        headers: {
          'x-forwarded-for': `203.0.113.${attempt}`,
          'x-real-ip': '203.0.113.9',
          'true-client-ip': '203.0.113.9',
        },
        payload: { username: 'nobody here', password: 'violet-harbour-42' },
      })
    }
    const rows = await world.rows<{ address: string }>('SELECT DISTINCT address FROM login_log WHERE user_id IS NULL')
    expect(rows).toEqual([{ address: '127.0.0.1' }])
  })
})

describe('A method', () => {
  it.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])('is not overridden by %s', async (name) => {
    const victim = await world.person()
    const headers = { [name]: 'DELETE' }
    for (const method of ['GET', 'POST'] as const) {
      const path = `/api/v1/users/${victim.id}?_method=DELETE`
      await world.call(method, path, { as: administrator, headers })
    }
    expect((await world.call('GET', `/api/v1/users/${victim.id}`, { as: administrator })).status).toBe(200)
  })

  it('for debugging or tunnelling is refused, and no header is sent back', async () => {
    for (const line of [
      'TRACE / HTTP/1.1',
      'TRACK / HTTP/1.1',
      'CONNECT evil.example:443 HTTP/1.1',
      'PROPFIND / HTTP/1.1',
    ]) {
      const answer = await site.speak(`${line}\r\nHost: a\r\nX-Secret: 12345\r\nConnection: close\r\n\r\n`)
      expect(answer).not.toContain('12345')
      if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 40[045] /)
    }
  })
})

describe('A value with a line break', () => {
  it('never adds a header, in a path, a query, a header or a body', async () => {
    const breaks = '%0d%0aSet-Cookie:%20a=b%0d%0a'
    for (const path of [
      `/t/${breaks}`,
      `/api/v1/auth/x${breaks}/authorize`,
      `/api/v1/auth/wechat/authorize?redirect_uri=${breaks}`,
      `/api/v1/logs/export?format=csv&action=${breaks}`,
      `/api/v1/venues?name=${breaks}`,
      `/${breaks}`,
    ]) {
      const answer = await site.send(`GET ${path} HTTP/1.1`, signedIn(administrator))
      expect(answer.headers).not.toHaveProperty('set-cookie')
      expect(answer.statusCode).toBeLessThan(500)
    }
    const echoed = await site.send('GET /healthz HTTP/1.1', 'X-Request-Id: abcdefgh%0d%0aSet-Cookie: a=b')
    expect(echoed.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
    const name = await world.call('POST', '/api/v1/venues', {
      as: administrator,
      payload: { name: 'a\r\nSet-Cookie: b', capacity: 1 },
    })
    expect(name.headers).not.toHaveProperty('set-cookie')
  })
})

/** A request in the bytes after another request, whose length is ambiguous. It must never be answered. */
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n'
const post = (...lines: readonly string[]) =>
  `POST /api/v1/users/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${lines.join('\r\n')}`

describe('A request with an ambiguous or invalid length', () => {
  it.each([
    ['two Content-Length', post('Content-Length: 2', 'Content-Length: 40', '', `{}${HIDDEN}`)],
    ['a list of lengths', post('Content-Length: 2, 40', '', `{}${HIDDEN}`)],
    ['Content-Length and chunks', post('Content-Length: 5', 'Transfer-Encoding: chunked', '', `0\r\n\r\n${HIDDEN}`)],
    ['chunks and Content-Length', post('Transfer-Encoding: chunked', 'Content-Length: 5', '', `0\r\n\r\n${HIDDEN}`)],
    ['chunks that are not last', post('Transfer-Encoding: chunked, identity', '', `0\r\n\r\n${HIDDEN}`)],
    ['an unknown encoding', post('Transfer-Encoding: xchunked', 'Content-Length: 5', '', `0\r\n\r\n${HIDDEN}`)],
    ['an encoding with a tab', post('Transfer-Encoding:\tchunked', 'Content-Length: 5', '', `0\r\n\r\n${HIDDEN}`)],
    ['a blank before the colon', post('Transfer-Encoding : chunked', 'Content-Length: 5', '', `0\r\n\r\n${HIDDEN}`)],
    ['a folded header', post('Transfer-Encoding:', ' chunked', 'Content-Length: 5', '', `0\r\n\r\n${HIDDEN}`)],
    ['a negative length', post('Content-Length: -1', '', `{}${HIDDEN}`)],
    ['a length with a sign', post('Content-Length: +2', '', `{}${HIDDEN}`)],
    ['a length in hex', post('Content-Length: 0x2', '', `{}${HIDDEN}`)],
    ['a chunk without a size', post('Transfer-Encoding: chunked', '', `zz\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
    [
      'a chunk with a huge size',
      post('Transfer-Encoding: chunked', '', `ffffffffffffffffff\r\n{}\r\n0\r\n\r\n${HIDDEN}`),
    ],
    ['a chunk that ends in a line feed alone', post('Transfer-Encoding: chunked', '', `2\n{}\n0\n\n${HIDDEN}`)],
    ['a NUL in a header', post('X-A: a\0b', 'Content-Length: 2', '', `{}${HIDDEN}`)],
    ['a carriage return alone in a header', post('X-A: a\rContent-Length: 40', 'Content-Length: 2', '', `{}${HIDDEN}`)],
  ])('is refused and the connection closed: %s', async (_what, bytes) => {
    const answer = await site.speak(bytes)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer.match(/^HTTP\/1\.1 /gm)).toHaveLength(1)
    expect(answer).not.toContain('not_found')
  })

  it('would be noticed: two requests in a row get two answers', async () => {
    const [first, last] = [HIDDEN, HIDDEN.replace('Host: a', 'Host: a\r\nConnection: close')]
    expect((await site.speak(`${first}${last}`)).match(/HTTP\/1\.1 404 /g)).toHaveLength(2)
  })
})
