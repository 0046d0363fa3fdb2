import { describe, expect, test } from 'vitest'
import {
  admin,
  as,
  deliveries,
  lin,
  mail,
  openEngine,
  recipients,
  sms,
  smtp,
  wang,
  world,
} from '../../../test/support/engine.ts'
import { addSlot, addVenue } from '../../../test/support/venue.ts'

openEngine()

describe('audiences', () => {
  const count = async (condition: unknown) =>
    (await as(admin, 'POST', '/api/v1/audiences/preview', { condition })).body.count

  test('are selected by roles, tags, attributes and bookings, combined with and, or, not', async () => {
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

  test('can be saved and sent to, and are counted at sending; a broadcast keeps its condition', async () => {
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

  test('are refused data that does not fit the texts', async () => {
    const sent = await as(admin, 'POST', '/api/v1/broadcasts', {
      ...{ type: 'notice.direct', data: { subject: '甲' }, condition: { kind: 'everyone' } },
    })
    expect(sent).toMatchObject({ status: 400, body: { code: 'bad_data' } })
  })
})

describe('messages that administrators write', () => {
  test('are sent once per Idempotency-Key', async () => {
    const body = { to: { user_ids: [lin.id] }, subject: '一次', body: '只有一次' }
    const send = () => as(admin, 'POST', '/api/notifications/email', body, { 'idempotency-key': 'k1' })
    const [first, second] = [await send(), await send()]
    expect(second.body).toEqual(first.body)
    expect(second.headers['idempotent-replayed']).toBe('true')
    await world.drain()
    expect(smtp.mails).toHaveLength(1)
  })

  test('can go to bare numbers, of which only the end is shown', async () => {
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

  test('through an unconfigured channel are skipped with that reason', async () => {
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
  test('lists messages and deliveries with filters, and is exported without formula cells', async () => {
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
