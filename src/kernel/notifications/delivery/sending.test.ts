import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { courierOf, fakeProvider, messageOptions, relayOf } from '../../../../test/support/messages.ts'
import { addUser, openWorld, type World } from '../../../../test/support/world.ts'
import { notify } from '../../outbox/outbox.ts'
import { type Provider, type ProviderMessage, Refused } from '../providers/provider.ts'

let world: World
const people: number[] = []

beforeAll(async () => {
  world = await openWorld({}, messageOptions())
  for (const name of ['a', 'b', 'c', 'd', 'e']) people.push(await addUser(world, name, `${name}@example.com`))
})
afterEach(async () => {
  await world.rows('TRUNCATE delivery_attempts, deliveries, notification_messages, suppressions RESTART IDENTITY')
  world.clock.set(new Date('2026-03-14T01:00:00Z'))
})
afterAll(() => world.close())

const states = async () =>
  (await world.rows<{ state: string }>('SELECT state FROM deliveries ORDER BY id')).map(({ state }) => state)

/** A provider that accepts at most three messages at once, and the addresses of each call. */
function multicast(answer: (message: ProviderMessage) => { providerId: string } | Refused) {
  const calls: string[][] = []
  const single: Provider['send'] = async (message) => {
    calls.push([message.to])
    const said = answer(message)
    if (said instanceof Refused) throw said
    return said
  }
  const several = {
    most: 3,
    async send(messages: readonly ProviderMessage[]) {
      calls.push(messages.map(({ to }) => to))
      return messages.map(answer)
    },
  }
  return { calls, provider: fakeProvider(single, { several }) }
}

async function tellAll(): Promise<void> {
  const data = { place: '羽毛球馆', time: '09:00', note: '' }
  await notify(world.kernel.db, world.clock.now(), { type: 'booking.confirmed', userIds: people, data })
  await relayOf(world).drain()
}

describe('a provider that accepts several messages at once', () => {
  test('gets as many as it accepts, each recorded separately', async () => {
    await tellAll()
    const { calls, provider } = multicast(({ to }) => ({ providerId: to }))
    expect(await courierOf(world, provider).drain()).toBe(5)
    expect(calls.map((call) => call.length)).toEqual([3, 2])
    expect(calls.flat().toSorted()).toEqual(['a', 'b', 'c', 'd', 'e'].map((name) => `${name}@example.com`))
    expect(
      await world.rows('SELECT 1 FROM deliveries d JOIN users u ON u.id = d.user_id AND u.email = d.provider_id'),
    ).toHaveLength(5)
    expect(await world.rows('SELECT 1 FROM delivery_attempts')).toHaveLength(5)
  })

  test('refuses one of them without affecting the others', async () => {
    await tellAll()
    const { provider } = multicast(({ to }) =>
      to.startsWith('b') ? new Refused('gone', 'address') : { providerId: to },
    )
    await courierOf(world, provider).drain()
    expect(await states()).toEqual(['sent', 'failed', 'sent', 'sent', 'sent'])
    expect(await world.rows('SELECT masked FROM suppressions')).toEqual([{ masked: 'b***@example.com' }])
  })

  test('gets messages that may have arrived before one by one, marked as repeats', async () => {
    await tellAll()
    const silent = multicast(() => new Refused('silence', 'unheard'))
    await courierOf(world, silent.provider).drain()
    world.clock.advance(5)
    const { calls, provider } = multicast(({ to }) => ({ providerId: to }))
    await courierOf(world, provider).drain()
    expect(calls.every((call) => call.length === 1)).toBe(true)
    expect(await states()).toEqual(['sent', 'sent', 'sent', 'sent', 'sent'])
  })

  test('that fails as a whole is retried for each message', async () => {
    await tellAll()
    const broken = fakeProvider(() => Promise.reject(new Refused('down', 'temporary')), {
      several: { most: 5, send: () => Promise.reject(new Refused('down', 'temporary')) },
    })
    await courierOf(world, broken).drain()
    expect(await states()).toEqual(['queued', 'queued', 'queued', 'queued', 'queued'])
    expect(await world.rows('SELECT DISTINCT reason, attempts FROM deliveries')).toEqual([
      { reason: 'down', attempts: 1 },
    ])
  })
})
