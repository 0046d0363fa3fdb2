import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Instant, Nullable, pageAnswer, pageOffset, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Done, done, PageAnswer } from '../../contract.ts'
import { IdPath, pages } from '../../fields.ts'
import * as service from './service.ts'
import { listTags, tagStatistics } from './store.ts'

const tag = 'CRM tags'
const PATH = '/api/v1/tags'
const read = { tag, permission: 'crm:tags.read' } as const
const write = { tag, permission: 'crm:tags.write' } as const
const TagTypeName = Type.Enum(['member', 'interaction'])
const Description = Type.Optional(Nullable(Type.String({ maxLength: 200 })))

const TagAnswer = Type.Object(
  {
    id: Id,
    name: Type.String(),
    type: TagTypeName,
    source: Nullable(Type.Enum(['api', 'manual'])),
    description: Nullable(Type.String()),
    campaign_id: Nullable(Id),
    member_count: Type.Integer({ description: 'Members with the tag.' }),
    trigger_count: Nullable(Type.Integer({ description: 'Of interaction tags: how often it was triggered.' })),
    created_at: Instant,
    updated_at: Nullable(Instant),
  },
  { title: 'CrmTag' },
)

/** Routes of tags. */
export function tagRoutes(app: App, kernel: Kernel): void {
  reads(app, kernel)
  writes(app, kernel)
}

function reads(app: App, kernel: Kernel): void {
  route(app, {
    ...read,
    method: 'GET',
    paths: [PATH],
    operationId: 'listCrmTags',
    summary: 'List tags of both kinds',
    schema: {
      querystring: pages(50, {
        type: Type.Optional(TagTypeName),
        search: Type.Optional(Type.String({ maxLength: 50 })),
      }),
      response: { 200: PageAnswer(TagAnswer) },
    },
    handler: async ({ query }) => {
      const filter = { type: query.type, search: query.search, limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await kernel.withRetries((db) => listTags(db, filter))
      return answer(pageAnswer(items, total, query))
    },
  })
  route(app, {
    ...read,
    method: 'GET',
    paths: [`${PATH}/statistics`],
    operationId: 'getCrmTagStatistics',
    summary: 'Read the numbers of tags',
    schema: {
      response: {
        200: Answer(
          Type.Object({
            total_tags: Type.Integer(),
            member_tags: Type.Integer(),
            interaction_tags: Type.Integer(),
            most_used_tag: Nullable(Type.Object({ id: Id, name: Type.String(), member_count: Type.Integer() })),
          }),
        ),
      },
    },
    handler: async () => answer(await kernel.withRetries((db) => tagStatistics(db))),
  })
  route(app, {
    ...read,
    method: 'GET',
    paths: [`${PATH}/{id}`],
    operationId: 'getCrmTag',
    summary: 'Read a tag',
    schema: { params: IdPath, response: { 200: Answer(TagAnswer) } },
    handler: async ({ params }) => answer(await service.getTag(kernel, params.id)),
  })
}

function writes(app: App, kernel: Kernel): void {
  route(app, {
    ...write,
    method: 'POST',
    paths: [PATH],
    operationId: 'addCrmTag',
    summary: 'Add a tag',
    schema: {
      body: Type.Object({
        name: Text(50),
        type: TagTypeName,
        source: Type.Optional(Type.Enum(['api', 'manual'], { description: 'Of member tags.' })),
        description: Description,
      }),
      response: { 200: Answer(TagAnswer) },
    },
    handler: async (request) => answer(await service.addTag(kernel, callerOf(request), request.body)),
  })
  route(app, {
    ...write,
    method: 'PUT',
    paths: [`${PATH}/{id}`],
    operationId: 'changeCrmTag',
    summary: 'Change a tag',
    description: 'Absent fields stay as they are. The type can’t be changed.',
    schema: {
      params: IdPath,
      body: Type.Object({
        name: Type.Optional(Text(50)),
        type: Type.Optional(TagTypeName),
        source: Type.Optional(Type.Enum(['api', 'manual'], { description: 'Of member tags.' })),
        description: Description,
      }),
      response: { 200: Answer(TagAnswer) },
    },
    handler: async (request) =>
      answer(await service.changeTag(kernel, callerOf(request), request.params.id, request.body)),
  })
  route(app, {
    ...write,
    method: 'DELETE',
    paths: [`${PATH}/{id}`],
    operationId: 'deleteCrmTag',
    summary: 'Delete a tag and take it off its members',
    description: 'Refused while a template or a campaign that was not sent names it.',
    schema: { params: IdPath, response: { 200: Done } },
    handler: async (request) => {
      await service.deleteTag(kernel, callerOf(request), request.params.id)
      return done('Tag deleted successfully')
    },
  })
}
