import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'

/** Categories of uploaded pictures. */
export const UPLOAD_CATEGORIES = ['templates', 'members'] as const
export type UploadCategory = (typeof UPLOAD_CATEGORIES)[number]

/** The purpose of the stored files of a category. */
export const purposeOf = (category: UploadCategory) => `crm.${category}`

/** A stored picture, as it is served. */
export interface UploadedPicture {
  readonly id: number
  readonly name: string
  readonly thumbnail_name: string | null
  readonly content_type: string
  readonly bytes: number
  readonly sha256: string
}

/** The picture of a category with a file name; undefined if there is none. */
export async function findUpload(
  db: Database,
  category: UploadCategory,
  name: string,
): Promise<UploadedPicture | undefined> {
  const { rows } = await sql<UploadedPicture>`
    SELECT id, name, thumbnail_name, content_type, bytes, sha256 FROM files
    WHERE name = ${name} AND purpose = ${purposeOf(category)}`.execute(db)
  return rows[0]
}

/** The name of the stored picture with an id. */
export async function nameOfUpload(db: Database, id: number): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`SELECT name FROM files WHERE id = ${id}`.execute(db)
  return rows[0]?.name
}

const PATH = /^\/static\/uploads\/images\/(templates|members)\/([\w.-]{1,100})$/

/**
 * Keeps the uploaded pictures at these addresses from being swept; other addresses don't matter.
 * @returns the paths on this server at which there is no picture
 */
export async function keepUploads(tx: Transaction, urls: readonly string[], now: Date): Promise<readonly string[]> {
  const ours = urls.flatMap((url) => {
    const [, , name] = PATH.exec(url) ?? []
    return name === undefined ? [] : [{ url, name }]
  })
  if (ours.length === 0) return []
  const { rows } = await sql<{ name: string }>`
    UPDATE files SET in_use = true, touched_at = ${now}
    WHERE name = ANY (${ours.map(({ name }) => name)}::text[]) AND purpose IN ('crm.templates', 'crm.members')
    RETURNING name`.execute(tx)
  const kept = new Set(rows.map(({ name }) => name))
  return ours.filter(({ name }) => !kept.has(name)).map(({ url }) => url)
}
