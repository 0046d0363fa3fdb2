import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Instant, Nullable, pageAnswer, pageOffset } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Done, done, PageAnswer } from '../../contract.ts'
import { previewTemplate } from '../../core/templates/preview.ts'
import {
  PreviewAnswer,
  presentTemplate,
  TemplateAnswer,
  TemplateBody,
  TemplateChange,
} from '../../core/templates/schemas.ts'
import { TEMPLATE_TYPES } from '../../core/templates/types.ts'
import { IdPath, pages } from '../../fields.ts'
import * as service from './service.ts'
import { listTemplates } from './store.ts'

const common = { tag: 'CRM templates', permission: 'crm:templates' } as const
const PATH = '/api/v1/templates'
const limits =
  'Every field is checked against LINE’s limits: `buttons` 1 to 4 with labels of at most 20 characters, ' +
  '`image_click` exactly one `carousel_items`, `image_card` at most 10, pictures over https or uploaded here.'

/** Routes of message templates. */
export function templateRoutes(app: App, kernel: Kernel): void {
  readRoutes(app, kernel)
  writeRoutes(app, kernel)
}

function readRoutes(app: App, kernel: Kernel): void {
  route(app, {
    ...common,
    method: 'GET',
    paths: [PATH],
    operationId: 'listCrmTemplates',
    summary: 'List templates',
    schema: {
      querystring: pages(20, {
        type: Type.Optional(Type.Enum([...TEMPLATE_TYPES])),
        search: Type.Optional(Type.String({ maxLength: 100 })),
      }),
      response: {
        200: PageAnswer(
          Type.Object({
            id: Id,
            name: Nullable(Type.String()),
            type: Type.Enum([...TEMPLATE_TYPES]),
            created_at: Instant,
            updated_at: Nullable(Instant),
          }),
        ),
      },
    },
    handler: async ({ query }) => {
      const filter = { ...query, limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await kernel.withRetries((db) => listTemplates(db, filter))
      return answer(pageAnswer(items, total, query))
    },
  })
  route(app, {
    ...common,
    method: 'GET',
    paths: [`${PATH}/{id}`],
    operationId: 'getCrmTemplate',
    summary: 'Read a template',
    schema: { params: IdPath, response: { 200: Answer(TemplateAnswer) } },
    handler: async ({ params }) => answer(presentTemplate(await service.getTemplate(kernel, params.id))),
  })
  route(app, {
    ...common,
    method: 'GET',
    paths: [`${PATH}/{id}/preview`],
    operationId: 'previewCrmTemplate',
    summary: 'Show a template as LINE gets it, and as on a phone',
    schema: { params: IdPath, response: { 200: Answer(PreviewAnswer) } },
    handler: async ({ params }) => {
      const template = await service.getTemplate(kernel, params.id)
      const { messages, html } = previewTemplate(template, kernel.config.publicUrl)
      return answer({ messages: [...messages], html })
    },
  })
  route(app, {
    ...common,
    method: 'POST',
    paths: [`${PATH}/preview`],
    operationId: 'previewCrmTemplateContent',
    summary: 'Show a template that is not stored',
    description: limits,
    schema: { body: TemplateBody, response: { 200: Answer(PreviewAnswer) } },
    handler: async ({ body }) => {
      const { messages, html } = await service.previewContent(kernel, body)
      return answer({ messages: [...messages], html })
    },
  })
}

function writeRoutes(app: App, kernel: Kernel): void {
  route(app, {
    ...common,
    method: 'POST',
    paths: [PATH],
    operationId: 'addCrmTemplate',
    summary: 'Add a template',
    description: limits,
    schema: { body: TemplateBody, response: { 200: Answer(TemplateAnswer) } },
    handler: async (request) =>
      answer(presentTemplate(await service.addTemplate(kernel, callerOf(request), request.body))),
  })
  route(app, {
    ...common,
    method: 'POST',
    paths: [`${PATH}/{id}/copy`],
    operationId: 'copyCrmTemplate',
    summary: 'Copy a template',
    schema: { params: IdPath, response: { 200: Answer(TemplateAnswer) } },
    handler: async (request) =>
      answer(presentTemplate(await service.copyTemplate(kernel, callerOf(request), request.params.id))),
  })
  route(app, {
    ...common,
    method: 'PUT',
    paths: [`${PATH}/{id}`],
    operationId: 'changeCrmTemplate',
    summary: 'Change a template',
    description: `Absent fields stay as they are. A template that a sent campaign has used gets a new version. ${limits}`,
    schema: { params: IdPath, body: TemplateChange, response: { 200: Answer(TemplateAnswer) } },
    handler: async (request) => {
      const { params, body } = request
      return answer(presentTemplate(await service.changeTemplate(kernel, callerOf(request), params.id, body)))
    },
  })
  route(app, {
    ...common,
    method: 'DELETE',
    paths: [`${PATH}/{id}`],
    operationId: 'deleteCrmTemplate',
    summary: 'Delete a template that nothing uses',
    schema: { params: IdPath, response: { 200: Done } },
    handler: async (request) => {
      await service.deleteTemplate(kernel, callerOf(request), request.params.id)
      return done('Template deleted successfully')
    },
  })
}
