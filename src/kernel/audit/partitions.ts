import { sql } from 'kysely'
import type { Database, Transaction } from '../database/database.ts'
import { transaction } from '../database/transaction.ts'

/** One process at a time makes partitions: CREATE TABLE IF NOT EXISTS alone fails when two run at the same moment. */
const PARTITIONS_LOCK = 7_306_002

interface Month {
  readonly name: string
  readonly from: Date
  readonly to: Date
}

/** The UTC month `ahead` months after the one of an instant. */
function monthOf(at: Date, ahead: number): Month {
  const from = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + ahead, 1))
  const to = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + ahead + 1, 1))
  return { name: `operation_log_${from.toISOString().slice(0, 7).replace('-', '_')}`, from, to }
}

/**
 * Makes the operation log's partitions for the month of `at` and the next one (months in UTC), so that retention can drop whole months. To be
 * called at the start and once a day; doing it again changes nothing. A month that already has entries in the catch-all partition stays there:
 * the log is append-only, nothing is moved. Answers the partitions it made.
 */
export async function ensurePartitions(db: Database, at: Date): Promise<string[]> {
  return await transaction(db, async (tx) => {
    await sql`SELECT pg_advisory_xact_lock(${PARTITIONS_LOCK}::int)`.execute(tx)
    const made: string[] = []
    for (const month of [monthOf(at, 0), monthOf(at, 1)]) {
      if (await mayCreate(tx, month)) {
        await create(tx, month)
        made.push(month.name)
      }
    }
    return made
  })
}

async function mayCreate(tx: Transaction, { name, from, to }: Month): Promise<boolean> {
  const { rows } = await sql<{ free: boolean }>`
    SELECT to_regclass(${name}) IS NULL
      AND NOT EXISTS (SELECT FROM operation_log_rest WHERE at >= ${from} AND at < ${to}) AS free`.execute(tx)
  return rows[0]?.free === true
}

async function create(tx: Transaction, { name, from, to }: Month): Promise<void> {
  // DDL takes no parameters; the bounds are our own ISO texts.
  const bound = (instant: Date) => sql.lit(instant.toISOString())
  await sql`CREATE TABLE ${sql.table(name)} PARTITION OF operation_log FOR VALUES FROM (${bound(from)}) TO (${bound(to)})`.execute(
    tx,
  )
}
