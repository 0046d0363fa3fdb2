import { sql } from 'kysely'
import { Type } from 'typebox'
import { type AudienceCondition, audienceCondition } from '../../../kernel/notifications/people/conditions.ts'

const days = (now: Date, count: number) => new Date(now.getTime() - count * 86_400_000)
const Count = Type.Integer({ minimum: 0, maximum: 1_000_000 })
const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
const closed = { additionalProperties: false }

/** Conditions on bookings, credit and points, for audiences. */
export const audienceConditions: readonly AudienceCondition[] = [
  audienceCondition({
    kind: 'venue:booked',
    about:
      'People with a reservation that started in the last `within_days` days; ' +
      'optionally of one venue, one sport venue or some states.',
    schema: Type.Object(
      {
        within_days: Type.Integer({ minimum: 1, maximum: 3650 }),
        venue_id: Type.Optional(Id),
        sport_venue_id: Type.Optional(Id),
        at_least: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
        statuses: Type.Optional(
          Type.Array(
            Type.Enum(['pending', 'confirmed', 'checked_in', 'completed', 'cancelled', 'no_show', 'displaced']),
            {
              minItems: 1,
              maxItems: 7,
            },
          ),
        ),
      },
      closed,
    ),
    example: { venue_id: 3, within_days: 30 },
    where: (condition, { now }) => sql`(
      SELECT count(*)
      FROM reservations r
      JOIN venues v ON v.id = r.venue_id
      WHERE r.user_id = u.id
        AND r.start_at >= ${days(now, condition.within_days)} AND r.start_at < ${now}
        AND (${condition.venue_id ?? null}::bigint IS NULL OR r.venue_id = ${condition.venue_id ?? null})
        AND (
          ${condition.sport_venue_id ?? null}::bigint IS NULL
          OR v.sport_venue_id = ${condition.sport_venue_id ?? null}
        )
        AND r.status = ANY (${condition.statuses ?? ['confirmed', 'checked_in', 'completed']}::text[])
    ) >= ${condition.at_least ?? 1}::int`,
  }),
  audienceCondition({
    kind: 'venue:booking_ahead',
    about: 'People with an upcoming reservation, of one venue or of any.',
    schema: Type.Object({ venue_id: Type.Optional(Id) }, closed),
    example: { venue_id: 3 },
    where: ({ venue_id: venue }, { now }) => sql`EXISTS (
      SELECT FROM reservations r
      WHERE r.user_id = u.id
        AND r.start_at >= ${now}
        AND r.status IN ('pending', 'confirmed')
        AND (${venue ?? null}::bigint IS NULL OR r.venue_id = ${venue ?? null})
    )`,
  }),
  audienceCondition({
    kind: 'venue:credit',
    about: 'People whose credit is in a range, both ends included. The credit of people who never booked is 100.',
    schema: Type.Object({ min: Type.Optional(Count), max: Type.Optional(Count) }, closed),
    example: { max: 60 },
    where: ({ min = 0, max = 1_000_000 }) =>
      sql`coalesce((SELECT m.credit FROM venue_members m WHERE m.user_id = u.id), 100)
        BETWEEN ${min}::int AND ${max}::int`,
  }),
  audienceCondition({
    kind: 'venue:points',
    about: 'People whose points are in a range, both ends included.',
    schema: Type.Object({ min: Type.Optional(Count), max: Type.Optional(Count) }, closed),
    example: { min: 100 },
    where: ({ min = 0, max = 1_000_000_000 }) =>
      sql`coalesce((SELECT m.points FROM venue_members m WHERE m.user_id = u.id), 0)
        BETWEEN ${min}::int AND ${max}::int`,
  }),
]
