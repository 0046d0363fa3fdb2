import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import { Id, IdParams, pageOf, pageQuery } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { AGENT } from '../permissions.ts'
import * as agents from './agents.ts'
import { listSessions } from './lists.ts'
import { presentSession, SessionSchema, StatusSchema } from './schemas.ts'

const tag = 'Support chat'

/** Routes for agents: other people's sessions. */
export function agentRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: ['/api/admin/support/chat/queue'],
    operationId: 'getChatQueue',
    permission: AGENT,
    summary: 'List the chats that wait for an agent',
    description: 'First come, first served. A session that is handed back keeps its place.',
    tag,
    schema: { querystring: pageQuery(['queued_at']), response: { 200: pageOf(SessionSchema) } },
    handler: ({ query }) => listSessions(kernel, { status: 'queued' }, query),
  })
  route(app, {
    method: 'GET',
    paths: ['/api/admin/support/chat/sessions'],
    operationId: 'listAllChats',
    permission: AGENT,
    summary: 'List everybody’s chats',
    tag,
    schema: {
      querystring: pageQuery(
        ['id', 'updated_at'],
        { status: Type.Optional(StatusSchema), user_id: Type.Optional(Id), agent_id: Type.Optional(Id) },
        '-id',
      ),
      response: { 200: pageOf(SessionSchema) },
    },
    handler: ({ query }) => {
      const { status, user_id: userId, agent_id: agentId, ...page } = query
      return listSessions(kernel, { status, userId, agentId }, page)
    },
  })
  route(app, {
    method: 'POST',
    paths: ['/api/admin/support/chat/{id}/accept'],
    permission: AGENT,
    summary: 'Take a waiting chat',
    description: 'If two agents accept at once, one gets it and the other gets 409 `already_accepted`.',
    tag,
    schema: { params: IdParams, response: { 200: SessionSchema } },
    handler: async (request) => presentSession(await agents.accept(kernel, callerOf(request), request.params.id), zone),
  })
  route(app, {
    method: 'POST',
    paths: ['/api/admin/support/chat/{id}/transfer'],
    permission: AGENT,
    summary: 'Transfer a chat',
    description:
      'To `agent_id`, who gets a notification; without it, back into the queue. Only for its agent and for people ' +
      'who manage support.',
    tag,
    schema: {
      params: IdParams,
      body: Type.Object({ agent_id: Type.Optional(Id) }),
      response: { 200: SessionSchema },
    },
    handler: async (request) => {
      const { params, body } = request
      return presentSession(await agents.transfer(kernel, callerOf(request), params.id, body.agent_id), zone)
    },
  })
  route(app, {
    method: 'POST',
    paths: ['/api/admin/support/chat/{id}/close'],
    permission: AGENT,
    summary: 'End a chat',
    description: 'Only for its agent and for people who manage support.',
    tag,
    schema: { params: IdParams, response: { 200: SessionSchema } },
    handler: async (request) =>
      presentSession(await agents.closeServed(kernel, callerOf(request), request.params.id), zone),
  })
}
