import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { messageOptions, relayOf } from '../../../test/support/messages.ts'
import { addUser, openWorld } from '../../../test/support/world.ts'
import { createServer } from '../../kernel/http/server.ts'
import { notify } from '../../kernel/outbox/outbox.ts'
import { deadLetterRoutes } from '../jobs/routes.ts'
import { notificationRoutes } from './routes.ts'

const world = await openWorld({}, messageOptions())
const lin = await addUser(world, 'lin')
const wang = await addUser(world, 'wang')
const rights = { roles: new Set<string>(), isAdmin: false, scope: 'full' as const, sessionId: 's' }
const manage = 'site:jobs.manage'
const app = await createServer(
  {
    trustProxy: false,
    corsOrigins: [],
    rateLimits: false,
    // Tokens are `<user id>` and `<user id>-admin`.
    authenticate: async (token) => ({
      ...rights,
      userId: Number.parseInt(token, 10),
      permissions: new Set(token.endsWith('admin') ? [manage] : []),
    }),
    permissions: [manage],
    documentation: { title: 't', description: 'd', version: '1', products: [] },
  },
  world.kernel.log,
)
notificationRoutes(app, world.kernel)
deadLetterRoutes(app, world.kernel)
await world.kernel.jobs.start()
await app.ready()
beforeEach(() =>
  world.rows('TRUNCATE outbox, outbox_failures, delivery_attempts, deliveries, notification_messages RESTART IDENTITY'),
)
afterAll(async () => {
  await app.close()
  await world.kernel.jobs.stop()
  await world.close()
})

async function call(token: number | string, method: 'GET' | 'POST' | 'DELETE', url: string, body?: object) {
  const answer = await app.inject({
    method,
    url,
    headers: { authorization: `Bearer ${token}` },
    ...(body && { payload: body }),
  })
  return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() }
}

async function tell(userIds: readonly number[], type = 'booking.quiet') {
  const data = { place: '甲', time: '9', note: '' }
  await notify(world.kernel.db, world.clock.now(), { type, userIds, data })
  await relayOf(world).drain()
}

describe('the inbox', () => {
  test('shows the caller’s notifications, newest first, in pages, filtered by unread and type', async () => {
    await tell([lin, wang])
    await tell([lin], 'booking.confirmed')
    await tell([lin])
    const all = await call(lin, 'GET', '/api/v1/notifications?page_size=2')
    expect(all.body).toMatchObject({ total: 3, page: 1, page_size: 2, total_pages: 2, items: [{ id: 4 }, { id: 3 }] })
    expect(all.body.items[0]).toEqual({
      ...{ id: 4, type: 'booking.quiet', subject: '预约成功：甲', body: '您已预约 甲，9。', urgent: false },
      ...{ data: { place: '甲', time: '9', note: '' }, created_at: '2026-03-14T01:00:00.000Z', read_at: null },
    })
    const typed = await call(lin, 'GET', '/api/notifications?type=booking.confirmed&sort=created_at')
    expect(typed.body).toMatchObject({ total: 1, items: [{ id: 3 }] })
    await call(lin, 'POST', '/api/v1/notifications/read', { ids: [3] })
    expect((await call(lin, 'GET', '/api/v1/notifications?unread=true')).body).toMatchObject({
      items: [{ id: 4 }, { id: 1 }],
    })
    expect((await call(lin, 'GET', '/api/v1/notifications?unread=false')).body).toMatchObject({ items: [{ id: 3 }] })
  })

  test('counts unread ones and marks some or all as read, never another person’s', async () => {
    await tell([lin, wang])
    await tell([lin])
    expect((await call(lin, 'GET', '/api/v1/notifications/unread-count')).body).toEqual({ unread: 2 })
    const mark = (body: object) => call(lin, 'POST', '/api/v1/notifications/read', body)
    expect((await mark({ ids: [1, 2, 999] })).body).toEqual({ marked: 1, unread: 1 })
    expect((await mark({ ids: [1] })).body).toEqual({ marked: 0, unread: 1 })
    expect((await mark({ all: true })).body).toEqual({ marked: 1, unread: 0 })
    expect((await call(wang, 'GET', '/api/notifications/unread-count')).body).toEqual({ unread: 1 })
    expect(await world.rows('SELECT read_at FROM notification_messages WHERE id = 1')).toEqual([
      { read_at: world.clock.now() },
    ])
  })

  test.each([{}, { ids: [1], all: true }, { all: false }, { ids: [] }, { ids: ['1'] }, { ids: [2 ** 60] }])(
    'refuses to mark %j',
    async (body) => {
      expect((await call(lin, 'POST', '/api/v1/notifications/read', body)).status).toBe(400)
    },
  )
})

describe('dead letters', () => {
  const path = '/api/admin/jobs/dead-letters'

  test('require the permission to manage background work', async () => {
    expect((await call(lin, 'GET', path)).status).toBe(403)
    expect((await call(lin, 'POST', `${path}/retry`, { ids: ['outbox:1'] })).status).toBe(403)
    expect((await call(lin, 'DELETE', `${path}/outbox:1`)).status).toBe(403)
  })

  test('can be listed, retried and dropped, and the log names who did it', async () => {
    await tell([lin], 'nobody.knows')
    const admin = `${wang}-admin`
    const { body } = await call(admin, 'GET', path)
    expect(body).toMatchObject({
      total: 1,
      items: [{ source: 'outbox', name: 'nobody.knows', error: 'unknown notification type "nobody.knows"' }],
    })
    expect((await call(admin, 'POST', `${path}/retry`, { ids: [body.items[0].id] })).body).toEqual({ retried: 1 })
    await relayOf(world).drain()
    const again = await call(admin, 'GET', path)
    expect(again.body.total).toBe(1)
    const url = `${path}/${again.body.items[0].id}`
    expect(await call(admin, 'DELETE', url)).toEqual({ status: 204, body: undefined })
    expect((await call(admin, 'DELETE', url)).status).toBe(404)
    await relayOf(world).drain()
    expect(await world.rows('SELECT actor_id, action FROM operation_log ORDER BY id')).toEqual([
      { actor_id: wang, action: 'job.retry' },
      { actor_id: wang, action: 'job.drop' },
    ])
  })
})
