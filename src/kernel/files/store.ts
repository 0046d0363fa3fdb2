import { sql } from 'kysely'
import type { Database, Transaction } from '../database/database.ts'

export interface FileRow {
  readonly id: number
  readonly purpose: string
  readonly subject: string
  readonly owner_id: number | null
  readonly access: 'public' | 'owner'
  readonly name: string
  readonly thumbnail_name: string | null
  readonly content_type: string
  readonly bytes: number
  readonly width: number | null
  readonly height: number | null
  readonly sha256: string
}

/** Inserts a file before its bytes are stored; files not in use are swept later. Answers its id. */
export async function insertFile(db: Database, file: Omit<FileRow, 'id'>, at: Date): Promise<number> {
  const { id } = await db
    .insertInto('files')
    .values({ ...file, touched_at: at, created_at: at })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

const columns = [
  'id',
  'purpose',
  'subject',
  'owner_id',
  'access',
  'name',
  'thumbnail_name',
  'content_type',
  'bytes',
  'width',
  'height',
  'sha256',
] as const

/** A file that is in use. */
export async function findFile(db: Database, id: number): Promise<FileRow | undefined> {
  return await db.selectFrom('files').select(columns).where('id', '=', id).where('in_use', '=', true).executeTakeFirst()
}

/** Marks a file as in use. Does nothing if it has another subject or purpose. */
export async function useFile(
  tx: Transaction,
  id: number,
  at: Date,
  { subject, purpose }: Pick<FileRow, 'subject' | 'purpose'>,
): Promise<void> {
  await sql`
    UPDATE files SET in_use = true, touched_at = ${at}
    WHERE id = ${id} AND subject = ${subject} AND purpose = ${purpose} AND NOT in_use`.execute(tx)
}

/** Marks the files of a subject and purpose as no longer in use, except `except`. */
export async function releaseFiles(
  tx: Transaction,
  { subject, purpose }: Pick<FileRow, 'subject' | 'purpose'>,
  at: Date,
  except: number | null = null,
): Promise<void> {
  await sql`
    UPDATE files SET in_use = false, touched_at = ${at}
    WHERE subject = ${subject} AND purpose = ${purpose} AND in_use AND id IS DISTINCT FROM ${except}`.execute(tx)
}

/** Files that have been out of use since before an instant, oldest first. */
export async function unusedFiles(
  db: Database,
  before: Date,
  limit: number,
): Promise<readonly Pick<FileRow, 'id' | 'name' | 'thumbnail_name'>[]> {
  return await db
    .selectFrom('files')
    .select(['id', 'name', 'thumbnail_name'])
    .where('in_use', '=', false)
    .where('touched_at', '<', before)
    .orderBy('touched_at')
    .limit(limit)
    .execute()
}

/** Deletes the row of a file that is not in use; its bytes must be deleted already. */
export async function deleteFile(db: Database, id: number): Promise<void> {
  await db.deleteFrom('files').where('id', '=', id).where('in_use', '=', false).execute()
}
