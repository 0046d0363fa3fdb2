import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { courierOf, fakeProvider, messageOptions, relayOf } from '../../../../test/support/messages.ts'
import { addUser, openWorld } from '../../../../test/support/world.ts'
import { notify } from '../../outbox/outbox.ts'
import { type Provider, type RefusalKind, Refused } from '../providers/provider.ts'

const LEASE_MINUTES = 5
const HOUR = 60
const DAY = 24 * HOUR

const world = await openWorld({}, messageOptions())
const lin = await addUser(world, '林', 'lin@example.com')
const wang = await addUser(world, '王', 'wang@example.com')
await world.rows(`
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = TG_ARGV[0]; END $$`)
beforeEach(() => world.clock.set(new Date('2026-03-14T01:00:00Z')))
afterEach(() =>
  world.rows(
    'TRUNCATE delivery_attempts, deliveries, notification_messages, suppressions, notification_pace, user_contacts RESTART IDENTITY',
  ),
)
afterAll(() => world.close())

async function queue(type = 'booking.confirmed', userIds = [lin]): Promise<void> {
  const data = { place: '羽毛球馆', time: '09:00', note: '' }
  await notify(world.kernel.db, world.clock.now(), { type, userIds, data })
  await relayOf(world).drain()
}

const deliveries = () =>
  world.rows<{ channel: string; state: string; reason: string | null; attempts: number; provider_id: string | null }>(
    'SELECT channel, state, reason, attempts, provider_id FROM deliveries ORDER BY id',
  )
const attempts = async () => (await world.rows('SELECT 1 FROM delivery_attempts')).length

/**
 * Makes the database refuse results (of one delivery) from now on: it is busy, or throws this error.
 * Call the returned function to end this.
 */
async function takeNoResults(error = '57014', deliveryId?: number): Promise<() => Promise<unknown>> {
  const which = deliveryId === undefined ? '' : `WHEN (NEW.delivery_id = ${deliveryId})`
  await world.rows(
    `CREATE TRIGGER refuse BEFORE INSERT ON delivery_attempts
      FOR EACH ROW ${which} EXECUTE FUNCTION refuse('${error}')`,
  )
  return () => world.rows('DROP TRIGGER refuse ON delivery_attempts')
}

/** A provider that keeps its messages and answers as the test says. */
function counting(answer: () => Promise<{ providerId: string }>, more: Partial<Provider> = {}) {
  const sent: { readonly to: string; readonly again: boolean }[] = []
  const provider = fakeProvider(async ({ to }, again = false) => {
    sent.push({ to, again })
    return await answer()
  }, more)
  return { sent, provider }
}
const taking = async () => ({ providerId: 'theirs' })
const refusing = (kind: RefusalKind) => () => Promise.reject(new Refused(`it was ${kind}`, kind))

/** Gives Lin a WeCom name, and returns a provider for it. */
async function wecom() {
  const at = world.clock.now().toISOString()
  await world.rows(
    `INSERT INTO user_contacts (user_id, kind, address, updated_at) VALUES (${lin}, 'wecom', 'lin', '${at}')`,
  )
  return counting(taking, { lane: 'wecom', channel: 'im', name: 'im', address: /./ })
}

