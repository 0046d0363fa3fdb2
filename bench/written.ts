import type pg from 'pg'

/** From so many rows on, writing them without the indexes and making these anew is quicker. */
const WITHOUT_INDEXES = 500_000

/**
 * Writes many rows on one connection, without checking foreign keys, and where they are very many without the indexes that guard nothing, which are made
 * anew afterwards; then the tables are analysed.
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
