import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import type { FieldError } from '../../../kernel/errors.ts'
import { addDays, dayBounds, localDate } from '../../../kernel/time.ts'
import { fieldError } from '../../refusals.ts'
import { findTags } from '../taggingStore.ts'
import type { Condition, Consumption, Leaf, Period, When } from './conditions.ts'

/** What a condition is judged by, besides the rows. */
export interface ConditionFacts {
  readonly now: Date
  /** IANA zone of local days. */
  readonly zone: string
}

/**
 * The SQL condition, never null, on a row `m` of `members`. Deleted members are the caller's business
 * (`m.deleted_at IS NULL`). It may contain 100 subqueries, but it is one expression for one statement.
 */
export function matchSql(condition: Condition, facts: ConditionFacts): RawBuilder<boolean> {
  return joinSql(condition, (leaf) => leafSql(leaf, facts))
}

/** The SQL condition out of the conditions of its leaves, which must not be null. */
export function joinSql(condition: Condition, leafOf: (leaf: Leaf) => RawBuilder<boolean>): RawBuilder<boolean> {
  if ('not' in condition) return sql`(NOT ${joinSql(condition.not, leafOf)})`
  if ('kind' in condition) return leafOf(condition)
  const parts = 'all' in condition ? condition.all : condition.any
  const joined = parts.map((part) => joinSql(part, leafOf))
  return sql`(${sql.join(joined, 'all' in condition ? sql` AND ` : sql` OR `)})`
}

/**
 * The condition of a segment; undefined if there is none with this id.
 * @param lock in a transaction that writes a campaign for the segment: it can't be deleted until the commit
 */
export async function segmentCondition(
  db: Database,
  id: number,
  { lock = false }: { readonly lock?: boolean } = {},
): Promise<Condition | undefined> {
  // Conditions are only written after `readCondition`.
  const { rows } = await sql<{ condition: Condition }>`
    SELECT condition FROM crm_segments WHERE id = ${id} ${lock ? sql`FOR SHARE` : sql``}`.execute(db)
  return rows[0]?.condition
}

/** The tags and campaigns of a condition that don't exist, as faults of the request. */
export async function checkCondition(
  db: Database,
  condition: Condition,
  path = '/condition',
): Promise<readonly FieldError[]> {
  const named = namedIn(condition, path)
  const tagIds = named.flatMap(({ what, id }) => (what === 'tag' ? [id] : []))
  const campaignIds = named.flatMap(({ what, id }) => (what === 'campaign' ? [id] : []))
  const tags = new Set((tagIds.length === 0 ? [] : await findTags(db, tagIds)).map(({ id }) => id))
  const campaigns = new Set(campaignIds.length === 0 ? [] : await knownCampaigns(db, campaignIds))
  return named
    .filter(({ what, id }) => !(what === 'tag' ? tags : campaigns).has(id))
    .slice(0, 20)
    .map(({ what, at }) => fieldError(at, `is not a ${what}`))
}

interface Named {
  readonly what: 'tag' | 'campaign'
  readonly id: number
  readonly at: string
}

function namedIn(condition: Condition, path: string): readonly Named[] {
  if ('not' in condition) return namedIn(condition.not, `${path}/not`)
  if ('kind' in condition) {
    if (condition.kind === 'campaign') return [{ what: 'campaign', id: condition.id, at: `${path}/id` }]
    if (condition.kind !== 'tags') return []
    const { any = [], all = [], none = [] } = condition
    return Object.entries({ any, all, none }).flatMap(([list, ids]) =>
      ids.map((id, n): Named => ({ what: 'tag', id, at: `${path}/${list}/${n}` })),
    )
  }
  if ('all' in condition) return condition.all.flatMap((part, n) => namedIn(part, `${path}/all/${n}`))
  return condition.any.flatMap((part, n) => namedIn(part, `${path}/any/${n}`))
}

async function knownCampaigns(db: Database, ids: readonly number[]): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`SELECT id FROM campaigns WHERE id = ANY (${ids}::bigint[])`.execute(db)
  return rows.map(({ id }) => id)
}

