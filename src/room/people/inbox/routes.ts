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
  { title: 'RoomMessage' },
)

const Unread = Data(Type.Object({ unread: Type.Integer({ minimum: 0 }) }))

function present({ id, type, subject, body, urgent, createdAt, readAt }: InboxMessage, zone: string) {
  const times = { createTime: moment(createdAt, zone), readTime: nullableMoment(readAt, zone) }
  return { id, type, title: subject, content: body, urgent, ...times }
}

/** Routes for the caller's inbox, under the path of the portal, for staff too. */
export function inboxRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  const unreadOf = async (userId: number) => data({ unread: await countUnread(kernel.db, userId) })

  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/notice/list`],
    operationId: 'listMyRoomMessages',
    permission: 'signed-in',
    summary: 'List my inbox, newest first',
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
    operationId: 'countMyUnreadRoomMessages',
    permission: 'signed-in',
    summary: 'Count my unread messages',
    tag,
    schema: { response: { 200: Unread } },
    handler: async (request) => await unreadOf(signedIn(request).userId),
  })

  route(app, {
    method: 'PUT',
    paths: [`${PORTAL}/notice/read`],
    operationId: 'markRoomMessagesRead',
    permission: 'signed-in',
    summary: 'Mark messages of my inbox as read',
    description: 'The messages in `ids`, or all without it. Messages of others and messages already read are ignored.',
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
