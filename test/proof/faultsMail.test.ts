import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { smtpMailer } from '../../src/kernel/notifications/providers/mailer.ts'
import type { Provider } from '../../src/kernel/notifications/providers/provider.ts'
import { notify } from '../../src/kernel/outbox/outbox.ts'
import { type BrokenSmtp, type Fault, type Stage, startBrokenSmtp } from '../support/fakes/brokenSmtp.ts'
import { courierOf, fakeProvider, messageOptions, relayOf } from '../support/messages.ts'
import { addUser, openWorld, type World } from '../support/world.ts'

/** Time limits in ms for a step and for the answer to a mail; in production they are 20 seconds and ten minutes. */
const STEP_MS = 1500
const ANSWER_MS = 3000

let world: World
let server: BrokenSmtp
let mailer: Provider
const people: number[] = []

beforeAll(async () => {
  world = await openWorld({}, messageOptions())
  for (let n = 0; n < 8; n += 1) people.push(await addUser(world, `p${n}`, `p${n}@example.com`))
})
beforeEach(async () => {
  world.clock.set(new Date('2026-03-14T01:00:00Z'))
  server = await startBrokenSmtp()
  mailer = smtpMailer(`smtp://127.0.0.1:${server.port}`, 'Yuyue <no-reply@gym.example>', STEP_MS, ANSWER_MS)
})
afterEach(async () => {
  await mailer.close()
  await server.close()
  await world.rows(
    'TRUNCATE delivery_attempts, deliveries, notification_messages, suppressions, notification_pace RESTART IDENTITY',
  )
})
afterAll(() => world.close())

async function queue(count = 1): Promise<void> {
  const data = { place: '羽毛球馆', time: '09:00', note: '' }
  const userIds = people.slice(0, count)
  await notify(world.kernel.db, world.clock.now(), { type: 'booking.urgent', userIds, data })
  await relayOf(world).drain()
}

/** Counts the deliveries by state and their attempts by result. */
async function figures(): Promise<Readonly<Record<string, number>>> {
  const states = await world.rows<{ what: string; count: number }>(
    'SELECT state AS what, count(*)::int AS count FROM deliveries GROUP BY state',
  )
  const attempts = await world.rows<{ what: string; count: number }>(
    `SELECT 'attempt ' || result AS what, count(*)::int AS count FROM delivery_attempts GROUP BY result`,
  )
  return Object.fromEntries([...states, ...attempts].map(({ what, count }) => [what, count]))
}

const DELAYED = { queued: 1, 'attempt temporary': 1 }
const FAILED = { failed: 1, 'attempt permanent': 1 }
const STAGES: readonly Stage[] = ['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'mail']

describe('A mail server that fails', () => {
  test.each<[Stage, Fault, Readonly<Record<string, number>>]>([
    ...STAGES.flatMap((stage): [Stage, Fault, typeof DELAYED][] => [
      [stage, 'hang', DELAYED],
      [stage, 'close', DELAYED],
      [stage, '421 not now', DELAYED],
    ]),
    // Refusals before the recipient is known are not about this mail.
    ['greeting', '554 no service for you', DELAYED],
    ['MAIL', '550 this sender is blocked', DELAYED],
    ['MAIL', '552 too large', FAILED],
    ['RCPT', '550 no such mailbox', FAILED],
    ['DATA', '554 refused', FAILED],
    ['mail', '554 refused', FAILED],
    ['STARTTLS', '220 but this is no TLS', DELAYED],
    ['STARTTLS', 'hang', DELAYED],
    ['STARTTLS', 'close', DELAYED],
  ])('at %s with %s delays or fails the delivery in bounded time', async (stage, fault, expected) => {
    server.break(stage, fault)
    await queue()
    const started = performance.now()
    await courierOf(world, mailer).drain()
    expect(performance.now() - started).toBeLessThan(10 * STEP_MS)
    expect(await figures()).toEqual(expected)
    if (expected !== DELAYED) return

    // When the server works again, the same mailer sends the mail once.
    server.break()
    world.clock.advance(10)
    await courierOf(world, mailer).drain()
    expect(server.taken).toBe(1)
    expect(await figures()).toEqual({ sent: 1, 'attempt temporary': 1, 'attempt sent': 1 })
  })

  test('by not using TLS delays the mail', async () => {
    const secure = smtpMailer(`smtps://127.0.0.1:${server.port}`, 'a@b.example', STEP_MS)
    await queue()
    await courierOf(world, secure).drain()
    expect(await figures()).toEqual(DELAYED)
    await secure.close()
  })

  test('is paused after five failures, tried once per pause, and gets all mails when it works again', async () => {
    server.break('greeting', 'close')
    await queue(8)
    const courier = courierOf(world, mailer)
    expect(await courier.drain()).toBe(5)
    expect(await courier.drain()).toBe(0)
    world.clock.advance(1)
    expect(await courier.drain()).toBe(1)
    expect(await courier.drain()).toBe(0)
    expect(await figures()).toEqual({ queued: 8, 'attempt temporary': 6 })
    server.break()
    world.clock.advance(10)
    await courier.drain()
    expect(server.taken).toBe(8)
    expect(await figures()).toEqual({ sent: 8, 'attempt temporary': 6, 'attempt sent': 8 })
  })

  test('does not delay other channels', async () => {
    server.break('greeting', 'hang')
    const sent = Promise.withResolvers<number>()
    const im = fakeProvider(
      async () => {
        sent.resolve(performance.now())
        return { providerId: 'im' }
      },
      { lane: 'wecom', channel: 'im', name: 'im', address: /./ },
    )
    await queue(3)
    const at = world.clock.now().toISOString()
    await world.rows(
      `INSERT INTO user_contacts (user_id, kind, address, updated_at) VALUES (${people[0]}, 'wecom', 'p0', '${at}')`,
    )
    await world.rows(`INSERT INTO deliveries (message_id, user_id, type, urgent, channel, lane, state, next_try_at, created_at, updated_at)
      SELECT id, user_id, type, true, 'im', 'wecom', 'queued', '${at}', '${at}', '${at}' FROM notification_messages WHERE user_id = ${people[0]}`)
    const slow = smtpMailer(`smtp://127.0.0.1:${server.port}`, 'a@b.example', 10_000)
    const courier = courierOf(world, slow, im)
    const started = performance.now()
    courier.start()
    expect((await sent.promise) - started).toBeLessThan(9000)
    await slow.close()
    await courier.stop()
  })
})
