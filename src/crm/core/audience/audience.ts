import { type Static, Type } from 'typebox'
import { Id } from '../../../kernel/http/schemas.ts'

const Tags = Type.Array(Id, { maxItems: 100, uniqueItems: true })

/** The members that a campaign is for. */
export const Audience = Type.Object({
  type: Type.Enum(['all', 'tags', 'segment']),
  include_tags: Type.Optional(Tags),
  exclude_tags: Type.Optional(Tags),
  include_mode: Type.Optional(Type.Enum(['any', 'all'], { description: 'Default: any.' })),
  segment_id: Type.Optional(Id),
})
export type Audience = Static<typeof Audience>

/** A condition by which a campaign goes out every day: to members who followed that many days ago, both ends included. */
export const Trigger = Type.Object({
  type: Type.Enum(['friend_days']),
  days_range: Type.Array(Type.Integer({ minimum: 0, maximum: 3650 }), { minItems: 2, maxItems: 2 }),
})
export type Trigger = Static<typeof Trigger>
