import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { contains } from '../../../kernel/database/lists.ts'
import type { CarouselItem, Template, TemplateContent, TemplateType } from '../../core/templates/types.ts'

export interface TemplateFilter {
  readonly type?: TemplateType | undefined
  readonly search?: string | undefined
  readonly limit: number
  readonly offset: number
}

export type TemplateRow = Pick<Template, 'id' | 'name' | 'type' | 'created_at' | 'updated_at'>

/** A page of templates, the newest first, and their number. */
export async function listTemplates(
  db: Database,
  { type, search, limit, offset }: TemplateFilter,
): Promise<{ readonly items: readonly TemplateRow[]; readonly total: number }> {
  const matching = sql`
    FROM message_templates t
    WHERE t.deleted_at IS NULL
      AND (${type ?? null}::text IS NULL OR t.type = ${type ?? null})
      AND ${search === undefined ? sql`true` : contains(search, sql`t.name`)}`
  const { rows: items } = await sql<TemplateRow>`
    SELECT t.id, t.name, t.type, t.created_at, t.updated_at ${matching}
    ORDER BY t.id DESC LIMIT ${limit} OFFSET ${offset}`.execute(db)
  const { rows } = await sql<{ total: number }>`SELECT count(*)::int AS total ${matching}`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

/** Adds a template; answers its id. */
export async function insertTemplate(tx: Transaction, content: TemplateContent, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO message_templates (type, name, content, buttons, notification_text, preview_text, interaction_tag_id,
      interaction_result, created_at)
    VALUES (${content.type}, ${content.name}, ${content.content}, ${json(content.buttons)}::text::jsonb,
      ${content.notification_text}, ${content.preview_text}, ${content.interaction_tag_id},
      ${json(content.interaction_result)}::text::jsonb, ${now})
    RETURNING id`.execute(tx)
  const { id } = inserted(rows)
  await insertItems(tx, id, content.carousel_items, now)
  return id
}

/** Lets one writer of templates in at a time, until the transaction ends. */
export async function lockTemplates(tx: Transaction): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtext('crm.templates'))`.execute(tx)
}

/** Locks a template until the transaction ends; answers its version. Undefined if there is none. */
export async function lockTemplate(tx: Transaction, id: number): Promise<number | undefined> {
  const { rows } = await sql<{ version: number }>`
    SELECT version FROM message_templates WHERE id = ${id} AND deleted_at IS NULL FOR UPDATE`.execute(tx)
  return rows[0]?.version
}

/** Writes a locked template anew, as this version. */
export async function updateTemplate(
  tx: Transaction,
  id: number,
  content: TemplateContent,
  version: number,
  now: Date,
): Promise<void> {
  await sql`
    UPDATE message_templates
    SET type = ${content.type}, name = ${content.name}, content = ${content.content},
      buttons = ${json(content.buttons)}::text::jsonb, notification_text = ${content.notification_text},
      preview_text = ${content.preview_text}, interaction_tag_id = ${content.interaction_tag_id},
      interaction_result = ${json(content.interaction_result)}::text::jsonb, version = ${version}, updated_at = ${now}
    WHERE id = ${id}`.execute(tx)
  await sql`DELETE FROM template_carousel_items WHERE template_id = ${id}`.execute(tx)
  await insertItems(tx, id, content.carousel_items, now)
}

async function insertItems(tx: Transaction, id: number, items: readonly CarouselItem[], now: Date): Promise<void> {
  for (const item of items)
    await sql`
      INSERT INTO template_carousel_items (template_id, image_url, title, description, price, action_url,
        interaction_tag_id, sort_order, created_at)
      VALUES (${id}, ${item.image_url}, ${item.title}, ${item.description}, ${item.price}, ${item.action_url},
        ${item.interaction_tag_id}, ${item.sort_order}, ${now})`.execute(tx)
}

const json = (value: unknown) => (value === null ? null : JSON.stringify(value))

export async function markDeleted(tx: Transaction, id: number, now: Date): Promise<void> {
  await sql`UPDATE message_templates SET deleted_at = ${now} WHERE id = ${id}`.execute(tx)
}

/** Whether campaigns have used a version of a template. */
export async function isVersionUsed(db: Database, id: number, version: number): Promise<boolean> {
  const { rows } = await sql`
    SELECT 1 FROM crm_template_versions WHERE template_id = ${id} AND version = ${version}`.execute(db)
  return rows.length > 0
}

/** What refers to a template: at most 5 of the things that would break without it, in words. */
export async function usesOf(db: Database, id: number): Promise<readonly string[]> {
  const { rows } = await sql<{ use: string }>`
    SELECT use FROM (
      SELECT 1 AS n, c.id, 'campaign ' || c.id AS use FROM campaigns c
      WHERE (c.template_id = ${id} AND (c.status <> 'cancelled' OR c.recipient_count > 0))
        -- A tap on what was sent still sends the template.
        OR EXISTS (SELECT FROM crm_links l WHERE l.campaign_id = c.id AND l.template_id = ${id})
      UNION ALL
      SELECT 2, id, 'auto-response ' || id FROM auto_responses WHERE template_id = ${id}
      UNION ALL
      SELECT 3, id, 'template ' || id FROM message_templates
      WHERE (interaction_result ->> 'template_id')::bigint = ${id} AND deleted_at IS NULL AND id <> ${id}
    ) AS uses
    ORDER BY n, id LIMIT 5`.execute(db)
  return rows.map(({ use }) => use)
}

/** The interaction tags among these ids. They can't be deleted until the transaction ends. */
export async function interactionTags(db: Database, ids: readonly number[]): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM interaction_tags WHERE id = ANY (${ids}::bigint[]) ORDER BY id FOR KEY SHARE`.execute(db)
  return new Set(rows.map(({ id }) => id))
}

/** The templates that a template sends in turn, itself included, following their results. */
export async function chainOf(db: Database, id: number): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    WITH RECURSIVE chain AS (
      SELECT id, (interaction_result ->> 'template_id')::bigint AS next FROM message_templates
      WHERE id = ${id} AND deleted_at IS NULL
      UNION
      SELECT t.id, (t.interaction_result ->> 'template_id')::bigint FROM message_templates t
      JOIN chain c ON t.id = c.next WHERE t.deleted_at IS NULL
    )
    SELECT id FROM chain`.execute(db)
  return rows.map(({ id: one }) => one)
}
