import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { onServer } from '../../../test/support/database.ts'
import { messageOptions, relayOf } from '../../../test/support/messages.ts'
import { addUser, openWorld, type World } from '../../../test/support/world.ts'
import type { App } from '../http/app.ts'
import { createServer } from '../http/server.ts'
import { announceRevocation, endSession } from '../identity/sessions/sessionStore.ts'
import { createIdentity, type Identity, revoking } from '../identity/sessions/sessions.ts'
import { accessTokens } from '../identity/sessions/tokens.ts'
import { notify } from '../outbox/outbox.ts'
import { type Realtime, registerRealtime } from './realtime.ts'
import { SOCKET_LIMITS, type SocketLimits } from './sockets.ts'

interface Process {
  readonly url: string
  close(): Promise<void>
}

let world: World
let identity: Identity
let main: Process
let lin: number
let wang: number
const clients: WebSocket[] = []

async function startProcess(limits: Partial<SocketLimits> = {}): Promise<Process> {
  const app: App = await createServer(
    {
      trustProxy: false,
      corsOrigins: [],
      rateLimits: false,
      authenticate: identity.authenticate,
      permissions: [],
      documentation: { title: 't', description: 'd', version: '1', products: [] },
    },
    world.kernel.log,
  )
  const realtime: Realtime = await registerRealtime(app, world.kernel, identity, world.database, {
    ...SOCKET_LIMITS,
    ...limits,
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return {
    url: `ws://127.0.0.1:${port}/ws/notifications`,
    async close() {
      await realtime.close()
      await app.close()
    },
  }
}

beforeAll(async () => {
  world = await openWorld({}, messageOptions())
  identity = await createIdentity(world.kernel, world.database)
  lin = await addUser(world, 'lin')
  wang = await addUser(world, 'wang')
  main = await startProcess()
})
beforeEach(() => world.clock.set(new Date('2026-03-14T01:00:00Z')))
afterEach(() => {
  for (const client of clients.splice(0)) client.terminate()
})
afterAll(async () => {
  await main.close()
  await identity.close()
  await world.close()
})

/** A session of one hour; with `days`, a sliding session of at most that length. */
async function signIn(userId: number, days = 0) {
  const sessionId = randomUUID()
  const now = world.clock.now()
  const expiresAt = new Date(now.getTime() + 3_600_000)
  const endsAt = days > 0 ? new Date(now.getTime() + days * 86_400_000) : null
  await sql`INSERT INTO sessions (id, user_id, address, user_agent, created_at, expires_at, ends_at)
    VALUES (${sessionId}, ${userId}, '127.0.0.1', '', ${now}, ${expiresAt}, ${endsAt})`.execute(world.kernel.db)
  const claims = { sessionId, userId, expiresAt: endsAt ?? expiresAt }
  return { sessionId, token: accessTokens(world.kernel.config).sign(claims, now) }
}

type Frame = {
  type: string
  id: number
  last_event_id: number
  cut?: boolean
  notification: { subject: string; type: string }
}

/** A client that keeps the frames it receives. */
function connect(url: string, protocols: string[] = []) {
  const socket = new WebSocket(url, protocols)
  clients.push(socket)
  const frames: Frame[] = []
  socket.on('message', (text) => frames.push(JSON.parse(String(text))))
  socket.on('error', () => {})
  const closed = once(socket, 'close').then(([code, reason]) => ({ code: Number(code), reason: String(reason) }))
  return {
    socket,
    frames,
    closed,
    say: async (frame: object | string) => {
      if (socket.readyState === socket.CONNECTING) await once(socket, 'open')
      socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
    },
    subjects: () => frames.filter((frame) => frame.type === 'message').map((frame) => frame.notification.subject),
    ids: () => frames.filter((frame) => frame.type === 'message').map((frame) => frame.id),
    ready: () => expect.poll(() => frames.find((frame) => frame.type === 'ready'), { timeout: 3000 }).toBeDefined(),
  }
}

async function connectAs(userId: number, hello: object = {}, url = main.url) {
  const { token, sessionId } = await signIn(userId)
  const client = connect(url)
  await client.say({ type: 'auth', token, ...hello })
  await client.ready()
  return { ...client, token, sessionId }
}

async function tell(userIds: readonly number[], ...places: string[]) {
  for (const place of places) {
    const data = { place, time: '9', note: '' }
    await notify(world.kernel.db, world.clock.now(), { type: 'booking.quiet', userIds, data })
  }
  await relayOf(world).drain()
}

const newestId = async () =>
  (await world.rows<{ id: number }>('SELECT coalesce(max(id), 0) AS id FROM notification_messages'))[0]?.id ?? 0

describe('signing in', () => {
  test('works by first frame, subprotocol and query, and the token is never logged', async () => {
    const { token } = await signIn(lin)
    const byFrame = connect(main.url)
    await byFrame.say({ type: 'auth', token })
    const byProtocol = connect(main.url, ['bearer', token])
    const byQuery = connect(`${main.url}?token=${token}`)
    for (const client of [byFrame, byProtocol, byQuery]) await client.ready()
    expect(byProtocol.socket.protocol).toBe('bearer')
    // A plain HTTP request is logged with its URL.
    await fetch(`${main.url.replace('ws', 'http')}?token=${token}`)
    await expect.poll(() => world.lines.some((line) => line.includes('/ws/notifications?token=[hidden]'))).toBe(true)
    expect(world.lines.join()).not.toContain(token)
  })

  test.each([
    ['a token that is not ours', { type: 'auth', token: 'x.y.z' }, 4401],
    ['no token', { type: 'auth' }, 4400],
    ['another frame first', { type: 'ping' }, 4400],
    ['no JSON', 'hello', 4400],
    ['an array', '[1]', 4400],
    ['a frame of 17 KB', `{"x":"${'x'.repeat(17_000)}"}`, 1009],
  ])('%s closes the socket', async (_, frame, code) => {
    const client = connect(main.url)
    await client.say(frame)
    expect(await client.closed).toMatchObject({ code })
  })

  test('has a time limit', async () => {
    const hasty = await startProcess({ authMs: 50 })
    expect(await connect(hasty.url).closed).toMatchObject({ code: 4401 })
    await hasty.close()
  })

  test('a wrong last_event_id closes the socket', async () => {
    const { token } = await signIn(lin)
    const client = connect(main.url)
    await client.say({ type: 'auth', token, last_event_id: 'abc' })
    expect(await client.closed).toMatchObject({ code: 4400 })
  })
})

describe('messages', () => {
  test('arrive live at every connection of their recipients and at no other', async () => {
    const [one, two, other] = [await connectAs(lin), await connectAs(lin), await connectAs(wang)]
    await tell([lin], '甲')
    await tell([lin, wang], '乙')
    for (const client of [one, two]) await expect.poll(client.subjects).toEqual(['预约成功：甲', '预约成功：乙'])
    await expect.poll(other.subjects).toEqual(['预约成功：乙'])
    expect(one.frames.at(-1)).toMatchObject({
      type: 'message',
      id: await newestId().then((id) => id - 1),
      notification: {
        type: 'booking.quiet',
        subject: '预约成功：乙',
        created_at: '2026-03-14T01:00:00.000Z',
        read_at: null,
      },
    })
  })

  test('from before the connection are sent again from last_event_id on, and only then', async () => {
    const before = await newestId()
    await tell([lin], '一', '二')
    await tell([wang], '别人')
    const resumed = await connectAs(lin, { last_event_id: before })
    const fresh = await connectAs(lin)
    await tell([lin], '三')
    await expect.poll(resumed.subjects).toEqual(['一', '二', '三'].map((place) => `预约成功：${place}`))
    await expect.poll(fresh.subjects).toEqual(['预约成功：三'])
  })

  test('arrive once and in order while a client reconnects repeatedly under load', async () => {
    let last = await newestId()
    const first = last
    const heard: number[] = []
    let writing = true
    const writer = (async () => {
      for (let n = 0; n < 40; n += 1) await tell([lin, wang], `${n}a`, `${n}b`, `${n}c`)
      writing = false
    })()
    const { token } = await signIn(lin)
    let done = false
    while (!done) {
      done = !writing
      const client = connect(main.url)
      await client.say({ type: 'auth', token, last_event_id: last })
      await client.ready()
      if (done) await expect.poll(() => heard.length + client.ids().length).toBe(120)
      else await expect.poll(() => client.ids().length > 2 || !writing).toBe(true)
      client.socket.terminate()
      heard.push(...client.ids())
      last = heard.at(-1) ?? last
    }
    await writer
    const rows = await world.rows<{ id: number }>(
      `SELECT id FROM notification_messages WHERE user_id = ${lin} AND id > ${first} ORDER BY id`,
    )
    expect(heard).toEqual(rows.map((row) => row.id))
  })

  test('arrive live if their type says so and, unless it is mandatory, the person has not switched it off', async () => {
    const types = ['booking.quiet', 'booking.confirmed', 'account.warning', 'account.letter']
    const mind = (type: string, enabled: boolean) =>
      world.rows(`INSERT INTO notification_preferences VALUES (${wang}, '${type}', 'websocket', ${enabled}, now())
        ON CONFLICT (user_id, type, channel) DO UPDATE SET enabled = excluded.enabled`)
    const tellAll = async () => {
      const data = { place: '馆', time: '9', note: '' }
      for (const type of types) await notify(world.kernel.db, world.clock.now(), { type, userIds: [wang], data })
      await relayOf(world).drain()
    }
    const client = await connectAs(wang)
    const heard = () =>
      client.frames.filter(({ type }) => type === 'message').map(({ notification }) => notification.type)
    await tellAll()
    const usual = ['booking.quiet', 'booking.confirmed', 'account.warning']
    await expect.poll(heard).toEqual(usual)
    await mind('booking.confirmed', false)
    await mind('account.warning', false)
    await mind('account.letter', true)
    await tellAll()
    await expect.poll(heard).toEqual([...usual, 'booking.quiet', 'account.warning', 'account.letter'])
    await world.rows('DELETE FROM notification_preferences')
  })

  test('are cut to the newest 1000, and the client is told', async () => {
    const before = await newestId()
    await world.rows(`INSERT INTO notification_messages (user_id, type, subject, body, data, urgent, created_at)
      SELECT ${wang}, 'booking.quiet', 'n' || n, '', '{}', false, now() FROM generate_series(1, 1500) n`)
    const client = await connectAs(wang, { last_event_id: before })
    await expect.poll(() => client.subjects().length).toBe(1000)
    expect(client.frames[0]).toMatchObject({ type: 'ready', cut: true })
    expect(client.subjects()[0]).toBe('n501')
    expect(client.subjects().at(-1)).toBe('n1500')
    await tell([wang], '后')
    await expect.poll(() => client.subjects().at(-1)).toBe('预约成功：后')
  })

  test('continue after an id from the future', async () => {
    const client = await connectAs(lin, { last_event_id: 9_000_000_000 })
    await tell([lin], '今')
    await expect.poll(client.subjects).toEqual(['预约成功：今'])
  })

  test.runIf(onServer)(
    'that come while the database connection for notifications is down arrive after it is back',
    async () => {
      const client = await connectAs(lin)
      const lost = Promise.withResolvers<void>()
      const stop = world.database.listenState.onLost(lost.resolve)
      await world.rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'yuyue listen'`)
      await lost.promise
      stop()
      await tell([lin], '断', '线')
      await expect.poll(client.subjects, { timeout: 5000 }).toEqual(['预约成功：断', '预约成功：线'])
    },
  )
})

describe('a socket is closed', () => {
  test('when its session ends', async () => {
    const [mine, other] = [await connectAs(lin), await connectAs(lin)]
    await revoking(world.kernel, lin, (tx) => endSession(tx, mine.sessionId, world.clock.now()))
    expect(await mine.closed).toMatchObject({ code: 4401 })
    await tell([lin], '还在')
    await expect.poll(other.subjects).toEqual(['预约成功：还在'])
    expect(mine.subjects()).toEqual([])
  })

  test('when its token expires', async () => {
    const quick = await startProcess({ heartbeatMs: 500 })
    const client = await connectAs(lin, {}, quick.url)
    world.clock.advance(61)
    expect(await client.closed).toMatchObject({ code: 4401 })
    await quick.close()
  })

  test('when its session was not used for an hour: an open socket does not count as use', async () => {
    const { token, sessionId } = await signIn(lin, 7)
    const client = connect(main.url, ['bearer', token])
    await client.ready()
    const look = () => world.kernel.transaction((tx) => announceRevocation(tx, lin))
    world.clock.advance(59)
    await look()
    await tell([lin], '看过')
    await expect.poll(client.subjects).toEqual(['预约成功：看过'])
    const left = await world.rows(
      `SELECT (expires_at - created_at)::text AS lasts FROM sessions WHERE id = '${sessionId}'`,
    )
    expect(left).toEqual([{ lasts: '01:00:00' }])
    world.clock.advance(1)
    await look()
    expect(await client.closed).toMatchObject({ code: 4401 })
  })

  test('when it does not read', async () => {
    const strict = await startProcess({ bufferedBytes: 100_000 })
    const client = await connectAs(wang, {}, strict.url)
    client.socket.pause()
    const big = 'x'.repeat(15_000)
    for (let n = 0; n < 40; n += 1) {
      await world.rows(`INSERT INTO notification_messages (user_id, type, subject, body, data, urgent, created_at)
        SELECT ${wang}, 'booking.quiet', 's', '${big}', '{}', false, now() FROM generate_series(1, 50) n`)
      await sql`SELECT pg_notify('messages', (SELECT max(id)::text FROM notification_messages))`.execute(
        world.kernel.db,
      )
    }
    client.socket.resume()
    // A client that reads again after more than two seconds does not receive the reason.
    expect([4408, 1006]).toContain((await client.closed).code)
    await strict.close()
  })

  test('when it does not answer pings', async () => {
    const quick = await startProcess({ heartbeatMs: 500 })
    const { token } = await signIn(lin)
    const client = connect(quick.url, ['bearer', token])
    await client.ready()
    client.socket.pong = () => {}
    Reflect.set(client.socket, '_autoPong', false)
    expect(await client.closed).toMatchObject({ code: 1006 })
    await quick.close()
  })

  test('when it sends malformed or too large frames', async () => {
    const odd = await connectAs(lin)
    await odd.say({ type: 'dance' })
    expect(await odd.closed).toMatchObject({ code: 4400 })
    const eager = await connectAs(lin)
    for (let n = 0; n < 60; n += 1) await eager.say({ type: 'ping' })
    expect(await eager.closed).toMatchObject({ code: 4429 })
  })

  test('when its user has 20 already', async () => {
    const few = await startProcess({ perUser: 2 })
    const open = [await connectAs(lin, {}, few.url), await connectAs(lin, {}, few.url)]
    const { token } = await signIn(lin)
    const third = connect(few.url, ['bearer', token])
    expect(await third.closed).toMatchObject({ code: 4429 })
    open[0]?.socket.close()
    await open[0]?.closed
    await connectAs(lin, {}, few.url)
    await few.close()
  })

  test('when the process stops', async () => {
    const stopping = await startProcess()
    const client = await connectAs(lin, {}, stopping.url)
    await stopping.close()
    expect(await client.closed).toMatchObject({ code: 1001 })
  })
})
