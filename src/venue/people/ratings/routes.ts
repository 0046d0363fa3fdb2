import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
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
} from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localTimestamp } from '../../../kernel/time.ts'
import { v1 } from '../../../site/paths.ts'
import { maskName } from './rules.ts'
import * as service from './service.ts'
import type { Rating } from './store.ts'

const tag = 'Ratings'
const moderator = 'venue:ratings.moderate'
const VenueParams = Type.Object({ venue_id: Id })
const Score = Type.Union([Type.Literal(1), Type.Literal(2), Type.Literal(3), Type.Literal(4), Type.Literal(5)])
const Opinion = { score: Score, comment: Type.Optional(Text(2000)) }

const RatingSchema = Type.Object(
  {
    id: Id,
    venue_id: Id,
    user_name: Type.String({ description: 'The first character of the name.' }),
    score: Type.Integer({ minimum: 1, maximum: 5 }),
    comment: Nullable(Type.String()),
    hidden_reason: Nullable(
      Type.String({ description: 'Reason why it is hidden; only moderators see hidden ratings.' }),
    ),
    created_at: Instant,
    updated_at: Instant,
  },
  { title: 'Rating' },
)

const RatingsPage = Type.Object(
  {
    ...pageOf(RatingSchema).properties,
    average: Nullable(Type.Number({ description: 'To two decimals; null without ratings.' })),
    count: Type.Integer({ description: 'Ratings that are not hidden.' }),
    distribution: Type.Object({
      1: Type.Integer(),
      2: Type.Integer(),
      3: Type.Integer(),
      4: Type.Integer(),
      5: Type.Integer(),
    }),
  },
  { title: 'VenueRatings' },
)

function presentRating(rating: Rating, zone: string): Of<typeof RatingSchema> {
  return {
    id: rating.id,
    venue_id: rating.venueId,
    user_name: maskName(rating.displayName),
    score: rating.score,
    comment: rating.comment,
    hidden_reason: rating.hiddenReason,
    created_at: localTimestamp(rating.createdAt, zone),
    updated_at: localTimestamp(rating.updatedAt, zone),
  }
}

/** Routes of the ratings of visits. */
export function ratingRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: v1('/venues/{venue_id}/ratings'),
    permission: 'public',
    summary: 'List the ratings of a venue',
    tag,
    schema: {
      params: VenueParams,
      querystring: pageQuery(['created_at', 'score', 'id'], {}, '-created_at'),
      response: { 200: RatingsPage },
    },
    handler: async ({ params, query, actor }) => {
      const page = pageAsked(query)
      const hidden = actor?.permissions.has(moderator) ?? false
      const { items, total, ...figures } = await service.venueRatings(kernel, params.venue_id, hidden, page)
      const shown = items.map((rating) => presentRating(rating, zone))
      return { ...pageAnswer(shown, total, query), ...figures }
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/venues/{venue_id}/ratings'),
    operationId: 'rateVenue',
    permission: 'venue:reservations.book',
    summary: 'Rate a visit to a venue',
    description:
      'Rates the visit `reservation_id`, else the caller’s latest completed visit without a rating ' +
      '(`nothing_to_rate`).',
    tag,
    schema: {
      params: VenueParams,
      body: Type.Object({ ...Opinion, reservation_id: Type.Optional(Id) }),
      response: { 201: RatingSchema },
    },
    handler: async (request) => {
      const { reservation_id: visit, ...opinion } = request.body
      const rating = await service.rateVenue(kernel, callerOf(request), request.params.venue_id, opinion, visit)
      return presentRating(rating, zone)
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/reservations/{id}/rating'),
    operationId: 'rateReservation',
    permission: 'venue:reservations.book',
    summary: 'Rate a completed reservation',
    tag,
    schema: { params: IdParams, body: Type.Object(Opinion), response: { 201: RatingSchema } },
    handler: async (request) => {
      const rating = await service.rateReservation(kernel, callerOf(request), request.params.id, request.body)
      return presentRating(rating, zone)
    },
  })

  moderation(app, kernel)
}

function moderation(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'PUT',
    paths: v1('/ratings/{id}/hide'),
    permission: moderator,
    summary: 'Hide a rating',
    tag,
    schema: { params: IdParams, body: Type.Object({ reason: Text(500) }), response: { 200: RatingSchema } },
    handler: async (request) => {
      const rating = await service.moderate(kernel, callerOf(request), request.params.id, request.body.reason)
      return presentRating(rating, zone)
    },
  })

  route(app, {
    method: 'PUT',
    paths: v1('/ratings/{id}/unhide'),
    permission: moderator,
    summary: 'Show a hidden rating again',
    tag,
    schema: { params: IdParams, response: { 200: RatingSchema } },
    handler: async (request) =>
      presentRating(await service.moderate(kernel, callerOf(request), request.params.id, null), zone),
  })
}
