import { type TProperties, type TSchema, Type } from 'typebox'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import type { Dimension, NAMES } from './dimensions.ts'
import * as store from './store.ts'

/** A statistic as the API shows it. The figures are defined in docs/statistics.md. */
export interface Definition {
  /** Last segment of its path. */
  readonly path: string
  /** Operation id, where the one derived from the path does not read well. */
  readonly operationId?: string
  readonly summary: string
  readonly description: string
  /** Dimensions it can be grouped by; the first is the default. */
  readonly dimensions: readonly [Dimension, ...Dimension[]]
  readonly figures: TProperties
  /** Figures of a dimension, if they differ between dimensions. */
  readonly figuresOf?: (dimension: Dimension) => readonly string[]
  readonly statistic: store.Statistic
  /** Name of the exported file. */
  readonly file: string
}

type Name = (typeof NAMES)[Dimension][number]

/** Schemas of the columns that name a group. */
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
  Nullable(Type.Number({ description: `${description} To four decimals; null where the divisor is 0.` }))

const activityOfPerson = { reservations: count(), active: Type.Optional(Type.Boolean()) }
const activityOfMany = {
  users: Type.Optional(count()),
  active_users: Type.Optional(count()),
  inactive_users: Type.Optional(count()),
  active_rate: Type.Optional(rate('Share of active people.')),
}

export const DEFINITIONS: readonly Definition[] = [
  {
    path: 'user-reservations',
    operationId: 'getUserReservationStats',
    summary: 'Count reservations and their outcomes',
    description: 'Reservations by the local day of their slot.',
    dimensions: ['user', 'department', 'venue', 'sport_venue', 'day', 'week', 'month'],
    figures: {
      reservations: count('In every state.'),
      open: count('Pending, confirmed or checked in.'),
      completed: count(),
      no_shows: count(),
      cancelled: count(),
      rejected: count(),
      displaced: count(),
      places: count('Places of all these reservations.'),
    },
    statistic: store.userReservations,
    file: '预约次数统计',
  },
  {
    path: 'user-activity',
    summary: 'Count active and inactive people',
    description:
      'A person is active with at least `threshold` reservations that were not cancelled, rejected or displaced.',
    dimensions: ['user', 'department', 'month'],
    figures: { ...activityOfPerson, ...activityOfMany },
    figuresOf: (dimension) =>
      Object.keys(dimension === 'user' ? activityOfPerson : { ...activityOfMany, reservations: null }),
    statistic: store.userActivity,
    file: '员工活跃度',
  },
  {
    path: 'venue-usage',
    summary: 'Read the usage of venues',
    description: 'In place-minutes: an hour for four people offers 240.',
    dimensions: ['venue', 'sport_venue', 'day', 'week', 'month'],
    figures: {
      slots: count(),
      visits: count('Reservations that were checked in or completed.'),
      offered_place_minutes: count(),
      used_place_minutes: count('Of places that were taken and not released.'),
      actual_place_minutes: count('From check-in to check-out.'),
      usage_rate: rate('Used place-minutes divided by offered ones.'),
    },
    statistic: store.venueUsage,
    file: '场馆使用率',
  },
  {
    path: 'venue-feedback',
    operationId: 'getVenueFeedbackStats',
    summary: 'Read the ratings of venues',
    description: 'Ratings by the local day on which they were given; hidden ones don’t count.',
    dimensions: ['venue', 'sport_venue', 'department', 'day', 'week', 'month'],
    figures: {
      ratings: count(),
      average: Type.Number({ minimum: 1, maximum: 5, description: 'To two decimals.' }),
      score_1: count(),
      score_2: count(),
      score_3: count(),
      score_4: count(),
      score_5: count(),
      satisfaction_rate: rate('Share of ratings of 4 and 5.'),
      comments: count('Ratings with a comment.'),
    },
    statistic: store.venueFeedback,
    file: '场馆满意度',
  },
  {
    path: 'facility-usage',
    summary: 'Read the usage and failures of facilities',
    description:
      'Use sessions by the local day on which they started, repair reports by the day on which they were made.',
    dimensions: ['facility', 'venue', 'sport_venue', 'department', 'day', 'week', 'month'],
    figures: {
      uses: count(),
      minutes: count(),
      reports: count('Repair reports in every state.'),
      failures: count('Repair reports that were accepted or fixed.'),
      failure_rate: rate('Failures divided by uses.'),
    },
    statistic: store.facilityUsage,
    file: '设施使用统计',
  },
  {
    path: 'popular-hours',
    summary: 'Read the most popular hours',
    description:
      'Reservations that were not cancelled, rejected or displaced, by local weekday and hour of their start.',
    dimensions: ['hour'],
    figures: { reservations: count(), places: count() },
    statistic: store.popularHours,
    file: '热门时段',
  },
  {
    path: 'no-show-rate',
    summary: 'Read the share of no-shows',
    description: 'Counts reservations that were completed or missed.',
    dimensions: ['venue', 'sport_venue', 'user', 'department', 'day', 'week', 'month'],
    figures: { due: count(), no_shows: count(), no_show_rate: rate('No-shows divided by `due`.') },
    statistic: store.noShowRate,
    file: '爽约率',
  },
]
