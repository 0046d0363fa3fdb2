import { operationConsumer } from '../../src/kernel/audit/operations.ts'
import type { Channels } from '../../src/kernel/notifications/channels.ts'
import { type Courier, createCourier } from '../../src/kernel/notifications/delivery/deliver.ts'
import { type MessageOptions, messageConsumer } from '../../src/kernel/notifications/delivery/messages.ts'
import type { Provider } from '../../src/kernel/notifications/providers/provider.ts'
import { createCatalogue } from '../../src/kernel/notifications/texts/catalogue.ts'
import type { NotificationType } from '../../src/kernel/notifications/texts/types.ts'
import { createRelay, type Relay, type RelayOptions } from '../../src/kernel/outbox/relay.ts'
import { SATURDAY, type World, type WorldOptions } from './world.ts'

// Builders for tests of notifications: types, providers, relays and couriers.

export const bookingConfirmed: NotificationType = {
  key: 'booking.confirmed',
  title: '预约成功',
  category: 'reservation',
  urgent: false,
  channels: ['websocket', 'email'],
  subject: '预约成功：{{ place }}',
  body: "您已预约 {{ place }}，{{ time }}。{% if note != '' %}备注：{{ note }}{% endif %}",
  sample: { place: '羽毛球馆', time: '2026-03-14 09:00', note: '' },
}

const quiet: NotificationType = { ...bookingConfirmed, key: 'booking.quiet', channels: ['websocket'] }

const urgent: NotificationType = { ...bookingConfirmed, key: 'booking.urgent', urgent: true }
const reminder: NotificationType = { ...bookingConfirmed, key: 'booking.reminder', goodForHours: 2 }
const warning: NotificationType = { ...bookingConfirmed, key: 'account.warning', category: 'account' }
const letter: NotificationType = {
  ...bookingConfirmed,
  key: 'account.letter',
  category: 'account',
  channels: ['email'],
}

/** A provider whose `send` the test defines. */
export function fakeProvider(send: Provider['send'], more: Partial<Provider> = {}): Provider {
  const close = async () => {}
  return {
    lane: 'email',
    channel: 'email',
    name: 'fake',
    rings: true,
    address: /^[^\s@,;<>"]+@[^\s@,;<>"]+$/,
    send,
    close,
    ...more,
  }
}

/** Options of a world with only the notification types of these tests, without providers, on `SATURDAY`. */
export function messageOptions(more: readonly NotificationType[] = [], channels?: Channels): WorldOptions {
  const catalogue = createCatalogue([bookingConfirmed, quiet, urgent, reminder, warning, letter, ...more], channels)
  return {
    replaced: { notifications: { catalogue, providers: [] } },
    now: SATURDAY,
    logLevel: 'debug',
  }
}

/** A relay with a provider for mail unless the options name others. */
export function relayOf(
  { kernel }: Pick<World, 'kernel'>,
  { batch, ...options }: Partial<MessageOptions & RelayOptions> = {},
): Relay {
  const providers = [{ lane: 'email', channel: 'email', rings: true }] as const
  const { catalogue } = kernel.notifications
  const message = messageConsumer(kernel, { catalogue, providers, ...options })
  return createRelay(kernel, { message, operation: operationConsumer }, { batch })
}

export function courierOf({ kernel }: Pick<World, 'kernel'>, ...providers: readonly Provider[]): Courier {
  return createCourier(kernel, { catalogue: kernel.notifications.catalogue, providers })
}
