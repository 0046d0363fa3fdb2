import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import type { Template } from './types.ts'

/** Carousel items of a template as JSON, in their order. */
const ITEMS = sql`
  coalesce((
    SELECT jsonb_agg(jsonb_build_object(
      'id', i.id, 'image_url', i.image_url, 'title', i.title, 'description', i.description, 'price', i.price,
      'action_url', i.action_url, 'interaction_tag_id', i.interaction_tag_id, 'sort_order', i.sort_order)
      ORDER BY i.sort_order, i.id)
    FROM template_carousel_items i WHERE i.template_id = t.id
  ), '[]')`

/** A template with its items; undefined if there is none, or it was deleted. */
export async function findTemplate(db: Database, id: number): Promise<Template | undefined> {
  return (await findTemplates(db, [id]))[0]
}

/**
 * A template, which can't be changed or deleted until the transaction ends: for a row that refers to it, and for what is
 * frozen of it. Undefined if there is none, or it was deleted.
 */
export async function holdTemplate(tx: Transaction, id: number): Promise<Template | undefined> {
  await sql`SELECT id FROM message_templates WHERE id = ${id} FOR SHARE`.execute(tx)
  return await findTemplate(tx, id)
}

/** Templates with their items, by id; deleted ones are left out. */
export async function findTemplates(db: Database, ids: readonly number[]): Promise<readonly Template[]> {
  const { rows } = await sql<Template>`
    SELECT t.id, t.type, t.name, t.content, t.buttons, t.notification_text, t.preview_text, t.interaction_tag_id,
      t.interaction_result, t.version, t.created_at, t.updated_at, ${ITEMS} AS carousel_items
    FROM message_templates t
    WHERE t.id = ANY (${ids}::bigint[]) AND t.deleted_at IS NULL
    ORDER BY t.id`.execute(db)
  return rows
}
