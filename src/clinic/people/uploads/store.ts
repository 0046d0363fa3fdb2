import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { ATTACHMENT } from '../../core/attachments.ts'

/** The number of files that a user has uploaded and not attached to anything; they are deleted after an hour. */
export async function countUnattached(db: Database, ownerId: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count
    FROM files
    WHERE owner_id = ${ownerId} AND purpose = ${ATTACHMENT} AND NOT in_use`.execute(db)
  return rows[0]?.count ?? 0
}
