import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { contains } from '../../../kernel/database/lists.ts'
import type { TagType } from '../../fields.ts'

export interface TagRow {
  readonly id: number
  readonly name: string
  readonly type: TagType
  /** Null for interaction tags. */
  readonly source: 'api' | 'manual' | null
  readonly description: string | null
  readonly campaign_id: number | null
  readonly member_count: number
  /** Null for member tags. */
  readonly trigger_count: number | null
  readonly created_at: Date
  readonly updated_at: Date | null
}

const ALL = sql`
  (SELECT id, name, type, source, description, NULL::bigint AS campaign_id, member_count, NULL::int AS trigger_count,
    created_at, updated_at FROM member_tags
  UNION ALL
  SELECT id, name, type, NULL, description, campaign_id, member_count, trigger_count, created_at, updated_at
  FROM interaction_tags) AS t`

export interface TagFilter {
  readonly type?: TagType | undefined
  readonly search?: string | undefined
  readonly limit: number
  readonly offset: number
}

/** A page of tags by id, and their number. */
export async function listTags(
  db: Database,
  { type, search, limit, offset }: TagFilter,
): Promise<{ readonly items: readonly TagRow[]; readonly total: number }> {
  const matching = sql`
    FROM ${ALL}
    WHERE (${type ?? null}::text IS NULL OR t.type = ${type ?? null})
      AND ${search === undefined ? sql`true` : contains(search, sql`t.name`)}`
  const { rows: items } = await sql<TagRow>`
    SELECT t.* ${matching} ORDER BY t.id LIMIT ${limit} OFFSET ${offset}`.execute(db)
  const { rows } = await sql<{ total: number }>`SELECT count(*)::int AS total ${matching}`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

/** A tag of either kind; undefined if there is none. */
export async function findTag(db: Database, id: number): Promise<TagRow | undefined> {
  const { rows } = await sql<TagRow>`SELECT t.* FROM ${ALL} WHERE t.id = ${id}`.execute(db)
  return rows[0]
}

/** Locks a tag until the transaction ends; answers its kind. */
export async function lockTag(tx: Transaction, id: number): Promise<TagType | undefined> {
  const { rows } = await sql<{ type: TagType }>`SELECT type FROM member_tags WHERE id = ${id} FOR UPDATE`.execute(tx)
  if (rows[0]) return rows[0].type
  const found = await sql<{ type: TagType }>`SELECT type FROM interaction_tags WHERE id = ${id} FOR UPDATE`.execute(tx)
  return found.rows[0]?.type
}

/** Adds a member tag; answers its id. @throws Conflict `name_taken` */
export async function insertMemberTag(
  tx: Transaction,
  tag: { readonly name: string; readonly source: 'api' | 'manual'; readonly description: string | null },
  now: Date,
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO member_tags (name, source, description, created_at)
    VALUES (${tag.name}, ${tag.source}, ${tag.description}, ${now}) RETURNING id`.execute(tx)
  return inserted(rows).id
}

/** Adds an interaction tag; answers its id. */
export async function insertInteractionTag(
  tx: Transaction,
  tag: { readonly name: string; readonly description: string | null; readonly campaignId: number | null },
  now: Date,
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO interaction_tags (name, description, campaign_id, created_at)
    VALUES (${tag.name}, ${tag.description}, ${tag.campaignId}, ${now}) RETURNING id`.execute(tx)
  return inserted(rows).id
}

/** Changes a locked tag. @throws Conflict `name_taken` */
export async function updateTag(
  tx: Transaction,
  { id, type }: { readonly id: number; readonly type: TagType },
  { name, description, source }: Pick<TagRow, 'name' | 'description' | 'source'>,
  now: Date,
): Promise<void> {
  const table = type === 'member' ? sql`member_tags` : sql`interaction_tags`
  const origin = type === 'member' ? sql`, source = ${source}` : sql``
  await sql`
    UPDATE ${table} SET name = ${name}, description = ${description}, updated_at = ${now} ${origin}
    WHERE id = ${id}`.execute(tx)
}

/** Deletes a locked tag with its relations; trigger logs of the past stay. */
export async function deleteTag(tx: Transaction, id: number, type: TagType): Promise<void> {
  const table = type === 'member' ? sql`member_tags` : sql`interaction_tags`
  await sql`DELETE FROM member_tag_relations WHERE tag_id = ${id}`.execute(tx)
  await sql`DELETE FROM ${table} WHERE id = ${id}`.execute(tx)
}

/** What names a tag and would break without it, in words. */
export async function usesOfTag(db: Database, id: number): Promise<readonly string[]> {
  const { rows } = await sql<{ use: string }>`
    SELECT DISTINCT 'template ' || t.id AS use FROM message_templates t
    LEFT JOIN template_carousel_items i ON i.template_id = t.id
    WHERE t.deleted_at IS NULL AND (t.interaction_tag_id = ${id} OR i.interaction_tag_id = ${id}
      OR EXISTS (SELECT FROM jsonb_array_elements(coalesce(t.buttons, '[]')) b
        WHERE (b ->> 'interaction_tag_id')::bigint = ${id}))
    UNION ALL
    SELECT 'campaign ' || c.id FROM campaigns c
    WHERE c.status IN ('draft', 'scheduled', 'sending', 'paused')
      AND (c.target_audience -> 'include_tags' @> to_jsonb(${id}::bigint)
        OR c.target_audience -> 'exclude_tags' @> to_jsonb(${id}::bigint))
    LIMIT 5`.execute(db)
  return rows.map(({ use }) => use)
}

export interface TagStatistics {
  readonly total_tags: number
  readonly member_tags: number
  readonly interaction_tags: number
  readonly most_used_tag: { readonly id: number; readonly name: string; readonly member_count: number } | null
}

/** Numbers of tags, and the tag that most members have. */
export async function tagStatistics(db: Database): Promise<TagStatistics> {
  const { rows } = await sql<TagStatistics>`
    SELECT m.n + i.n AS total_tags, m.n AS member_tags, i.n AS interaction_tags,
      (SELECT jsonb_build_object('id', t.id, 'name', t.name, 'member_count', t.member_count) FROM ${ALL}
        WHERE t.member_count > 0 ORDER BY t.member_count DESC, t.id LIMIT 1) AS most_used_tag
    FROM (SELECT count(*)::int AS n FROM member_tags) m, (SELECT count(*)::int AS n FROM interaction_tags) i`.execute(
    db,
  )
  return inserted(rows)
}
