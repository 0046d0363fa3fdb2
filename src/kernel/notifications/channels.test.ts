import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { bookingConfirmed, courierOf, fakeProvider, messageOptions, relayOf } from '../../../test/support/messages.ts'
import { addUser, openWorld, type World } from '../../../test/support/world.ts'
import type { Caller } from '../http/request/caller.ts'
import { notify } from '../outbox/outbox.ts'
import { queueForAddresses } from './bareAddresses.ts'
import { channels, contactAddress, contactKey, createChannels, type DeliveryChannel, maskAddress } from './channels.ts'
import { setContact } from './people/contacts.ts'
import { readPreferences, savePreferences } from './people/preferences.ts'
import { createCatalogue } from './texts/catalogue.ts'

/** A channel that exists only in this test: it needs this row and a provider. */
const webpush: DeliveryChannel = {
  ...{ key: 'webpush', title: '浏览器推送', delivered: true, switchable: true, hasTexts: true },
  lane: 'webpush',
  address: contactAddress('webpush'),
  typed: {
    pattern: /^https:\/\/\S+$/,
    about: 'Push endpoints.',
    example: 'https://push.example/lin',
    read: (address) => ({ lane: 'webpush', address }),
  },
  keyOf: (_, address) => contactKey(address),
  quietHours: true,
  fallback: { place: 1, mandatoryOnly: false },
  goodForHours: 4,
  richText: false,
  registeredTemplates: false,
  sendSummary: 'Send a push message',
  sendOperationId: 'sendWebPush',
}
const pushed = { ...bookingConfirmed, key: 'booking.pushed', channels: ['websocket', 'webpush'] }
const ENDPOINT = 'https://push.example/lin'

let world: World
let lin: number
const sent: { readonly to: string; readonly text: string }[] = []
const provider = fakeProvider(
  async ({ to, text }) => {
    sent.push({ to, text })
    return { providerId: 'pushed' }
  },
  { lane: 'webpush', channel: 'webpush', name: 'push service', address: webpush.typed.pattern },
)

beforeAll(async () => {
  world = await openWorld({}, messageOptions([pushed], createChannels([...channels.all, webpush])))
  lin = await addUser(world, '林', 'lin@example.com')
})
afterEach(async () => {
  sent.length = 0
  await world.rows(
    'TRUNCATE delivery_attempts, deliveries, notification_messages, suppressions, user_contacts, notification_preferences RESTART IDENTITY',
  )
})
afterAll(() => world.close())

const caller = (): Caller => ({
  ...{ userId: lin, sessionId: 's1', roles: new Set(), permissions: new Set(), isAdmin: false, scope: 'full' },
  ...{ address: '192.0.2.1', requestId: 'r1' },
})
const giveAddress = () => setContact(world.kernel, caller(), { userId: lin, kind: 'webpush' }, ENDPOINT)
async function tell(type = pushed.key, providers = [provider]): Promise<void> {
  const data = { place: '羽毛球馆', time: '09:00', note: '' }
  await notify(world.kernel.db, world.clock.now(), { type, userIds: [lin], data })
  await relayOf(world, { providers }).drain()
  await courierOf(world, ...providers).drain()
}
const deliveries = () =>
  world.rows<{ channel: string; state: string; reason: string | null }>(
    'SELECT channel, lane, state, reason FROM deliveries ORDER BY id',
  )
const preferenceOf = async (type: string) =>
  (await readPreferences(world.kernel.db, world.kernel.notifications.catalogue, lin)).find((one) => one.type === type)
    ?.channels

