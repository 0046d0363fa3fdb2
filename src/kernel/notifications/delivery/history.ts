import { sql } from 'kysely'
import type { Database } from '../../database/database.ts'
import type { FieldCipher } from '../../secrets/fields.ts'
import { channels, maskAddress } from '../channels.ts'
import { addressOf } from '../recipients.ts'

/** The states of a delivery. A message in the inbox is `delivered`, or `opened` once it was read. */
export const STATES = ['queued', 'sent', 'delivered', 'opened', 'clicked', 'failed', 'suppressed', 'skipped'] as const
export type State = (typeof STATES)[number]

/** A message in an inbox, or a delivery of one. */
export interface HistoryEntry {
  /** `inbox:12` or `delivery:34` */
  readonly id: string
  readonly messageId: number | null
  readonly userId: number | null
  readonly userName: string | null
  readonly type: string
  readonly channel: string
  readonly state: State
  /** Masked unless the reader may see contact data. */
  readonly address: string | null
  readonly subject: string | null
  readonly provider: string | null
  readonly providerId: string | null
  readonly reason: string | null
  readonly attempts: number
  readonly createdAt: Date
  readonly sentAt: Date | null
  readonly openedAt: Date | null
  readonly clickedAt: Date | null
}

export interface HistoryFilter {
  readonly channel?: string | undefined
  readonly state?: string | undefined
  readonly type?: string | undefined
  readonly userId?: number | undefined
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

interface Row extends Omit<HistoryEntry, 'address'> {
  readonly at: Date
  readonly rank: number
  /** The person's address, as stored. */
  readonly address: string | null
  /** The bare address, encrypted. */
  readonly bare: string | null
}

/**
 * The messages of inboxes and the deliveries as one table. `rank` and `number` order entries of the same instant, so
 * that a long export can continue after any entry.
 */
const entries = (filter: HistoryFilter) => {
  const inboxState = sql`CASE WHEN m.read_at IS NULL THEN 'delivered' ELSE 'opened' END`
  const matches = (table: 'm' | 'd', channel: ReturnType<typeof sql>, state: ReturnType<typeof sql>) => {
    const row = sql.raw(table)
    const { from = null, to = null, type = null, userId = null } = filter
    return sql`(${type}::text IS NULL OR ${row}.type = ${type})
      AND (${userId}::bigint IS NULL OR ${row}.user_id = ${userId})
      AND (${filter.channel ?? null}::text IS NULL OR ${channel} = ${filter.channel ?? null})
      AND (${filter.state ?? null}::text IS NULL OR ${state} = ${filter.state ?? null})
      AND ${row}.created_at >= ${from ?? new Date(0)}
      AND (${to}::timestamptz IS NULL OR ${row}.created_at < ${to})`
  }
  return sql`(
    SELECT 0 AS rank, m.id AS number, 'inbox:' || m.id AS id, m.id AS "messageId", m.user_id AS "userId",
      m.type, 'inbox' AS channel, ${inboxState} AS state, NULL::text AS bare,
      m.subject, NULL::text AS "providerId", NULL::text AS reason, 0 AS attempts,
      m.created_at AS at, m.created_at AS "createdAt", m.created_at AS "sentAt",
      m.read_at AS "openedAt", NULL::timestamptz AS "clickedAt"
    FROM notification_messages m
    WHERE ${matches('m', sql`'inbox'`, inboxState)}
    UNION ALL
    SELECT 1, d.id, 'delivery:' || d.id, d.message_id, d.user_id,
      d.type, d.channel, d.state, d.address_encrypted,
      coalesce(d.content->>'subject', (SELECT subject FROM notification_messages m WHERE m.id = d.message_id)),
      d.provider_id, d.reason, d.attempts,
      d.created_at, d.created_at, d.sent_at,
      d.opened_at, d.clicked_at
    FROM deliveries d
    WHERE ${matches('d', sql`d.channel`, sql`d.state`)}
  ) AS h`
}

const shown = sql`
  h.rank, h.id, h.at, h."messageId", h."userId", u.display_name AS "userName",
  h.type, h.channel, h.state, h.subject, h."providerId",
  (
    SELECT provider
    FROM delivery_attempts t
    WHERE h.rank = 1 AND t.delivery_id = h.number
    ORDER BY claim DESC
    LIMIT 1
  ) AS provider,
  h.reason, h.attempts, h."createdAt", h."sentAt", h."openedAt", h."clickedAt",
  h.bare, ${addressOf(channels, sql`h.channel`, sql`u`)} AS address`

const presenting =
  (cipher: FieldCipher, unmasked: boolean) =>
  ({ at: _, rank: __, bare, address, ...entry }: Row): HistoryEntry => {
    const stored = bare ?? address
    const encrypted = bare !== null || channels.delivery(entry.channel)?.address.encrypted === true
    const known = stored !== null && encrypted ? cipher.decrypt(stored) : stored
    return { ...entry, address: known === null || unmasked ? known : maskAddress(known) }
  }

/** Reads one page of the history, in order of time, and its total size. `unmasked`: the reader may see contact data. */
export async function listHistory(
  db: Database,
  cipher: FieldCipher,
  filter: HistoryFilter,
  page: { readonly limit: number; readonly offset: number; readonly descending: boolean },
  unmasked: boolean,
): Promise<{ readonly items: readonly HistoryEntry[]; readonly total: number }> {
  const direction = page.descending ? sql`DESC` : sql`ASC`
  const { rows } = await sql<Row>`
    SELECT ${shown} FROM (
      SELECT *
      FROM ${entries(filter)}
      ORDER BY at ${direction}, rank ${direction}, number ${direction}
      LIMIT ${page.limit} OFFSET ${page.offset}
    ) AS h
    LEFT JOIN users u ON u.id = h."userId"
    ORDER BY h.at ${direction}, h.rank ${direction}, h.number ${direction}`.execute(db)
  const counted = await sql<{ total: number }>`SELECT count(*)::int AS total FROM ${entries(filter)}`.execute(db)
  return { items: rows.map(presenting(cipher, unmasked)), total: counted.rows[0]?.total ?? 0 }
}

/** Reads at most `limit` entries that follow `after` (undefined: from the start), oldest first. For `inBatches`. */
export async function historyAfter(
  db: Database,
  cipher: FieldCipher,
  filter: HistoryFilter,
  after: HistoryEntry | undefined,
  limit: number,
  unmasked: boolean,
): Promise<readonly HistoryEntry[]> {
  const [kind, number] = after?.id.split(':') ?? []
  const rank = kind === 'inbox' ? 0 : 1
  const beyond = after
    ? sql`(at, rank, number) > (${after.createdAt}::timestamptz, ${rank}::int, ${Number(number)}::bigint)`
    : sql`true`
  const { rows } = await sql<Row>`
    SELECT ${shown} FROM (
      SELECT *
      FROM ${entries({ ...filter, from: after?.createdAt ?? filter.from })}
      WHERE ${beyond}
      ORDER BY at, rank, number
      LIMIT ${limit}
    ) AS h
    LEFT JOIN users u ON u.id = h."userId"
    ORDER BY h.at, h.rank, h.number`.execute(db)
  return rows.map(presenting(cipher, unmasked))
}

/** Counts the entries, at most up to `most`. */
export async function countEntries(db: Database, filter: HistoryFilter, most: number): Promise<number> {
  const { rows } = await sql<{ total: number }>`
    SELECT count(*)::int AS total FROM (SELECT FROM ${entries(filter)} LIMIT ${most}) AS h`.execute(db)
  return rows[0]?.total ?? 0
}

/** Statistics of one local day, type and channel: counts by state. */
export interface DayFigures {
  readonly day: string
  readonly type: string
  readonly channel: string
  /** Accepted by the provider, whatever happened afterwards. */
  readonly sent: number
  readonly delivered: number
  readonly opened: number
  readonly clicked: number
  readonly failed: number
  readonly suppressed: number
  readonly skipped: number
  readonly queued: number
  readonly unsubscribed: number
}

/**
 * Computes the statistics by local day (of the creation of the message), type and channel, from `from` until before
 * `to`. A message in the inbox counts as sent and delivered at once, and as opened when it was read.
 */
export async function countHistory(
  db: Database,
  zone: string,
  filter: {
    readonly from: Date
    readonly to: Date
    readonly type?: string | undefined
    readonly channel?: string | undefined
  },
): Promise<readonly DayFigures[]> {
  const { from, to, type = null, channel = null } = filter
  const { rows } = await sql<DayFigures>`
    WITH sent AS (
      SELECT type, channel, state, created_at, sent_at, delivered_at, opened_at, clicked_at, unsubscribed_at
      FROM deliveries
      WHERE created_at >= ${from} AND created_at < ${to}
      UNION ALL
      SELECT type, 'inbox', 'delivered', created_at, created_at, created_at, read_at, NULL, NULL
      FROM notification_messages
      WHERE created_at >= ${from} AND created_at < ${to}
    )
    SELECT to_char(created_at AT TIME ZONE ${zone}, 'YYYY-MM-DD') AS day, type, channel,
      count(sent_at)::int AS sent,
      count(delivered_at)::int AS delivered,
      count(opened_at)::int AS opened,
      count(clicked_at)::int AS clicked,
      count(*) FILTER (WHERE state = 'failed')::int AS failed,
      count(*) FILTER (WHERE state = 'suppressed')::int AS suppressed,
      count(*) FILTER (WHERE state = 'skipped')::int AS skipped,
      count(*) FILTER (WHERE state = 'queued')::int AS queued,
      count(unsubscribed_at)::int AS unsubscribed
    FROM sent
    WHERE (${type}::text IS NULL OR type = ${type})
      AND (${channel}::text IS NULL OR channel = ${channel})
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3`.execute(db)
  return rows
}

/** The ratio of two counts, rounded to four decimals; null when `whole` is 0. */
export function rate(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((part / whole) * 10_000) / 10_000
}

/** The tries of one delivery, oldest first. */
export async function listAttempts(
  db: Database,
  deliveryId: number,
): Promise<
  readonly {
    readonly at: Date
    readonly result: 'sent' | 'temporary' | 'permanent'
    readonly provider: string
    readonly providerId: string | null
    readonly error: string | null
  }[]
> {
  const { rows } = await sql<Awaited<ReturnType<typeof listAttempts>>[number]>`
    SELECT at, result, provider, provider_id AS "providerId", error
    FROM delivery_attempts
    WHERE delivery_id = ${deliveryId}
    ORDER BY claim`.execute(db)
  return rows
}
