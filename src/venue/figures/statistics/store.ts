import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { allOf, type Condition } from '../../../kernel/database/lists.ts'
import { transaction } from '../../../kernel/database/transaction.ts'
import { type Dimension, isTime, keyOf } from './dimensions.ts'
import { type Grouping, groupingOf } from './groups/store.ts'

/** Parameters of a statistic. */
export interface Question {
  readonly dimension: Dimension
  /** Half-open range; null: no bound on that side. */
  readonly from: Date | null
  readonly to: Date | null
  readonly venueId: number | null
  readonly zone: string
  readonly now: Date
  /** Number of reservations from which a person counts as active. */
  readonly threshold: number
}

/** A group and its figures, by column. */
export type Group = Readonly<Record<string, string | number | boolean | null>>

/** SQL of one statistic: its groups, and their order. */
interface Answer {
  readonly groups: RawBuilder<unknown>
  readonly order: RawBuilder<unknown>
}

export type Statistic = (question: Question) => Answer

/**
 * States that count as a visit made or expected: all but cancelled, rejected and displaced. The most frequent state
 * comes first, since the list is searched for every row.
 */
const KEPT = ['completed', 'no_show', 'confirmed', 'checked_in', 'pending']

function within({ from, to }: Question, column: RawBuilder<unknown>): Condition[] {
  return [from !== null && sql`${column} >= ${from}`, to !== null && sql`${column} < ${to}`]
}

const reservationKeys = { user: sql`r.user_id`, venue: sql`r.venue_id`, start: sql`r.start_at`, facility: sql`NULL` }

/**
 * Sums the reservations of a question by key and state. This is the only pass over the big table (a million rows), so
 * it only counts; names, calendars and states are applied to the few sums.
 */
function reservationSums(question: Question, figures: RawBuilder<unknown>, statuses?: readonly string[]) {
  const where = allOf([
    ...within(question, sql`r.start_at`),
    question.venueId !== null && sql`r.venue_id = ${question.venueId}`,
    statuses !== undefined && sql`r.status IN (${sql.join(statuses)})`,
  ])
  return sql`
    SELECT ${reservationKeys[keyOf(question.dimension)]} AS key, r.status, ${figures}
    FROM reservations r
    WHERE ${where}
    GROUP BY 1, 2`
}

/** Groups sums by key; the last step of every statistic. */
function grouped({ names, join, groupBy }: Grouping, sums: RawBuilder<unknown>, figures: RawBuilder<unknown>) {
  return sql`SELECT ${names}, ${figures} FROM (${sums}) f ${join} GROUP BY ${groupBy}`
}

function ordered(question: Question, grouping: Grouping, figure: RawBuilder<unknown>): RawBuilder<unknown> {
  return isTime(question.dimension) ? grouping.order : sql`${figure} DESC NULLS LAST, ${grouping.order}`
}

const countOf = (...statuses: string[]) =>
  sql`coalesce(sum(f.n) FILTER (WHERE f.status IN (${sql.join(statuses)})), 0)::bigint`
const share = (part: RawBuilder<unknown>, whole: RawBuilder<unknown>) =>
  sql`round(${part}::numeric / nullif(${whole}, 0), 4)::float8`

/** Number of reservations, by their outcome. */
export const userReservations: Statistic = (question) => {
  const grouping = groupingOf(question.dimension, question.zone)
  const sums = reservationSums(question, sql`count(*) AS n, sum(r.party_size) AS places`)
  const figures = sql`
    sum(f.n)::bigint AS reservations,
    ${countOf('pending', 'confirmed', 'checked_in')} AS open,
    ${countOf('completed')} AS completed,
    ${countOf('no_show')} AS no_shows,
    ${countOf('cancelled')} AS cancelled,
    ${countOf('rejected')} AS rejected,
    ${countOf('displaced')} AS displaced,
    sum(f.places)::bigint AS places`
  return { groups: grouped(grouping, sums, figures), order: ordered(question, grouping, sql`reservations`) }
}

/** Condition on `users u`: employees and leaders. */
const mayBook = sql`EXISTS (
  SELECT FROM user_roles o WHERE o.user_id = u.id AND o.role IN ('venue:employee', 'venue:leader')
)`

