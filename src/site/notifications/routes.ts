import { Type } from 'typebox'
import { Invalid } from '../../kernel/errors.ts'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route, signedIn } from '../../kernel/http/route.ts'
import { Id, pageAnswer, pageAsked, pageOf, pageQuery, Text } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { countUnread, listMessages, markRead } from '../../kernel/notifications/inbox.ts'
import { Notification, present } from '../../kernel/notifications/wire.ts'
import { v1 } from '../paths.ts'

const tag = 'Notifications'
const Unread = Type.Object({ unread: Type.Integer({ minimum: 0 }) })

/** Routes for the inbox of the caller. */
export function notificationRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/notifications'),
    operationId: 'listMyNotifications',
    permission: 'signed-in',
    summary: 'List your own notifications',
    tag,
    schema: {
      querystring: pageQuery(
        ['created_at'],
        { unread: Type.Optional(Type.Boolean()), type: Type.Optional(Text(100)) },
        '-created_at',
      ),
      response: { 200: pageOf(Notification) },
    },
    handler: async (request) => {
      const { query } = request
      const page = pageAsked(query)
      const { items, total } = await listMessages(kernel.db, signedIn(request).userId, query, page)
      return pageAnswer(items.map(present), total, query)
    },
  })

  route(app, {
    method: 'GET',
    paths: v1('/notifications/unread-count'),
    operationId: 'countUnreadNotifications',
    permission: 'signed-in',
    summary: 'Count your own unread notifications',
    tag,
    schema: { response: { 200: Unread } },
    handler: async (request) => ({ unread: await countUnread(kernel.db, signedIn(request).userId) }),
  })

  route(app, {
    method: 'POST',
    paths: v1('/notifications/read'),
    operationId: 'markNotificationsRead',
    permission: 'signed-in',
    summary: 'Mark notifications as read',
    description: 'Give either `ids` or `all`. Notifications of others and notifications already read are ignored.',
    tag,
    schema: {
      body: Type.Object({
        ids: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 1000 })),
        all: Type.Optional(Type.Literal(true)),
      }),
      response: { 200: Type.Object({ marked: Type.Integer({ minimum: 0 }), unread: Type.Integer({ minimum: 0 }) }) },
    },
    handler: async (request) => {
      const { userId } = callerOf(request)
      const { ids, all } = request.body
      if ((ids === undefined) === (all === undefined)) throw new Invalid('bad_request', 'Give either ids or all.')
      const marked = await markRead(kernel.db, kernel.clock.now(), userId, ids ?? 'all')
      return { marked, unread: await countUnread(kernel.db, userId) }
    },
  })
}
