import { type TProperties, type TSchema, Type } from 'typebox'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import type { Dimension, NAMES } from './dimensions.ts'
import * as store from './store.ts'

/** One statistic as the API shows it. The figures are defined in docs/statistics.md. */
export interface Definition {
  /** The last step of its path. */
  readonly path: string
  /** The name of the operation, where the one derived from the path does not read well. */
  readonly operationId?: string
  readonly summary: string
  readonly description: string
  /** What it can be grouped by; the first unless said. */
  readonly dimensions: readonly [Dimension, ...Dimension[]]
  readonly figures: TProperties
  /** The figures of one dimension, where not all have all of them. */
  readonly figuresOf?: (dimension: Dimension) => readonly string[]
  readonly statistic: store.Statistic
  /** Name of the exported file. */
  readonly file: string
}

type Name = (typeof NAMES)[Dimension][number]

/** The columns that name a group. */
export const NAME_SCHEMAS: Readonly<Record<Name, TSchema>> = {
  user_id: Id,
  username: Type.String(),
  display_name: Type.String(),
  department: Nullable(Type.String()),
  venue_id: Id,
  venue_name: Type.String(),
  sport_venue_id: Nullable(Id),
  sport_venue_name: Nullable(Type.String()),
  facility_id: Id,
  facility_name: Type.String(),
  weekday: Type.Integer({ minimum: 1, maximum: 7, description: '1 is Monday.' }),
  hour: Type.Integer({ minimum: 0, maximum: 23 }),
  period: Type.String({
    description: 'The local day, the Monday of the week, or the first of the month.',
    examples: ['2026-03-02'],
  }),
}

const count = (description?: string) => Type.Integer({ minimum: 0, ...(description !== undefined && { description }) })
const rate = (description: string) =>
  Nullable(Type.Number({ description: `${description} To four decimals; null where there is nothing to divide by.` }))

const activityOfPerson = { reservations: count(), active: Type.Optional(Type.Boolean()) }
const activityOfMany = {
  users: Type.Optional(count()),
  active_users: Type.Optional(count()),
  inactive_users: Type.Optional(count()),
  active_rate: Type.Optional(rate('Active people among all.')),
}

export const DEFINITIONS: readonly Definition[] = [
  {
    path: 'user-reservations',
    operationId: 'getUserReservationStats',
    summary: 'How often people booked',
    description: 'Reservations by the local day they are for.',
    dimensions: ['user', 'department', 'venue', 'sport_venue', 'day', 'week', 'month'],
    figures: {
      reservations: count('All of them, whatever became of them.'),
      open: count('Pending, confirmed or checked in.'),
      completed: count(),
      no_shows: count(),
      cancelled: count(),
      rejected: count(),
      displaced: count(),
      places: count('Places of all of them.'),
    },
    statistic: store.userReservations,
    file: '预约次数统计',
  },
  {
    path: 'user-activity',
    summary: 'Who is active and who is not',
    description: 'Active is whoever has at least `threshold` reservations that were not called off.',
    dimensions: ['user', 'department', 'month'],
    figures: { ...activityOfPerson, ...activityOfMany },
    figuresOf: (dimension) =>
      Object.keys(dimension === 'user' ? activityOfPerson : { ...activityOfMany, reservations: null }),
    statistic: store.userActivity,
    file: '员工活跃度',
  },
  {
    path: 'venue-usage',
    summary: 'How much of what venues offer is used',
    description: 'In place-minutes: an hour for four people offers 240.',
    dimensions: ['venue', 'sport_venue', 'day', 'week', 'month'],
    figures: {
      slots: count(),
      visits: count('Reservations that were checked in or completed.'),
      offered_place_minutes: count(),
      used_place_minutes: count('Of places that were taken and not given back.'),
      actual_place_minutes: count('From checking in to checking out.'),
      usage_rate: rate('Used place-minutes in offered ones.'),
    },
    statistic: store.venueUsage,
    file: '场馆使用率',
  },
  {
    path: 'venue-feedback',
    operationId: 'getVenueFeedbackStats',
    summary: 'What people think of the venues',
    description: 'Ratings by the local day they were given; hidden ones don’t count.',
    dimensions: ['venue', 'sport_venue', 'department', 'day', 'week', 'month'],
    figures: {
      ratings: count(),
      average: Type.Number({ minimum: 1, maximum: 5, description: 'To two decimals.' }),
      score_1: count(),
      score_2: count(),
      score_3: count(),
      score_4: count(),
      score_5: count(),
      satisfaction_rate: rate('Ratings of 4 and 5 among all.'),
      comments: count('Ratings with a text.'),
    },
    statistic: store.venueFeedback,
    file: '场馆满意度',
  },
  {
    path: 'facility-usage',
    summary: 'How much facilities are used, and how often they fail',
    description: 'Use sessions by the local day they started, repair reports by the day they were made.',
    dimensions: ['facility', 'venue', 'sport_venue', 'department', 'day', 'week', 'month'],
    figures: {
      uses: count(),
      minutes: count(),
      reports: count('Repair reports, whatever became of them.'),
      failures: count('Repair reports that were accepted.'),
      failure_rate: rate('Failures for each use.'),
    },
    statistic: store.facilityUsage,
    file: '设施使用统计',
  },
  {
    path: 'popular-hours',
    summary: 'When people come',
    description: 'Reservations that were not called off, by the local weekday and hour they start in.',
    dimensions: ['hour'],
    figures: { reservations: count(), places: count() },
    statistic: store.popularHours,
    file: '热门时段',
  },
  {
    path: 'no-show-rate',
    summary: 'How many appointments nobody kept',
    description: 'Of the reservations that were completed or missed.',
    dimensions: ['venue', 'sport_venue', 'user', 'department', 'day', 'week', 'month'],
    figures: { due: count(), no_shows: count(), no_show_rate: rate('Missed ones among those due.') },
    statistic: store.noShowRate,
    file: '爽约率',
  },
]
