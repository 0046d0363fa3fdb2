import { sql } from 'kysely'
import type { Database } from '../../database/database.ts'

/** An address that proved unusable, as administrators see it. */
export interface Suppression {
  readonly id: number
  readonly channel: string
  readonly masked: string
  readonly reason: string
  readonly userId: number | null
  readonly createdAt: Date
}

/** Adds an address to the suppression list, unless it is there already. */
export async function suppress(
  db: Database,
  entry: {
    readonly channel: string
    readonly key: string
    readonly masked: string
    readonly reason: string
    readonly userId: number | null
  },
  at: Date,
): Promise<void> {
  await sql`
    INSERT INTO suppressions (channel, address_key, masked, reason, user_id, created_at)
    VALUES (${entry.channel}, ${entry.key}, ${entry.masked}, ${entry.reason}, ${entry.userId}, ${at})
    ON CONFLICT (channel, address_key) DO NOTHING`.execute(db)
}

/** Reads one page of the suppression list, newest first, and its total size. */
export async function listSuppressions(
  db: Database,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly Suppression[]; readonly total: number }> {
  const { rows } = await sql<Suppression>`
    SELECT id, channel, masked, reason, user_id AS "userId", created_at AS "createdAt" FROM suppressions
    ORDER BY id DESC LIMIT ${page.limit} OFFSET ${page.offset}`.execute(db)
  const counted = await sql<{ total: number }>`SELECT count(*)::int AS total FROM suppressions`.execute(db)
  return { items: rows, total: counted.rows[0]?.total ?? 0 }
}

/** Removes an address from the suppression list. Returns whether it was there. */
export async function liftSuppression(db: Database, id: number): Promise<boolean> {
  const { numAffectedRows } = await sql`DELETE FROM suppressions WHERE id = ${id}`.execute(db)
  return (numAffectedRows ?? 0n) > 0n
}