describe('a new channel is one row of the table and a provider', () => {
  test('a type that uses it is delivered to the address of the person', async () => {
    await giveAddress()
    await tell()
    expect(sent).toEqual([{ to: ENDPOINT, text: '您已预约 羽毛球馆，09:00。' }])
    expect(await deliveries()).toEqual([{ channel: 'webpush', lane: 'webpush', state: 'sent', reason: null }])
  })

  test('it is skipped with the reason where no provider is configured, or the person has no address', async () => {
    await giveAddress()
    await tell(pushed.key, [])
    await world.rows('DELETE FROM user_contacts')
    await tell()
    expect(await deliveries()).toMatchObject([
      { channel: 'webpush', state: 'skipped', reason: 'not_configured' },
      { channel: 'webpush', state: 'skipped', reason: 'no_address' },
    ])
    expect(sent).toEqual([])
  })

  test('people see it in their preferences, switch it off, and add it to other types', async () => {
    await giveAddress()
    expect(await preferenceOf(pushed.key)).toEqual({
      ...{ websocket: true, email: false, sms: false, im: false, webpush: true },
    })
    await savePreferences(world.kernel, world.kernel.notifications.catalogue, lin, [
      { type: pushed.key, channel: 'webpush', enabled: false },
      { type: 'booking.quiet', channel: 'webpush', enabled: true },
    ])
    expect(await preferenceOf(pushed.key)).toMatchObject({ webpush: false })
    expect(await preferenceOf('booking.quiet')).toMatchObject({ webpush: true })
    await tell()
    await tell('booking.quiet')
    expect(await deliveries()).toMatchObject([
      { channel: 'webpush', state: 'skipped', reason: 'switched_off' },
      { channel: 'webpush', state: 'sent' },
    ])
  })

  test('it waits for the end of quiet hours', async () => {
    await giveAddress()
    world.clock.set(new Date('2026-03-14T15:00:00Z'))
    await tell()
    expect(await deliveries()).toMatchObject([{ state: 'queued', reason: 'quiet_hours' }])
    world.clock.set(new Date('2026-03-15T00:00:00Z'))
    await courierOf(world, provider).drain()
    expect(sent).toHaveLength(1)
  })

  test('it takes over from a channel that fails, and its unusable addresses are not tried again', async () => {
    await giveAddress()
    const noMail = fakeProvider(async () => ({ providerId: '' }), { address: /^nothing fits$/ })
    const providers = [noMail, provider]
    await tell('booking.confirmed', providers)
    expect(await deliveries()).toMatchObject([
      { channel: 'email', state: 'failed', reason: 'bad_address' },
      { channel: 'webpush', state: 'sent' },
    ])
    const dead = { ...provider, address: /^nothing fits$/ }
    await tell(pushed.key, [dead])
    await tell(pushed.key, [provider])
    expect((await deliveries()).slice(2)).toMatchObject([
      { channel: 'webpush', state: 'failed', reason: 'bad_address' },
      { channel: 'webpush', state: 'suppressed', reason: 'address_unusable' },
    ])
    // An address that is entered again is tried again.
    await giveAddress()
    await tell(pushed.key, [provider])
    expect((await deliveries()).at(-1)).toMatchObject({ state: 'sent' })
  })

  test('its addresses can be entered: they are stored encrypted and have their lane', async () => {
    const send = { channel: 'webpush', type: pushed.key, addresses: [ENDPOINT], subject: '通知', body: '停电' }
    await world.kernel.transaction((tx) =>
      queueForAddresses(tx, world.kernel, send, { createdBy: lin, at: world.clock.now() }),
    )
    expect(await deliveries()).toMatchObject([{ channel: 'webpush', lane: 'webpush', reason: 'not_configured' }])
    expect(JSON.stringify(await world.rows('SELECT * FROM deliveries'))).not.toContain('push.example')
  })
})

describe('the table of channels', () => {
  test('refuses two rows with one key, and types that name an unknown channel', () => {
    expect(() => createChannels([...channels.all, webpush, webpush])).toThrow('the same key')
    expect(() => createCatalogue([pushed])).toThrow('booking.pushed: unknown channel webpush')
  })

  test('accepts and masks its own example addresses', () => {
    const shown = channels.delivered.map(({ key, typed }) => {
      expect(typed.example).toMatch(typed.pattern)
      return [key, typed.read(typed.example).lane, maskAddress(typed.example)]
    })
    expect(shown).toEqual([
      ['email', 'email', 'l***@example.com'],
      ['sms', 'sms', '+86*******8000'],
      ['im', 'wecom_robot', 'wecom_robot'],
    ])
  })

  test('passes the entered name of a member and of a robot to their providers', () => {
    const im = channels.delivery('im')
    expect(im?.typed.read('wecom:lin')).toEqual({ lane: 'wecom', address: 'lin' })
    expect(im?.typed.read('feishu_robot')).toEqual({ lane: 'feishu_robot', address: 'feishu_robot' })
  })
})
