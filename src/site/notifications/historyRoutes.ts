import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Invalid } from '../../kernel/errors.ts'
import { problemAnswer } from '../../kernel/http/answer/problem.ts'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { FIRST_DAY } from '../../kernel/http/request/formats.ts'
import { route, signedIn } from '../../kernel/http/route.ts'
import {
  Id,
  IdParams,
  Instant,
  LocalDate,
  Nullable,
  pageAnswer,
  pageAsked,
  pageOf,
  pageQuery,
} from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import * as history from '../../kernel/notifications/delivery/history.ts'
import { retryDeliveries } from '../../kernel/notifications/delivery/retries.ts'
import { addDays, dayBounds, daysBetween, localDate } from '../../kernel/time.ts'
import { historyFilter, historyFilters } from './historyFilters.ts'
import { ChannelName, ChannelOrInbox, CONTACTS, MANAGE, READ } from './schemas.ts'

const tag = 'Notification history'
const permission = READ
const path = '/api/admin/notifications'
const Entry = Type.Object(
  {
    id: Type.String({ examples: ['delivery:34', 'inbox:12'] }),
    message_id: Nullable(Id),
    user_id: Nullable(Id),
    user_name: Nullable(Type.String()),
    type: Type.String(),
    channel: ChannelOrInbox,
    state: Type.Enum([...history.STATES]),
    address: Nullable(Type.String({ description: 'Masked without `site:contacts.read`.' })),
    subject: Nullable(Type.String()),
    provider: Nullable(Type.String()),
    provider_id: Nullable(Type.String()),
    reason: Nullable(Type.String({ description: 'Why it was skipped, why it waits, or the last error.' })),
    attempts: Type.Integer(),
    created_at: Instant,
    sent_at: Nullable(Instant),
    opened_at: Nullable(Instant),
    clicked_at: Nullable(Instant),
  },
  { title: 'NotificationHistoryEntry' },
)

const Figures = {
  sent: Type.Integer(),
  delivered: Type.Integer(),
  opened: Type.Integer(),
  clicked: Type.Integer(),
  failed: Type.Integer(),
  suppressed: Type.Integer(),
  skipped: Type.Integer(),
  queued: Type.Integer(),
  unsubscribed: Type.Integer(),
  failure_rate: Nullable(Type.Number({ description: 'Share of the deliveries that were sent or failed.' })),
  open_rate: Nullable(Type.Number({ description: 'Share of the sent deliveries.' })),
  click_rate: Nullable(Type.Number({ description: 'Share of the sent deliveries.' })),
  unsubscribe_rate: Nullable(Type.Number({ description: 'Share of the sent deliveries.' })),
}

/** Routes for the history of messages and deliveries, and for retrying failed deliveries. */
export function notificationHistoryRoutes(app: App, kernel: Kernel): void {
  const { config } = kernel
  const zone = config.timeZone

  const mayRead = (request: FastifyRequest) => signedIn(request).permissions.has(CONTACTS)

  route(app, {
    method: 'GET',
    paths: [path],
    operationId: 'listSentNotifications',
    permission,
    summary: 'List sent notifications',
    description:
      'Messages in inboxes and deliveries by the other channels. `from` and `to` are local days, both included.',
    tag,
    schema: {
      querystring: pageQuery(['created_at'], historyFilters, '-created_at'),
      response: { 200: pageOf(Entry) },
    },
    handler: async (request) => {
      const { query } = request
      const page = pageAsked(query)
      const found = await history.listHistory(
        kernel.reads,
        kernel.secrets.cipher,
        historyFilter(query, zone),
        page,
        mayRead(request),
      )
      return pageAnswer(found.items.map(present), found.total, query)
    },
  })

  route(app, {
    method: 'GET',
    paths: [`${path}/deliveries/{id}/attempts`],
    permission,
    summary: 'List the attempts of a delivery',
    tag,
    schema: {
      params: IdParams,
      response: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              at: Instant,
              result: Type.Enum(['sent', 'temporary', 'permanent']),
              provider: Type.String(),
              provider_id: Nullable(Type.String()),
              error: Nullable(Type.String()),
            }),
          ),
        }),
      },
    },
    handler: async ({ params }) => {
      const attempts = await history.listAttempts(kernel.reads, params.id)
      return {
        items: attempts.map(({ at, result, provider, providerId, error }) => ({
          at: at.toISOString(),
          result,
          provider,
          provider_id: providerId,
          error,
        })),
      }
    },
  })

  retry(app, kernel)
  statistics(app, kernel)
}

