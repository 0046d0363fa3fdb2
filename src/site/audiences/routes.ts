import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { idempotent } from '../../kernel/http/request/idempotency.ts'
import { route } from '../../kernel/http/route.ts'
import {
  Id,
  IdParams,
  Instant,
  Nullable,
  type Of,
  pageAnswer,
  pageAsked,
  pageOf,
  pageQuery,
  Text,
} from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import * as broadcasts from '../../kernel/notifications/broadcasts.ts'
import * as audiences from '../../kernel/notifications/people/audiences.ts'
import { Deleted } from '../fields.ts'
import { ChannelName, Condition, Facts, FactsInput, MANAGE, TypeKey } from '../notifications/schemas.ts'
import { requireOne } from '../notifications/sendRoutes.ts'
import { v1 } from '../paths.ts'

const tag = 'Audiences and broadcasts'
const permission = MANAGE

const Audience = Type.Object(
  { id: Id, name: Type.String(), condition: Condition, created_at: Instant, updated_at: Instant },
  { title: 'Audience' },
)
const AudienceBody = Type.Object({ name: Text(100, { examples: ['常来羽毛球馆的员工'] }), condition: Condition })

function presentAudience({ id, name, condition, createdAt, updatedAt }: audiences.Audience): Of<typeof Audience> {
  return {
    id,
    name,
    condition: asObject(condition),
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}

/** Routes for finding people by conditions, and for sending messages to all of them. */
export function audienceRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/audiences/kinds'),
    operationId: 'listAudienceKinds',
    permission,
    summary: 'List the available kinds of conditions',
    tag,
    schema: {
      response: {
        200: Type.Object({
          items: Type.Array(Type.Object({ kind: Type.String(), about: Type.String(), example: Condition })),
        }),
      },
    },
    handler: async () => ({
      items: kernel.audienceConditions.map(({ kind, about, example }) => ({ kind, about, example: { ...example } })),
    }),
  })

  route(app, {
    method: 'POST',
    paths: v1('/audiences/preview'),
    permission,
    summary: 'Count the people that a condition finds',
    tag,
    schema: {
      body: Type.Object({ condition: Condition }),
      response: {
        200: Type.Object({
          count: Type.Integer({ minimum: 0 }),
          sample: Type.Array(Type.Object({ id: Id, display_name: Type.String() })),
        }),
      },
    },
    handler: async ({ body }) => {
      const { count, sample } = await audiences.previewCondition(kernel, body.condition)
      return { count, sample: sample.map(({ id, displayName }) => ({ id, display_name: displayName })) }
    },
  })

  route(app, {
    method: 'GET',
    paths: v1('/audiences'),
    permission,
    summary: 'List the audiences',
    tag,
    schema: { querystring: pageQuery(['name']), response: { 200: pageOf(Audience) } },
    handler: async ({ query }) => {
      const page = pageAsked(query)
      const { items, total } = await audiences.listAudiences(kernel.db, page)
      return pageAnswer(items.map(presentAudience), total, query)
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/audiences'),
    permission,
    summary: 'Save an audience',
    description: 'A condition with a name. It is evaluated again each time it is used.',
    tag,
    schema: { body: AudienceBody, response: { 201: Audience } },
    handler: async (request) => {
      const { name, condition } = request.body
      return presentAudience(await audiences.createAudience(kernel, callerOf(request), name, condition))
    },
  })

  route(app, {
    method: 'GET',
    paths: v1('/audiences/{id}'),
    permission,
    summary: 'Read an audience',
    tag,
    schema: { params: IdParams, response: { 200: Audience } },
    handler: async ({ params }) => presentAudience(await audiences.getAudience(kernel.db, params.id)),
  })

  route(app, {
    method: 'PUT',
    paths: v1('/audiences/{id}'),
    permission,
    summary: 'Change an audience',
    tag,
    schema: { params: IdParams, body: AudienceBody, response: { 200: Audience } },
    handler: async (request) =>
      presentAudience(await audiences.updateAudience(kernel, callerOf(request), request.params.id, request.body)),
  })

  route(app, {
    method: 'DELETE',
    paths: v1('/audiences/{id}'),
    permission,
    summary: 'Delete an audience',
    tag,
    schema: { params: IdParams, response: { 204: Deleted } },
    handler: async (request) => {
      await audiences.deleteAudience(kernel, callerOf(request), request.params.id)
      return null
    },
  })

  broadcastRoutes(app, kernel)
}

