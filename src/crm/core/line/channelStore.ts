import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { crmSettings } from '../../settings.ts'

/** The Messaging API channel of the LINE Official Account. */
export interface LineChannel {
  /** Long-lived channel access token. */
  readonly token: string
  readonly secret: string
}

/** A stored channel: both fields are encrypted. */
export interface StoredChannel {
  readonly token: string
  readonly secret: string
}

const KEY = 'crm.line'

/** The channel that administrators set, encrypted; undefined if they set none. */
export async function storedChannel(
  db: Database,
): Promise<{ readonly channel: StoredChannel; readonly updatedAt: Date } | undefined> {
  const { rows } = await sql<{ channel: StoredChannel; updatedAt: Date }>`
    SELECT value AS channel, updated_at AS "updatedAt" FROM settings WHERE key = ${KEY}`.execute(db)
  return rows[0]
}

export async function saveChannel(tx: Transaction, channel: StoredChannel, now: Date): Promise<void> {
  await sql`
    INSERT INTO settings (key, value, updated_at) VALUES (${KEY}, ${JSON.stringify(channel)}::text::jsonb, ${now})
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`.execute(tx)
}

/** Forgets the channel that administrators set. Answers whether there was one. */
export async function dropChannel(tx: Transaction): Promise<boolean> {
  const { rows } = await sql`DELETE FROM settings WHERE key = ${KEY} RETURNING key`.execute(tx)
  return rows.length > 0
}

/** The channel in force: the one that administrators set, or that of the environment. */
export async function channelOf(
  kernel: Pick<Kernel, 'config' | 'secrets'>,
  db: Database,
): Promise<LineChannel | undefined> {
  const stored = await storedChannel(db)
  const { cipher } = kernel.secrets
  if (stored) return { token: cipher.decrypt(stored.channel.token), secret: cipher.decrypt(stored.channel.secret) }
  const { lineToken: token, lineSecret: secret } = crmSettings.of(kernel.config)
  return token === undefined || secret === undefined ? undefined : { token, secret }
}

/**
 * Takes permissions for calls from the bucket of a limit, over all processes. The bucket holds what the limit allows
 * in one second. It goes by the database's clock, because LINE's limits are about real time.
 * @returns the number of calls that may be made now, 0 to `wanted`
 */
export async function takePace(db: Database, key: string, perSecond: number, wanted: number): Promise<number> {
  const { rows } = await sql<{ taken: number }>`
    WITH bucket AS (
      SELECT key, least(${perSecond}::float8,
        tokens + ${perSecond}::float8 * greatest(0, extract(epoch FROM clock_timestamp() - at))) AS tokens
      FROM crm_line_pace WHERE key = ${key} FOR UPDATE
    ), taking AS (
      SELECT key, tokens, least(${wanted}::int, floor(tokens)::int) AS taken FROM bucket
    ), moved AS (
      UPDATE crm_line_pace p SET tokens = t.tokens - t.taken, at = clock_timestamp() FROM taking t WHERE p.key = t.key
    )
    SELECT taken FROM taking`.execute(db)
  if (rows[0]) return rows[0].taken
  await sql`
    INSERT INTO crm_line_pace (key, tokens, at) VALUES (${key}, ${perSecond}, clock_timestamp())
    ON CONFLICT DO NOTHING`.execute(db)
  return await takePace(db, key, perSecond, wanted)
}
