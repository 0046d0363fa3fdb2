import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { idempotent } from '../../../kernel/http/request/idempotency.ts'
import { route } from '../../../kernel/http/route.ts'
import {
  Id,
  Instant,
  LocalDate,
  Nullable,
  type Of,
  pageAnswer,
  pageOf,
  pageOffset,
} from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { addDays, dayBounds, parseInstant } from '../../../kernel/time.ts'
import { Answer, answer, Done, done, PageAnswer } from '../../contract.ts'
import { zoneOf } from '../../core/days.ts'
import { previewTemplate } from '../../core/templates/preview.ts'
import { PreviewAnswer, presentTemplate } from '../../core/templates/schemas.ts'
import { findTemplate } from '../../core/templates/store.ts'
import { IdPath, pages } from '../../fields.ts'
import { missing } from '../../refusals.ts'
import * as schemas from './schemas.ts'
import * as service from './service.ts'
import { preflight } from './starting.ts'
import * as store from './store.ts'

const common = { tag: 'CRM campaigns', permission: 'crm:campaigns' } as const
const PATH = '/api/v1/campaigns'
const Count = Type.Integer({ minimum: 0 })
const Affected = Answer(Type.Object({ campaign_id: Id, count: Count }))

/** Routes of campaigns. */
export function campaignRoutes(app: App, kernel: Kernel): void {
  reads(app, kernel)
  writes(app, kernel)
  sends(app, kernel)
  repairs(app, kernel)
}

/** A campaign with its template: as it was sent, or as it is now. */
async function shown(kernel: Kernel, campaign: store.Campaign) {
  const template = await kernel.withRetries(async (db) => {
    const frozen = await store.frozenTemplate(db, campaign)
    if (frozen) return frozen
    const found = await findTemplate(db, campaign.template_id)
    return found ? presentTemplate(found) : campaign.template
  })
  return answer(schemas.presentCampaign(campaign, template))
}

/** The time of a request; one without a zone is local. */
function timeOf(kernel: Kernel, text: string | null | undefined): Date | null | undefined {
  return typeof text === 'string' ? parseInstant(text, zoneOf(kernel)) : text
}