describe('a message whose result the database refuses', () => {
  test('is sent once: the result is recorded before anything else is sent, even after the lease', async () => {
    await queue()
    const { sent, provider } = counting(taking)
    const courier = courierOf(world, provider)
    const takeResults = await takeNoResults()
    await expect(courier.drain()).rejects.toThrow('not now')
    await takeResults()
    await queue('booking.confirmed', [wang])
    world.clock.advance(2 * LEASE_MINUTES)
    expect(await courier.drain()).toBe(1)
    expect(sent.map(({ to }) => to)).toEqual(['lin@example.com', 'wang@example.com'])
    expect(await deliveries()).toMatchObject([
      { state: 'sent', attempts: 1 },
      { state: 'sent', attempts: 1 },
    ])
  })

  test('is counted once when it was refused', async () => {
    await queue()
    const courier = courierOf(world, counting(refusing('temporary')).provider)
    const takeResults = await takeNoResults()
    await expect(courier.drain()).rejects.toThrow('not now')
    await takeResults()
    expect(await courier.drain()).toBe(0)
    expect(await deliveries()).toMatchObject([{ state: 'queued', attempts: 1 }])
    expect(await attempts()).toBe(1)
  })

  test('because of its contents does not block others, and is given up after five times', async () => {
    await queue('booking.confirmed', [lin, wang])
    const { sent, provider } = counting(taking)
    const courier = courierOf(world, provider)
    const takeResults = await takeNoResults('22000', 1)
    for (let n = 0; n < 5; n += 1) {
      await expect(courier.drain()).rejects.toThrow('not now')
      await courier.drain()
      world.clock.advance(LEASE_MINUTES)
    }
    await courier.drain()
    await takeResults()
    expect(sent.map(({ to }) => to).filter((to) => to.startsWith('lin'))).toHaveLength(5)
    expect(await deliveries()).toMatchObject([{ state: 'failed', reason: 'no_result' }, { state: 'sent' }])
  })

  test('is recorded at the latest at an orderly stop', async () => {
    await queue()
    const courier = courierOf(world, counting(taking).provider)
    const takeResults = await takeNoResults()
    await expect(courier.drain()).rejects.toThrow('not now')
    await takeResults()
    await courier.stop()
    expect(await deliveries()).toMatchObject([{ state: 'sent' }])
  })

  test('because of the provider’s answer does not occur', async () => {
    const odd = ['a\u0000b', 'half of \ud83d', randomBytes(50_000).toString('base64')]
    for (const providerId of odd) {
      await queue()
      expect(await courierOf(world, counting(async () => ({ providerId })).provider).drain()).toBe(1)
      await queue()
      const failing = counting(() => Promise.reject(new Error(providerId)))
      expect(await courierOf(world, failing.provider).drain()).toBe(1)
    }
    expect((await deliveries()).map(({ state }) => state)).toEqual(odd.flatMap(() => ['sent', 'queued']))
    expect((await deliveries())[0]?.provider_id).toBe('ab')
  })

  test('because its process ends every time is given up after five, without another channel', async () => {
    const im = await wecom()
    await queue()
    const { sent, provider } = counting(() => new Promise(() => {}))
    for (let n = 1; n <= 5; n += 1) {
      void courierOf(world, provider, im.provider).drain()
      await expect.poll(() => sent.length).toBe(n)
      world.clock.advance(LEASE_MINUTES)
    }
    await courierOf(world, provider, im.provider).drain()
    expect(sent.map(({ again }) => again)).toEqual([false, true, true, true, true])
    expect(await deliveries()).toMatchObject([{ state: 'failed', reason: 'no_result' }])
  })
})

describe('a message that takes long', () => {
  test('is not claimed by another process while it is being sent', async () => {
    const short = await openWorld({ DELIVERY_LEASE_SECONDS: '2' }, messageOptions())
    const id = await addUser(short, '林', 'lin@example.com')
    const data = { place: '羽毛球馆', time: '09:00', note: '' }
    await notify(short.kernel.db, short.clock.now(), { type: 'booking.confirmed', userIds: [id], data })
    await relayOf(short).drain()
    const answer = Promise.withResolvers<{ providerId: string }>()
    const first = counting(() => answer.promise)
    const done = courierOf(short, first.provider).drain()
    const until = async () =>
      (await short.rows<{ next_try_at: Date }>('SELECT next_try_at FROM deliveries'))[0]?.next_try_at.getTime() ?? 0
    const lease = short.clock.now().getTime() + 2000
    await expect.poll(until).toBe(lease)
    short.clock.advance(1.9 / 60)
    await expect.poll(until).toBeGreaterThan(lease)
    short.clock.advance(1.9 / 60)
    expect(await courierOf(short, first.provider).drain()).toBe(0)
    answer.resolve({ providerId: 'late' })
    expect(await done).toBe(1)
    expect(await short.rows('SELECT state, claims FROM deliveries')).toEqual([{ state: 'sent', claims: 1 }])
    await short.database.close()
  })
})

describe('a message whose acceptance is unknown', () => {
  test('is sent once more and then given up, without another channel', async () => {
    const im = await wecom()
    await queue('booking.urgent')
    const { sent, provider } = counting(refusing('unheard'))
    const courier = courierOf(world, provider, im.provider)
    for (let n = 0; n < 10; n += 1) {
      await courier.drain()
      world.clock.advance(3 * HOUR)
    }
    expect(sent.map(({ again }) => again)).toEqual([false, true])
    expect(im.sent).toEqual([])
    expect(await deliveries()).toMatchObject([{ state: 'failed', reason: 'it was unheard', attempts: 2 }])
  })

  test('goes to another channel once it is known not to have arrived', async () => {
    const im = await wecom()
    await queue()
    await courierOf(world, counting(refusing('unheard')).provider, im.provider).drain()
    world.clock.advance(1)
    await courierOf(world, counting(refusing('address')).provider, im.provider).drain()
    expect(im.sent).toHaveLength(1)
  })

  test('is retried where the provider recognizes repeats', async () => {
    await queue()
    const { sent, provider } = counting(refusing('unheard'), { knowsRepeats: true })
    const courier = courierOf(world, provider)
    for (let n = 0; n < 4; n += 1) {
      await courier.drain()
      world.clock.advance(3 * HOUR)
    }
    expect(sent).toHaveLength(4)
    expect(await deliveries()).toMatchObject([{ state: 'queued' }])
  })
})

