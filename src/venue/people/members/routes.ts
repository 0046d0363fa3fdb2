import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { idempotent } from '../../../kernel/http/request/idempotency.ts'
import { route } from '../../../kernel/http/route.ts'
import {
  Id,
  Instant,
  Nullable,
  type Of,
  type PageQuery,
  pageAnswer,
  pageOf,
  pageOffset,
  pageQuery,
  Text,
} from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localTimestamp } from '../../../kernel/time.ts'
import { v1 } from '../../../site/paths.ts'
import * as service from './service.ts'

const tag = 'Credit and points'
const manage = 'venue:members.manage'
const UserParams = Type.Object({ user_id: Id })
const Query = pageQuery(['id'], {}, '-id')

const Entry = Type.Object({
  id: Id,
  delta: Type.Integer(),
  after: Type.Integer({ description: 'Score or balance after the change.' }),
  reason: Type.String({ examples: ['no_show', 'grant'] }),
  note: Nullable(Type.String()),
  reservation_id: Nullable(Id),
  created_at: Instant,
})

const Credit = Type.Object(
  { user_id: Id, score: Type.Integer({ minimum: 0, maximum: 100 }), history: pageOf(Entry) },
  { title: 'Credit' },
)
const Points = Type.Object(
  { user_id: Id, balance: Type.Integer({ minimum: 0 }), history: pageOf(Entry) },
  { title: 'Points' },
)

const Note = Text(500, { description: 'Reason, shown to the person.' })
const not0 = { not: { const: 0 } }
const Adjustment = Type.Object({ delta: Type.Integer({ minimum: -100, maximum: 100, ...not0 }), note: Note })
const PointsChange = Type.Object({
  delta: Type.Integer({ minimum: -1_000_000, maximum: 1_000_000, ...not0 }),
  note: Note,
})

const Grant = Type.Object({
  points: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  reason: Type.Optional(Type.Enum(['grant', 'adjustment'], { description: '`grant` by default.' })),
  to: Type.Union([Type.Literal('all_employees'), Type.Array(Id, { minItems: 1, maxItems: 1000 })], {
    description: 'All people who may book, or these people.',
  }),
  note: Note,
})

/** Converts a page of a ledger, the newest change first, to its form in answers. */
function presentHistory(
  { items, total }: service.Account,
  query: PageQuery,
  zone: string,
): Of<typeof Credit>['history'] {
  const entries = items.map(({ reservationId, createdAt, ...entry }) => ({
    ...entry,
    reservation_id: reservationId,
    created_at: localTimestamp(createdAt, zone),
  }))
  return { ...pageAnswer(entries, total, query), items: entries }
}

/** Routes to read and change the credit and points of people. */
export function memberRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  const pageOfLedger = (query: PageQuery) => ({ offset: pageOffset(query), limit: query.page_size })

  const credit = async (userId: number, query: PageQuery): Promise<Of<typeof Credit>> => {
    const account = await service.creditOf(kernel, userId, pageOfLedger(query))
    return { user_id: userId, score: account.figure, history: presentHistory(account, query, zone) }
  }
  const points = async (userId: number, query: PageQuery): Promise<Of<typeof Points>> => {
    const account = await service.pointsOf(kernel, userId, pageOfLedger(query))
    return { user_id: userId, balance: account.figure, history: presentHistory(account, query, zone) }
  }

  route(app, {
    method: 'GET',
    paths: v1('/users/me/credit'),
    permission: 'signed-in',
    summary: 'Read your credit and its history',
    tag,
    schema: { querystring: Query, response: { 200: Credit } },
    handler: (request) => credit(callerOf(request).userId, request.query),
  })
  route(app, {
    method: 'GET',
    paths: v1('/users/me/points'),
    permission: 'signed-in',
    summary: 'Read your points and their history',
    tag,
    schema: { querystring: Query, response: { 200: Points } },
    handler: (request) => points(callerOf(request).userId, request.query),
  })
  route(app, {
    method: 'GET',
    paths: v1('/users/{user_id}/credit'),
    permission: manage,
    summary: 'Read the credit of a person and its history',
    tag,
    schema: { params: UserParams, querystring: Query, response: { 200: Credit } },
    handler: ({ params, query }) => credit(params.user_id, query),
  })
  route(app, {
    method: 'GET',
    paths: v1('/users/{user_id}/points'),
    permission: manage,
    summary: 'Read the points of a person and their history',
    tag,
    schema: { params: UserParams, querystring: Query, response: { 200: Points } },
    handler: ({ params, query }) => points(params.user_id, query),
  })
  changes(app, kernel)
}

function changes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: v1('/users/{user_id}/credit-adjustments'),
    operationId: 'adjustUserCredit',
    permission: manage,
    summary: 'Adjust the credit of a person',
    description: 'The score stays within 0 and 100.',
    tag,
    idempotent: true,
    schema: {
      params: UserParams,
      body: Adjustment,
      response: { 201: Type.Object({ user_id: Id, score: Type.Integer() }) },
    },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (inside) => {
        const { user_id } = request.params
        return { user_id, score: await service.adjustCredit(inside, callerOf(request), user_id, request.body) }
      }),
  })

  route(app, {
    method: 'POST',
    paths: v1('/users/{user_id}/points-grants'),
    operationId: 'grantUserPoints',
    permission: manage,
    summary: 'Grant points to a person, or take some',
    description: 'A negative `delta` takes points, but never more than the person has (`points_short`).',
    tag,
    idempotent: true,
    schema: {
      params: UserParams,
      body: PointsChange,
      response: { 201: Type.Object({ user_id: Id, balance: Type.Integer() }) },
    },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (inside) => {
        const { user_id } = request.params
        return { user_id, balance: await service.changePoints(inside, callerOf(request), user_id, request.body) }
      }),
  })

  route(app, {
    method: 'POST',
    paths: v1('/points-grants'),
    operationId: 'grantPointsToMany',
    permission: manage,
    summary: 'Grant points to many people',
    description:
      'An allowance for all people who may book, or for the named people. If one of the named people can’t get ' +
      'points, nobody does.',
    tag,
    idempotent: true,
    schema: { body: Grant, response: { 201: Type.Object({ points: Type.Integer(), granted: Type.Integer() }) } },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (inside) => {
        const { points, reason = 'grant', to, note } = request.body
        return {
          points,
          granted: await service.grantAllowance(inside, callerOf(request), { points, reason, to, note }),
        }
      }),
  })
}
