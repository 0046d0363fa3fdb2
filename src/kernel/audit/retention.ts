import { sql } from 'kysely'
import type { Transaction } from '../database/database.ts'
import type { Kernel } from '../kernel.ts'
import { record } from '../outbox/outbox.ts'
import { SYSTEM } from './origin.ts'
import { firstOf, LOGS, type Log, lockPartitions } from './partitions.ts'

/** How long a drop waits for those who read or write the log, in milliseconds, as others wait behind it. Then it fails, and the queue tries again. */
const PATIENCE_MS = 3000

/**
 * Drops what is older than OPERATION_LOG_KEEP_MONTHS and LOGIN_LOG_KEEP_MONTHS say: whole partitions, never a row. The month of today counts
 * as none, so that so many whole months are always there. That it was done, and how many entries went, stands in the operation log. To be
 * called once a day, by any number of processes.
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

/** Partitions of which nothing is as young as `before`: months that ended by then, and the catch-all one when all of it is old. */
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

/** True where there are entries, and all of them are older. */
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
