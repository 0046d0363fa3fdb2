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
 * Whether the daily VACUUM is due: once in the quiet hours (03:00–05:00 local), or at any hour when the last one is two days ago (a machine that is
 * switched off at night). `last` is when it ran, or when the process started.
 */
export function vacuumDue(now: Date, last: Date, timeZone: string): boolean {
  const since = now.getTime() - last.getTime()
  return since > 2 * day || (since > day / 2 && quietHours.includes(hourIn(timeZone, now)))
}

/** Writes the log into the tables' files when something was written since; otherwise the log would grow without end. */
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

/** VACUUM (ANALYZE) of every table, one by one, so that requests get their turn in between. */
export async function vacuum(pool: pg.Pool): Promise<void> {
  const tables = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname <> 'information_schema'`,
  )
  for (const { name } of tables.rows) await pool.query(`vacuum (analyze) ${name}`)
}

/**
 * What a server does in the background and PGlite, without background workers, does not: a CHECKPOINT every five minutes when something was
 * written, a VACUUM (ANALYZE) a day. These follow the machine's time, not the clock of the rules.
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
