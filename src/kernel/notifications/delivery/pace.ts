import { sql } from 'kysely'
import type { Database } from '../../database/database.ts'

/**
 * Takes a place under a rate limit: at most `limit` in any `seconds`, over all processes. Returns undefined when there
 * was one, else the instant of the next free place, rounded up to the minute with `wholeMinutes`. A `holder` that asks
 * again keeps a single place, renewed to `now`.
 */
export async function acquirePace(
  db: Database,
  key: string,
  now: Date,
  limit: { readonly limit: number; readonly seconds: number },
  { wholeMinutes = false, holder = null }: { readonly wholeMinutes?: boolean; readonly holder?: number | null } = {},
): Promise<Date | undefined> {
  const cutoff = new Date(now.getTime() - limit.seconds * 1000)
  const others = sql`
    unnest(p.taken, p.holders) AS u (t, h)
    WHERE t > ${cutoff}::timestamptz
      AND (h = ${holder}::bigint) IS NOT TRUE`
  // Losing a place in a power cut is harmless, so the commit does not wait for the disk: that would halve the sending
  // speed.
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
  // The next free place is that of the limit-th newest entry, which expires first.
  const oldest = await sql<{ at: Date }>`
    SELECT t AS at
    FROM notification_pace p, unnest(p.taken) t
    WHERE p.key = ${key}
    ORDER BY t DESC
    OFFSET ${limit.limit - 1}::int
    LIMIT 1`.execute(db)
  const free = (oldest.rows[0]?.at ?? now).getTime() + limit.seconds * 1000
  const at = Math.max(free, now.getTime() + 1)
  return new Date(wholeMinutes ? Math.ceil(at / 60_000) * 60_000 : at)
}

/** Deletes keys that were not used for 32 days, longer than any limit's period. Returns the number of keys. */
export async function forgetOldPaces(db: Database, now: Date): Promise<number> {
  const cutoff = new Date(now.getTime() - 32 * 24 * 3600 * 1000)
  const { numAffectedRows } = await sql`
    DELETE FROM notification_pace WHERE (SELECT max(t) FROM unnest(taken) t) < ${cutoff}`.execute(db)
  return Number(numAffectedRows ?? 0n)
}
