import { Type } from 'typebox'
import { Id, Instant, Nullable } from '../../../kernel/http/schemas.ts'
import { TEMPLATE_TYPES, type Template } from './types.ts'

const Address = Type.String({ maxLength: 500 })
const Price = Type.Number({ minimum: 0, maximum: 99_999_999.99, examples: [3200] })

const ButtonBody = Type.Object({
  label: Type.String({ maxLength: 200, examples: ['立即預訂'] }),
  action_url: Type.Optional(Nullable(Address)),
  interaction_tag_id: Type.Optional(Nullable(Id)),
})

const ItemBody = Type.Object({
  id: Type.Optional(Type.Integer({ description: 'Ignored: clients send whole items back.' })),
  image_url: Type.String({ minLength: 1, maxLength: 500, examples: ['https://cdn.hotel.com/001.jpg'] }),
  title: Type.Optional(Nullable(Type.String({ maxLength: 100 }))),
  description: Type.Optional(Nullable(Type.String({ maxLength: 200 }))),
  price: Type.Optional(Nullable(Price)),
  action_url: Type.Optional(Nullable(Address)),
  interaction_tag_id: Type.Optional(Nullable(Id)),
  sort_order: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
})

const ResultBody = Type.Object({
  type: Type.Enum(['redirect', 'template', 'both']),
  url: Type.Optional(Nullable(Address)),
  template_id: Type.Optional(Nullable(Id)),
})

const contentFields = {
  name: Type.Optional(Nullable(Type.String({ maxLength: 100, examples: ['中秋優惠模板'] }))),
  content: Type.Optional(Nullable(Type.String({ maxLength: 10_000 }))),
  buttons: Type.Optional(Nullable(Type.Array(ButtonBody, { maxItems: 20 }))),
  notification_text: Type.Optional(Nullable(Type.String({ maxLength: 100 }))),
  preview_text: Type.Optional(Nullable(Type.String({ maxLength: 100 }))),
  interaction_tag_id: Type.Optional(Nullable(Id)),
  interaction_result: Type.Optional(Nullable(ResultBody)),
  carousel_items: Type.Optional(Nullable(Type.Array(ItemBody, { maxItems: 50 }))),
}

/** A new template. */
export const TemplateBody = Type.Object({ type: Type.Enum([...TEMPLATE_TYPES]), ...contentFields })

/** A change of a template: absent fields stay as they are. */
export const TemplateChange = Type.Object({ type: Type.Optional(Type.Enum([...TEMPLATE_TYPES])), ...contentFields })

/** A template in an answer. */
export const TemplateAnswer = Type.Object(
  {
    id: Id,
    type: Type.Enum([...TEMPLATE_TYPES]),
    name: Nullable(Type.String()),
    content: Nullable(Type.String()),
    buttons: Nullable(
      Type.Array(
        Type.Object({ label: Type.String(), action_url: Nullable(Type.String()), interaction_tag_id: Nullable(Id) }),
      ),
    ),
    notification_text: Nullable(Type.String()),
    preview_text: Nullable(Type.String()),
    interaction_tag_id: Nullable(Id),
    interaction_result: Nullable(
      Type.Object({
        type: Type.Enum(['redirect', 'template', 'both']),
        url: Nullable(Type.String()),
        template_id: Nullable(Id),
      }),
    ),
    carousel_items: Type.Array(
      Type.Object({
        id: Id,
        image_url: Type.String(),
        title: Nullable(Type.String()),
        description: Nullable(Type.String()),
        price: Nullable(Type.Number()),
        action_url: Nullable(Type.String()),
        interaction_tag_id: Nullable(Id),
        sort_order: Type.Integer(),
      }),
    ),
    version: Type.Integer({ description: 'Raised when a template is changed that a sent campaign has used.' }),
    created_at: Instant,
    updated_at: Nullable(Instant),
  },
  { title: 'CrmTemplate' },
)

/** The messages of a preview, and a page that looks as on a phone. */
export const PreviewAnswer = Type.Object({
  messages: Type.Array(Type.Unsafe<object>({ type: 'object', additionalProperties: true })),
  html: Type.String({ description: 'A whole page without scripts.' }),
})

/** A template in the form of an answer. */
export function presentTemplate(template: Template) {
  return {
    ...template,
    buttons: template.buttons?.map((button) => ({ ...button })) ?? null,
    carousel_items: template.carousel_items.map((item) => ({ ...item })),
  }
}
