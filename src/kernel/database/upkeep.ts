import type pg from 'pg'
import type { DatabaseOptions } from './connection.ts'

const minute = 60_000
const checkpointEvery = 5 * minute
const lookEvery = 30 * minute
const quietHours = [3, 4]
const day = 24 * 60 * minute

/** The hour of the day (0–23) in a time zone. */
function hourIn(timeZone: string, at: Date): number {
  return Number(new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', hourCycle: 'h23' }).format(at))
}

/**
 * Whether the daily VACUUM is due: once in the quiet hours (03:00–05:00 local), or at any hour when the last one was
 * more than two days ago (on a machine that is off at night). `last`: the last run, or the start of the process.
 */
export function vacuumDue(now: Date, last: Date, timeZone: string): boolean {
  const since = now.getTime() - last.getTime()
  return since > 2 * day || (since > day / 2 && quietHours.includes(hourIn(timeZone, now)))
}

/**
 * Builds a function that makes a checkpoint if anything was written since the last one: otherwise the WAL grows without
 * end.
 */
export function checkpointer(pool: pg.Pool): () => Promise<boolean> {
  let position: string | undefined
  const whereTheLogIs = async () =>
    (await pool.query<{ at: string }>('select pg_current_wal_insert_lsn()::text as at')).rows[0]?.at
  return async () => {
    if ((await whereTheLogIs()) === position) return false
    await pool.query('checkpoint')
    position = await whereTheLogIs()
    return true
  }
}

/** Runs VACUUM (ANALYZE) on each table in turn, so that requests can run in between. */
export async function vacuum(pool: pg.Pool): Promise<void> {
  const tables = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname <> 'information_schema'`,
  )
  for (const { name } of tables.rows) await pool.query(`vacuum (analyze) ${name}`)
}

/**
 * Runs the maintenance that a server does in background workers, which PGlite does not have: a CHECKPOINT every five
 * minutes if anything was written, and a VACUUM (ANALYZE) a day. It uses the machine's time, not the kernel's clock.
 */
export function keepTidy(pool: pg.Pool, timeZone: string, log: DatabaseOptions['log']): { stop(): void } {
  const checkpoint = checkpointer(pool)
  let last = new Date()
  const run = (what: string, work: () => Promise<unknown>) => {
    work().catch((err: unknown) => {
      if (!pool.ending) log.error({ err }, `${what} of the embedded database failed`)
    })
  }
  const timers = [
    setInterval(() => run('the checkpoint', checkpoint), checkpointEvery),
    setInterval(() => {
      const now = new Date()
      if (!vacuumDue(now, last, timeZone)) return
      last = now
      run('the vacuum', () => vacuum(pool))
    }, lookEvery),
  ]
  for (const timer of timers) timer.unref()
  return {
    stop() {
      for (const timer of timers) clearInterval(timer)
    },
  }
}
