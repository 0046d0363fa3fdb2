import { once } from 'node:events'
import { connect } from 'node:net'
import { Type } from 'typebox'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { route } from '../../src/kernel/http/route.ts'
import { createSampleServer } from '../support/sampleServer.ts'
import { openWorld, type Person, type World } from '../support/world.ts'

/** Limit of requests per minute from one address without a log-in. */
const GENERAL = 60

let world: World
let address: string
let person: Person
const clients: WebSocket[] = []

beforeAll(async () => {
  world = await openWorld({ RATE_LIMIT: 'on', RATE_LIMIT_ANONYMOUS: String(GENERAL) })
  address = (await world.app.listen({ port: 0, host: '127.0.0.1' })).replace('http', 'ws')
  person = await world.person()
}, 120_000)
afterEach(() => {
  for (const client of clients.splice(0)) client.terminate()
})
afterAll(() => world.close())

const PATHS = ['/ws/notifications', '/ws/support/chat'] as const

/** Opens a socket; `ended` is its close code, or the HTTP status that refused its handshake. */
function client(path: string, options: { readonly token?: string; readonly origin?: string } = {}) {
  const { token, origin } = options
  const socket = new WebSocket(`${address}${path}`, token === undefined ? [] : ['bearer', token], {
    ...(origin !== undefined && { origin }),
    perMessageDeflate: true,
  })
  clients.push(socket)
  const heard: string[] = []
  socket.on('message', (text) => heard.push(String(text)))
  socket.on('error', () => {})
  const ended = new Promise<number>((resolve) => {
    socket.on('close', (code) => resolve(code))
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
  })
  const opened = once(socket, 'open')
  // Some tests don't wait for it.
  opened.catch(() => {})
  return { socket, heard, ended, opened }
}

describe.each(PATHS)('A socket of %s', (path) => {
  it('is closed if its first message has no valid token, and receives nothing', async () => {
    for (const first of [
      '{"type":"ping"}',
      '{"type":"auth"}',
      '{"type":"auth","token":{"a":1}}',
      '{"type":"auth","token":"eyJhbGciOiJub25lIn0.e30."}',
      '{"type":"__proto__","__proto__":{"type":"auth"}}',
      'null',
      '[',
      `{"a":${'['.repeat(5000)}`,
    ]) {
      const { socket, heard, ended, opened } = client(path)
      await opened
      socket.send(first)
      expect([4400, 4401], first).toContain(await ended)
      expect(heard).toEqual([])
    }
  })

  it('is closed for a message that is too large or binary, and accepts no compression', async () => {
    const frames: readonly (readonly [string, (socket: WebSocket) => void])[] = [
      ['20 kB', (socket) => socket.send('x'.repeat(20_000))],
      ['10 MB', (socket) => socket.send('x'.repeat(10_000_000))],
      ['binary', (socket) => socket.send(Buffer.alloc(100))],
      [
        '100 kB in a hundred fragments',
        (socket) => {
          for (let piece = 0; piece < 100; piece += 1) socket.send('x'.repeat(1000), { fin: false })
        },
      ],
    ]
    for (const [what, send] of frames) {
      const { socket, ended, opened } = client(path)
      await opened
      // Without compression, a message is never larger than the bytes received.
      expect(socket.extensions).toBe('')
      send(socket)
      expect([1009, 4400, 1006], what).toContain(await ended)
    }
  })

  it('is closed without a token too when a page of another origin opens it', async () => {
    const { socket, ended, opened } = client(path, { origin: 'https://evil.example' })
    await opened
    socket.send('{"type":"ping"}')
    expect([4400, 4401]).toContain(await ended)
  })
})

describe('Unsubscribing', () => {
  it('has no limit by address, because mail providers post for many people from few addresses', async () => {
    const posts = Array.from({ length: GENERAL + 1 }, () => world.call('POST', '/u/nonsense.token'))
    expect(new Set((await Promise.all(posts)).map(({ status }) => status))).toEqual(new Set([404]))
  })
})

describe('Too many sockets', () => {
  it('from one address are refused with 429 before the handshake, for signed-in users too', async () => {
    const many = Array.from({ length: GENERAL + 40 }, () => client(PATHS[0]))
    const ends = await Promise.all(many.slice(-10).map(({ ended }) => ended))
    expect(ends).toEqual(Array.from({ length: 10 }, () => 429))
    expect(await client(PATHS[1], { token: person.token }).ended).toBe(429)
  })
})

describe('A slow request', () => {
  it.each([
    ['headers, a byte at a time', 'GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ', 'x'],
    ['headers, a line at a time', 'GET /healthz HTTP/1.1\r\nHost: a\r\n', 'X-Slow: x\r\n'],
    [
      'a body, a byte at a time',
      'POST /forms HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n',
      ' ',
    ],
    [
      'a body, a chunk at a time',
      'POST /forms HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
      '1\r\n \r\n',
    ],
  ])('is answered with 408 in bounded time: %s', async (_what, start, drip) => {
    const { app } = await createSampleServer({ requestTimeout: 300 })
    route(app, {
      method: 'POST',
      paths: ['/forms'],
      permission: 'public',
      tag: 'things',
      summary: 'A form',
      schema: { body: Type.Object({ name: Type.String() }) },
      handler: ({ body }) => body,
    })
    const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
    const began = performance.now()
    const answer = await dripping(Number(port), start, drip)
    // Node checks every 50 ms; the rest allows for a busy machine. Without a limit the client would send for 10 s.
    expect(performance.now() - began).toBeLessThan(5000)
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    await app.close()
  })
})

/** Sends a request slowly and without an end; returns the answer. */
function dripping(port: number, start: string, drip: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(start))
    const drops = setInterval(() => socket.write(drip), 20)
    const enough = setTimeout(() => socket.destroy(), 10_000)
    socket.on('data', (part) => {
      answer += part
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(drops)
      clearTimeout(enough)
      resolve(answer)
    })
  })
}
