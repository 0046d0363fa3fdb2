import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable, type Of, pageAnswer, pageOffset } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { addDays, dayBounds } from '../../../kernel/time.ts'
import { Answer, answer, Done, done, PageAnswer } from '../../contract.ts'
import { zoneOf } from '../../core/days.ts'
import type { MemberFilter } from '../../core/memberFilterStore.ts'
import { IdPath, idsIn, pages, TagMark } from '../../fields.ts'
import * as schemas from './schemas.ts'
import * as service from './service.ts'
import { listConsumption, timelineOf } from './store.ts'

const tag = 'CRM members'
const PATH = '/api/v1/members'
const read = { tag, permission: 'crm:members.read' } as const
const write = { tag, permission: 'crm:members.write' } as const

/** Routes of members. */
export function memberRoutes(app: App, kernel: Kernel): void {
  lists(app, kernel)
  changes(app, kernel)
  belongings(app, kernel)
  taggings(app, kernel)
}

/** The filter of a query; days are local and both ends belong to the range. */
function filterOf(kernel: Kernel, query: Of<typeof schemas.MemberQuery>): MemberFilter {
  const zone = zoneOf(kernel)
  const start = (day: string | undefined) => (day === undefined ? undefined : dayBounds(day, zone).start)
  const end = (day: string | undefined) => (day === undefined ? undefined : dayBounds(addDays(day, 1), zone).start)
  return {
    search: query.search,
    tagIds: idsIn(query.tags),
    tagsMode: query.tags_mode,
    source: query.source,
    gender: query.gender,
    acceptMarketing: query.accept_marketing,
    line: query.line,
    createdFrom: start(query.created_from),
    createdTo: end(query.created_to),
    interactionFrom: start(query.last_interaction_from),
    interactionTo: end(query.last_interaction_to),
    consumptionMin: query.consumption_min,
    consumptionMax: query.consumption_max,
  }
}

function lists(app: App, kernel: Kernel): void {
  route(app, {
    ...read,
    method: 'GET',
    paths: [PATH],
    operationId: 'listCrmMembers',
    summary: 'List and search members',
    schema: { querystring: schemas.MemberQuery, response: { 200: PageAnswer(schemas.MemberRow) } },
    handler: async ({ query }) => {
      const page = { limit: query.page_size, offset: pageOffset(query) }
      const order = { sort: query.sort_by, descending: query.order === 'desc' }
      const { items, total } = await service.listMembers(kernel, filterOf(kernel, query), { ...page, ...order })
      return answer(pageAnswer(items.map(schemas.presentRow), total, query))
    },
  })
  route(app, {
    ...read,
    method: 'GET',
    paths: [`${PATH}/{id}`],
    operationId: 'getCrmMember',
    summary: 'Read a member',
    schema: { params: IdPath, response: { 200: Answer(schemas.MemberAnswer) } },
    handler: async ({ params }) => answer(schemas.presentMember(await service.getMember(kernel, params.id))),
  })
}

function changes(app: App, kernel: Kernel): void {
  route(app, {
    ...write,
    method: 'POST',
    paths: [PATH],
    operationId: 'addCrmMember',
    summary: 'Add a member',
    description: 'At least one of name, e-mail address, phone number and id number.',
    schema: { body: schemas.MemberBody, response: { 200: Answer(schemas.MemberAnswer) } },
    handler: async (request) =>
      answer(schemas.presentMember(await service.addMember(kernel, callerOf(request), request.body))),
  })
  route(app, {
    ...write,
    method: 'PUT',
    paths: [`${PATH}/{id}`],
    operationId: 'changeCrmMember',
    summary: 'Change a member',
    description: 'Absent fields stay as they are; null empties.',
    schema: { params: IdPath, body: schemas.MemberBody, response: { 200: Answer(schemas.MemberAnswer) } },
    handler: async (request) => {
      const { params, body } = request
      return answer(schemas.presentMember(await service.changeMember(kernel, callerOf(request), params.id, body)))
    },
  })
  route(app, {
    ...write,
    method: 'DELETE',
    paths: [`${PATH}/{id}`],
    operationId: 'deleteCrmMember',
    summary: 'Delete a member',
    description: 'Everything personal is emptied. Messages without text and consumption stay for the totals.',
    schema: { params: IdPath, response: { 200: Done } },
    handler: async (request) => {
      await service.deleteMember(kernel, callerOf(request), request.params.id)
      return done('Member deleted successfully')
    },
  })
  route(app, {
    ...write,
    method: 'PUT',
    paths: [`${PATH}/{id}/notes`],
    operationId: 'changeCrmMemberNotes',
    summary: 'Change the notes about a member',
    schema: {
      params: IdPath,
      body: Type.Object({ notes: Nullable(Type.String({ maxLength: 10_000 })) }),
      response: { 200: Done },
    },
    handler: async (request) => {
      await service.changeMember(kernel, callerOf(request), request.params.id, { notes: request.body.notes })
      return done('Notes updated successfully')
    },
  })
}

