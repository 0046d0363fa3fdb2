import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import { IdParams, type Of, pageAnswer, pageOf, pageOffset, pageQuery, sortOrder } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { channels } from '../../kernel/notifications/channels.ts'
import * as administration from '../../kernel/notifications/texts/administration.ts'
import { loadTemplates, type StoredTemplate } from '../../kernel/notifications/texts/catalogue.ts'
import type { NotificationType } from '../../kernel/notifications/texts/types.ts'
import { Deleted } from '../fields.ts'
import { v1 } from '../paths.ts'
import {
  FactsInput,
  LocaleName,
  MANAGE,
  NotificationTypeSchema,
  Template,
  TemplateBody,
  TemplateTexts,
  TypeChange,
  TypeKey,
  WrittenChannel,
} from './schemas.ts'

const tag = 'Notification types'
const permission = MANAGE
const TypeParams = Type.Object({ key: TypeKey })

/** Routes for notification types and their templates. */
export function notificationTypeRoutes(app: App, kernel: Kernel): void {
  const present = (type: NotificationType): Of<typeof NotificationTypeSchema> => ({
    key: type.key,
    name: type.title,
    category: type.category,
    urgent: type.urgent,
    channels: channels.switchable.filter((channel) => type.channels.includes(channel)),
    subject: type.subject,
    body: type.body,
    sample: { ...type.sample },
    built_in: kernel.notifications.catalogue.isBuiltIn(type.key),
  })
  const current = (key: string) => present(administration.getType(kernel.notifications.catalogue, key))

  route(app, {
    method: 'GET',
    paths: v1('/notification-types'),
    permission,
    summary: 'List the notification types',
    tag,
    schema: { querystring: pageQuery(['key']), response: { 200: pageOf(NotificationTypeSchema) } },
    handler: async ({ query }) => {
      const all = kernel.notifications.catalogue.types().toSorted((a, b) => (a.key < b.key ? -1 : 1))
      const sorted = sortOrder(query.sort).direction === 'asc' ? all : all.toReversed()
      const items = sorted.slice(pageOffset(query), pageOffset(query) + query.page_size)
      return pageAnswer(items.map(present), all.length, query)
    },
  })

  route(app, {
    method: 'GET',
    paths: v1('/notification-types/{key}'),
    permission,
    summary: 'Read a notification type',
    tag,
    schema: { params: TypeParams, response: { 200: NotificationTypeSchema } },
    handler: async ({ params }) => current(params.key),
  })

  route(app, {
    method: 'POST',
    paths: v1('/notification-types'),
    permission,
    summary: 'Add a notification type',
    description: 'Its own text is used where no template applies; if it has none, `subject` and `body` of the data.',
    tag,
    schema: {
      body: Type.Object({ key: TypeKey, ...TypeChange.properties }),
      response: { 201: NotificationTypeSchema },
    },
    handler: async (request) => {
      const { key, ...input } = request.body
      await administration.createType(kernel, callerOf(request), typeOf(key, input))
      return current(key)
    },
  })

  route(app, {
    method: 'PUT',
    paths: v1('/notification-types/{key}'),
    permission,
    summary: 'Change a notification type',
    tag,
    schema: { params: TypeParams, body: TypeChange, response: { 200: NotificationTypeSchema } },
    handler: async (request) => {
      const { key } = request.params
      await administration.updateType(kernel, callerOf(request), typeOf(key, request.body))
      return current(key)
    },
  })

  route(app, {
    method: 'DELETE',
    paths: v1('/notification-types/{key}'),
    permission,
    summary: 'Delete a notification type',
    description: 'Refused (`type_in_use`) once a message of this type was sent.',
    tag,
    schema: { params: TypeParams, response: { 204: Deleted } },
    handler: async (request) => {
      await administration.deleteType(kernel, callerOf(request), request.params.key)
      return null
    },
  })

  templates(app, kernel)
}

function typeOf(key: string, input: Of<typeof TypeChange>): NotificationType {
  return {
    key,
    title: input.name,
    category: input.category,
    urgent: input.urgent ?? false,
    channels: input.channels ?? [],
    subject: input.subject ?? '{{ subject }}',
    body: input.body ?? '{{ body }}',
    sample: input.sample ?? { subject: '标题', body: '正文' },
  }
}

function presentTemplate(template: StoredTemplate): Of<typeof Template> {
  const { id, type, channel, locale, subject, body, html, providerCode, providerParams } = template
  return {
    ...{ id, type, channel, locale, subject, body, html, provider_code: providerCode },
    provider_params: providerParams === null ? null : [...providerParams],
    created_at: template.createdAt.toISOString(),
    updated_at: template.updatedAt.toISOString(),
  }
}

function textsOf(input: Of<typeof TemplateTexts>): administration.TemplateContent {
  const {
    subject,
    body,
    html = null,
    provider_code: providerCode = null,
    provider_params: providerParams = null,
  } = input
  return { subject, body, html, providerCode, providerParams }
}

function templates(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/notification-templates'),
    permission,
    summary: 'List the templates',
    tag,
    schema: {
      querystring: pageQuery(['type'], { type: Type.Optional(TypeKey) }),
      response: { 200: pageOf(Template) },
    },
    handler: async ({ query }) => {
      const all = await loadTemplates(kernel.db, query.type === undefined ? {} : { type: query.type })
      const sorted = sortOrder(query.sort).direction === 'asc' ? all : all.toReversed()
      const items = sorted.slice(pageOffset(query), pageOffset(query) + query.page_size)
      return pageAnswer(items.map(presentTemplate), all.length, query)
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/notification-templates'),
    permission,
    summary: 'Add a template',
    description: 'For a type, a channel and a language. Variables that the type’s sample doesn’t have are refused.',
    tag,
    schema: { body: TemplateBody, response: { 201: Template } },
    handler: async (request) => {
      const { type, channel, locale, ...texts } = request.body
      const place = { type, channel, locale }
      return presentTemplate(await administration.createTemplate(kernel, callerOf(request), place, textsOf(texts)))
    },
  })

  route(app, {
    method: 'PUT',
    paths: v1('/notification-templates/{id}'),
    permission,
    summary: 'Change a template',
    tag,
    schema: { params: IdParams, body: TemplateTexts, response: { 200: Template } },
    handler: async (request) =>
      presentTemplate(
        await administration.updateTemplate(kernel, callerOf(request), request.params.id, textsOf(request.body)),
      ),
  })

  route(app, {
    method: 'DELETE',
    paths: v1('/notification-templates/{id}'),
    permission,
    summary: 'Delete a template',
    tag,
    schema: { params: IdParams, response: { 204: Deleted } },
    handler: async (request) => {
      await administration.deleteTemplate(kernel, callerOf(request), request.params.id)
      return null
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/notification-templates/preview'),
    permission,
    summary: 'Preview a template',
    description: 'Uses the type’s sample data, or the given data. Nothing is stored or sent.',
    tag,
    schema: {
      body: Type.Object({
        type: TypeKey,
        channel: WrittenChannel,
        locale: Type.Optional(LocaleName),
        ...TemplateTexts.properties,
        data: Type.Optional(FactsInput),
      }),
      response: {
        200: Type.Object({ subject: Type.String(), body: Type.String(), html: Type.Optional(Type.String()) }),
      },
    },
    handler: async ({ body: input }) => {
      const { type, channel, data = {} } = input
      const text = administration.previewTemplate(kernel.notifications.catalogue, type, channel, textsOf(input), data)
      return { subject: text.subject, body: text.body, ...(text.html !== undefined && { html: text.html }) }
    },
  })
}
