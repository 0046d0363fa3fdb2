import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { idempotent } from '../../kernel/http/request/idempotency.ts'
import { route } from '../../kernel/http/route.ts'
import {
  Id,
  IdParams,
  Nullable,
  type Of,
  pageAnswer,
  pageAsked,
  pageOf,
  pageQuery,
  Text,
} from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { v1 } from '../../site/paths.ts'
import { MANAGE } from '../permissions.ts'
import { presentReply, presentThread, ReplySchema, threadFields } from '../schemas.ts'
import { messageRoute, readRoute } from '../threadRoutes.ts'
import { FEEDBACK_STATUSES, FEEDBACK_TYPES } from './rules.ts'
import * as service from './service.ts'
import type { Feedback } from './store.ts'

const tag = 'Feedback'
const Kind = Type.Enum([...FEEDBACK_TYPES])
const Status = Type.Enum([...FEEDBACK_STATUSES])
const Score = Type.Integer({ minimum: 1, maximum: 5 })

const summary = {
  ...threadFields,
  venue_id: Nullable(Id),
  venue_name: Nullable(Type.String()),
  type: Kind,
  title: Nullable(Type.String()),
  content: Type.String(),
  rating: Nullable(Score),
  status: Status,
}
const Summary = Type.Object(summary, { title: 'FeedbackSummary' })
const Whole = Type.Object(
  { ...summary, contact: Nullable(Type.String()), messages: Type.Array(ReplySchema) },
  { title: 'Feedback' },
)

const RequestBody = Type.Object({
  type: Type.Optional(Type.Enum([...FEEDBACK_TYPES], { description: 'Default: `suggestion`.' })),
  title: Type.Optional(Text(120)),
  content: Text(5000),
  contact: Type.Optional(
    Text(100, { description: 'Another way to reach you. Stored encrypted; only support sees it.' }),
  ),
  venue_id: Type.Optional(Id),
  rating: Type.Optional(Score),
})

const sorts = ['created_at', 'updated_at', 'id'] as const
const filters = { status: Type.Optional(Status), type: Type.Optional(Kind) }
const MyQuery = pageQuery(sorts, filters, '-created_at')
const AllQuery = pageQuery(
  sorts,
  {
    ...filters,
    user_id: Type.Optional(Id),
    venue_id: Type.Optional(Id),
    rating: Type.Optional(Score),
    q: Type.Optional(Text(100, { description: 'Text to search for in title and content.' })),
  },
  '-created_at',
)

function presentSummary(feedback: Omit<Feedback, 'contactEncrypted'>, zone: string): Of<typeof Summary> {
  return {
    ...presentThread(feedback, zone),
    venue_id: feedback.venueId,
    venue_name: feedback.venueName,
    type: feedback.type,
    title: feedback.title,
    content: feedback.content,
    rating: feedback.rating,
    status: feedback.status,
  }
}

function presentWhole(feedback: service.WholeFeedback, zone: string): Of<typeof Whole> {
  const messages = feedback.messages.map((message) => presentReply(message, zone))
  return { ...presentSummary(feedback, zone), contact: feedback.contact, messages }
}

/** Routes for people's feedback and the replies of support. */
export function feedbackRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'POST',
    paths: v1('/feedback'),
    permission: 'signed-in',
    summary: 'Give feedback',
    tag,
    limit: 'message',
    idempotent: true,
    schema: { body: RequestBody, response: { 201: Whole } },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (kernel) =>
        presentWhole(await service.giveFeedback(kernel, callerOf(request), request.body), zone),
      ),
  })
  route(app, {
    method: 'GET',
    paths: v1('/feedback'),
    operationId: 'listMyFeedback',
    permission: 'signed-in',
    summary: 'List your own feedback',
    tag,
    schema: { querystring: MyQuery, response: { 200: pageOf(Summary) } },
    handler: (request) => list(kernel, { ...request.query, user_id: callerOf(request).userId }),
  })
  readRoute(
    app,
    {
      paths: v1('/feedback/{id}'),
      permission: 'signed-in',
      summary: 'Read feedback with its replies',
      description: 'For its owner and for support; 404 for others.',
      tag,
    },
    Whole,
    async (caller, id) => presentWhole(await service.getFeedback(kernel, caller, id), zone),
  )
  messageRoute(
    app,
    kernel,
    {
      paths: v1('/feedback/{id}/messages'),
      permission: 'signed-in',
      summary: 'Add to your own feedback',
      description: 'Opens it again. Closed feedback can’t be added to (`bad_state`).',
      tag,
    },
    Whole,
    async (kernel, caller, id, content) => presentWhole(await service.addToFeedback(kernel, caller, id, content), zone),
  )
  answering(app, kernel)
}

async function list(kernel: Kernel, query: Of<typeof AllQuery>) {
  const page = pageAsked(query)
  const { status, type, rating, q } = query
  const filter = { status, type, rating, q, userId: query.user_id, venueId: query.venue_id }
  const { items, total } = await service.listFeedback(kernel, filter, page)
  const shown = items.map((feedback) => presentSummary(feedback, kernel.config.timeZone))
  return pageAnswer(shown, total, query)
}

function answering(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: ['/api/admin/feedback'],
    operationId: 'listAllFeedback',
    permission: MANAGE,
    summary: 'List everybody’s feedback',
    tag,
    schema: { querystring: AllQuery, response: { 200: pageOf(Summary) } },
    handler: ({ query }) => list(kernel, query),
  })
  messageRoute(
    app,
    kernel,
    {
      paths: ['/api/admin/feedback/{id}/reply'],
      operationId: 'replyToFeedback',
      permission: MANAGE,
      summary: 'Reply to feedback',
      description: 'Repeatable. The owner gets a notification, live over `/ws/notifications`.',
      tag,
    },
    Whole,
    async (kernel, caller, id, content) => presentWhole(await service.reply(kernel, caller, id, content), zone),
  )
  route(app, {
    method: 'PUT',
    paths: ['/api/admin/feedback/{id}'],
    permission: MANAGE,
    summary: 'Close feedback or open it again',
    tag,
    schema: {
      params: IdParams,
      body: Type.Object({ status: Type.Enum(['open', 'closed']) }),
      response: { 200: Whole },
    },
    handler: async (request) => {
      const event = request.body.status === 'closed' ? 'close' : 'reopen'
      return presentWhole(await service.closeOrReopen(kernel, callerOf(request), request.params.id, event), zone)
    },
  })
}
