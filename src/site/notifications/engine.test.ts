import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startFake } from '../../../test/support/fakes/http.ts'
import { startWecom } from '../../../test/support/fakes/im.ts'
import { bodyText, type FakeSmtp, header, startSmtp } from '../../../test/support/fakes/smtp.ts'
import { addSlot, addVenue } from '../../../test/support/venue.ts'
import { type Method, MONDAY, openWorld, type Person, type World } from '../../../test/support/world.ts'

/** The program with a real SMTP server, an SMS webhook and WeCom; the clock stands at Monday 08:00, when people may be disturbed. */
let world: World
let smtp: FakeSmtp
let sms: Awaited<ReturnType<typeof startFake>>
let wecom: Awaited<ReturnType<typeof startWecom>>
let admin: Person
let lin: Person
let wang: Person
/** Numbers the SMS provider answers 410 for, and mailboxes that don't exist. */
const dead = new Set<string>()

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
  await world.rows(`TRUNCATE outbox, delivery_attempts, deliveries, messages, broadcast_recipients, broadcasts, suppressions, notification_pace,
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

const as = (person: Person, method: Method, path: string, payload?: unknown, headers: Record<string, string> = {}) =>
  world.call(method, path, { as: person, headers, ...(payload !== undefined && { payload }) })
const mail = (to: object, subject = '通知', body = '正文') =>
  as(admin, 'POST', '/api/notifications/email', { to, subject, body })
const recipients = () =>
  smtp.mails.map((one) => /<(.*)>|(\S+@\S+)/.exec(header(one, 'To'))?.slice(1).find(Boolean)).sort()
const deliveries = () =>
  world.rows<{ channel: string; state: string; reason: string | null }>(
    'SELECT channel, state, reason FROM deliveries ORDER BY id',
  )

const closing = { key: 'notice.closing', name: '闭馆', category: 'notice', channels: ['email'] }
const custom = {
  ...closing,
  subject: '闭馆：{{ hall }}',
  body: '{{ hall }} {{ day }} 闭馆。',
  sample: { hall: '游泳馆', day: '周六' },
}

describe('deliveries that failed', () => {
  const path = '/api/admin/notifications/deliveries/retry'
  const retry = (body: object, person = admin) => as(person, 'POST', path, body)
  const failed = async () =>
    (await as(admin, 'GET', '/api/admin/notifications?state=failed&sort=created_at')).body.items.map(
      (item: { id: string }) => item.id,
    )

  test('are tried again, all of a time or single ones, and who asked for it is in the log', async () => {
    for (const person of [lin, wang]) dead.add(`${person === lin ? 'lin' : 'wang'}@example.com`)
    await mail({ user_ids: [lin.id, wang.id] })
    await world.drain()
    const [first, second] = await failed()
    expect(await failed()).toHaveLength(2)
    dead.clear()
    await world.rows('TRUNCATE suppressions')

    expect((await retry({ ids: [first] })).body).toEqual({ retried: 1 })
    await world.drain()
    expect([await failed(), recipients()]).toEqual([[second], ['lin@example.com']])
    expect((await retry({ ids: [first] })).body).toEqual({ retried: 0 })

    const today = '2026-03-02'
    for (const others of [{ channel: 'sms' }, { type: 'notice.other' }, { user_id: lin.id }, { from: '2026-03-03' }]) {
      expect((await retry({ from: today, ...others })).body).toEqual({ retried: 0 })
    }
    expect((await retry({ from: today, to: today, channel: 'email', user_id: wang.id })).body).toEqual({ retried: 1 })
    await world.drain()
    expect([await failed(), recipients()]).toEqual([[], ['lin@example.com', 'wang@example.com']])
    const log = await world.rows<{ actor_id: number; changes: Record<string, unknown[]> }>(
      "SELECT actor_id, changes FROM operation_log WHERE action = 'notification.retry' ORDER BY id",
    )
    expect(log).toHaveLength(7)
    expect(log.at(-1)).toMatchObject({
      actor_id: admin.id,
      changes: { filter: [null, { channel: 'email', userId: wang.id }], retried: [null, 1] },
    })
  })

  test('are meant by a day or by themselves, and are for those who may manage notifications', async () => {
    expect(await retry({ channel: 'email' })).toMatchObject({ status: 400, body: { code: 'bad_filter' } })
    expect((await retry({ ids: ['inbox:1'] })).status).toBe(400)
    expect((await retry({ from: '2026-03-02' }, lin)).status).toBe(403)
  })
})

describe('types', () => {
  test('of administrators are added, changed and deleted; keys are unique; those of the program stay', async () => {
    const made = await as(admin, 'POST', '/api/v1/notification-types', custom)
    expect(made).toMatchObject({ status: 201, body: { key: 'notice.closing', urgent: false, built_in: false } })
    expect(await as(admin, 'POST', '/api/notification-types', custom)).toMatchObject({
      status: 409,
      body: { code: 'type_exists' },
    })
    const taken = await as(admin, 'POST', '/api/v1/notification-types', { ...custom, key: 'reservation.confirmed' })
    expect(taken).toMatchObject({ status: 409, body: { code: 'type_exists' } })
    const { key: _, ...change } = custom
    const changed = await as(admin, 'PUT', '/api/v1/notification-types/notice.closing', { ...change, urgent: true })
    expect(changed.body.urgent).toBe(true)
    expect((await as(admin, 'PUT', '/api/v1/notification-types/reservation.confirmed', change)).body.code).toBe(
      'built_in_type',
    )
    expect((await as(admin, 'DELETE', '/api/v1/notification-types/notice.closing')).status).toBe(204)
    expect((await as(admin, 'GET', '/api/v1/notification-types/notice.closing')).status).toBe(404)
    expect((await as(lin, 'GET', '/api/v1/notification-types')).status).toBe(403)
  })

  test('that were used can not be deleted', async () => {
    await as(admin, 'POST', '/api/v1/notification-types', custom)
    const sent = await as(admin, 'POST', '/api/v1/broadcasts', {
      type: 'notice.closing',
      data: { hall: '游泳馆', day: '周日' },
      condition: { kind: 'users', ids: [lin.id] },
    })
    expect(sent).toMatchObject({ status: 202, body: { total: 1, state: 'running' } })
    expect((await world.inbox(lin))[0]).toMatchObject({ subject: '闭馆：游泳馆', body: '游泳馆 周日 闭馆。' })
    expect(await as(admin, 'DELETE', '/api/v1/notification-types/notice.closing')).toMatchObject({
      status: 409,
      body: { code: 'type_in_use' },
    })
  })

  test('whose text names a variable the sample lacks are refused', async () => {
    const wrong = await as(admin, 'POST', '/api/v1/notification-types', { ...custom, body: '{{ nope }}' })
    expect(wrong).toMatchObject({ status: 400, body: { code: 'bad_template' } })
  })
})

describe('templates', () => {
  const template = {
    ...{
      type: 'notice.direct',
      channel: 'email',
      locale: 'en',
      subject: 'News: {{ subject }}',
      body: 'Dear all: {{ body }}',
    },
    html: '<p onclick="x()">{{ body }}</p><script>alert(1)</script><a href="https://gym.example/news">more</a>',
  }

  test('are used by channel and language, until they are deleted', async () => {
    await world.kernel.db.updateTable('users').set({ locale: 'en' }).where('id', '=', wang.id).execute()
    const made = await as(admin, 'POST', '/api/v1/notification-templates', template)
    expect(made.status).toBe(201)
    expect((await as(admin, 'POST', '/api/v1/notification-templates', template)).body.code).toBe('template_exists')
    await mail({ user_ids: [lin.id, wang.id] }, '周末', '<b>开放</b>')
    await world.drain()
    const english = smtp.mails.find((one) => header(one, 'To').includes('wang')) ?? ''
    expect(header(english, 'Subject')).toMatch(/^News: =\?|^=\?UTF-8/)
    const text = bodyText(english)
    expect(text).toContain('Dear all: <b>开放</b>')
    expect(text).toContain('<p>&lt;b&gt;开放&lt;/b&gt;</p>')
    expect(text).not.toMatch(/script|onclick/)
    expect((await as(admin, 'DELETE', `/api/v1/notification-templates/${made.body.id}`)).status).toBe(204)
    await mail({ user_ids: [wang.id] }, '再来')
    await world.drain()
    expect(bodyText(smtp.mails[2] ?? '')).not.toContain('Dear all')
    await world.kernel.db.updateTable('users').set({ locale: 'zh-CN' }).where('id', '=', wang.id).execute()
  })

  test('change what the program itself says, in the inbox as well', async () => {
    const own = {
      type: 'reservation.confirmed',
      channel: 'inbox',
      locale: 'zh-CN',
      subject: '订好了',
      body: '{{ venue_name }}',
    }
    await as(admin, 'POST', '/api/v1/notification-templates', own)
    const slot = await addSlot(world, await addVenue(world), { hour: 9 })
    await as(lin, 'POST', '/api/v1/reservations', { time_slot_id: slot })
    expect(await world.inbox(lin)).toMatchObject([{ type: 'reservation.confirmed', subject: '订好了' }])
  })

  test('are previewed with the sample, and with other data', async () => {
    const preview = await as(admin, 'POST', '/api/v1/notification-templates/preview', {
      ...template,
      data: { body: 'x<y' },
    })
    expect(preview.body).toEqual({
      ...{ subject: 'News: 周末开放安排', body: 'Dear all: x<y' },
      html: '<p>x&lt;y</p><a href="https://gym.example/news">more</a>',
    })
  })

  test.each([
    [{ body: '{{ nope }}' }, 'unknown variable nope'],
    [{ html: '{% if body %}' }, 'not closed'],
    [{ channel: 'sms' }, 'Only mails'],
    [{ body: '{% for i in (1..100000000) %}x{% endfor %}', html: null }, 'limit exceeded'],
  ])('with %j are refused', async (wrong, reason) => {
    const refused = await as(admin, 'POST', '/api/v1/notification-templates', { ...template, ...wrong })
    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'bad_template', detail: expect.stringContaining(reason) },
    })
  })
})

describe('preferences', () => {
  const path = '/api/v1/users/me/notification-preferences'
  const wish = (type: string, channel: string, enabled: boolean) =>
    as(lin, 'PUT', path, { items: [{ type, channel, enabled }] })
  const read = async (type: string) =>
    (await as(lin, 'GET', path)).body.items.find((item: { type: string }) => item.type === type)

  test('start as the type says, and are followed once changed', async () => {
    expect(await read('reservation.confirmed')).toMatchObject({
      mandatory: false,
      channels: { email: true, sms: false },
    })
    expect((await wish('reservation.confirmed', 'email', false)).status).toBe(200)
    const slot = await addSlot(world, await addVenue(world), { hour: 10 })
    await as(lin, 'POST', '/api/v1/reservations', { time_slot_id: slot })
    expect(await world.inbox(lin)).toHaveLength(1)
    expect(smtp.mails).toEqual([])
    expect(await deliveries()).toEqual([{ channel: 'email', state: 'skipped', reason: 'switched_off' }])
  })

  test('can add a channel the type does not use by itself', async () => {
    await wish('notice.direct', 'im', true)
    await as(admin, 'PUT', `/api/v1/users/${lin.id}/contacts/wecom`, { member_id: 'lin' })
    await as(admin, 'POST', '/api/v1/broadcasts', {
      ...{
        type: 'notice.direct',
        data: { subject: '一', body: '二' },
        condition: { kind: 'users', ids: [lin.id, wang.id] },
      },
    })
    await world.drain()
    expect(await deliveries()).toEqual([{ channel: 'im', state: 'sent', reason: null }])
    expect(wecom.received.at(-1)).toEqual({ user: 'lin', text: '一\n\n二\n\n2026-03-02 08:00:00 #1' })
  })

  test('hold for what is queued already: what waits for the morning does not leave once it is switched off', async () => {
    world.clock.set(new Date('2026-03-02T22:30:00+08:00'))
    await mail({ user_ids: [lin.id, wang.id] })
    await world.drain()
    await wish('notice.direct', 'email', false)
    world.clock.set(new Date('2026-03-03T08:00:00+08:00'))
    await world.drain()
    expect(recipients()).toEqual(['wang@example.com'])
    expect((await deliveries()).filter(({ state }) => state !== 'sent')).toEqual([
      { channel: 'email', state: 'skipped', reason: 'switched_off' },
    ])
  })

  test('can add a channel to what is urgent; what was switched off before it became urgent counts no more', async () => {
    const alarm = { ...custom, key: 'notice.alarm' }
    await as(admin, 'POST', '/api/v1/notification-types', alarm)
    await wish('notice.alarm', 'email', false)
    const { key: _, ...change } = alarm
    await as(admin, 'PUT', '/api/v1/notification-types/notice.alarm', { ...change, urgent: true })
    await as(admin, 'PUT', `/api/v1/users/${lin.id}/contacts/wecom`, { member_id: 'lin' })
    const said = await wish('notice.alarm', 'im', true)
    expect(said.status).toBe(200)
    expect(await read('notice.alarm')).toMatchObject({
      mandatory: true,
      channels: { email: true, sms: false, im: true },
    })
    await as(admin, 'POST', '/api/v1/broadcasts', {
      ...{ type: 'notice.alarm', data: custom.sample, condition: { kind: 'users', ids: [lin.id] } },
    })
    await world.drain()
    const sent = (await deliveries()).map(({ channel, state }) => `${channel} ${state}`)
    expect(sent.toSorted()).toEqual(['email sent', 'im sent'])
    // What was added by hand can be taken back.
    expect((await wish('notice.alarm', 'im', false)).status).toBe(200)
    expect(await read('notice.alarm')).toMatchObject({ channels: { email: true, im: false } })
  })

  test('cannot switch off what is urgent or about the account', async () => {
    expect(await wish('reservation.displaced', 'email', false)).toMatchObject({
      status: 409,
      body: { code: 'mandatory_notification' },
    })
    expect((await wish('account.new_place', 'email', false)).body.code).toBe('mandatory_notification')
    expect((await wish('nobody.knows', 'email', false)).body.code).toBe('unknown_type')
  })
})

describe('quiet hours, holidays and caps', () => {
  const at = (text: string) => world.clock.set(new Date(`2026-03-${text}:00+08:00`))
  const mailsAfter = async (text: string) => {
    at(text)
    await world.drain()
    return smtp.mails.length
  }

  test('hold what is not urgent until the first allowed minute, once, and the inbox has it at once', async () => {
    at('02T22:00')
    await mail({ user_ids: [lin.id] })
    expect(await world.inbox(lin)).toHaveLength(1)
    expect(await mailsAfter('02T23:00')).toBe(0)
    expect(await mailsAfter('03T07:59')).toBe(0)
    expect(await mailsAfter('03T08:00')).toBe(1)
    expect(await mailsAfter('03T09:00')).toBe(1)
  })

  test('let urgent messages pass', async () => {
    at('02T23:30')
    await as(admin, 'POST', '/api/v1/notification-types', { ...custom, key: 'notice.alarm', urgent: true })
    await as(admin, 'POST', '/api/v1/broadcasts', {
      ...{ type: 'notice.alarm', data: custom.sample, condition: { kind: 'users', ids: [lin.id] } },
    })
    await world.drain()
    expect(smtp.mails).toHaveLength(1)
    expect(header(smtp.mails[0] ?? '', 'List-Unsubscribe')).toBe('')
  })

  test('of holidays last until the morning after the last of them', async () => {
    for (const day of ['03', '04']) {
      await as(admin, 'PUT', `/api/admin/notifications/holidays/2026-03-${day}`, { name: '假日' })
    }
    const year = await as(admin, 'GET', '/api/admin/notifications/holidays?year=2026')
    expect(year.body.items).toEqual([
      { date: '2026-03-03', name: '假日' },
      { date: '2026-03-04', name: '假日' },
    ])
    at('03T10:00')
    await mail({ user_ids: [lin.id] })
    expect(await mailsAfter('03T12:00')).toBe(0)
    expect(await mailsAfter('05T07:59')).toBe(0)
    expect(await mailsAfter('05T08:00')).toBe(1)
    expect((await as(admin, 'DELETE', '/api/admin/notifications/holidays/2026-03-04')).status).toBe(204)
    expect((await as(admin, 'DELETE', '/api/admin/notifications/holidays/2026-03-04')).status).toBe(404)
  })

  test('let go what they held once they are changed', async () => {
    const path = '/api/admin/notifications'
    const waiting = async () =>
      (await deliveries()).filter(({ state }) => state === 'queued').map(({ reason }) => reason)
    await as(admin, 'PUT', `${path}/holidays/2026-03-03`, { name: '假日' })
    at('03T10:00')
    await mail({ user_ids: [lin.id] })
    expect(await mailsAfter('03T11:00')).toBe(0)
    expect(await waiting()).toEqual(['quiet_hours'])
    await as(admin, 'DELETE', `${path}/holidays/2026-03-03`)
    expect(await mailsAfter('03T11:00')).toBe(1)
    at('03T22:30')
    await mail({ user_ids: [lin.id] })
    expect(await mailsAfter('03T22:30')).toBe(1)
    const later = {
      quiet_hours: { start: '23:00', end: '08:00' },
      caps: (await as(admin, 'GET', `${path}/controls`)).body.caps,
    }
    await as(admin, 'PUT', `${path}/controls`, later)
    expect(await mailsAfter('03T22:30')).toBe(2)
    at('04T10:00')
    const one = { ...later, caps: { ...later.caps, notice: { limit: 1, hours: 24 } } }
    await as(admin, 'PUT', `${path}/controls`, one)
    await mail({ user_ids: [wang.id] })
    await mail({ user_ids: [wang.id] })
    expect(await mailsAfter('04T10:00')).toBe(3)
    expect(await waiting()).toEqual(['frequency_cap'])
    await as(admin, 'PUT', `${path}/controls`, later)
    expect(await mailsAfter('04T10:00')).toBe(4)
  })

  test('are asked again by every process that hears of a change, for what it held meanwhile', async () => {
    at('02T22:30')
    await mail({ user_ids: [lin.id] })
    await world.drain()
    at('02T23:00')
    await world.rows("SELECT pg_notify('notification_catalogue', 'policy')")
    const due = () => world.rows('SELECT next_try_at FROM deliveries')
    await expect.poll(due).toEqual([{ next_try_at: world.clock.now() }])
    expect(await mailsAfter('02T23:30')).toBe(0)
    expect(await mailsAfter('03T08:00')).toBe(1)
  })

  test('of frequency let so many through in so long, and then the rest, each once', async () => {
    const caps = { reservation: null, account: null, notice: { limit: 2, hours: 3 }, system: null }
    await as(admin, 'PUT', '/api/admin/notifications/controls', { quiet_hours: null, caps })
    at('02T10:00')
    for (let n = 0; n < 5; n += 1) await mail({ user_ids: [lin.id] }, `第 ${n} 封`)
    await mail({ user_ids: [wang.id] })
    await world.drain()
    expect(recipients()).toEqual(['lin@example.com', 'lin@example.com', 'wang@example.com'])
    expect(await mailsAfter('02T12:59')).toBe(3)
    expect(await mailsAfter('02T13:00')).toBe(5)
    expect(await mailsAfter('02T15:59')).toBe(5)
    expect(await mailsAfter('02T16:00')).toBe(6)
    expect(await mailsAfter('03T16:00')).toBe(6)
  })

  test('of frequency count messages, each once whatever the channels it comes by', async () => {
    const caps = { reservation: null, account: null, notice: { limit: 2, hours: 3 }, system: null }
    await as(admin, 'PUT', '/api/admin/notifications/controls', { quiet_hours: null, caps })
    await as(admin, 'PUT', `/api/v1/users/${lin.id}/contacts/wecom`, { member_id: 'lin' })
    await as(admin, 'POST', '/api/v1/notification-types', { ...custom, channels: ['email', 'im'] })
    at('02T10:00')
    for (const day of ['周一', '周二', '周三']) {
      await as(admin, 'POST', '/api/v1/broadcasts', {
        type: 'notice.closing',
        ...{ data: { hall: '游泳馆', day }, condition: { kind: 'users', ids: [lin.id] } },
      })
    }
    await world.drain()
    const sent = async () =>
      (await deliveries())
        .filter(({ state }) => state === 'sent')
        .map(({ channel }) => channel)
        .toSorted()
    expect(await sent()).toEqual(['email', 'email', 'im', 'im'])
    at('02T12:59')
    await world.drain()
    expect(await sent()).toHaveLength(4)
    at('02T13:00')
    await world.drain()
    expect(await sent()).toHaveLength(6)
  })
})

interface Form {
  readonly type: string
  readonly body: string
}
const urlEncoded: Form = { type: 'application/x-www-form-urlencoded', body: 'List-Unsubscribe=One-Click' }
const multipart = (name: string, value: string, boundary = 'boundary-of-a-mail-provider'): Form => ({
  type: `multipart/form-data; boundary=${boundary}`,
  body: `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n--${boundary}--\r\n`,
})
const oneClick = (url: string, form: Form | undefined) =>
  world.app.inject({
    ...{ method: 'POST', url },
    ...(form && { payload: form.body, headers: { 'content-type': form.type } }),
  })

describe('links in mails', () => {
  async function oneMail(to: object = { user_ids: [lin.id] }) {
    await mail(to, '通知', '见 https://gym.example/news?a=1&b=2 。')
    await world.drain()
    const text = bodyText(smtp.mails.at(-1) ?? '')
    const path = (kind: string) => new RegExp(`https://gym\\.example(/${kind}/[\\w.-]+)`).exec(text)?.[1] ?? ''
    return { raw: smtp.mails.at(-1) ?? '', open: path('o'), click: path('t'), unsubscribe: path('u') }
  }

  test('count when a mail was opened and followed, and lead only where we said', async () => {
    const links = await oneMail()
    expect(await world.call('GET', links.open)).toMatchObject({ status: 200, headers: { 'content-type': 'image/png' } })
    expect(await deliveries()).toMatchObject([{ state: 'opened' }])
    const followed = await world.call('GET', links.click)
    expect(followed).toMatchObject({ status: 302, headers: { location: 'https://gym.example/news?a=1&b=2' } })
    await world.call('GET', links.click)
    expect(await deliveries()).toMatchObject([{ state: 'clicked' }])
    const forged = `/t/${Buffer.from('1 https://evil.example').toString('base64url')}.${'A'.repeat(43)}`
    expect((await world.call('GET', forged)).status).toBe(404)
    expect(
      (
        await world.call(
          'GET',
          links.click.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')),
        )
      ).status,
    ).toBe(404)
    // A token of one kind is none of another.
    expect((await world.call('GET', links.unsubscribe.replace('/u/', '/t/'))).status).toBe(404)
    const { body } = await as(admin, 'GET', '/api/admin/notifications/stats?channel=email')
    expect(body.items).toMatchObject([
      { day: '2026-03-02', type: 'notice.direct', sent: 1, opened: 1, clicked: 1, open_rate: 1, unsubscribe_rate: 0 },
    ])
  })

  test('are counted from the first day there is, where a month before the last would lie before it', async () => {
    const { body } = await as(admin, 'GET', '/api/admin/notifications/stats?to=1900-01-05')
    expect(body).toEqual({ from: '1900-01-01', to: '1900-01-05', items: [] })
  })

  test('unsubscribe with one click, any number of times, without log-in; looking ends nothing', async () => {
    const links = await oneMail()
    const url = /<(.*)>/.exec(header(links.raw, 'List-Unsubscribe'))?.[1] ?? ''
    expect(url).toBe(`https://gym.example${links.unsubscribe}`)
    expect(header(links.raw, 'List-Unsubscribe-Post')).toBe('List-Unsubscribe=One-Click')
    expect((await world.call('GET', links.unsubscribe)).body).toContain('<form method="post"')
    await oneMail()
    expect(smtp.mails).toHaveLength(2)
    for (let n = 0; n < 2; n += 1) expect((await oneClick(links.unsubscribe, urlEncoded)).statusCode).toBe(200)
    await oneMail()
    expect(smtp.mails).toHaveLength(2)
    expect(await world.inbox(lin)).toHaveLength(3)
    const { body } = await as(admin, 'GET', '/api/admin/notifications/stats?channel=email')
    expect(body.items).toMatchObject([{ sent: 2, skipped: 1, unsubscribed: 1 }])
    expect((await world.call('POST', '/u/nonsense.token')).status).toBe(404)
  })

  test.each([
    ['a URL-encoded form', urlEncoded],
    ['a multipart form', multipart('List-Unsubscribe', 'One-Click')],
    ['a multipart form with a short boundary', multipart('List-Unsubscribe', 'One-Click', 'b')],
    ['no body', undefined],
  ])('unsubscribe by a post of %s', async (_, form) => {
    const links = await oneMail()
    expect((await oneClick(links.unsubscribe, form)).statusCode).toBe(200)
    await oneMail()
    expect(smtp.mails).toHaveLength(1)
  })

  test.each([
    ['a field that is none of ours', multipart('more', 'x')],
    ['a scope that there is not', multipart('scope', 'some')],
    ['a field that is too long', multipart('scope', 'x'.repeat(100_000))],
    ['a file', multipart('f"; filename="f.txt', 'x')],
    ['nothing of what its type says', { type: 'multipart/form-data; boundary=b', body: 'x' }],
    ['no boundary', { type: 'multipart/form-data', body: 'x' }],
  ])('end nothing by a post of %s', async (_, form) => {
    const links = await oneMail()
    expect((await oneClick(links.unsubscribe, form)).statusCode).toBe(400)
    await oneMail()
    expect(smtp.mails).toHaveLength(2)
  })

  test('end all mails that can be ended, and not those that can’t', async () => {
    const links = await oneMail()
    await world.call('POST', `${links.unsubscribe}?scope=all`)
    const slot = await addSlot(world, await addVenue(world), { hour: 11 })
    await as(lin, 'POST', '/api/v1/reservations', { time_slot_id: slot })
    await world.drain()
    expect(smtp.mails).toHaveLength(1)
    const [reservation] = await world.rows<{ id: number }>('SELECT max(id) AS id FROM reservations')
    await as(admin, 'DELETE', `/api/v1/reservations/${reservation?.id}?reason=x`)
    await world.drain()
    expect((await world.inbox(lin)).map(({ type }) => type)).toContain('reservation.cancelled_by_staff')
    expect(smtp.mails).toHaveLength(2)
  })

  test('of a bare address that is somebody’s end such mails for them too, and nothing that can’t be ended', async () => {
    const links = await oneMail({ addresses: ['lin@example.com'] })
    await world.call('POST', links.unsubscribe)
    await oneMail({ addresses: ['lin@example.com'] })
    await oneMail({ user_ids: [lin.id] })
    expect(smtp.mails).toHaveLength(1)
    await as(admin, 'POST', '/api/v1/notification-types', { ...custom, key: 'notice.alarm', urgent: true })
    await as(admin, 'POST', '/api/v1/broadcasts', {
      ...{ type: 'notice.alarm', data: custom.sample, condition: { kind: 'users', ids: [lin.id] } },
    })
    await world.drain()
    expect(smtp.mails).toHaveLength(2)
    // Their preferences say so, and are the way back.
    const path = '/api/v1/users/me/notification-preferences'
    const { items } = (await as(lin, 'GET', path)).body
    const off = items.filter(({ channels }: { channels: { email: boolean } }) => !channels.email)
    expect(off.map(({ type }: { type: string }) => type)).toContain('notice.direct')
    await as(lin, 'PUT', path, { items: [{ type: 'notice.direct', channel: 'email', enabled: true }] })
    await oneMail({ user_ids: [lin.id] })
    expect(smtp.mails).toHaveLength(3)
  })

  test('of a bare address end everything to it', async () => {
    const links = await oneMail({ addresses: ['guest@example.com'] })
    await world.call('POST', links.unsubscribe)
    await oneMail({ addresses: ['guest@example.com', 'other@example.com'] })
    expect(recipients()).toEqual(['guest@example.com', 'other@example.com'])
    expect((await as(admin, 'GET', '/api/admin/notifications/suppressions')).body.items).toMatchObject([
      { channel: 'email', address: 'g***@example.com', reason: 'unsubscribed' },
    ])
  })
})

