import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { idempotent } from '../../kernel/http/request/idempotency.ts'
import { route } from '../../kernel/http/route.ts'
import { IdParams, pageAnswer, pageOf, pageOffset, pageQuery, Text } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Live } from '../../kernel/product.ts'
import { v1 } from '../../site/paths.ts'
import { MESSAGE_LENGTH } from '../rules.ts'
import { agentRoutes } from './agentRoutes.ts'
import { converse, writingGate } from './conversation.ts'
import { createChatHub } from './hub.ts'
import { listSessions } from './lists.ts'
import { CLIENT_ID_LENGTH } from './rules.ts'
import { MessageSchema, presentMessage, presentSession, SessionSchema, StatusSchema } from './schemas.ts'
import * as service from './service.ts'

const tag = 'Support chat'

/** Routes of the chat with support: over HTTP, and live at `/ws/support/chat`. */
export function chatRoutes(app: App, kernel: Kernel, live: Live): void {
  ownSessions(app, kernel)
  messages(app, kernel)
  agentRoutes(app, kernel)

  const hub = createChatHub(kernel.db, live.database, kernel.log)
  const { rateLimit, rateLimitMessage } = kernel.config
  const mayWrite = rateLimit ? writingGate(rateLimitMessage) : () => true
  app.addHook('onReady', () => hub.start())
  app.addHook('preClose', () => hub.stop())
  live.sockets.accept(app, '/ws/support/chat', async (peer, hello) => converse(kernel, hub, mayWrite, peer, hello))
}

function ownSessions(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'POST',
    paths: v1('/support/chat'),
    operationId: 'openChat',
    permission: 'signed-in',
    summary: 'Open a chat with support',
    description:
      'Answers the caller’s open session (200), or a new one with the bot (201). Continue at the WebSocket ' +
      '`/ws/support/chat`.',
    tag,
    schema: { response: { 200: SessionSchema, 201: SessionSchema } },
    handler: async (request, reply) => {
      const { session, opened } = await service.openChat(kernel, callerOf(request))
      reply.code(opened ? 201 : 200)
      return presentSession(session, zone)
    },
  })
  route(app, {
    method: 'GET',
    paths: v1('/support/chat/sessions'),
    operationId: 'listMyChats',
    permission: 'signed-in',
    summary: 'List your own chats',
    tag,
    schema: {
      querystring: pageQuery(['id', 'updated_at'], { status: Type.Optional(StatusSchema) }, '-id'),
      response: { 200: pageOf(SessionSchema) },
    },
    handler: (request) => {
      const { status, ...query } = request.query
      return listSessions(kernel, { status, userId: callerOf(request).userId }, query)
    },
  })
  route(app, {
    method: 'GET',
    paths: v1('/support/chat/sessions/{id}'),
    operationId: 'getChat',
    permission: 'signed-in',
    summary: 'Read a chat session',
    description: 'For its owner and for agents; 404 for others.',
    tag,
    schema: { params: IdParams, response: { 200: SessionSchema } },
    handler: async (request) =>
      presentSession(await service.getSession(kernel, callerOf(request), request.params.id), zone),
  })
  route(app, {
    method: 'POST',
    paths: v1('/support/chat/sessions/{id}/handover'),
    operationId: 'askForAgent',
    permission: 'signed-in',
    summary: 'Ask for a human',
    description: 'Puts the caller’s session into the agents’ queue. Over the WebSocket: `{"type":"handover"}`.',
    tag,
    schema: { params: IdParams, response: { 200: SessionSchema } },
    handler: async (request) =>
      presentSession(await service.requestAgent(kernel, callerOf(request), request.params.id), zone),
  })
  route(app, {
    method: 'POST',
    paths: v1('/support/chat/sessions/{id}/close'),
    operationId: 'closeMyChat',
    permission: 'signed-in',
    summary: 'End your own chat',
    tag,
    schema: { params: IdParams, response: { 200: SessionSchema } },
    handler: async (request) =>
      presentSession(await service.closeOwn(kernel, callerOf(request), request.params.id), zone),
  })
}

function messages(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: v1('/support/chat/sessions/{id}/messages'),
    operationId: 'listChatMessages',
    permission: 'signed-in',
    summary: 'Read the history of a chat',
    description: 'For its owner and for agents; 404 for others.',
    tag,
    schema: { params: IdParams, querystring: pageQuery(['id']), response: { 200: pageOf(MessageSchema) } },
    handler: async (request) => {
      const { params, query } = request
      const page = {
        offset: pageOffset(query),
        limit: query.page_size,
        sort: 'id',
        descending: query.sort === '-id',
      } as const
      const { items, total } = await service.history(kernel, callerOf(request), params.id, page)
      const shown = items.map((message) => presentMessage(message, zone))
      return pageAnswer(shown, total, query)
    },
  })
  route(app, {
    method: 'POST',
    paths: v1('/support/chat/sessions/{id}/messages'),
    operationId: 'sendChatMessage',
    permission: 'signed-in',
    summary: 'Write in a chat',
    description:
      'For clients without a WebSocket: its owner, or the agent who serves it (`not_your_session` for others). ' +
      'Sending the same `client_id` again adds no second message. The bot answers in the background.',
    tag,
    limit: 'message',
    idempotent: true,
    schema: {
      params: IdParams,
      body: Type.Object({ content: Text(MESSAGE_LENGTH), client_id: Type.Optional(Text(CLIENT_ID_LENGTH)) }),
      response: { 201: MessageSchema },
    },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (kernel) => {
        const { content, client_id: clientId } = request.body
        const id = await service.say(kernel, callerOf(request), request.params.id, content, clientId)
        return presentMessage(await service.getMessage(kernel, id), zone)
      }),
  })
}
