import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  bookingConfirmed,
  courierOf,
  fakeProvider,
  messageOptions,
  relayOf,
} from '../../../../test/support/messages.ts'
import { addUser, openWorld, type World } from '../../../../test/support/world.ts'
import { notify } from '../../outbox/outbox.ts'
import { type ProviderMessage, Refused } from '../providers/provider.ts'
import { createCatalogue } from '../texts/catalogue.ts'

const translated = {
  ...bookingConfirmed,
  key: 'booking.translated',
  translations: { en: { subject: 'Booked: {{ place }}', body: '{{ place }} at {{ time }}' } },
}
/** A reminder that is true while its place is open. */
const open = new Set<unknown>()
const reminder = {
  ...bookingConfirmed,
  key: 'booking.open',
  stillTrue: async (_: unknown, { place }: Readonly<Record<string, unknown>>) => open.has(place),
}

let world: World
const people: number[] = []
const sent: ProviderMessage[] = []
let refuses = false
const provider = fakeProvider(async (message) => {
  if (refuses) throw new Refused('busy', 'temporary')
  sent.push(message)
  return { providerId: message.to }
})

beforeAll(async () => {
  world = await openWorld({}, messageOptions([translated, reminder]))
  for (const name of ['a', 'b']) people.push(await addUser(world, name, `${name}@example.com`))
  await world.rows("UPDATE users SET locale = 'en' WHERE username = 'b'")
})
afterEach(async () => {
  sent.length = 0
  refuses = false
  await world.rows(
    'TRUNCATE delivery_attempts, deliveries, notification_messages, notification_templates RESTART IDENTITY',
  )
  await world.kernel.notifications.catalogue.reload(world.kernel.db)
})
afterAll(() => world.close())

async function tell(type: string): Promise<void> {
  const data = { place: '羽毛球馆', time: '09:00', note: '' }
  await notify(world.kernel.db, world.clock.now(), { type, userIds: people, data })
  await relayOf(world).drain()
}

describe('A type with translations', () => {
  const template = (locale: string, subject: string) =>
    world.rows(`INSERT INTO notification_templates (type, channel, locale, subject, body, created_at, updated_at)
      VALUES ('booking.translated', 'inbox', '${locale}', '${subject}', 'x', now(), now())`)

  test('reaches each person in their language, in the inbox and by mail', async () => {
    await tell('booking.translated')
    await courierOf(world, provider).drain()
    expect(sent.map(({ subject }) => subject)).toEqual(['预约成功：羽毛球馆', 'Booked: 羽毛球馆'])
    expect(await world.rows('SELECT subject FROM notification_messages ORDER BY user_id')).toEqual([
      { subject: '预约成功：羽毛球馆' },
      { subject: 'Booked: 羽毛球馆' },
    ])
  })

  test('keeps its translation when only the Chinese text has a template, and loses to one in the language', async () => {
    const subjectsNow = async () => {
      await world.kernel.notifications.catalogue.reload(world.kernel.db)
      sent.length = 0
      await tell('booking.translated')
      await courierOf(world, provider).drain()
      return sent.map(({ subject }) => subject)
    }
    await template('zh-CN', '已预约')
    expect(await subjectsNow()).toEqual(['已预约', 'Booked: 羽毛球馆'])
    await template('en', 'Yours')
    expect(await subjectsNow()).toEqual(['已预约', 'Yours'])
  })

  test('is refused at the start when a translation names an unknown variable', () => {
    const wrong = { ...translated, translations: { en: { subject: '{{ plaze }}', body: 'x' } } }
    expect(() => createCatalogue([wrong])).toThrow('booking.translated, subject (en): unknown variable plaze')
  })
})

describe('A message that has to be still true', () => {
  const states = () => world.rows('SELECT DISTINCT state, reason FROM deliveries')

  test('is sent while it is', async () => {
    open.add('羽毛球馆')
    await tell('booking.open')
    await courierOf(world, provider).drain()
    expect(sent).toHaveLength(2)
  })

  test('is not sent after it has waited too long, and that is no failure', async () => {
    open.add('羽毛球馆')
    refuses = true
    await tell('booking.open')
    await courierOf(world, provider).drain()
    expect(await states()).toMatchObject([{ state: 'queued' }])
    refuses = false
    open.clear()
    world.clock.advance(10)
    await courierOf(world, provider).drain()
    expect(sent).toEqual([])
    expect(await states()).toEqual([{ state: 'skipped', reason: 'no_longer_true' }])
  })
})