const DeliveryId = Type.String({ maxLength: 30, pattern: '^delivery:[1-9][0-9]{0,14}$', examples: ['delivery:34'] })

function retry(app: App, kernel: Kernel): void {
  const { type, user_id, from, to } = historyFilters
  route(app, {
    method: 'POST',
    paths: [`${path}/deliveries/retry`],
    permission: MANAGE,
    summary: 'Retry failed deliveries',
    description:
      'Retries the failed deliveries that match all given filters, as new deliveries. `from` and `to` are local ' +
      'days, both included. Either `ids` or `from` is required. Deliveries by channels that are not configured are ' +
      'not changed.',
    tag,
    schema: {
      body: Type.Object({
        ids: Type.Optional(Type.Array(DeliveryId, { minItems: 1, maxItems: 1000, uniqueItems: true })),
        channel: Type.Optional(ChannelName),
        type,
        user_id,
        from,
        to,
      }),
      response: {
        200: Type.Object({ retried: Type.Integer({ minimum: 0 }) }),
        400: problemAnswer('`bad_filter`: neither `ids` nor `from` are given.'),
      },
    },
    handler: async (request) => {
      const { ids, ...filters } = request.body
      if (ids === undefined && filters.from === undefined) {
        throw new Invalid('bad_filter', 'Give ids or from.')
      }
      const numbers = ids?.map((id) => Number(id.slice('delivery:'.length)))
      const { state: _, ...filter } = historyFilter(filters, kernel.config.timeZone)
      return { retried: await retryDeliveries(kernel, callerOf(request), { ...filter, ids: numbers }) }
    },
  })
}

function statistics(app: App, kernel: Kernel): void {
  const { from, to, type, channel } = historyFilters
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: [`${path}/stats`],
    operationId: 'getNotificationStats',
    permission,
    summary: 'Count sent notifications by day, type and channel',
    description:
      'A message counts for the local day on which it was created. `sent` counts every delivery that was sent, ' +
      'whatever happened later. Default: the last 30 days; at most 366.',
    tag,
    schema: {
      querystring: Type.Object({ from, to, type, channel }),
      response: {
        200: Type.Object({
          from: LocalDate,
          to: LocalDate,
          items: Type.Array(Type.Object({ day: LocalDate, type: Type.String(), channel: ChannelOrInbox, ...Figures })),
        }),
      },
    },
    handler: async ({ query }) => {
      const to = query.to ?? localDate(kernel.clock.now(), zone)
      const from = query.from ?? (to < addDays(FIRST_DAY, 29) ? FIRST_DAY : addDays(to, -29))
      const days = daysBetween(from, to)
      if (days < 0 || days > 366) throw new Invalid('bad_range', 'from must lie at most 366 days before to.')
      const range = { from: dayBounds(from, zone).start, to: dayBounds(to, zone).end }
      const filter = { ...range, type: query.type, channel: query.channel }
      const figures = await history.countHistory(kernel.reads, zone, filter)
      return { from, to, items: figures.map(withRates) }
    },
  })
}

function withRates(figures: history.DayFigures) {
  const { sent, failed, opened, clicked, unsubscribed } = figures
  return {
    ...figures,
    failure_rate: history.rate(failed, sent + failed),
    open_rate: history.rate(opened, sent),
    click_rate: history.rate(clicked, sent),
    unsubscribe_rate: history.rate(unsubscribed, sent),
  }
}

function present(entry: history.HistoryEntry) {
  return {
    id: entry.id,
    message_id: entry.messageId,
    user_id: entry.userId,
    user_name: entry.userName,
    type: entry.type,
    channel: entry.channel,
    state: entry.state,
    address: entry.address,
    subject: entry.subject,
    provider: entry.provider,
    provider_id: entry.providerId,
    reason: entry.reason,
    attempts: entry.attempts,
    created_at: entry.createdAt,
    sent_at: entry.sentAt,
    opened_at: entry.openedAt,
    clicked_at: entry.clickedAt,
  }
}
