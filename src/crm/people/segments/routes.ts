import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Instant, Nullable, type Of, pageAnswer, pageOffset, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Done, done, PageAnswer } from '../../contract.ts'
import { ConditionSchema } from '../../core/audience/conditions.ts'
import { MemberBrief, presentBrief } from '../../core/memberBriefs.ts'
import { IdPath, pages, sorting } from '../../fields.ts'
import * as service from './service.ts'
import { type Branch, listSegments, type Segment } from './store.ts'

const tag = 'CRM segments'

const fields = {
  name: Text(100, { examples: ['常客'] }),
  description: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
  condition: ConditionSchema,
}
const SegmentBody = Type.Object(fields)
const SegmentChange = Type.Object(
  { name: Type.Optional(fields.name), description: fields.description, condition: Type.Optional(fields.condition) },
  { minProperties: 1 },
)

const SegmentRow = Type.Object({
  id: Id,
  name: Type.String(),
  description: Nullable(Type.String()),
  condition: ConditionSchema,
  created_by: Nullable(Type.Object({ id: Id, name: Type.String() })),
  created_at: Instant,
  updated_at: Nullable(Instant),
})
const SegmentDetail = Type.Object({
  ...SegmentRow.properties,
  member_count: Type.Integer({ description: 'Members whom the condition finds now.' }),
  reachable_count: Type.Integer({ description: 'Those of them who follow by LINE and accept marketing.' }),
})

const ExplainedBranch = Type.Object({
  path: Type.String({ description: 'JSON pointer of the branch.', examples: ['/condition/all/0'] }),
  kind: Type.String({ examples: ['all'] }),
  count: Type.Integer({ description: 'Members for whom this branch holds by itself.' }),
  parts: Type.Array(Type.Record(Type.String(), Type.Unknown()), { description: 'The branches below, in this form.' }),
})
const Preview = Type.Object({
  count: Type.Integer(),
  reachable_count: Type.Integer(),
  members: Type.Array(MemberBrief, { description: 'The first 10. Empty without the right to read members.' }),
  explain: ExplainedBranch,
})

function present(segment: Segment): Of<typeof SegmentRow> {
  const { id, name, description, condition, createdBy, createdByName, createdAt, updatedAt } = segment
  return {
    id,
    name,
    description,
    condition: { ...condition },
    created_by: createdBy === null ? null : { id: createdBy, name: createdByName ?? '' },
    created_at: createdAt.toISOString(),
    updated_at: updatedAt?.toISOString() ?? null,
  }
}

function explained({ parts, ...branch }: Branch): Of<typeof ExplainedBranch> {
  return { ...branch, parts: parts.map(explained) }
}

async function detail(kernel: Kernel, id: number): Promise<Of<typeof SegmentDetail>> {
  const { segment, count, reachable } = await service.getSegment(kernel, id)
  return { ...present(segment), member_count: count, reachable_count: reachable }
}

/** Routes of the segments: saved conditions on members. */
export function segmentRoutes(app: App, kernel: Kernel): void {
  readingRoutes(app, kernel)
  changingRoutes(app, kernel)
}

function readingRoutes(app: App, kernel: Kernel): void {
  const permission = 'crm:segments.read'
  route(app, {
    method: 'GET',
    paths: ['/api/v1/segments'],
    operationId: 'listCrmSegments',
    permission,
    summary: 'List the segments',
    tag,
    schema: {
      querystring: pages(20, {
        search: Type.Optional(Type.String({ maxLength: 100, description: 'Part of a name or description.' })),
        ...sorting(['created_at', 'name'], 'desc'),
      }),
      response: { 200: PageAnswer(SegmentRow) },
    },
    handler: async ({ query }) => {
      const { items, total } = await listSegments(kernel.db, {
        offset: pageOffset(query),
        limit: query.page_size,
        sort: query.sort_by,
        descending: query.order === 'desc',
        search: query.search,
      })
      return answer(pageAnswer(items.map(present), total, query))
    },
  })

  route(app, {
    method: 'GET',
    paths: ['/api/v1/segments/{id}'],
    operationId: 'getCrmSegment',
    permission,
    summary: 'Get a segment with the numbers of its members',
    tag,
    schema: { params: IdPath, response: { 200: Answer(SegmentDetail) } },
    handler: async ({ params }) => answer(await detail(kernel, params.id)),
  })

  route(app, {
    method: 'GET',
    paths: ['/api/v1/segments/{id}/members'],
    operationId: 'listCrmSegmentMembers',
    permission: 'crm:members.read',
    summary: 'List the members of a segment',
    tag,
    schema: { params: IdPath, querystring: pages(20, {}), response: { 200: PageAnswer(MemberBrief) } },
    handler: async ({ params, query }) => {
      const page = { limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await service.segmentMembers(kernel, params.id, page)
      return answer(pageAnswer(items.map(presentBrief), total, query))
    },
  })

  route(app, {
    method: 'POST',
    paths: ['/api/v1/segments/preview'],
    operationId: 'previewCrmSegment',
    permission,
    summary: 'Count the members that a condition finds',
    description:
      '`explain` is the tree of the condition. Each branch has the number of members for whom it holds by itself, so ' +
      'one can see which part leaves nobody.',
    tag,
    schema: { body: Type.Object({ condition: ConditionSchema }), response: { 200: Answer(Preview) } },
    handler: async (request) => {
      const found = await service.previewCondition(kernel, request.body.condition)
      const maySee = callerOf(request).permissions.has('crm:members.read')
      return answer({
        count: found.count,
        reachable_count: found.reachable,
        members: maySee ? found.members.map(presentBrief) : [],
        explain: explained(found.explain),
      })
    },
  })
}

function changingRoutes(app: App, kernel: Kernel): void {
  const permission = 'crm:segments.write'
  route(app, {
    method: 'POST',
    paths: ['/api/v1/segments'],
    operationId: 'addCrmSegment',
    permission,
    summary: 'Add a segment',
    tag,
    schema: { body: SegmentBody, response: { 200: Answer(SegmentDetail) } },
    handler: async (request) =>
      answer(await detail(kernel, await service.addSegment(kernel, callerOf(request), request.body))),
  })

  route(app, {
    method: 'PUT',
    paths: ['/api/v1/segments/{id}'],
    operationId: 'changeCrmSegment',
    permission,
    summary: 'Change a segment',
    description: 'Absent fields stay. Campaigns that have not started yet are sent by the new condition.',
    tag,
    schema: { params: IdPath, body: SegmentChange, response: { 200: Answer(SegmentDetail) } },
    handler: async (request) => {
      await service.changeSegment(kernel, callerOf(request), request.params.id, request.body)
      return answer(await detail(kernel, request.params.id))
    },
  })

  route(app, {
    method: 'DELETE',
    paths: ['/api/v1/segments/{id}'],
    operationId: 'deleteCrmSegment',
    permission,
    summary: 'Delete a segment',
    description: 'Refused (409) while a campaign that has not ended is sent to it; the refusal names the campaigns.',
    tag,
    schema: { params: IdPath, response: { 200: Done } },
    handler: async (request) => {
      await service.removeSegment(kernel, callerOf(request), request.params.id)
      return done('Segment deleted successfully')
    },
  })
}
