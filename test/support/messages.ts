import { sql } from 'kysely'
import { pino } from 'pino'
import { type Config, loadConfig } from '../../src/config.ts'
import { operationConsumer } from '../../src/kernel/audit/operations.ts'
import { ManualClock } from '../../src/kernel/clock.ts'
import type { Kernel } from '../../src/kernel/kernel.ts'
import type { Channels } from '../../src/kernel/notifications/channels.ts'
import { type Courier, createCourier } from '../../src/kernel/notifications/delivery/deliver.ts'
import { type MessageOptions, messageConsumer } from '../../src/kernel/notifications/delivery/relay.ts'
import type { Provider } from '../../src/kernel/notifications/providers/provider.ts'
import { type Catalogue, createCatalogue } from '../../src/kernel/notifications/texts/catalogue.ts'
import type { NotificationType } from '../../src/kernel/notifications/texts/types.ts'
import { createRelay, type Relay, type RelayOptions } from '../../src/kernel/outbox/relay.ts'
import { bareKernel } from './bareKernel.ts'
import { openTestDatabase, type TestDatabase } from './database.ts'

/** What the tests of messages register. */
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

/** A way out of which tests say what it does. */
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

export interface MessageWorld {
  readonly database: TestDatabase
  readonly kernel: Kernel
  readonly clock: ManualClock
  /** Lines that were logged, as JSON. */
  readonly lines: string[]
  readonly catalogue: Catalogue
  /** A relay where mail can leave unless said. */
  relay(options?: Partial<MessageOptions & RelayOptions>, kernel?: Kernel): Relay
  courier(...providers: readonly Provider[]): Courier
  /** Adds a person; answers the id. */
  person(name: string, email?: string): Promise<number>
  /** Rows of a query. */
  rows<T>(query: string): Promise<readonly T[]>
}

/** A kernel on a database of its own with a clock that stands at 2026-03-14 09:00 in Shanghai, and nothing that runs by itself. */
export async function openMessageWorld(
  env: Record<string, string> = {},
  more: { readonly types?: readonly NotificationType[]; readonly channels?: Channels } = {},
): Promise<MessageWorld> {
  const database = await openTestDatabase()
  const { db } = database
  const clock = new ManualClock(new Date('2026-03-14T01:00:00Z'))
  const lines: string[] = []
  const config: Config = {
    ...loadConfig({ NODE_ENV: 'test', ...env }),
    secretKey: 'x'.repeat(32),
    fieldKeys: [{ id: 'k1', key: Buffer.alloc(32) }],
  }
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const catalogue = createCatalogue(
    [bookingConfirmed, quiet, urgent, reminder, warning, letter, ...(more.types ?? [])],
    more.channels,
  )
  const kernel = await bareKernel({ config, clock, log }, database, catalogue)
  return {
    database,
    kernel,
    clock,
    lines,
    catalogue,
    relay({ batch, ...options } = {}, on = kernel) {
      const providers = [{ lane: 'email', channel: 'email', rings: true }] as const
      const message = messageConsumer(on, { catalogue, providers, ...options })
      return createRelay(on, { message, operation: operationConsumer }, { batch })
    },
    courier: (...providers) => createCourier(kernel, { catalogue, providers }),
    async person(name, email) {
      const at = clock.now()
      const added = await sql<{ id: number }>`
        INSERT INTO users (username, email, display_name, created_at, updated_at)
        VALUES (${name}, ${email ?? null}, ${name}, ${at}, ${at}) RETURNING id`.execute(db)
      const [row] = added.rows
      if (!row) throw new Error('nobody was added')
      return row.id
    },
    rows: async <T>(query: string) => (await sql.raw<T>(query).execute(db)).rows,
  }
}
