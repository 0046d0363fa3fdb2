import { sql } from 'kysely'
import type { Database } from '../../database/database.ts'

/**
 * Takes a place under a limit of so many in any so many seconds, over all processes. Answers undefined when there was one, else the instant at
 * which there will be one again, rounded up to the minute when `wholeMinutes`. A `holder` has one place however often it asks: its last.
 */
export async function acquirePace(
  db: Database,
  key: string,
  now: Date,
  limit: { readonly limit: number; readonly seconds: number },
  { wholeMinutes = false, holder = null }: { readonly wholeMinutes?: boolean; readonly holder?: number | null } = {},
): Promise<Date | undefined> {
  const cutoff = new Date(now.getTime() - limit.seconds * 1000)
  const others = sql`unnest(p.taken, p.holders) AS u (t, h) WHERE t > ${cutoff}::timestamptz AND (h = ${holder}::bigint) IS NOT TRUE`
  // A place that a power cut forgets harms nobody: its commit need not wait for the disk, which would halve the speed of mailing.
  const { rows } = await sql`
    WITH relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
    INSERT INTO notification_pace AS p (key, taken, holders)
    SELECT ${key}, ARRAY[${now}::timestamptz], ARRAY[${holder}::bigint] FROM relaxed
    ON CONFLICT (key) DO UPDATE
      SET taken = ARRAY(SELECT t FROM ${others} ORDER BY t, h) || ${now}::timestamptz,
        holders = ARRAY(SELECT h FROM ${others} ORDER BY t, h) || ${holder}::bigint
      WHERE (SELECT count(*) FROM ${others}) < ${limit.limit}::int
    RETURNING 1 AS taken`.execute(db)
  if (rows.length > 0) return undefined
  // The place that has to grow old first: the newest ones up to the limit are all within the time.
  const oldest = await sql<{ at: Date }>`
    SELECT t AS at FROM notification_pace p, unnest(p.taken) t WHERE p.key = ${key} ORDER BY t DESC OFFSET ${limit.limit - 1}::int LIMIT 1`.execute(
    db,
  )
  const free = (oldest.rows[0]?.at ?? now).getTime() + limit.seconds * 1000
  const at = Math.max(free, now.getTime() + 1)
  return new Date(wholeMinutes ? Math.ceil(at / 60_000) * 60_000 : at)
}

/** Deletes what no limit can need any more; answers how many keys went. */
export async function forgetOldPaces(db: Database, now: Date): Promise<number> {
  const cutoff = new Date(now.getTime() - 32 * 24 * 3600 * 1000)
  const { numAffectedRows } = await sql`
    DELETE FROM notification_pace WHERE (SELECT max(t) FROM unnest(taken) t) < ${cutoff}`.execute(db)
  return Number(numAffectedRows ?? 0n)
}
