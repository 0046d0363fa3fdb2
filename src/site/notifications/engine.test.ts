import { describe, expect, test } from 'vitest'
import {
  admin,
  as,
  custom,
  dead,
  deliveries,
  lin,
  mail,
  openEngine,
  recipients,
  smtp,
  wang,
  wecom,
  world,
} from '../../../test/support/engine.ts'
import { bodyText, header } from '../../../test/support/fakes/smtp.ts'
import { addSlot, addVenue } from '../../../test/support/venue.ts'

openEngine()

describe('deliveries that failed', () => {
  const path = '/api/admin/notifications/deliveries/retry'
  const retry = (body: object, person = admin) => as(person, 'POST', path, body)
  const failed = async () =>
    (await as(admin, 'GET', '/api/admin/notifications?state=failed&sort=created_at')).body.items.map(
      (item: { id: string }) => item.id,
    )

  test('are retried by time span or one by one, and the log names who requested it', async () => {
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

  test('are selected by day or by id, with the permission to manage notifications', async () => {
    expect(await retry({ channel: 'email' })).toMatchObject({ status: 400, body: { code: 'bad_filter' } })
    expect((await retry({ ids: ['inbox:1'] })).status).toBe(400)
    expect((await retry({ from: '2026-03-02' }, lin)).status).toBe(403)
  })
})

describe('types', () => {
  test('of administrators can be added, changed and deleted with unique keys; built-in ones stay', async () => {
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

  test('that were used cannot be deleted', async () => {
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

  test('whose text uses a variable missing in the sample are refused', async () => {
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

  test('are used for their channel and language until they are deleted', async () => {
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

  test('override the built-in texts, in the inbox too', async () => {
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

  test('can be previewed with the sample data or other data', async () => {
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

  test('start with the defaults of the type, and apply once changed', async () => {
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

  test('can add a channel that the type does not use by default', async () => {
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

  test('apply to queued messages: one held until morning is not sent once it is switched off', async () => {
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

  test('can add a channel to an urgent type; channels switched off before it became urgent are on', async () => {
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
    // An added channel can be removed again.
    expect((await wish('notice.alarm', 'im', false)).status).toBe(200)
    expect(await read('notice.alarm')).toMatchObject({ channels: { email: true, im: false } })
  })

  test('cannot switch off urgent types or types about the account', async () => {
    expect(await wish('reservation.displaced', 'email', false)).toMatchObject({
      status: 409,
      body: { code: 'mandatory_notification' },
    })
    expect((await wish('account.new_place', 'email', false)).body.code).toBe('mandatory_notification')
    expect((await wish('nobody.knows', 'email', false)).body.code).toBe('unknown_type')
  })
})
