import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Instant, LocalDate, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { REPORTS, type ReportType } from './reports.ts'
import type { Curves } from './rules.ts'
import * as service from './service.ts'

const tag = 'CRM analytics'
const permission = 'crm:analytics'

const dates = {
  start_date: Type.Optional(LocalDate),
  end_date: Type.Optional(LocalDate),
}

const DAYS = 'Days are those of CRM_TIME_ZONE, both ends included; without dates, the last 30 days. At most 366 days.'
const RATES =
  'Rates are percentages of the recipients whom LINE accepted in the period: `opened`, `clicked` and `converted` are ' +
  'people, counted on the day on which they first did so, whenever their message was sent. So a period just after a ' +
  'campaign can have more than 100 %. Without recipients a rate is 0. A conversion is a consumption record within ' +
  'CRM_CONVERSION_DAYS after a click.'

const Rate = Type.Number({ description: 'Percent, one decimal.', examples: [68.5] })
const Change = Nullable(
  Type.Number({ description: 'Percent, one decimal. Null: it was 0 before, and is more now.', examples: [15.3] }),
)
const Count = Type.Integer({ minimum: 0 })

const CurvesAnswer = Answer(
  Type.Object({
    dates: Type.Array(Type.String({ examples: ['2026-03-01'] })),
    series: Type.Array(Type.Object({ name: Type.String(), data: Type.Array(Count) })),
  }),
)

const curves = ({ dates: days, series }: Curves) =>
  answer({ dates: [...days], series: series.map(({ name, data }) => ({ name, data: [...data] })) })

/** Routes of the analytics. */
export function analyticsRoutes(app: App, kernel: Kernel): void {
  overviewRoute(app, kernel)
  performanceRoutes(app, kernel)
  curveRoutes(app, kernel)
  exportRoute(app, kernel)
}

function overviewRoute(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/analytics/overview'],
    operationId: 'getCrmOverview',
    permission,
    summary: 'Read the key figures of a period',
    description:
      `${DAYS} \`total_messages_sent\` are all outgoing messages: of people, rules and campaigns. ${RATES} A trend is ` +
      'the change in percent against the preceding period of the same length.',
    tag,
    schema: {
      querystring: Type.Object(dates),
      response: {
        200: Answer(
          Type.Object({
            kpi: Type.Object({
              total_messages_sent: Count,
              average_open_rate: Rate,
              average_click_rate: Rate,
              conversion_rate: Rate,
            }),
            trends: Type.Object({
              messages_sent_trend: Change,
              open_rate_trend: Change,
              click_rate_trend: Change,
              conversion_rate_trend: Change,
            }),
          }),
        ),
      },
    },
    handler: async ({ query }) => answer(await service.overview(kernel, service.readPeriod(kernel, query))),
  })
}

function performanceRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/analytics/campaign-performance'],
    operationId: 'getCrmCampaignPerformance',
    permission,
    summary: 'Compare campaigns',
    description: `The campaigns with the most recipients in the period. ${DAYS} ${RATES}`,
    tag,
    schema: {
      querystring: Type.Object({ ...dates, limit: Type.Integer({ minimum: 1, maximum: 100, default: 10 }) }),
      response: {
        200: Answer(
          Type.Array(
            Type.Object({
              campaign_id: Id,
              title: Type.String(),
              sent_count: Count,
              opened_count: Count,
              clicked_count: Count,
              conversion_count: Count,
              open_rate: Rate,
              click_rate: Rate,
              conversion_rate: Rate,
            }),
          ),
        ),
      },
    },
    handler: async ({ query }) =>
      answer(await service.campaignPerformance(kernel, service.readPeriod(kernel, query), query.limit)),
  })

  route(app, {
    method: 'GET',
    paths: ['/api/v1/analytics/tag-distribution'],
    operationId: 'getCrmTagDistribution',
    permission,
    summary: 'Compare interaction tags',
    description:
      'Interaction tags by how often they were triggered, repeated triggers included, with their share of all ' +
      'triggers. Since ever; with dates, of that period (both ends included, at most 366 days).',
    tag,
    schema: {
      querystring: Type.Object({ ...dates, limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }) }),
      response: {
        200: Answer(
          Type.Array(Type.Object({ tag_id: Id, tag_name: Type.String(), trigger_count: Count, percentage: Rate })),
        ),
      },
    },
    handler: async ({ query }) => {
      const hasDates = query.start_date !== undefined || query.end_date !== undefined
      const period = hasDates ? service.readPeriod(kernel, query) : undefined
      return answer(await service.tagDistribution(kernel, period, query.limit))
    },
  })
}

function curveRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/analytics/trends'],
    operationId: 'getCrmTrends',
    permission,
    summary: 'Read figures of campaigns by day',
    description:
      '`metric`: `sent`, `opened`, `clicked`, `converted`, separated by commas. They are recipients of campaigns, on ' +
      `the day on which it happened. Every day of the period is there. ${DAYS}`,
    tag,
    schema: {
      querystring: Type.Object({
        ...dates,
        metric: Type.String({ maxLength: 100, default: 'sent,opened,clicked', examples: ['sent,opened,clicked'] }),
      }),
      response: { 200: CurvesAnswer },
    },
    handler: async ({ query }) =>
      curves(await service.trends(kernel, service.readPeriod(kernel, query), service.readMetrics(query.metric))),
  })

  route(app, {
    method: 'GET',
    paths: ['/api/v1/analytics/member-growth'],
    operationId: 'getCrmMemberGrowth',
    permission,
    summary: 'Read new members by day',
    description: `Members who were deleted or merged since then are not counted. ${DAYS}`,
    tag,
    schema: { querystring: Type.Object(dates), response: { 200: CurvesAnswer } },
    handler: async ({ query }) => curves(await service.memberGrowth(kernel, service.readPeriod(kernel, query))),
  })

  route(app, {
    method: 'GET',
    paths: ['/api/v1/analytics/message-volume'],
    operationId: 'getCrmMessageVolume',
    permission,
    summary: 'Read messages by day',
    description: `Incoming messages, and outgoing ones of people, rules and campaigns. ${DAYS}`,
    tag,
    schema: { querystring: Type.Object(dates), response: { 200: CurvesAnswer } },
    handler: async ({ query }) => curves(await service.messageVolume(kernel, service.readPeriod(kernel, query))),
  })
}

function exportRoute(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/api/v1/analytics/export'],
    operationId: 'exportCrmReport',
    permission,
    summary: 'Export a report as a file',
    description:
      'Answers the link at once; it answers 404 until the file is made (some seconds), and works without logging in ' +
      `until \`expires_at\`: do not share it. 429 while five files of yours are not finished. ${DAYS}`,
    tag,
    schema: {
      body: Type.Object({
        report_type: Type.Unsafe<ReportType>({ type: 'string', enum: Object.keys(REPORTS) }),
        format: Type.Unsafe<'excel' | 'pdf'>({ type: 'string', enum: ['excel', 'pdf'] }),
        ...dates,
      }),
      response: { 200: Answer(Type.Object({ download_url: Type.String(), expires_at: Instant })) },
    },
    handler: async (request) => {
      const { report_type: type, format, ...given } = request.body
      const { url, expiresAt } = await service.exportReport(kernel, callerOf(request), {
        what: REPORTS[type].what,
        format: format === 'excel' ? 'xlsx' : 'pdf',
        dates: given,
      })
      return answer({ download_url: url, expires_at: expiresAt })
    },
  })
}