/** The SQL condition of one leaf, never null. */
export function leafSql(leaf: Leaf, facts: ConditionFacts): RawBuilder<boolean> {
  switch (leaf.kind) {
    case 'tags':
      return tagsSql(leaf)
    case 'source':
      return sql`(m.source = ANY (${leaf.in}::text[]))`
    case 'gender':
      return sql`(coalesce(m.gender, 'unknown') = ANY (${leaf.in}::text[]))`
    case 'accept_marketing':
      return leaf.is ? sql`m.accept_marketing` : sql`(NOT m.accept_marketing)`
    case 'line':
      return LINE_STATES[leaf.is]
    case 'created_at':
      return whenSql(sql`m.created_at`, leaf, facts)
    case 'followed_at':
      return whenSql(sql`m.followed_at`, leaf, facts)
    case 'last_interaction_at':
      return whenSql(sql`m.last_interaction_at`, leaf, facts)
    case 'birthday':
      return birthdaySql(leaf, facts)
    case 'age':
      return ageSql(leaf, facts)
    case 'consumption':
      return consumptionSql(leaf, facts)
    case 'campaign':
      return sql`EXISTS (SELECT FROM campaign_recipients r
        WHERE r.member_id = m.id AND r.campaign_id = ${leaf.id} AND ${DEEDS[leaf.did]})`
    case 'has':
      return POSSESSIONS[leaf.what]
    case 'name':
      return nameSql(leaf.contains)
    case 'email':
      return sql`coalesce(strpos(lower(m.email), lower(${leaf.contains}::text)) > 0, false)`
  }
}

const LINE_STATES = {
  linked: sql<boolean>`(m.line_uid IS NOT NULL)`,
  not_linked: sql<boolean>`(m.line_uid IS NULL)`,
  following: sql<boolean>`(m.line_uid IS NOT NULL AND m.unfollowed_at IS NULL)`,
  unfollowed: sql<boolean>`(m.line_uid IS NOT NULL AND m.unfollowed_at IS NOT NULL)`,
} as const

const DEEDS = {
  receive: sql<boolean>`r.status IN ${among(['sent', 'opened', 'clicked'])}`,
  open: sql<boolean>`(r.opened_at IS NOT NULL OR r.clicked_at IS NOT NULL)`,
  click: sql<boolean>`r.clicked_at IS NOT NULL`,
} as const

const POSSESSIONS = {
  email: sql<boolean>`(m.email IS NOT NULL)`,
  phone: sql<boolean>`(m.phone IS NOT NULL)`,
  name: sql<boolean>`(m.first_name IS NOT NULL OR m.last_name IS NOT NULL)`,
  birthday: sql<boolean>`(m.birthday IS NOT NULL)`,
  id_number: sql<boolean>`(m.id_number_index IS NOT NULL)`,
} as const

/** Joins conditions that may be null; null counts as false. */
function both(conditions: readonly RawBuilder<unknown>[]): RawBuilder<boolean> {
  return sql`coalesce(${sql.join(conditions, sql` AND `)}, false)`
}

function tagsSql({ any, all, none }: Extract<Leaf, { kind: 'tags' }>): RawBuilder<boolean> {
  const has = (ids: RawBuilder<unknown>) =>
    sql`EXISTS (SELECT FROM member_tag_relations r WHERE r.member_id = m.id AND r.tag_id = ${ids})`
  return both([
    ...(any ? [has(sql`ANY (${any}::bigint[])`)] : []),
    ...[...new Set(all)].map((id) => has(sql`${id}`)),
    ...(none ? [sql`NOT ${has(sql`ANY (${none}::bigint[])`)}`] : []),
  ])
}

function whenSql(column: RawBuilder<unknown>, when: When, { now, zone }: ConditionFacts): RawBuilder<boolean> {
  const today = localDate(now, zone)
  const start = (day: string) => dayBounds(day, zone).start
  const { before, after, in_last_days: within, not_in_last_days: without } = when
  return both([
    ...(before === undefined ? [] : [sql`${column} < ${start(before)}`]),
    ...(after === undefined ? [] : [sql`${column} >= ${dayBounds(after, zone).end}`]),
    ...(within === undefined ? [] : [sql`${column} >= ${start(addDays(today, -within))}`]),
    ...(without === undefined ? [] : [sql`(${column} IS NULL OR ${column} < ${start(addDays(today, -without))})`]),
  ])
}

