import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import type { FileRow } from '../../kernel/files/store.ts'

/** Categories of uploaded pictures. */
export const UPLOAD_CATEGORIES = ['templates', 'members'] as const
export type UploadCategory = (typeof UPLOAD_CATEGORIES)[number]

/** The purpose of the stored files of a category. */
export const purposeOf = (category: UploadCategory) => `crm.${category}`

/** The picture of a category with a file name; undefined if there is none. It need not be in use yet. */
export async function findUpload(db: Database, category: UploadCategory, name: string): Promise<FileRow | undefined> {
  const { rows } = await sql<FileRow>`
    SELECT id, purpose, subject, owner_id, access, name, thumbnail_name, content_type, bytes, width, height, sha256
    FROM files WHERE name = ${name} AND purpose = ${purposeOf(category)}`.execute(db)
  return rows[0]
}

/** The name of the stored picture with an id. */
export async function nameOfUpload(db: Database, id: number): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`SELECT name FROM files WHERE id = ${id}`.execute(db)
  return rows[0]?.name
}

/** Pictures of templates: those of members are not for messages. */
const PATH = /^\/static\/uploads\/images\/templates\/([\w.-]{1,100})$/

/**
 * Keeps the uploaded pictures at these addresses for good; other addresses don't matter. They stay when no template shows
 * them any more, because the chats on phones still do.
 * @returns the paths on this server at which there is no picture
 */
export async function keepUploads(tx: Transaction, urls: readonly string[], now: Date): Promise<readonly string[]> {
  const ours = urls.filter((url) => url.startsWith('/')).map((url) => ({ url, name: PATH.exec(url)?.[1] ?? '' }))
  if (ours.length === 0) return []
  const { rows } = await sql<{ name: string }>`
    WITH named AS (
      SELECT id FROM files WHERE name = ANY (${ours.map(({ name }) => name)}::text[])
        AND purpose = ${purposeOf('templates')}
      ORDER BY id FOR UPDATE
    )
    UPDATE files f SET in_use = true, touched_at = CASE WHEN in_use THEN touched_at ELSE ${now} END
    FROM named WHERE f.id = named.id
    RETURNING f.name`.execute(tx)
  const kept = new Set(rows.map(({ name }) => name))
  return ours.filter(({ name }) => !kept.has(name)).map(({ url }) => url)
}
