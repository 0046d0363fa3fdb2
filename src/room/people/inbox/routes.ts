import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { route, signedIn } from '../../../kernel/http/route.ts'
import { Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { countUnread, type InboxMessage, listMessages, markRead } from '../../../kernel/notifications/inbox.ts'
import { Data, data, Rows, rowsOf } from '../../contract.ts'
import { Id, listQuery, Moment, moment, NullableMoment, nullableMoment, PORTAL, pageOf } from '../../fields.ts'

const tag = 'Room portal'

const MessageAnswer = Type.Object(
  {
    id: Id,
    type: Type.String({ examples: ['room.booking.approved'] }),
    title: Type.String(),
    content: Type.String(),
    urgent: Type.Boolean(),
    createTime: Moment,
    readTime: NullableMoment,
  },
  { title: 'RoomNotice' },
)

const Unread = Data(Type.Object({ unread: Type.Integer({ minimum: 0 }) }))

function present({ id, type, subject, body, urgent, createdAt, readAt }: InboxMessage, zone: string) {
  const times = { createTime: moment(createdAt, zone), readTime: nullableMoment(readAt, zone) }
  return { id, type, title: subject, content: body, urgent, ...times }
}

/** The inbox of a person: in the portal, and by the same paths at the desk. */
export function inboxRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  const unreadOf = async (userId: number) => data({ unread: await countUnread(kernel.db, userId) })

  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/notice/list`],
    operationId: 'listMyNotices',
    permission: 'signed-in',
    summary: 'List one’s own notices, the newest first',
    tag,
    schema: {
      querystring: listQuery(['createTime'], {
        unread: Type.Optional(Type.Boolean()),
        type: Type.Optional(Text(100)),
      }),
      response: { 200: Rows(MessageAnswer) },
    },
    handler: async (request) => {
      const page = pageOf(request.query, { sort: 'createTime', descending: true })
      const found = await listMessages(kernel.db, signedIn(request).userId, request.query, page)
      return rowsOf(found, (message) => present(message, zone))
    },
  })

  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/notice/unread-count`],
    operationId: 'countUnreadNotices',
    permission: 'signed-in',
    summary: 'Count one’s unread notices',
    tag,
    schema: { response: { 200: Unread } },
    handler: async (request) => await unreadOf(signedIn(request).userId),
  })

  route(app, {
    method: 'PUT',
    paths: [`${PORTAL}/notice/read`],
    operationId: 'markNoticesRead',
    permission: 'signed-in',
    summary: 'Mark one’s notices as read',
    description: 'Those of `ids`, or all without. Those of others, and those that are read already, are left alone.',
    tag,
    schema: {
      body: Type.Object({ ids: Type.Optional(Nullable(Type.Array(Id, { maxItems: 500 }))) }),
      response: { 200: Unread },
    },
    handler: async (request) => {
      const { userId } = signedIn(request)
      await markRead(kernel.db, kernel.clock.now(), userId, request.body.ids ?? 'all')
      return await unreadOf(userId)
    },
  })
}