const Broadcast = Type.Object(
  {
    id: Id,
    type: TypeKey,
    data: Facts,
    channels: Nullable(Type.Array(ChannelName)),
    audience_id: Nullable(Id),
    condition: Condition,
    state: Type.Enum(['running', 'done', 'cancelled']),
    total: Type.Integer({ description: 'Number of people the condition found when it was sent.' }),
    handed_on: Type.Integer({ description: 'Number of them who have it or will get it shortly.' }),
    created_at: Instant,
    finished_at: Nullable(Instant),
  },
  { title: 'Broadcast' },
)

function presentBroadcast(broadcast: broadcasts.Broadcast): Of<typeof Broadcast> {
  const { id, type, data, channels, audienceId, condition, state, total, handedOn, createdAt, finishedAt } = broadcast
  return {
    ...{ id, type, data: { ...data }, channels: channels === null ? null : [...channels], audience_id: audienceId },
    ...{ condition: asObject(condition), state, total, handed_on: handedOn },
    created_at: createdAt.toISOString(),
    finished_at: finishedAt === null ? null : finishedAt.toISOString(),
  }
}

function broadcastRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: v1('/broadcasts'),
    permission,
    summary: 'Send a message to many people',
    description:
      'To an audience or a condition. Everybody it finds at this moment gets the message in the inbox exactly once, ' +
      'also if a process is killed; and by `channels`, or by the channels of the type.',
    tag,
    idempotent: true,
    limit: 'message',
    schema: {
      body: Type.Object({
        type: TypeKey,
        data: FactsInput,
        channels: Type.Optional(Type.Array(ChannelName, { maxItems: 3, uniqueItems: true })),
        audience_id: Type.Optional(Id),
        condition: Type.Optional(Condition),
      }),
      response: { 202: Broadcast },
    },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (inside) => {
        const { audience_id: audienceId, ...content } = request.body
        requireOne({ audience_id: audienceId, condition: content.condition })
        const sent = await broadcasts.createBroadcast(inside, callerOf(request), { ...content, audienceId })
        return presentBroadcast(sent)
      }),
  })

  route(app, {
    method: 'GET',
    paths: v1('/broadcasts'),
    permission,
    summary: 'List the broadcasts',
    tag,
    schema: { querystring: pageQuery(['created_at'], {}, '-created_at'), response: { 200: pageOf(Broadcast) } },
    handler: async ({ query }) => {
      const page = pageAsked(query)
      const { items, total } = await broadcasts.listBroadcasts(kernel.db, page)
      return pageAnswer(items.map(presentBroadcast), total, query)
    },
  })

  route(app, {
    method: 'GET',
    paths: v1('/broadcasts/{id}'),
    permission,
    summary: 'Read the progress of a broadcast',
    tag,
    schema: { params: IdParams, response: { 200: Broadcast } },
    handler: async ({ params }) => presentBroadcast(await broadcasts.getBroadcast(kernel.db, params.id)),
  })

  route(app, {
    method: 'POST',
    paths: v1('/broadcasts/{id}/cancel'),
    permission,
    summary: 'Stop a broadcast',
    description: 'People who have it keep it; nobody else gets it.',
    tag,
    schema: { params: IdParams, response: { 200: Broadcast } },
    handler: async (request) =>
      presentBroadcast(await broadcasts.cancelBroadcast(kernel, callerOf(request), request.params.id)),
  })
}