/**
 * Number of people with enough reservations to count as active, among employees, leaders and all others who have
 * booked.
 */
export const userActivity: Statistic = (question) => {
  const { threshold, dimension } = question
  const where = allOf([
    ...within(question, sql`r.start_at`),
    question.venueId !== null && sql`r.venue_id = ${question.venueId}`,
    sql`r.status IN (${sql.join(KEPT)})`,
  ])
  const people = sql`
    SELECT
      u.id AS user_id, u.username, u.display_name, u.department,
      coalesce(f.n, 0)::bigint AS reservations,
      coalesce(f.n, 0) >= ${threshold}::int AS active
    FROM users u
    LEFT JOIN (
      SELECT r.user_id AS key, count(*) AS n
      FROM reservations r
      WHERE ${where}
      GROUP BY 1
    ) f ON f.key = u.id
    WHERE u.status <> 'deleted' AND (f.key IS NOT NULL OR ${mayBook})`
  if (dimension === 'user') return { groups: people, order: sql`reservations DESC, user_id` }
  if (dimension === 'month') return activityByMonth(question, where)
  const groups = sql`
    SELECT
      p.department,
      count(*) AS users,
      count(*) FILTER (WHERE p.active) AS active_users,
      count(*) FILTER (WHERE NOT p.active) AS inactive_users,
      ${share(sql`count(*) FILTER (WHERE p.active)`, sql`count(*)`)} AS active_rate,
      sum(p.reservations)::bigint AS reservations
    FROM (${people}) p
    GROUP BY 1`
  return { groups, order: sql`active_users DESC, department NULLS LAST` }
}

/**
 * Number of active people in each month, of all the people of the range. The only pass over the big table finds the
 * month of a reservation with `width_bucket`: calendar functions on a million rows take far longer.
 */
function activityByMonth({ zone, threshold }: Question, where: RawBuilder<unknown>): Answer {
  const beginnings = sql`
    SELECT generate_series(
      date_trunc('month', min(start_at) AT TIME ZONE ${zone}),
      max(start_at) AT TIME ZONE ${zone},
      '1 month'
    ) AS at
    FROM time_slots`
  const months = sql`(SELECT array_agg(b.at AT TIME ZONE ${zone} ORDER BY b.at) FROM (${beginnings}) b)`
  const active = sql`count(*) FILTER (WHERE f.n >= ${threshold}::int)`
  const groups = sql`
    WITH f AS MATERIALIZED (
      SELECT r.user_id, width_bucket(r.start_at, ${months}) AS month, count(*) AS n
      FROM reservations r
      WHERE ${where}
      GROUP BY 1, 2
    ), people AS MATERIALIZED (
      SELECT u.id
      FROM users u
      WHERE u.status <> 'deleted' AND (u.id IN (SELECT user_id FROM f) OR ${mayBook})
    )
    SELECT
      (m.at AT TIME ZONE ${zone})::date AS period,
      a.users,
      ${active} AS active_users,
      a.users - ${active} AS inactive_users,
      ${share(active, sql`a.users`)} AS active_rate,
      sum(f.n)::bigint AS reservations
    FROM f
    JOIN people p ON p.id = f.user_id
    JOIN unnest(${months}) WITH ORDINALITY m (at, nth) ON m.nth = f.month
    CROSS JOIN (SELECT count(*) AS users FROM people) a
    GROUP BY 1, 2`
  return { groups, order: sql`period` }
}

/** Minutes of a slot. `date_part` returns a float; `extract` returns a numeric, which takes far longer. */
const slotMinutes = sql`(date_part('epoch', s.end_at - s.start_at) / 60)::bigint`

/**
 * Share of the offered place-minutes that was used. A closed or deleted slot offers no more than the places used in it.
 * `taken` is the sum of the reservations that hold places (`npm run verify` recomputes it).
 */