describe('addresses that change', () => {
  test('are told of it, the former ones too', async () => {
    await as(lin, 'PUT', '/api/v1/users/me', { email: 'lin@new.example' })
    await world.drain()
    expect(recipients()).toEqual(['lin@example.com', 'lin@new.example'])
    for (const one of smtp.mails) expect(bodyText(one)).toContain('的邮箱已于 2026-03-02T08:00:00+08:00 变更')
    const { body } = await as(admin, 'GET', `/api/admin/notifications?user_id=${lin.id}&channel=email`)
    expect(body.items).toMatchObject([
      { type: 'account.contact_changed', state: 'sent' },
      { type: 'account.contact_changed', state: 'sent' },
    ])
    await as(lin, 'PUT', '/api/v1/users/me', { email: 'lin@new.example', locale: 'zh-CN' })
    await world.drain()
    expect(smtp.mails).toHaveLength(2)
  })

  test('are numbers too: they are told by SMS', async () => {
    await as(lin, 'PUT', '/api/v1/users/me', { phone: '13800138001' })
    await as(lin, 'PUT', '/api/v1/users/me', { phone: null })
    await world.drain()
    expect(sms.asked.map(({ body }) => body.to)).toEqual(['+8613800138001'])
  })
})

describe('addresses that prove unusable', () => {
  test('are not tried again until the person changes them', async () => {
    dead.add('lin@example.com')
    await mail({ user_ids: [lin.id] })
    await world.drain()
    await mail({ user_ids: [lin.id] })
    await world.drain()
    expect(await deliveries()).toMatchObject([{ state: 'failed' }, { state: 'suppressed', reason: 'address_unusable' }])
    const change = async (email: string) => {
      await as(lin, 'PUT', '/api/v1/users/me', { email })
      await world.drain()
      // That it changed.
      smtp.mails.length = 0
    }
    await change('lin@new.example')
    await mail({ user_ids: [lin.id] })
    await world.drain()
    expect(recipients()).toEqual(['lin@new.example'])
    // Back to the old one: given anew, tried anew.
    dead.clear()
    await change('lin@example.com')
    await mail({ user_ids: [lin.id] })
    await world.drain()
    expect(recipients()).toEqual(['lin@example.com'])
  })

  test('are made up for by the next channel', async () => {
    dead.add('lin@example.com')
    await as(admin, 'PUT', `/api/v1/users/${lin.id}/contacts/wecom`, { member_id: 'lin' })
    await as(admin, 'POST', '/api/v1/notification-types', custom)
    await as(admin, 'POST', '/api/v1/broadcasts', {
      ...{ type: 'notice.closing', data: custom.sample, condition: { kind: 'users', ids: [lin.id] } },
    })
    await world.drain()
    expect(await deliveries()).toMatchObject([
      { channel: 'email', state: 'failed' },
      { channel: 'im', state: 'sent' },
    ])
  })
})