function belongings(app: App, kernel: Kernel): void {
  route(app, {
    ...read,
    method: 'GET',
    paths: [`${PATH}/{id}/consumption-records`],
    operationId: 'listCrmConsumption',
    summary: 'List a member’s consumption',
    schema: { params: IdPath, querystring: pages(10, {}), response: { 200: PageAnswer(schemas.ConsumptionRow) } },
    handler: async ({ params, query }) => {
      const page = { limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await kernel.withRetries(async (db) => {
        await service.requireMember(db, params.id)
        return await listConsumption(db, params.id, page)
      })
      return answer(pageAnswer(items, total, query))
    },
  })
  route(app, {
    ...write,
    method: 'POST',
    paths: [`${PATH}/{id}/consumption-records`],
    operationId: 'addCrmConsumption',
    summary: 'Add a consumption record by hand',
    schema: { params: IdPath, body: schemas.ConsumptionBody, response: { 200: Answer(schemas.ConsumptionRow) } },
    handler: async (request) =>
      answer(await service.addConsumption(kernel, callerOf(request), request.params.id, request.body)),
  })
  route(app, {
    ...read,
    method: 'GET',
    paths: [`${PATH}/{id}/timeline`],
    operationId: 'getCrmMemberTimeline',
    summary: 'Read what happened with a member, the latest first',
    schema: {
      params: IdPath,
      querystring: Type.Object({
        page: Type.Integer({ minimum: 1, maximum: 100, default: 1 }),
        page_size: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
      }),
      response: { 200: PageAnswer(schemas.TimelineEntry) },
    },
    handler: async ({ params, query }) => {
      const page = { limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await kernel.withRetries(async (db) => {
        await service.requireMember(db, params.id)
        return await timelineOf(db, params.id, page)
      })
      return answer(pageAnswer(items, total, query))
    },
  })
}

function taggings(app: App, kernel: Kernel): void {
  route(app, {
    ...write,
    method: 'POST',
    paths: [`${PATH}/{id}/tags`],
    operationId: 'addCrmMemberTags',
    summary: 'Put tags on a member',
    schema: {
      params: IdPath,
      body: Type.Object({ tag_ids: Type.Array(Id, { minItems: 1, maxItems: 100, uniqueItems: true }) }),
      response: { 200: Answer(Type.Object({ member_id: Id, tags: Type.Array(TagMark) })) },
    },
    handler: async (request) => {
      const { id } = request.params
      const tags = await service.addTags(kernel, callerOf(request), id, request.body.tag_ids)
      return answer({ member_id: id, tags: tags.map((one) => ({ ...one })) }, 'Tags added successfully')
    },
  })
  route(app, {
    ...write,
    method: 'DELETE',
    paths: [`${PATH}/{id}/tags/{tag_id}`],
    operationId: 'removeCrmMemberTag',
    summary: 'Take a tag off a member',
    schema: { params: Type.Object({ id: Id, tag_id: Id }), response: { 200: Done } },
    handler: async (request) => {
      const { id, tag_id: tagId } = request.params
      await service.removeTag(kernel, callerOf(request), id, tagId)
      return done('Tag removed successfully')
    },
  })
}