export const venueUsage: Statistic = (question) => {
  const grouping = groupingOf(question.dimension, question.zone)
  const byVenue = keyOf(question.dimension) === 'venue'
  const ofVenue = (column: RawBuilder<unknown>) => question.venueId !== null && sql`${column} = ${question.venueId}`
  const slots = allOf([
    ...within(question, sql`s.start_at`),
    ofVenue(sql`s.venue_id`),
    sql`(s.deleted_at IS NULL OR s.taken > 0)`,
  ])
  const visits = allOf([
    ...within(question, sql`r.start_at`),
    ofVenue(sql`r.venue_id`),
    sql`r.status IN ('completed', 'checked_in')`,
  ])
  const [slotKey, visitKey] = byVenue ? [sql`s.venue_id`, sql`r.venue_id`] : [sql`s.start_at`, sql`r.start_at`]
  const unused = byVenue
    ? sql`
    UNION ALL
    SELECT w.id, 0, 0, 0, 0, 0
    FROM venues w
    WHERE ${allOf([sql`w.deleted_at IS NULL`, ofVenue(sql`w.id`)])}`
    : sql``
  const sums = sql`
    SELECT
      ${slotKey} AS key,
      count(*) AS slots,
      sum(${slotMinutes} * CASE WHEN s.open AND s.deleted_at IS NULL THEN s.capacity ELSE s.taken END) AS offered,
      sum(${slotMinutes} * s.taken) AS used,
      0 AS visits,
      0 AS actual
    FROM time_slots s
    WHERE ${slots}
    GROUP BY 1
    UNION ALL
    SELECT ${visitKey}, 0, 0, 0, count(*), sum(r.actual_minutes * r.party_size)
    FROM reservations r
    WHERE ${visits}
    GROUP BY 1
    ${unused}`
  const figures = sql`
    sum(f.slots)::bigint AS slots,
    sum(f.visits)::bigint AS visits,
    sum(f.offered)::bigint AS offered_place_minutes,
    sum(f.used)::bigint AS used_place_minutes,
    coalesce(sum(f.actual), 0)::bigint AS actual_place_minutes,
    ${share(sql`sum(f.used)`, sql`sum(f.offered)`)} AS usage_rate`
  return { groups: grouped(grouping, sums, figures), order: ordered(question, grouping, sql`usage_rate`) }
}

const ratingKeys = { user: sql`g.user_id`, venue: sql`g.venue_id`, start: sql`g.created_at`, facility: sql`NULL` }

/** Ratings of visits; hidden ones don't count. */
export const venueFeedback: Statistic = (question) => {
  const grouping = groupingOf(question.dimension, question.zone)
  const key = ratingKeys[keyOf(question.dimension)]
  const where = allOf([
    ...within(question, sql`g.created_at`),
    question.venueId !== null && sql`g.venue_id = ${question.venueId}`,
    sql`g.hidden_reason IS NULL`,
  ])
  const sums = sql`
    SELECT ${key} AS key, g.score, count(*) AS n, count(g.comment) AS comments
    FROM ratings g
    WHERE ${where}
    GROUP BY 1, 2`
  const given = (score: number) => sql`coalesce(sum(f.n) FILTER (WHERE f.score = ${sql.lit(score)}), 0)::bigint`
  const satisfied = sql`coalesce(sum(f.n) FILTER (WHERE f.score >= 4), 0)`
  const figures = sql`
    sum(f.n)::bigint AS ratings,
    round(sum(f.n * f.score) / sum(f.n), 2)::float8 AS average,
    ${given(1)} AS score_1,
    ${given(2)} AS score_2,
    ${given(3)} AS score_3,
    ${given(4)} AS score_4,
    ${given(5)} AS score_5,
    ${share(satisfied, sql`sum(f.n)`)} AS satisfaction_rate,
    sum(f.comments)::bigint AS comments`
  return { groups: grouped(grouping, sums, figures), order: ordered(question, grouping, sql`ratings`) }
}

