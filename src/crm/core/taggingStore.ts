import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import type { TagType } from '../fields.ts'

/** A tag as it is shown beside a member. */
export interface Tag {
  readonly id: number
  readonly name: string
  readonly type: TagType
}

/** The tags with these ids, of both kinds, by id. */
export async function findTags(db: Database, ids: readonly number[]): Promise<readonly Tag[]> {
  const { rows } = await sql<Tag>`
    SELECT id, name, type FROM member_tags WHERE id = ANY (${ids}::bigint[])
    UNION ALL
    SELECT id, name, type FROM interaction_tags WHERE id = ANY (${ids}::bigint[])
    ORDER BY id`.execute(db)
  return rows
}

/** The tags of members, oldest first, by member. */
export async function tagsOf(db: Database, memberIds: readonly number[]): Promise<ReadonlyMap<number, readonly Tag[]>> {
  const { rows } = await sql<Tag & { memberId: number }>`
    SELECT r.member_id AS "memberId", r.tag_id AS id, coalesce(m.name, i.name) AS name, r.tag_type AS type
    FROM member_tag_relations r
    LEFT JOIN member_tags m ON m.id = r.member_tag_id
    LEFT JOIN interaction_tags i ON i.id = r.interaction_tag_id
    WHERE r.member_id = ANY (${memberIds}::bigint[])
    ORDER BY r.id`.execute(db)
  const found = new Map<number, Tag[]>()
  for (const { memberId, ...tag } of rows) {
    const before = found.get(memberId)
    if (before) before.push(tag)
    else found.set(memberId, [tag])
  }
  return found
}

/**
 * Moves the counters of tags by the rows that were added or removed. Every change of relations or trigger logs calls
 * it in its transaction. Rows are locked in the order of their ids.
 * @param moves by tag: the change of the number of its members, and of its trigger logs.
 */
export async function moveTags(
  tx: Transaction,
  moves: readonly { readonly id: number; readonly members: number; readonly triggers: number }[],
  now: Date,
): Promise<void> {
  const moved = moves.filter(({ members, triggers }) => members !== 0 || triggers !== 0).sort((a, b) => a.id - b.id)
  if (moved.length === 0) return
  const given = sql`unnest(
    ${moved.map(({ id }) => id)}::bigint[],
    ${moved.map(({ members }) => members)}::int[],
    ${moved.map(({ triggers }) => triggers)}::int[]) AS d (id, members, triggers)`
  await sql`
    SELECT 1 FROM member_tags WHERE id = ANY (${moved.map(({ id }) => id)}::bigint[]) ORDER BY id FOR UPDATE`.execute(
    tx,
  )
  await sql`
    UPDATE member_tags t SET member_count = t.member_count + d.members FROM ${given} WHERE t.id = d.id`.execute(tx)
  await sql`
    SELECT 1 FROM interaction_tags WHERE id = ANY (${moved.map(({ id }) => id)}::bigint[])
    ORDER BY id FOR UPDATE`.execute(tx)
  await sql`
    UPDATE interaction_tags t
    SET member_count = t.member_count + d.members, trigger_count = t.trigger_count + d.triggers, updated_at = ${now}
    FROM ${given} WHERE t.id = d.id`.execute(tx)
}

/** How a tag came to a member: by hand, by a click in a campaign, or by a postback. */
export interface Trigger {
  readonly source: 'click' | 'interaction' | 'manual'
  readonly campaignId?: number | undefined
}

/**
 * Puts tags on members, with the counters, and logs every trigger of an interaction tag, also a repeated one. Unknown
 * tags are left out; ask `findTags` before. Returns the number of relations that were added.
 */
export async function tagMembers(
  tx: Transaction,
  memberIds: readonly number[],
  tags: readonly Pick<Tag, 'id' | 'type'>[],
  trigger: Trigger,
  now: Date,
): Promise<number> {
  if (memberIds.length === 0 || tags.length === 0) return 0
  const ids = tags.map(({ id }) => id)
  const { rows } = await sql<{ id: number; count: number }>`
    WITH added AS (
      INSERT INTO member_tag_relations (member_id, tag_id, tag_type, tagged_at)
      SELECT m.id, t.id, t.type, ${now}
      FROM unnest(${memberIds}::bigint[]) m (id)
      CROSS JOIN unnest(${ids}::bigint[], ${tags.map(({ type }) => type)}::text[]) t (id, type)
      ORDER BY m.id, t.id
      ON CONFLICT DO NOTHING
      RETURNING tag_id
    )
    SELECT tag_id AS id, count(*)::int AS count FROM added GROUP BY 1`.execute(tx)
  const added = new Map(rows.map(({ id, count }) => [id, count]))
  const interactions = tags.filter(({ type }) => type === 'interaction').map(({ id }) => id)
  if (interactions.length > 0)
    await sql`
      INSERT INTO tag_trigger_logs (member_id, tag_id, campaign_id, trigger_source, triggered_at)
      SELECT m, t, ${trigger.campaignId ?? null}, ${trigger.source}, ${now}
      FROM unnest(${memberIds}::bigint[]) m CROSS JOIN unnest(${interactions}::bigint[]) t`.execute(tx)
  await moveTags(
    tx,
    tags.map(({ id, type }) => ({
      id,
      members: added.get(id) ?? 0,
      triggers: type === 'interaction' ? memberIds.length : 0,
    })),
    now,
  )
  return rows.reduce((sum, { count }) => sum + count, 0)
}

/** Takes tags off members, with the counters. Returns the number of relations that were removed. */
export async function untagMembers(
  tx: Transaction,
  memberIds: readonly number[],
  tagIds: readonly number[],
  now: Date,
): Promise<number> {
  const { rows } = await sql<{ id: number; count: number }>`
    WITH removed AS (
      DELETE FROM member_tag_relations
      WHERE member_id = ANY (${memberIds}::bigint[]) AND tag_id = ANY (${tagIds}::bigint[])
      RETURNING tag_id
    )
    SELECT tag_id AS id, count(*)::int AS count FROM removed GROUP BY 1`.execute(tx)
  await moveTags(
    tx,
    rows.map(({ id, count }) => ({ id, members: -count, triggers: 0 })),
    now,
  )
  return rows.reduce((sum, { count }) => sum + count, 0)
}
