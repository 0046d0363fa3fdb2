import type pg from 'pg'

/** From this number of rows, dropping the indexes and creating them again is quicker. */
const WITHOUT_INDEXES = 500_000

/**
 * Writes many rows on one connection without checking foreign keys. For very many rows, drops the indexes that enforce
 * no constraint and creates them again afterwards. Then analyses the tables.
 */
export async function written(
  pool: pg.Pool,
  count: number,
  tables: readonly string[],
  work: (client: pg.PoolClient) => Promise<unknown>,
): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query(`SET session_replication_role = replica; SET maintenance_work_mem = '256MB'`)
    const { rows } = await client.query<{ name: string; definition: string }>(
      `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
       WHERE indrelid = ANY ($1::regclass[]) AND NOT indisunique AND NOT indisexclusion`,
      [tables],
    )
    const indexes = count < WITHOUT_INDEXES ? [] : rows
    for (const { name } of indexes) await client.query(`DROP INDEX ${name}`)
    await work(client)
    for (const { definition } of indexes) await client.query(definition)
    for (const table of tables) await client.query(`VACUUM ANALYZE ${table}`)
    await client.query('RESET session_replication_role; RESET maintenance_work_mem')
  } finally {
    client.release()
  }
}