describe('audiences', () => {
  const count = async (condition: unknown) =>
    (await as(admin, 'POST', '/api/v1/audiences/preview', { condition })).body.count

  test('are found by roles, tags, attributes and bookings, combined by and, or, not', async () => {
    const venue = await addVenue(world)
    const slot = await addSlot(world, venue, { hour: 15 })
    await as(wang, 'POST', '/api/v1/reservations', { time_slot_id: slot })
    world.clock.advance(2 * 24 * 60)
    const employee = { kind: 'role', in: ['venue:employee'] }
    const booked = { kind: 'venue:booked', venue_id: venue, within_days: 30, statuses: ['confirmed', 'no_show'] }
    expect(await count(employee)).toBe(2)
    expect(await count(booked)).toBe(1)
    expect(await count({ all: [employee, { not: booked }] })).toBe(1)
    expect(await count({ any: [booked, { kind: 'role', in: ['admin'] }] })).toBe(2)
    expect(await count({ kind: 'department', in: ['x'] })).toBe(0)
    const tags = (list: string[]) => as(admin, 'PUT', `/api/v1/users/${wang.id}/tags`, { tags: list })
    expect((await tags(['羽毛球队', '新人', '新人'])).body.tags).toEqual(['新人', '羽毛球队'])
    expect(await count({ kind: 'tag', in: ['羽毛球队', '足球队'] })).toBe(1)
    await tags(['新人'])
    expect(await count({ kind: 'tag', in: ['羽毛球队'] })).toBe(0)
    expect((await as(admin, 'GET', `/api/v1/users/${wang.id}/tags`)).body).toEqual({ user_id: wang.id, tags: ['新人'] })
    expect(await count({ not: { kind: 'department', in: ['x'] } })).toBe(3)
    expect(await count({ kind: 'venue:credit', max: 60 })).toBe(0)
    world.clock.advance(40 * 24 * 60)
    expect(await count(booked)).toBe(0)
  })

  test.each([
    {},
    { kind: 'nothing' },
    { all: [] },
    { all: 'x' },
    { kind: 'role', in: [] },
    { kind: 'role', in: ['a'], more: 1 },
    { not: { not: { not: { not: { not: { not: { not: { not: { kind: 'everyone' } } } } } } } } },
    { kind: 'users', ids: ['1) OR (1=1'] },
  ])('with the condition %j are refused', async (condition) => {
    const refused = await as(admin, 'POST', '/api/v1/audiences/preview', { condition })
    expect(refused).toMatchObject({ status: 400, body: { code: 'bad_condition' } })
  })

  test('are saved, sent to, and counted when it happens; a broadcast keeps the condition it had', async () => {
    const body = { name: '员工', condition: { kind: 'role', in: ['venue:employee'] } }
    const made = await as(admin, 'POST', '/api/v1/audiences', body)
    expect(made.status).toBe(201)
    expect((await as(admin, 'POST', '/api/v1/audiences', body)).body.code).toBe('name_taken')
    const sent = await as(admin, 'POST', '/api/v1/broadcasts', {
      ...{ type: 'notice.direct', data: { subject: '甲', body: '乙' }, audience_id: made.body.id, channels: ['email'] },
    })
    expect(sent.body).toMatchObject({ total: 2, condition: body.condition, handed_on: 0 })
    await as(admin, 'PUT', `/api/v1/audiences/${made.body.id}`, { ...body, condition: { kind: 'everyone' } })
    await world.drain()
    expect(recipients()).toEqual(['lin@example.com', 'wang@example.com'])
    const done = await as(admin, 'GET', `/api/v1/broadcasts/${sent.body.id}`)
    expect(done.body).toMatchObject({ state: 'done', total: 2, handed_on: 2, condition: body.condition })
    expect((await as(admin, 'POST', `/api/v1/broadcasts/${sent.body.id}/cancel`)).body.code).toBe('bad_state')
    expect((await as(admin, 'DELETE', `/api/v1/audiences/${made.body.id}`)).status).toBe(204)
    expect((await as(admin, 'GET', `/api/v1/broadcasts/${sent.body.id}`)).body.audience_id).toBeNull()
  })

  test('get no data that the texts can not be made of', async () => {
    const sent = await as(admin, 'POST', '/api/v1/broadcasts', {
      ...{ type: 'notice.direct', data: { subject: '甲' }, condition: { kind: 'everyone' } },
    })
    expect(sent).toMatchObject({ status: 400, body: { code: 'bad_data' } })
  })
})

