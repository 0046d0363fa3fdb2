import { Type } from 'typebox'
import { Id, Instant, Nullable, Text } from '../../kernel/http/schemas.ts'
import { channels } from '../../kernel/notifications/channels.ts'
import { CATEGORIES, LOCALES } from '../../kernel/notifications/texts/types.ts'

export const MANAGE = 'site:notifications.manage'
export const READ = 'site:notifications.read'
export const CONTACTS = 'site:contacts.read'

export const TypeKey = Type.String({
  minLength: 3,
  maxLength: 100,
  pattern: '^[a-z][a-z0-9_]*(\\.[a-z0-9_]+)+$',
  examples: ['notice.closed_day'],
})
const delivered = channels.delivered.map(({ key }) => key)

/** A channel of deliveries. */
export const ChannelName = Type.Enum(delivered)
export const ChannelOrInbox = Type.Enum(['inbox', ...delivered])
/** A channel that people can switch on and off. */
export const SwitchableChannel = Type.Enum([...channels.switchable])
export const LocaleName = Type.Enum([...LOCALES])
export const WrittenChannel = Type.Enum([...channels.withTexts])

/** Variables of a template and their values. */
export const Facts = Type.Record(Type.String(), Type.Unknown())

const example = { subject: '周末开放安排', body: '本周末照常开放。' }

/** The same in a request: strings, numbers and booleans only. */
export const FactsInput = Type.Unsafe<Record<string, string | number | boolean | null>>({
  type: 'object',
  maxProperties: 100,
  propertyNames: { maxLength: 100 },
  additionalProperties: {
    anyOf: [
      { type: 'string', maxLength: 20_000 },
      { type: 'number', minimum: -1e15, maximum: 1e15 },
      { type: 'boolean' },
      { type: 'null' },
    ],
  },
  examples: [example],
})

/** A condition on people, as a tree of `all`, `any`, `not` and kinds. */
export const Condition = Type.Record(Type.String({ maxLength: 100 }), Type.Unknown(), {
  description:
    '`{"all": […]}`, `{"any": […]}`, `{"not": …}` or one of the kinds of `GET /api/v1/audiences/kinds`, such as ' +
    '`{"kind": "role", "in": ["venue:employee"]}`.',
  maxProperties: 20,
  examples: [{ all: [{ kind: 'role', in: ['venue:employee'] }, { not: { kind: 'department', in: ['研发部'] } }] }],
})

const typeFields = {
  name: Text(100, { examples: ['闭馆通知'] }),
  category: Type.Enum([...CATEGORIES]),
  urgent: Type.Boolean(),
  channels: Type.Array(SwitchableChannel, {
    maxItems: channels.switchable.length,
    uniqueItems: true,
    description: 'Channels besides the inbox, unless a person chooses others.',
  }),
  subject: Type.String({ minLength: 1, maxLength: 500, description: 'LiquidJS template over the data.' }),
  body: Type.String({ minLength: 1, maxLength: 20_000, description: 'LiquidJS template over the data.' }),
  sample: Facts,
}

export const NotificationTypeSchema = Type.Object(
  {
    key: TypeKey,
    ...typeFields,
    built_in: Type.Boolean({ description: 'True for a type of the program: only its templates can be changed.' }),
  },
  { title: 'NotificationType' },
)

/**
 * The fields of a type that administrators set. Without texts of its own, a type shows `subject` and `body` of its
 * data.
 */
export const TypeChange = Type.Object({
  name: typeFields.name,
  category: typeFields.category,
  urgent: Type.Optional(typeFields.urgent),
  channels: Type.Optional(typeFields.channels),
  subject: Type.Optional(typeFields.subject),
  body: Type.Optional(typeFields.body),
  sample: Type.Optional(FactsInput),
})

const texts = {
  subject: Type.String({ maxLength: 500 }),
  body: Type.String({ minLength: 1, maxLength: 20_000 }),
  html: Type.Optional(
    Nullable(
      Type.String({ maxLength: 100_000, description: 'Rich text for mails; sanitised after the data is filled in.' }),
    ),
  ),
  provider_code: Type.Optional(
    Nullable(
      Type.String({ minLength: 1, maxLength: 100, description: 'SMS: the template registered at the provider.' }),
    ),
  ),
  provider_params: Type.Optional(
    Nullable(Type.Array(Text(100), { maxItems: 30, description: 'SMS: its variables, in order.' })),
  ),
}

export const TemplateTexts = Type.Object(texts)
export const TemplateBody = Type.Object({ type: TypeKey, channel: WrittenChannel, locale: LocaleName, ...texts })

export const Template = Type.Object(
  {
    id: Id,
    type: TypeKey,
    channel: WrittenChannel,
    locale: LocaleName,
    subject: Type.String(),
    body: Type.String(),
    html: Nullable(Type.String()),
    provider_code: Nullable(Type.String()),
    provider_params: Nullable(Type.Array(Type.String())),
    created_at: Instant,
    updated_at: Instant,
  },
  { title: 'NotificationTemplate' },
)