/** The same for a column of local days that are not after today. */
function whenDaySql(column: RawBuilder<unknown>, when: When, today: string): readonly RawBuilder<unknown>[] {
  const { before, after, in_last_days: within, not_in_last_days: without } = when
  return [
    ...(before === undefined ? [] : [sql`${column} < ${before}::date`]),
    ...(after === undefined ? [] : [sql`${column} > ${after}::date`]),
    ...(within === undefined ? [] : [sql`${column} >= ${addDays(today, -within)}::date`]),
    ...(without === undefined ? [] : [sql`(${column} IS NULL OR ${column} < ${addDays(today, -without)}::date)`]),
  ]
}

/** Month and day as a number, 29 February as 229. */
const dayInYear = (day: string): number => Number(day.slice(5, 7)) * 100 + Number(day.slice(8))

function birthdaySql(
  { months, in_next_days: within }: Extract<Leaf, { kind: 'birthday' }>,
  { now, zone }: ConditionFacts,
): RawBuilder<boolean> {
  const today = localDate(now, zone)
  return both([
    ...(months ? [sql`extract(month FROM m.birthday)::int = ANY (${months}::int[])`] : []),
    ...(within === undefined
      ? []
      : [
          sql`(extract(month FROM m.birthday) * 100 + extract(day FROM m.birthday))::int
            = ANY (${birthdaysAhead(today, within)}::int[])`,
        ]),
  ])
}

/** The birthdays of today and the next days. In a year without 29 February, that birthday is on 1 March. */
function birthdaysAhead(today: string, days: number): readonly number[] {
  const ahead = Array.from({ length: days + 1 }, (_, n) => addDays(today, n))
  return [
    ...new Set(
      ahead.flatMap((day) => {
        const number = dayInYear(day)
        return number === 301 && dayInYear(addDays(day, -1)) === 228 ? [229, number] : [number]
      }),
    ),
  ]
}

function ageSql({ from, to }: Extract<Leaf, { kind: 'age' }>, { now, zone }: ConditionFacts): RawBuilder<boolean> {
  const today = localDate(now, zone)
  return both([
    sql`m.birthday <= ${yearsBefore(today, from ?? 0)}::date`,
    ...(to === undefined ? [] : [sql`m.birthday > ${yearsBefore(today, to + 1)}::date`]),
  ])
}

/** The latest birthday of people who are this old. */
function yearsBefore(today: string, years: number): string {
  const year = Number(today.slice(0, 4)) - years
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const day = today.slice(5)
  return `${String(year).padStart(4, '0')}-${day === '02-29' && !isLeap ? '02-28' : day}`
}

function consumptionSql(
  { amount, orders, last_check_out: checkOut, period }: Consumption,
  { now, zone }: ConditionFacts,
): RawBuilder<boolean> {
  const today = localDate(now, zone)
  const total = sql`coalesce(sum(c.amount), 0)`
  const latest = sql`max(c.check_out_date) FILTER (WHERE c.check_out_date <= ${today}::date)`
  const wanted = both([
    ...(amount?.from === undefined ? [] : [sql`${total} >= ${String(amount.from)}::numeric`]),
    ...(amount?.to === undefined ? [] : [sql`${total} <= ${String(amount.to)}::numeric`]),
    ...(orders?.from === undefined ? [] : [sql`count(*) >= ${orders.from}`]),
    ...(orders?.to === undefined ? [] : [sql`count(*) <= ${orders.to}`]),
    ...(checkOut ? whenDaySql(latest, checkOut, today) : []),
  ])
  return sql`(SELECT ${wanted} FROM consumption_records c
    WHERE c.member_id = m.id${period ? sql` AND ${periodSql(period, today, zone)}` : sql``})`
}

function periodSql({ from, to, in_last_days: within }: Period, today: string, zone: string): RawBuilder<boolean> {
  const day = sql`coalesce(c.check_out_date, c.check_in_date, (c.created_at AT TIME ZONE ${zone})::date)`
  return both([
    ...(from === undefined ? [] : [sql`${day} >= ${from}::date`]),
    ...(to === undefined ? [] : [sql`${day} <= ${to}::date`]),
    ...(within === undefined ? [] : [sql`${day} BETWEEN ${addDays(today, -within)}::date AND ${today}::date`]),
  ])
}

function nameSql(text: string): RawBuilder<boolean> {
  const contains = (name: RawBuilder<unknown>) => sql`strpos(crm_plain(${name}), crm_plain(${text}::text)) > 0`
  return sql`(${contains(sql`concat(m.last_name, m.first_name)`)}
    OR ${contains(sql`concat(m.first_name, m.last_name)`)}
    OR coalesce(${contains(sql`m.line_display_name`)}, false))`
}
