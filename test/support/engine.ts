import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { startFake } from './fakes/http.ts'
import { startWecom } from './fakes/im.ts'
import { type FakeSmtp, header, startSmtp } from './fakes/smtp.ts'
import { type Method, MONDAY, openWorld, type Person, type World } from './world.ts'

// A world with providers, for the tests of notifications on every channel.

export let world: World
export let smtp: FakeSmtp
export let sms: Awaited<ReturnType<typeof startFake>>
export let wecom: Awaited<ReturnType<typeof startWecom>>
export let admin: Person
export let lin: Person
export let wang: Person
/** Phone numbers for which the SMS provider answers 410, and mailboxes that do not exist. */
export const dead = new Set<string>()

/**
 * Opens a world with a real SMTP server, an SMS webhook and WeCom for the tests of a file. Before each test the clock
 * is set to Monday 08:00, outside the quiet hours; after each test all messages and settings are deleted.
 */
export function openEngine(): void {
  beforeAll(async () => {
    smtp = await startSmtp({
      onRcptTo: ({ address }, _session, done) =>
        done(dead.has(address) ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null),
    })
    sms = await startFake(({ body }) => (dead.has(body.to) ? { status: 410, body: {} } : { body: { id: 'm1' } }))
    wecom = await startWecom('shh', ['lin'])
    world = await openWorld({
      ...{ SMTP_URL: smtp.url, MAIL_FROM: 'Yuyue <no-reply@gym.example>', PUBLIC_URL: 'https://gym.example' },
      ...{ SMS_PROVIDER: 'webhook', SMS_BASE_URL: sms.url, SMS_KEY_SECRET: 'shh' },
      ...{ WECOM_BASE_URL: wecom.url, WECOM_CORP_ID: 'corp', WECOM_AGENT_ID: '1', WECOM_SECRET: 'shh' },
    })
    admin = await world.person('admin')
    lin = await world.person('venue:employee', { email: 'lin@example.com' })
    wang = await world.person('venue:employee', { email: 'wang@example.com' })
  })
  beforeEach(() => world.clock.set(MONDAY))
  afterEach(async () => {
    await world.rows(`TRUNCATE outbox, delivery_attempts, deliveries, notification_messages, broadcast_recipients, broadcasts, suppressions, notification_pace,
      notification_preferences, notification_templates, notification_types, holidays, settings, audiences, user_contacts RESTART IDENTITY`)
    await world.kernel.db.updateTable('users').set({ email: 'lin@example.com' }).where('id', '=', lin.id).execute()
    smtp.mails.length = 0
    sms.asked.length = 0
    dead.clear()
    await as(admin, 'PUT', '/api/admin/notifications/controls', {
      quiet_hours: { start: '22:00', end: '08:00' },
      caps: { reservation: null, account: null, notice: { limit: 5, hours: 24 }, system: null },
    })
  })
  afterAll(async () => {
    await world.close()
    await smtp.close()
    await sms.close()
    await wecom.close()
  })
}

export const as = (
  person: Person,
  method: Method,
  path: string,
  payload?: unknown,
  headers: Record<string, string> = {},
) => world.call(method, path, { as: person, headers, ...(payload !== undefined && { payload }) })
export const mail = (to: object, subject = '通知', body = '正文') =>
  as(admin, 'POST', '/api/notifications/email', { to, subject, body })
/** Sends Lin an urgent notice. */
export async function sendAlarm(): Promise<void> {
  await as(admin, 'POST', '/api/v1/notification-types', { ...custom, key: 'notice.alarm', urgent: true })
  await as(admin, 'POST', '/api/v1/broadcasts', {
    ...{ type: 'notice.alarm', data: custom.sample, condition: { kind: 'users', ids: [lin.id] } },
  })
  await world.drain()
}
export const recipients = () =>
  smtp.mails.map((one) => /<(.*)>|(\S+@\S+)/.exec(header(one, 'To'))?.slice(1).find(Boolean)).sort()
export const deliveries = () =>
  world.rows<{ channel: string; state: string; reason: string | null }>(
    'SELECT channel, state, reason FROM deliveries ORDER BY id',
  )

const closing = { key: 'notice.closing', name: '闭馆', category: 'notice', channels: ['email'] }
export const custom = {
  ...closing,
  subject: '闭馆：{{ hall }}',
  body: '{{ hall }} {{ day }} 闭馆。',
  sample: { hall: '游泳馆', day: '周六' },
}
