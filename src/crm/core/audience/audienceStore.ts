import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { addDays, dayBounds, localDate } from '../../../kernel/time.ts'
import type { Audience, Trigger } from './audience.ts'
import { matchSql, segmentCondition } from './conditionsStore.ts'

/** Members whom LINE reaches and who accept marketing. */
export const REACHABLE = sql<boolean>`
  (m.line_uid IS NOT NULL AND m.followed_at IS NOT NULL AND m.unfollowed_at IS NULL AND m.accept_marketing
    AND m.deleted_at IS NULL)`

export interface AudienceFacts {
  readonly now: Date
  readonly zone: string
}

const tagged = (ids: readonly number[]) => sql`
  EXISTS (SELECT FROM member_tag_relations r WHERE r.member_id = m.id AND r.tag_id = ANY (${ids}::bigint[]))`

/**
 * The condition of an audience on `members m`, deleted members included.
 * @returns undefined if its segment does not exist
 */
export async function audienceSql(
  db: Database,
  audience: Audience,
  trigger: Trigger | null,
  facts: AudienceFacts,
): Promise<RawBuilder<boolean> | undefined> {
  const { type, include_tags: include = [], exclude_tags: exclude = [], include_mode: mode = 'any' } = audience
  const parts: RawBuilder<unknown>[] = [sql`true`]
  if (type === 'tags' && include.length > 0)
    parts.push(
      mode === 'any'
        ? tagged(include)
        : sql.join(
            include.map((id) => tagged([id])),
            sql` AND `,
          ),
    )
  if (type === 'tags' && exclude.length > 0) parts.push(sql`NOT ${tagged(exclude)}`)
  if (type === 'segment') {
    const condition = await segmentCondition(db, audience.segment_id ?? 0)
    if (!condition) return undefined
    parts.push(matchSql(condition, facts))
  }
  if (trigger) parts.push(friendDays(trigger, facts))
  return sql<boolean>`(${sql.join(parts, sql` AND `)})`
}

/** Members whose last follow was a to b local days ago. */
function friendDays({ days_range: [from = 0, to = 0] }: Trigger, { now, zone }: AudienceFacts): RawBuilder<unknown> {
  const today = localDate(now, zone)
  const first = dayBounds(addDays(today, -Math.max(from, to)), zone).start
  const end = dayBounds(addDays(today, 1 - Math.min(from, to)), zone).start
  return sql`m.followed_at >= ${first} AND m.followed_at < ${end}`
}

/** How many members an audience reaches, and how many it leaves out by reason. */
export interface Reach {
  readonly recipients: number
  readonly no_line: number
  readonly unfollowed: number
  readonly no_marketing: number
}

/** Counts an audience. Each member who is left out counts for the first reason. */
export async function reachOf(db: Database, audience: RawBuilder<boolean>): Promise<Reach> {
  const { rows } = await sql<Reach>`
    SELECT count(*) FILTER (WHERE ${REACHABLE})::int AS recipients,
      count(*) FILTER (WHERE m.line_uid IS NULL OR m.followed_at IS NULL)::int AS no_line,
      count(*) FILTER (WHERE m.line_uid IS NOT NULL AND m.followed_at IS NOT NULL AND m.unfollowed_at IS NOT NULL)::int AS unfollowed,
      count(*) FILTER (WHERE m.line_uid IS NOT NULL AND m.followed_at IS NOT NULL AND m.unfollowed_at IS NULL
        AND NOT m.accept_marketing)::int AS no_marketing
    FROM members m WHERE m.deleted_at IS NULL AND ${audience}`.execute(db)
  return rows[0] ?? { recipients: 0, no_line: 0, unfollowed: 0, no_marketing: 0 }
}