describe('messages that administrators write', () => {
  test('leave once for one Idempotency-Key', async () => {
    const body = { to: { user_ids: [lin.id] }, subject: '一次', body: '只有一次' }
    const send = () => as(admin, 'POST', '/api/notifications/email', body, { 'idempotency-key': 'k1' })
    const [first, second] = [await send(), await send()]
    expect(second.body).toEqual(first.body)
    expect(second.headers['idempotent-replayed']).toBe('true')
    await world.drain()
    expect(smtp.mails).toHaveLength(1)
  })

  test('go to bare numbers, of which nobody sees more than the end', async () => {
    const sent = await as(admin, 'POST', '/api/notifications/sms', {
      ...{ to: { addresses: ['+8613800138000'] }, subject: '通知', body: '停电' },
    })
    expect(sent).toMatchObject({ status: 202, body: { recipients: 1, broadcast_id: null } })
    await world.drain()
    expect(sms.asked[0]?.body).toMatchObject({ to: '+8613800138000', text: '停电' })
    const reader = await world.person('venue:admin')
    const unmasked = await as(reader, 'GET', '/api/admin/notifications?channel=sms')
    expect(unmasked.body.items).toMatchObject([{ address: '+8613800138000', state: 'sent', provider: 'webhook' }])
    expect(JSON.stringify(await world.rows('SELECT * FROM deliveries'))).not.toContain('13800138000')
  })

  test('by a channel that is not configured are skipped with that reason', async () => {
    await as(admin, 'POST', '/api/notifications/im', { to: { addresses: ['feishu_robot'] }, subject: '甲', body: '乙' })
    expect(await deliveries()).toEqual([{ channel: 'im', state: 'skipped', reason: 'not_configured' }])
  })

  test.each([
    ['email', { addresses: ['nobody'] }, 'bad_address'],
    ['sms', { addresses: ['13800138000'] }, 'bad_address'],
    ['im', { addresses: ['someone'] }, 'bad_address'],
    ['email', {}, 'bad_request'],
    ['email', { user_ids: [1], condition: { kind: 'everyone' } }, 'bad_request'],
  ])('by %s to %j are refused', async (channel, to, code) => {
    const refused = await as(admin, 'POST', `/api/notifications/${channel}`, { to, subject: '甲', body: '乙' })
    expect(refused).toMatchObject({ status: 400, body: { code } })
  })
})