/** Uses, minutes of use and failures of facilities. A running session counts up to now. */
export const facilityUsage: Statistic = (question) => {
  const grouping = groupingOf(question.dimension, question.zone)
  const key = keyOf(question.dimension)
  const ofVenue = question.venueId !== null && sql`x.venue_id = ${question.venueId}`
  const keyBy = (person: RawBuilder<unknown>, at: RawBuilder<unknown>) =>
    ({ user: person, venue: sql`x.venue_id`, start: at, facility: sql`x.id` })[key]
  const until = sql`least(coalesce(o.stopped_at, ${question.now}::timestamptz), ${question.now}::timestamptz)`
  const unused =
    key === 'facility'
      ? sql`
    UNION ALL
    SELECT x.id, 0, 0, 0, 0
    FROM facilities x
    WHERE ${allOf([sql`x.deleted_at IS NULL`, ofVenue])}`
      : sql``
  const sums = sql`
    SELECT
      ${keyBy(sql`o.user_id`, sql`o.started_at`)} AS key,
      count(*) AS uses,
      sum(date_part('epoch', ${until} - o.started_at)) AS seconds,
      0 AS reports,
      0 AS failures
    FROM use_sessions o
    JOIN facilities x ON x.id = o.facility_id
    WHERE ${allOf([...within(question, sql`o.started_at`), ofVenue])}
    GROUP BY 1
    UNION ALL
    SELECT
      ${keyBy(sql`p.user_id`, sql`p.created_at`)}, 0, 0,
      count(*), count(*) FILTER (WHERE p.status IN ('accepted', 'fixed'))
    FROM repair_reports p
    JOIN facilities x ON x.id = p.facility_id
    WHERE ${allOf([...within(question, sql`p.created_at`), ofVenue])}
    GROUP BY 1
    ${unused}`
  const figures = sql`
    sum(f.uses)::bigint AS uses,
    floor(greatest(sum(f.seconds), 0) / 60)::bigint AS minutes,
    sum(f.reports)::bigint AS reports,
    sum(f.failures)::bigint AS failures,
    ${share(sql`sum(f.failures)`, sql`sum(f.uses)`)} AS failure_rate`
  return { groups: grouped(grouping, sums, figures), order: ordered(question, grouping, sql`uses`) }
}

/** Reservations that were not cancelled, rejected or displaced, by local weekday and hour of their start. */
export const popularHours: Statistic = (question) => {
  const grouping = groupingOf('hour', question.zone)
  const sums = reservationSums(question, sql`count(*) AS n, sum(r.party_size) AS places`, KEPT)
  const figures = sql`sum(f.n)::bigint AS reservations, sum(f.places)::bigint AS places`
  return { groups: grouped(grouping, sums, figures), order: grouping.order }
}

/** Share of no-shows among the reservations that were completed or missed. */
export const noShowRate: Statistic = (question) => {
  const grouping = groupingOf(question.dimension, question.zone)
  const sums = reservationSums(question, sql`count(*) AS n`, ['completed', 'no_show'])
  const figures = sql`
    sum(f.n)::bigint AS due,
    ${countOf('no_show')} AS no_shows,
    ${share(countOf('no_show'), sql`sum(f.n)`)} AS no_show_rate`
  return { groups: grouped(grouping, sums, figures), order: ordered(question, grouping, sql`no_show_rate`) }
}

/** Part of the groups of an answer. */
export interface Part {
  readonly limit: number
  readonly offset: number
}

/**
 * Sets the planner for statistics: no JIT, since compiling takes longer than these queries; enough memory to keep sums
 * out of temporary files; cheap parallel plans for sums by person and month.
 */
export async function prepare(tx: Transaction): Promise<void> {
  await sql`
    SELECT
      set_config('jit', 'off', true),
      set_config('work_mem', '64MB', true),
      set_config('parallel_tuple_cost', '0.001', true)`.execute(tx)
}

/** Groups of a statistic in its order (all without `part`), and their total number. */
export async function ask(
  db: Database,
  statistic: Statistic,
  question: Question,
  part?: Part,
): Promise<{ readonly groups: readonly Group[]; readonly total: number }> {
  const { groups, order } = statistic(question)
  const read = async ({ limit, offset }: Partial<Part>) => {
    const { rows } = await transaction(db, async (tx) => {
      await prepare(tx)
      return sql<Group & { total: number }>`
        SELECT g.*, count(*) OVER () AS total
        FROM (${groups}) g
        ORDER BY ${order}
        LIMIT ${limit ?? null}::bigint OFFSET ${offset ?? 0}`.execute(tx)
    })
    return rows
  }
  const rows = await read(part ?? {})
  const [first] = rows
  // A page beyond the last has no row that carries the total.
  const total = first?.total ?? (part && part.offset > 0 ? ((await read({ limit: 1 }))[0]?.total ?? 0) : 0)
  return { groups: rows.map(({ total: _, ...group }) => group), total }
}
