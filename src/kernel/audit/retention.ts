import { sql } from 'kysely'
import type { Transaction } from '../database/database.ts'
import type { Kernel } from '../kernel.ts'
import { record } from '../outbox/outbox.ts'
import { SYSTEM } from './origin.ts'
import { firstOf, LOGS, type Log, lockPartitions } from './partitions.ts'

/**
 * Longest wait of a drop for transactions that use the log, in milliseconds. Other transactions queue behind it
 * meanwhile, so it then fails, and the job queue tries again.
 */
const PATIENCE_MS = 3000

/**
 * Drops log partitions that are older than OPERATION_LOG_KEEP_MONTHS and LOGIN_LOG_KEEP_MONTHS; never single rows. The
 * present month is not counted, so at least that many whole months remain. Each drop is recorded in the operation log
 * with the number of entries. Call it once a day, in any number of processes.
 */
export async function dropOldLogs(kernel: Kernel): Promise<void> {
  const keep: Readonly<Record<Log, number>> = {
    operation_log: kernel.config.operationLogKeepMonths,
    login_log: kernel.config.loginLogKeepMonths,
  }
  for (const log of LOGS) {
    if (keep[log] === 0) continue
    const before = firstOf(kernel.clock.now(), -keep[log])
    await kernel.transaction(async (tx) => {
      await sql`SET LOCAL lock_timeout = ${sql.lit(PATIENCE_MS)}`.execute(tx)
      await lockPartitions(tx)
      for (const name of await oldPartitions(tx, log, before)) await drop(tx, log, name, before, kernel.clock.now())
    })
  }
  kernel.nudge()
}

/** The partitions whose entries are all older than `before`: past months, and the catch-all partition if it fits. */
async function oldPartitions(tx: Transaction, log: Log, before: Date): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = ${log}::regclass ORDER BY 1`.execute(tx)
  const old: string[] = []
  for (const { name } of rows) {
    const [, year, month] = /_(\d{4})_(\d\d)$/.exec(name) ?? []
    const isOld = year ? Date.UTC(Number(year), Number(month)) <= before.getTime() : await allOld(tx, name, before)
    if (isOld) old.push(name)
  }
  return old
}

/** Whether a partition has entries and all of them are older than `before`. */
async function allOld(tx: Transaction, name: string, before: Date): Promise<boolean> {
  const { rows } = await sql<{ old: boolean | null }>`
    SELECT max(at) < ${before} AS old FROM ${sql.table(name)}`.execute(tx)
  return rows[0]?.old === true
}

async function drop(tx: Transaction, log: Log, name: string, before: Date, at: Date): Promise<void> {
  const rest = name === `${log}_rest`
  if (rest) {
    await sql`LOCK TABLE ${sql.table(name)}`.execute(tx)
    if (!(await allOld(tx, name, before))) return
  }
  const { rows } = await sql<{ entries: number }>`SELECT count(*) AS entries FROM ${sql.table(name)}`.execute(tx)
  await sql`ALTER TABLE ${sql.table(log)} DETACH PARTITION ${sql.table(name)}`.execute(tx)
  await sql`DROP TABLE ${sql.table(name)}`.execute(tx)
  if (rest) await sql`CREATE TABLE ${sql.table(name)} PARTITION OF ${sql.table(log)} DEFAULT`.execute(tx)
  await record(tx, at, {
    ...SYSTEM,
    action: `${log}.drop`,
    resource: log,
    resourceId: name,
    changes: { entries: [rows[0]?.entries ?? 0, 0], before: [null, before.toISOString()] },
  })
}