describe('the history', () => {
  test('shows every message and delivery, filtered, and is exported with cells that are no formulas', async () => {
    await mail({ user_ids: [lin.id, wang.id] }, '=1+1')
    await world.drain()
    const all = await as(admin, 'GET', '/api/admin/notifications')
    expect(all.body).toMatchObject({ total: 4 })
    const some = await as(
      admin,
      'GET',
      `/api/admin/notifications?channel=email&user_id=${lin.id}&from=2026-03-02&to=2026-03-02`,
    )
    expect(some.body.items).toMatchObject([
      { channel: 'email', state: 'sent', subject: '=1+1', address: 'lin@example.com', provider: 'smtp', attempts: 1 },
    ])
    const id = some.body.items[0].id.split(':')[1]
    const attempts = await as(admin, 'GET', `/api/admin/notifications/deliveries/${id}/attempts`)
    expect(attempts.body.items).toMatchObject([{ result: 'sent', provider: 'smtp' }])
    const file = await as(admin, 'GET', '/api/admin/notifications/export')
    expect(file.headers['content-type']).toContain('text/csv')
    expect(file.body.startsWith('\ufeffid,')).toBe(true)
    expect(file.body.trim().split('\r\n')).toHaveLength(5)
    expect(file.body).toContain("'=1+1")
    expect((await as(lin, 'GET', '/api/admin/notifications')).status).toBe(403)
    expect((await as(admin, 'GET', '/api/admin/notifications?to=2026-03-01')).body.total).toBe(0)
  })
})
