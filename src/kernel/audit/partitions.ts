import { sql } from 'kysely'
import type { Database, Transaction } from '../database/database.ts'
import { transaction } from '../database/transaction.ts'

/**
 * Advisory lock for creating and dropping partitions: CREATE TABLE IF NOT EXISTS fails when two run at the same moment.
 */
const PARTITIONS_LOCK = 7_306_002

/** The logs with partitions by UTC month. Entries without a partition of their month are in `<log>_rest`. */
export const LOGS = ['operation_log', 'login_log'] as const
export type Log = (typeof LOGS)[number]

interface Month {
  readonly name: string
  readonly from: Date
  readonly to: Date
}

/** The UTC month `ahead` months after the one of an instant, as a partition of a log. */
function monthOf(log: Log, at: Date, ahead: number): Month {
  const from = firstOf(at, ahead)
  return { name: `${log}_${from.toISOString().slice(0, 7).replace('-', '_')}`, from, to: firstOf(at, ahead + 1) }
}

/** The beginning of the UTC month `ahead` months after the one of an instant. */
export function firstOf(at: Date, ahead: number): Date {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + ahead, 1))
}

/** Keeps other processes from changing partitions until the end of the transaction. */
export async function lockPartitions(tx: Transaction): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${PARTITIONS_LOCK}::int)`.execute(tx)
}

/**
 * Creates the partitions of the logs for the month of `at` and the next one, so that retention can drop whole months.
 * Call it at the start and once a day; it is idempotent. A month that already has entries in the catch-all partition
 * gets no partition: nothing is moved. Returns the names of the new partitions.
 */
export async function ensurePartitions(db: Database, at: Date): Promise<string[]> {
  return await transaction(db, async (tx) => {
    await lockPartitions(tx)
    const made: string[] = []
    for (const log of LOGS) {
      for (const month of [monthOf(log, at, 0), monthOf(log, at, 1)]) {
        if (await mayCreate(tx, log, month)) {
          await create(tx, log, month)
          made.push(month.name)
        }
      }
    }
    return made
  })
}

async function mayCreate(tx: Transaction, log: Log, { name, from, to }: Month): Promise<boolean> {
  const { rows } = await sql<{ free: boolean }>`
    SELECT to_regclass(${name}) IS NULL
      AND NOT EXISTS (SELECT FROM ${sql.table(`${log}_rest`)} WHERE at >= ${from} AND at < ${to}) AS free`.execute(tx)
  return rows[0]?.free === true
}

async function create(tx: Transaction, log: Log, { name, from, to }: Month): Promise<void> {
  // DDL takes no parameters. The bounds are ISO texts of our own.
  const bound = (instant: Date) => sql.lit(instant.toISOString())
  await sql`
    CREATE TABLE ${sql.table(name)}
    PARTITION OF ${sql.table(log)}
    FOR VALUES FROM (${bound(from)}) TO (${bound(to)})`.execute(tx)
}
