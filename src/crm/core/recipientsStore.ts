import { sql } from 'kysely'
import type { Database } from '../../kernel/database/database.ts'

/**
 * The recipient whose links have this id: itself, or the one that stayed when two members with the same campaign were
 * merged. Undefined if there is none. A click that meets a merge asks again when the recipient is gone.
 */
export async function recipientNow(db: Database, id: number): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM campaign_recipients WHERE id = ${id}
    UNION ALL
    SELECT recipient_id FROM crm_merged_recipients WHERE id = ${id}
    LIMIT 1`.execute(db)
  return rows[0]?.id
}
