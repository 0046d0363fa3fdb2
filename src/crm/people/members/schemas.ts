import { Type } from 'typebox'
import { Id, Instant, LocalDate, Nullable } from '../../../kernel/http/schemas.ts'
import { IdList, pages, sorting, TagMark } from '../../fields.ts'
import type { MemberDetail, ShownMember } from './service.ts'

const Name = Type.String({ maxLength: 50 })
const Gender = Type.Enum(['male', 'female', 'other'])

/** The fields of a member in a request. */
export const MemberBody = Type.Object({
  first_name: Type.Optional(Nullable(Name)),
  last_name: Type.Optional(Nullable(Name)),
  gender: Type.Optional(Nullable(Gender)),
  birthday: Type.Optional(Nullable(LocalDate)),
  email: Type.Optional(Nullable(Type.String({ format: 'email', maxLength: 100, examples: ['wang.ming@email.com'] }))),
  phone: Type.Optional(Nullable(Type.String({ maxLength: 20, examples: ['0912-345-678'] }))),
  id_number: Type.Optional(
    Nullable(
      Type.String({ maxLength: 50, description: 'Shown masked. A masked value that is sent back changes nothing.' }),
    ),
  ),
  accept_marketing: Type.Optional(Type.Boolean()),
  notes: Type.Optional(Nullable(Type.String({ maxLength: 10_000 }))),
})

const row = {
  id: Id,
  line_uid: Nullable(Type.String()),
  line_display_name: Nullable(Type.String()),
  line_picture_url: Nullable(Type.String()),
  first_name: Nullable(Type.String()),
  last_name: Nullable(Type.String()),
  email: Nullable(Type.String()),
  phone: Nullable(Type.String()),
  source: Type.Enum(['line', 'crm', 'system']),
  accept_marketing: Type.Boolean(),
  is_following: Type.Boolean({ description: 'Whether the member has a LINE account that follows the official one.' }),
  tags: Type.Array(TagMark),
  created_at: Instant,
  last_interaction_at: Nullable(Instant),
}

export const MemberRow = Type.Object(row, { title: 'CrmMemberRow' })

export const MemberAnswer = Type.Object(
  {
    ...row,
    gender: Nullable(Gender),
    birthday: Nullable(LocalDate),
    id_number: Nullable(Type.String({ examples: ['A12****789'] })),
    notes: Nullable(Type.String()),
    consumption_summary: Type.Object({
      total_amount: Type.Number(),
      total_orders: Type.Integer(),
      average_amount: Type.Number(),
    }),
    updated_at: Nullable(Instant),
  },
  { title: 'CrmMember' },
)

const Amount = Type.Number({ minimum: 0, maximum: 1e12 })

/** The filters of the list. */
const filters = {
  search: Type.Optional(Type.String({ maxLength: 100, description: 'Name in either order, e-mail address or phone.' })),
  tags: Type.Optional(IdList),
  tags_mode: Type.Optional(Type.Enum(['any', 'all'])),
  source: Type.Optional(Type.Enum(['line', 'crm', 'system'])),
  gender: Type.Optional(Gender),
  accept_marketing: Type.Optional(Type.Boolean()),
  line: Type.Optional(Type.Enum(['linked', 'unlinked', 'following'])),
  created_from: Type.Optional(LocalDate),
  created_to: Type.Optional(LocalDate),
  last_interaction_from: Type.Optional(LocalDate),
  last_interaction_to: Type.Optional(LocalDate),
  consumption_min: Type.Optional(Amount),
  consumption_max: Type.Optional(Amount),
}

export const MemberQuery = pages(20, {
  ...filters,
  ...sorting(['last_interaction_at', 'created_at', 'name', 'id'], 'desc'),
})

export const ConsumptionBody = Type.Object({
  order_number: Type.String({ minLength: 1, maxLength: 50, examples: ['#2025091501'] }),
  room_type: Type.Optional(Nullable(Type.String({ maxLength: 100 }))),
  amount: Type.Number({ minimum: 0, maximum: 99_999_999.99 }),
  check_in_date: Type.Optional(Nullable(LocalDate)),
  check_out_date: Type.Optional(Nullable(LocalDate)),
  nights: Type.Optional(Nullable(Type.Integer({ minimum: 0, maximum: 10_000 }))),
})

export const ConsumptionRow = Type.Object(
  {
    id: Id,
    order_number: Type.String(),
    room_type: Nullable(Type.String()),
    amount: Type.Number(),
    check_in_date: Nullable(LocalDate),
    check_out_date: Nullable(LocalDate),
    nights: Nullable(Type.Integer()),
    source: Type.Enum(['pms', 'manual']),
    created_at: Instant,
  },
  { title: 'CrmConsumption' },
)

export const TimelineEntry = Type.Object({
  at: Instant,
  kind: Type.String({ examples: ['campaign_clicked'] }),
  text: Type.String(),
  ref_id: Nullable(Id),
})

export function presentRow(member: ShownMember) {
  return { ...member, tags: member.tags.map((tag) => ({ ...tag })) }
}

export function presentMember(member: MemberDetail) {
  return { ...presentRow(member), consumption_summary: member.consumption_summary }
}
