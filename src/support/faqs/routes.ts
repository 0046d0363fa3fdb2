import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import {
  Id,
  IdParams,
  Instant,
  type Of,
  pageAnswer,
  pageAsked,
  pageOf,
  pageQuery,
  Text,
} from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { localTimestamp } from '../../kernel/time.ts'
import { Deleted } from '../../site/fields.ts'
import { v1 } from '../../site/paths.ts'
import { MANAGE } from '../permissions.ts'
import * as service from './service.ts'
import type { Faq } from './store.ts'

const tag = 'Frequent questions'

const FaqSchema = Type.Object(
  {
    id: Id,
    category: Type.String(),
    question: Type.String(),
    answer: Type.String(),
    keywords: Type.String({ description: 'Other search terms for it.' }),
    position: Type.Integer({ description: 'Position in the list, ascending.' }),
    published: Type.Boolean(),
    created_at: Instant,
    updated_at: Instant,
  },
  { title: 'Faq' },
)

const optionalFields = {
  category: Type.Optional(Text(50, { examples: ['预约'] })),
  keywords: Type.Optional(Type.String({ maxLength: 500 })),
  position: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  published: Type.Optional(Type.Boolean()),
}
const Question = Text(300, { examples: ['如何取消预约？'] })
const Answer = Text(5000)

const filters = {
  q: Type.Optional(
    Text(100, { description: 'Search text, Chinese or other. The best matches come first, whatever `sort` says.' }),
  ),
  category: Type.Optional(Text(50)),
}
const PublicQuery = pageQuery(['position', 'created_at', 'id'], filters)
const AdminQuery = pageQuery(['position', 'created_at', 'id'], {
  ...filters,
  published: Type.Optional(Type.Boolean()),
})

function presentFaq({ createdAt, updatedAt, ...faq }: Faq, zone: string): Of<typeof FaqSchema> {
  return { ...faq, created_at: localTimestamp(createdAt, zone), updated_at: localTimestamp(updatedAt, zone) }
}

/** Routes for frequent questions: everybody reads them, support edits them. */
export function faqRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: v1('/support/faqs'),
    permission: 'public',
    summary: 'List and search frequent questions',
    tag,
    schema: { querystring: PublicQuery, response: { 200: pageOf(FaqSchema) } },
    handler: ({ query }) => list(kernel, { ...query, published: true }),
  })
  route(app, {
    method: 'GET',
    paths: v1('/support/faqs/{id}'),
    permission: 'public',
    summary: 'Read a frequent question',
    tag,
    schema: { params: IdParams, response: { 200: FaqSchema } },
    handler: async ({ params }) => presentFaq(await service.getFaq(kernel, params.id, false), zone),
  })
  keeping(app, kernel)
}

async function list(kernel: Kernel, query: Of<typeof AdminQuery>) {
  const page = pageAsked(query)
  const { items, total } = await service.listFaqs(kernel, query, page)
  const shown = items.map((faq) => presentFaq(faq, kernel.config.timeZone))
  return pageAnswer(shown, total, query)
}

function keeping(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: ['/api/admin/support/faqs'],
    operationId: 'listAllFaqs',
    permission: MANAGE,
    summary: 'List all frequent questions, including unpublished ones',
    tag,
    schema: { querystring: AdminQuery, response: { 200: pageOf(FaqSchema) } },
    handler: ({ query }) => list(kernel, query),
  })
  route(app, {
    method: 'POST',
    paths: ['/api/admin/support/faqs'],
    permission: MANAGE,
    summary: 'Add a frequent question',
    tag,
    schema: {
      body: Type.Object({ question: Question, answer: Answer, ...optionalFields }),
      response: { 201: FaqSchema },
    },
    handler: async (request) => presentFaq(await service.addFaq(kernel, callerOf(request), request.body), zone),
  })
  route(app, {
    method: 'PUT',
    paths: ['/api/admin/support/faqs/{id}'],
    permission: MANAGE,
    summary: 'Change a frequent question',
    description: 'Fields that are not given keep their value.',
    tag,
    schema: {
      params: IdParams,
      body: Type.Object({ question: Type.Optional(Question), answer: Type.Optional(Answer), ...optionalFields }),
      response: { 200: FaqSchema },
    },
    handler: async (request) =>
      presentFaq(await service.changeFaq(kernel, callerOf(request), request.params.id, request.body), zone),
  })
  route(app, {
    method: 'DELETE',
    paths: ['/api/admin/support/faqs/{id}'],
    permission: MANAGE,
    summary: 'Delete a frequent question',
    tag,
    schema: { params: IdParams, response: { 204: Deleted } },
    handler: (request) => service.removeFaq(kernel, callerOf(request), request.params.id),
  })
}
