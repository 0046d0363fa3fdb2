import { type Insertable, sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'
import type { DB } from '../../kernel/database/tables.ts'

/** A row of a table. All rows of one call have the same members. */
export type RowOf<Table extends keyof DB> = Insertable<DB[Table]>

/**
 * Inserts rows in one statement, in their order. Returns the values of `id`, a column that counts upwards, in the order
 * of the rows; without it nothing.
 */
export async function insertRows<Table extends keyof DB>(
  tx: Transaction,
  table: Table,
  rows: readonly RowOf<Table>[],
  id?: string,
): Promise<readonly number[]> {
  const [first] = rows
  if (!first) return []
  const columns = sql.join(Object.keys(first).map((name) => sql.ref(name)))
  const made = await sql<{ id: number }>`
    INSERT INTO ${sql.table(table)} (${columns})
    SELECT ${columns}
    FROM jsonb_populate_recordset(NULL::${sql.table(table)}, ${JSON.stringify(rows)}::text::jsonb)
    RETURNING ${id === undefined ? sql`NULL::bigint` : sql.ref(id)} AS id`.execute(tx)
  return id === undefined ? [] : made.rows.map((row) => row.id).sort((a, b) => a - b)
}