function reads(app: App, kernel: Kernel): void {
  route(app, {
    ...common,
    method: 'GET',
    paths: [PATH],
    operationId: 'listCrmCampaigns',
    summary: 'List campaigns',
    description: 'A campaign belongs to the day for which it is scheduled, or on which it was made.',
    schema: {
      querystring: pages(20, {
        status: Type.Optional(schemas.State),
        start_date: Type.Optional(LocalDate),
        end_date: Type.Optional(LocalDate),
      }),
      response: {
        200: Answer(
          Type.Object({
            ...pageOf(schemas.CampaignRow).properties,
            summary: Type.Object({ total: Count, sent: Count, scheduled: Count, draft: Count }),
          }),
        ),
      },
    },
    handler: async ({ query }) => {
      const zone = zoneOf(kernel)
      const filter = {
        status: query.status,
        from: query.start_date === undefined ? undefined : dayBounds(query.start_date, zone).start,
        to: query.end_date === undefined ? undefined : dayBounds(addDays(query.end_date, 1), zone).start,
        limit: query.page_size,
        offset: pageOffset(query),
      }
      const { items, total, summary } = await kernel.withRetries((db) => store.listCampaigns(db, filter))
      return answer({ ...pageAnswer(items.map(schemas.presentRow), total, query), summary })
    },
  })
  route(app, {
    ...common,
    method: 'GET',
    paths: [`${PATH}/{id}`],
    operationId: 'getCrmCampaign',
    summary: 'Read a campaign with its progress',
    schema: { params: IdPath, response: { 200: Answer(schemas.CampaignAnswer) } },
    handler: async ({ params }) => await shown(kernel, await service.getCampaign(kernel, params.id)),
  })
  const Status = Type.Enum(['pending', 'sent', 'opened', 'clicked', 'failed', 'unknown', 'skipped'])
  route(app, {
    ...common,
    method: 'GET',
    paths: [`${PATH}/{id}/recipients`],
    operationId: 'listCrmCampaignRecipients',
    summary: 'List a campaign’s recipients',
    description: 'A recipient who clicked has the state `clicked` alone, not `opened` too.',
    schema: {
      params: IdPath,
      querystring: pages(20, { status: Type.Optional(Status) }),
      response: {
        200: PageAnswer(
          Type.Object({
            member: Type.Object({ id: Id, name: Type.String(), email: Nullable(Type.String()) }),
            sent_at: Nullable(Instant),
            opened_at: Nullable(Instant),
            clicked_at: Nullable(Instant),
            status: Status,
            error_message: Nullable(Type.String()),
          }),
        ),
      },
    },
    handler: async ({ params, query }) => {
      await service.getCampaign(kernel, params.id)
      const filter = { status: query.status, limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await kernel.withRetries((db) => store.listRecipients(db, params.id, filter))
      return answer(pageAnswer(items, total, query))
    },
  })
  route(app, {
    ...common,
    method: 'GET',
    paths: [`${PATH}/{id}/preview`],
    operationId: 'previewCrmCampaign',
    summary: 'Show what a campaign sends',
    schema: { params: IdPath, response: { 200: Answer(PreviewAnswer) } },
    handler: async ({ params }) => {
      const campaign = await service.getCampaign(kernel, params.id)
      const template = await kernel.withRetries((db) => findTemplate(db, campaign.template_id))
      if (!template) throw missing('template')
      const { messages, html } = previewTemplate(template, kernel.config.publicUrl)
      return answer({ messages: [...messages], html })
    },
  })
}

function contentOf(kernel: Kernel, body: Of<typeof schemas.CampaignBody>): store.CampaignContent {
  const { trigger_condition: trigger = null, scheduled_at: at, ...rest } = body
  return { ...rest, trigger_condition: trigger, scheduled_at: timeOf(kernel, at) ?? null }
}

function writes(app: App, kernel: Kernel): void {
  route(app, {
    ...common,
    method: 'POST',
    paths: [PATH],
    operationId: 'addCrmCampaign',
    summary: 'Add a campaign',
    description: 'With `scheduled_at` it is scheduled, else a draft. With `trigger_condition` it goes out every day.',
    idempotent: true,
    schema: { body: schemas.CampaignBody, response: { 200: Answer(schemas.CampaignAnswer) } },
    handler: async (request, reply) =>
      await idempotent(kernel, request, reply, async (own) => {
        const added = await service.addCampaign(own, callerOf(request), contentOf(own, request.body))
        return await shown(own, added)
      }),
  })
  route(app, {
    ...common,
    method: 'PUT',
    paths: [`${PATH}/{id}`],
    operationId: 'changeCrmCampaign',
    summary: 'Change a draft or a scheduled campaign',
    description: 'Absent fields stay as they are.',
    schema: { params: IdPath, body: schemas.CampaignChange, response: { 200: Answer(schemas.CampaignAnswer) } },
    handler: async (request) => {
      const { scheduled_at: at, ...rest } = request.body
      const change = { ...rest, scheduled_at: timeOf(kernel, at) }
      return await shown(kernel, await service.changeCampaign(kernel, callerOf(request), request.params.id, change))
    },
  })
  route(app, {
    ...common,
    method: 'DELETE',
    paths: [`${PATH}/{id}`],
    operationId: 'deleteCrmCampaign',
    summary: 'Delete a draft',
    schema: { params: IdPath, response: { 200: Done } },
    handler: async (request) => {
      await service.deleteCampaign(kernel, callerOf(request), request.params.id)
      return done('Campaign deleted successfully')
    },
  })
}

function sends(app: App, kernel: Kernel): void {
  route(app, {
    ...common,
    method: 'POST',
    paths: [`${PATH}/{id}/send`],
    operationId: 'sendCrmCampaign',
    summary: 'Send a campaign now',
    description: '`sent_count` is the number of recipients. They are reached in the background.',
    limit: 'message',
    idempotent: true,
    schema: {
      params: IdPath,
      response: { 200: Answer(Type.Object({ campaign_id: Id, sent_count: Count, sent_at: Instant })) },
    },
    handler: async (request, reply) =>
      await idempotent(kernel, request, reply, async (own) => {
        const sent = await service.sendCampaign(own, callerOf(request), request.params.id)
        return answer({ ...sent, sent_at: sent.sent_at.toISOString() }, 'Campaign sent successfully')
      }),
  })
  route(app, {
    ...common,
    method: 'GET',
    paths: [`${PATH}/{id}/preflight`],
    operationId: 'checkCrmCampaign',
    summary: 'See whom a campaign would reach, and what could stop it',
    schema: {
      params: IdPath,
      response: {
        200: Answer(
          Type.Object({
            reach: Type.Object({ recipients: Count, no_line: Count, unfollowed: Count, no_marketing: Count }),
            quota_left: Nullable(Count),
            faults: Type.Array(Type.String()),
            can_send: Type.Boolean(),
          }),
        ),
      },
    },
    handler: async ({ params }) => {
      const found = await preflight(kernel, params.id)
      return answer({ ...found, faults: [...found.faults] })
    },
  })
  route(app, {
    ...common,
    method: 'POST',
    paths: [`${PATH}/{id}/test-send`],
    operationId: 'testCrmCampaign',
    summary: 'Send a campaign’s message to chosen members',
    description: 'It counts nowhere, and its links lead straight to their pages.',
    limit: 'message',
    schema: {
      params: IdPath,
      body: Type.Object({ member_ids: Type.Array(Id, { minItems: 1, maxItems: 20, uniqueItems: true }) }),
      response: {
        200: Answer(
          Type.Object({ sent: Count, failed: Type.Array(Type.Object({ member_id: Id, reason: Type.String() })) }),
        ),
      },
    },
    handler: async (request) => {
      const { params, body } = request
      const { sent, failed } = await service.testSend(kernel, callerOf(request), params.id, body.member_ids)
      return answer({ sent, failed: failed.map((one) => ({ ...one })) })
    },
  })
}

function repairs(app: App, kernel: Kernel): void {
  for (const [action, operationId, summary] of [
    ['pause', 'pauseCrmCampaign', 'Pause a campaign that is being sent'],
    ['resume', 'resumeCrmCampaign', 'Go on with a paused campaign'],
    ['cancel', 'cancelCrmCampaign', 'Cancel a campaign; recipients that wait are skipped'],
  ] as const)
    route(app, {
      ...common,
      method: 'POST',
      paths: [`${PATH}/{id}/${action}`],
      operationId,
      summary,
      schema: { params: IdPath, response: { 200: Answer(schemas.CampaignAnswer) } },
      handler: async (request) =>
        await shown(kernel, await service.moveCampaign(kernel, callerOf(request), request.params.id, action)),
    })
  route(app, {
    ...common,
    method: 'POST',
    paths: [`${PATH}/{id}/retry-failed`],
    operationId: 'retryCrmCampaign',
    summary: 'Send a finished campaign again to those for whom it failed',
    schema: { params: IdPath, response: { 200: Affected } },
    handler: async (request) => {
      const { id } = request.params
      return answer({ campaign_id: id, count: await service.retryFailed(kernel, callerOf(request), id) })
    },
  })
  route(app, {
    ...common,
    method: 'POST',
    paths: [`${PATH}/{id}/unknown`],
    operationId: 'decideUnknownCrmRecipients',
    summary: 'Decide about recipients of whom LINE never said whether it took the message',
    description: '`resend` may reach them a second time.',
    schema: {
      params: IdPath,
      body: Type.Object({ decision: Type.Enum(['sent', 'failed', 'resend']) }),
      response: { 200: Affected },
    },
    handler: async (request) => {
      const { id } = request.params
      const count = await service.decideUnknown(kernel, callerOf(request), id, request.body.decision)
      return answer({ campaign_id: id, count })
    },
  })
}