describe('a message that cannot be sent at present', () => {
  test.each(['temporary', 'ours', 'busy'] as const)('(%s) is retried for three days', async (kind) => {
    await queue()
    await triedFor(3, counting(refusing(kind)).provider)
  })

  test('by SMS is retried for a day, after which it is of no use', async () => {
    const at = world.clock.now().toISOString()
    await world.rows(`INSERT INTO deliveries
        (type, channel, lane, state, address_encrypted, address_key, content, next_try_at, created_at, updated_at)
      VALUES ('booking.confirmed', 'sms', 'sms', 'queued', 
        '${world.kernel.secrets.cipher.encrypt('+8613800138000')}', 'key',
        '{"subject": "", "body": "text"}', '${at}', '${at}', '${at}')`)
    await triedFor(1, counting(refusing('temporary'), { lane: 'sms', channel: 'sms', address: /./ }).provider)
  })

  test('that is of no use later is given up sooner', async () => {
    await queue('booking.reminder')
    const courier = courierOf(world, counting(refusing('temporary')).provider)
    await courier.drain()
    world.clock.advance(2 * HOUR - 1)
    await courier.drain()
    expect(await deliveries()).toMatchObject([{ state: 'queued' }])
    world.clock.advance(3 * HOUR)
    await courier.drain()
    expect(await deliveries()).toMatchObject([{ state: 'failed', attempts: 3 }])
  })

  async function triedFor(days: number, provider: Provider): Promise<void> {
    const courier = courierOf(world, { ...provider, rings: false })
    for (let hours = 0; hours < days * 24; hours += 3) {
      expect(await courier.drain()).toBe(1)
      expect(await deliveries()).toMatchObject([{ state: 'queued' }])
      world.clock.advance(3 * HOUR)
    }
    expect(await courier.drain()).toBe(1)
    expect(await deliveries()).toMatchObject([{ state: 'failed' }])
  }

  test('is retried soon at first, then every two hours', async () => {
    await queue()
    const { sent, provider } = counting(refusing('temporary'), { rings: false })
    const courier = courierOf(world, provider)
    const minutes: number[] = []
    for (let minute = 0; minute <= DAY; minute += 1) {
      if ((await courier.drain()) > 0) minutes.push(minute)
      world.clock.advance(1)
    }
    expect(sent).toHaveLength(minutes.length)
    expect(minutes.filter((minute) => minute < HOUR).length).toBeGreaterThan(4)
    const pauses = minutes.slice(1).map((minute, n) => minute - (minutes[n] ?? 0))
    expect(Math.max(...pauses)).toBeLessThanOrEqual(150)
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(90)
  })

  test('goes to another channel after an hour if it is mandatory', async () => {
    const im = await wecom()
    await queue('booking.urgent')
    const { sent, provider } = counting(refusing('temporary'))
    const courier = courierOf(world, provider, im.provider)
    await courier.drain()
    world.clock.advance(HOUR - 1)
    await courier.drain()
    expect(im.sent).toEqual([])
    world.clock.advance(2 * HOUR)
    await courier.drain()
    expect(im.sent).toHaveLength(1)
    expect(await deliveries()).toMatchObject([
      { channel: 'email', state: 'failed', attempts: 3 },
      { channel: 'im', state: 'sent' },
    ])
    world.clock.advance(3 * HOUR)
    expect(await courier.drain()).toBe(0)
    expect(sent).toHaveLength(3)
  })

  test('is retried after that hour where there is no other channel', async () => {
    await queue('booking.urgent')
    const courier = courierOf(world, counting(refusing('temporary')).provider)
    for (let n = 0; n < 5; n += 1) {
      await courier.drain()
      world.clock.advance(3 * HOUR)
    }
    expect(await deliveries()).toMatchObject([{ state: 'queued', attempts: 5 }])
  })
})

describe('a message for a channel that is no longer configured', () => {
  test('goes to another channel after an hour, and stays there when the first is configured again', async () => {
    const im = await wecom()
    await queue()
    const courier = courierOf(world, im.provider)
    await courier.drain()
    expect(await deliveries()).toMatchObject([{ state: 'queued' }])
    world.clock.advance(HOUR)
    await courier.drain()
    expect(im.sent).toHaveLength(1)
    const { sent, provider } = counting(taking)
    world.clock.advance(DAY)
    await courierOf(world, provider, im.provider).drain()
    expect(sent).toEqual([])
    expect(await deliveries()).toMatchObject([
      { channel: 'email', state: 'skipped', reason: 'not_configured', attempts: 0 },
      { channel: 'im', state: 'sent' },
    ])
  })

  test('is found when a process starts', async () => {
    await queue()
    world.clock.advance(HOUR)
    const courier = courierOf(world)
    courier.start()
    await expect.poll(deliveries).toMatchObject([{ state: 'skipped', reason: 'not_configured' }])
    await courier.stop()
  })
})
