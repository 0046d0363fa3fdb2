import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Nginx, noNginx, startNginx } from '../support/nginx.ts'
import { type Fleet, openFleet, type Running } from '../support/processes.ts'
import { createRedis, noRedis, type RedisServer } from '../support/redis.ts'
import { type Answer, book, call, tally } from './client.ts'
import { addPeople, addSlot, addVenue, only } from './site.ts'

const LOGINS = 5
/** Time for which cron jobs are watched; `npm run prove -- processes` sets minutes. */
const TICKS_MS = Number(process.env.PROOF_TICK_SECONDS ?? 8) * 1000
const ABSENT = noNginx ?? noRedis
/** Stands for a token in a link. */
const SECRET = 'c2VjcmV0LXRva2Vu.c2lnbmF0dXJl'
/** Jobs of both products that run every minute. */
const EVERY_MINUTE = ['venue.waiting-list', 'venue.attendance', 'venue.reminders', 'room.settle']

describe.runIf(onServer)('Three servers and two workers behind nginx', () => {
  let database: TestDatabase
  let fleet: Fleet
  let nginx: Nginx
  let redis: RedisServer
  let servers: readonly Running[] = []
  let ready = 0
  const sockets: WebSocket[] = []

  beforeAll(async () => {
    if (ABSENT !== undefined) return
    database = await openTestDatabase()
    fleet = await openFleet({ url: database.url ?? '' })
    redis = await createRedis()
    await redis.start()
    const env = {
      TRUST_PROXY: 'loopback',
      RATE_LIMIT: 'on',
      RATE_LIMIT_GENERAL: '100000',
      RATE_LIMIT_ANONYMOUS: '100000',
      RATE_LIMIT_LOGIN_ADDRESS: String(LOGINS),
      REDIS_URL: redis.url,
      DATABASE_POOL_SIZE: '5',
      // Logs a line for each request.
      LOG_LEVEL: 'info',
    }
    servers = await Promise.all([1, 2, 3].map(() => fleet.start('server', env)))
    await Promise.all([1, 2].map(() => fleet.start('worker', env)))
    ready = Date.now()
    nginx = await startNginx(servers.map(({ url }) => url ?? ''))
  }, 120_000)

  afterAll(async () => {
    for (const socket of sockets) socket.terminate()
    await nginx?.close()
    await redis?.stop()
    await fleet?.close()
    await database?.close()
  }, 60_000)

  beforeEach((context) => {
    if (ABSENT !== undefined) context.skip(ABSENT)
  })

  const me = (url: string | undefined, token: string) => call(url, 'GET', '/api/v1/users/me', { token })

  test('share the requests equally', async () => {
    const person = only(await addPeople(database.db, 1))
    for (let n = 0; n < 12; n += 1) expect((await me(nginx.url, person.token)).status).toBe(200)
    const answered = () => servers.map(({ output }) => output().split('url=/api/v1/users/me').length - 1)
    await expect.poll(answered, { interval: 50, timeout: 5000 }).toEqual([4, 4, 4])
  })

  test('all refuse a session that was ended through nginx', async () => {
    const person = only(await addPeople(database.db, 1))
    for (const { url } of servers) expect((await me(url, person.token)).status).toBe(200)
    expect((await call(nginx.url, 'POST', '/api/v1/users/logout', { token: person.token })).status).toBe(204)
    const all = async () =>
      (await Promise.all(servers.map(({ url }) => me(url, person.token)))).map(({ status }) => status)
    await expect.poll(all, { timeout: 10_000 }).toEqual([401, 401, 401])
  })

  test('send events of every server to a WebSocket through nginx', async () => {
    const { db } = database
    const person = only(await addPeople(db, 1))
    const heard: string[] = []
    const socket = new WebSocket(`${nginx.url.replace('http', 'ws')}/ws/notifications`)
    sockets.push(socket)
    socket.on('message', (bytes) => {
      const frame = JSON.parse(String(bytes))
      if (frame.type === 'message') heard.push(`${frame.notification.data.reservation_id}`)
      else heard.push(frame.type)
    })
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'auth', token: person.token }))
    await expect.poll(() => heard, { interval: 20, timeout: 10_000 }).toEqual(['ready'])
    const venue = await addVenue(db)
    const booked: string[] = []
    for (const [n, { url }] of servers.entries()) {
      const answer = await book(url, person, await addSlot(db, venue, { hour: 9 + 2 * n }))
      booked.push(String(answer.body.id))
    }
    await expect.poll(() => heard, { interval: 20, timeout: 10_000 }).toEqual(['ready', ...booked])
  })

  test('share the count of log-ins of an address, by the address that nginx saw and not the claimed one', async () => {
    const [address, neighbour] = ['127.0.0.77', '127.0.0.78']
    const logIn = (from: string, n: number) =>
      callFrom(
        from,
        nginx.url,
        '/api/v1/users/login',
        { username: `nobody${n}`, password: 'wrong-but-long' },
        `10.0.0.${n}`,
      )
    const answers: Answer[] = []
    for (let n = 1; n <= LOGINS + 4; n += 1) answers.push(await logIn(address, n))
    expect(tally(answers)).toEqual({ '401 bad_credentials': LOGINS, '429 rate_limited': 4 })
    expect((await logIn(neighbour, 1)).status).toBe(401)
    const { rows } = await sql<{ address: string; n: number }>`
      SELECT address, count(*)::int AS n FROM login_log GROUP BY address ORDER BY n DESC`.execute(database.db)
    expect(rows).toEqual([
      { address, n: LOGINS },
      { address: neighbour, n: 1 },
    ])
  })

  test('are reached by TLS with the lines that are prepared for it', async () => {
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const asked = httpsRequest(`${nginx.tlsUrl}/readyz`, { rejectUnauthorized: false }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      asked.on('error', reject).end()
    })
    expect(answer).toBe(200)
  })

  test('leave no token in the logs of nginx', async () => {
    const { paths } = (await call(nginx.url, 'GET', '/openapi.json', { token: SECRET })).body
    const links = Object.keys(paths).filter((path) => path.includes('{token}'))
    expect(links.length).toBeGreaterThan(5)
    const asked = [
      ...links.map((path) => path.replace('{token}', SECRET).replaceAll(/\{\w+\}/g, 'x')),
      `/%75/${SECRET}`,
      `//u//${SECRET}`,
      `/U/${SECRET}`,
      `/ws/notifications?token=${SECRET}`,
      `/api/v1/calendar.ics?token=${SECRET}`,
    ]
    for (const path of asked) await fetch(`${nginx.url}${path}`, { headers: { referer: `${nginx.url}/u/${SECRET}` } })
    await fetch(`${nginx.url}/last`)
    await expect.poll(nginx.logs, { interval: 20, timeout: 5000 }).toContain('GET /last HTTP/1.1')
    const logged = await nginx.logs()
    expect(logged).toContain('"GET /u/[hidden] HTTP/1.1"')
    expect(logged).toContain('"GET /ws/notifications HTTP/1.1"')
    expect(logged).not.toContain(SECRET)
  })

  test('get a body of 10 MB through nginx, and refuse it with their own answer', async () => {
    const person = only(await addPeople(database.db, 1))
    const answer = await call(nginx.url, 'POST', '/api/v1/reservations', {
      token: person.token,
      body: { note: 'x'.repeat(10 * 1024 * 1024) },
    })
    expect([answer.status, answer.body.code]).toEqual([413, 'body_too_large'])
  })

  test(
    'run each cron job once per minute over both workers',
    async () => {
      const ticks = async () => {
        const { rows } = await sql<{ name: string; minute: string; n: number }>`
        SELECT name, to_char(created_on, 'HH24:MI') AS minute, count(*)::int AS n FROM pgboss.job
        WHERE name = ANY (${EVERY_MINUTE}) AND state = 'completed' GROUP BY 1, 2`.execute(database.db)
        return rows
      }
      const until = ready + TICKS_MS
      await expect
        .poll(async () => Date.now() >= until && new Set((await ticks()).map(({ name }) => name)).size, {
          interval: 250,
          timeout: TICKS_MS + 30_000,
        })
        .toBe(EVERY_MINUTE.length)
      expect((await ticks()).filter(({ n }) => n !== 1)).toEqual([])
    },
    TICKS_MS + 60_000,
  )

  test('hide the kill of a server from reads; bookings go on, and each acknowledged one is stored once', async () => {
    const { db } = database
    const venue = await addVenue(db)
    const slot = await addSlot(db, venue, { capacity: 200 })
    const people = await addPeople(db, 120)
    let killed: Promise<void> | undefined
    const reads: number[] = []
    const booked: Answer[] = []
    let cut = 0
    await Promise.all(
      people.map(async (person, n) => {
        if (n === 40) killed = servers[0]?.kill()
        reads.push((await me(nginx.url, person.token)).status)
        reads.push((await fetch(`${nginx.url}/healthz?token=${SECRET}`)).status)
        const headers = { 'idempotency-key': `kill-${person.id}` }
        // nginx does not repeat bookings sent to the killed server; clients with a key do.
        for (;;) {
          const answer = await book(nginx.url, person, slot, headers).catch(() => undefined)
          if (answer && answer.status < 500) return void booked.push(answer)
          cut += 1
        }
      }),
    )
    await killed
    expect(reads.filter((status) => status !== 200)).toEqual([])
    expect(tally(booked)).toEqual({ '201': people.length })
    expect(cut).toBeLessThan(people.length)
    const { rows } = await sql<{
      n: number
    }>`SELECT count(*)::int AS n FROM reservations WHERE slot_id = ${slot}`.execute(db)
    expect(rows).toEqual([{ n: people.length }])
    // The other servers still answer.
    for (let n = 0; n < 20; n += 1) expect((await fetch(`${nginx.url}/readyz`)).status).toBe(200)
    // The errors that nginx logs about the killed server contain no request line.
    expect(await nginx.logs()).not.toContain(SECRET)
  }, 60_000)
})

/** Posts from an address of this machine, with another one in X-Forwarded-For. */
function callFrom(localAddress: string, url: string, path: string, body: unknown, claimed: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': claimed }
    const asked = httpRequest(`${url}${path}`, { method: 'POST', localAddress, headers }, (response) => {
      let text = ''
      response.on('data', (bytes: Buffer) => (text += String(bytes)))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }))
    })
    asked.on('error', reject).end(JSON.stringify(body))
  })
}
