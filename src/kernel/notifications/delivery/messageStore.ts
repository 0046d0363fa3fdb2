import { sql } from 'kysely'
import type { Transaction } from '../../database/database.ts'
import type { Channels } from '../channels.ts'
import { recipient } from '../recipients.ts'
import type { Prepared } from './rows.ts'

/** A channel with its present configuration. */
export interface Outlet {
  readonly channel: string
  readonly lane: string
  /** A provider for its lane is configured. */
  readonly configured: boolean
  /** The earliest instant of deliveries that are not urgent. */
  readonly allowed?: Date
}

/**
 * Inserts one message per recipient and its deliveries, and announces the newest id to all processes. Deleted users get
 * no message. Returns the number of queued deliveries.
 */
export async function insertMessages(
  tx: Transaction,
  channels: Channels,
  prepared: readonly Prepared[],
  outlets: readonly Outlet[],
): Promise<number> {
  if (prepared.length === 0) return 0
  const mandatory = new Set(prepared.filter((message) => message.mandatory).map(({ type }) => type))
  const to = recipient(channels, {
    user: sql`u`,
    type: sql`t.type`,
    channel: sql`o.channel`,
    mandatory: sql`t.type = ANY (${[...mandatory]}::text[])`,
    configured: sql`o.configured`,
  })
  // LIMIT and OFFSET make the planner look up each person and channel separately. It expects far more rows than there
  // are and would otherwise read whole tables.
  const answer = await sql<{ last: number | null; queued: number }>`
    WITH given AS (
      SELECT ordinality AS place, r.*
      FROM ROWS FROM (
        jsonb_to_recordset(${JSON.stringify(prepared)}::text::jsonb) AS (
          type text, texts jsonb, data jsonb, urgent boolean, key text,
          at timestamptz, channels text[], chosen boolean, "userIds" jsonb
        )
      )
        WITH ORDINALITY AS r(type, texts, data, urgent, key, at, channels, chosen, user_ids, ordinality)
    ), told AS (
      INSERT INTO notification_messages (user_id, type, subject, body, data, urgent, key, channels, chosen, created_at)
      SELECT u.id, g.type, text->>'subject', text->>'body', g.data, g.urgent, g.key, g.channels, g.chosen, g.at
      FROM given g
      CROSS JOIN LATERAL jsonb_array_elements_text(g.user_ids) WITH ORDINALITY AS p(user_id, place)
      CROSS JOIN LATERAL (
        SELECT id, coalesce(g.texts->locale, g.texts->'*') AS text
        FROM users
        WHERE id = p.user_id::bigint AND status <> 'deleted'
        LIMIT 1
      ) AS u
      ORDER BY g.place, p.place
      ON CONFLICT (user_id, key) DO NOTHING
      RETURNING id, user_id, type, channels, chosen, urgent, created_at
    ), outlet AS (
      SELECT *
      FROM jsonb_to_recordset(${JSON.stringify(outlets)}::text::jsonb)
        AS o(channel text, lane text, configured boolean, allowed timestamptz)
    ), sent AS (
      INSERT INTO deliveries (
        message_id, user_id, type, urgent, channel, lane, state, reason, next_try_at, created_at, updated_at
      )
      SELECT t.id, t.user_id, t.type, t.urgent, o.channel, o.lane, d.state, d.reason,
        CASE WHEN d.state = 'queued' THEN greatest(t.created_at, CASE WHEN NOT t.urgent THEN o.allowed END) END,
        t.created_at, t.created_at
      FROM told t
      CROSS JOIN LATERAL (SELECT * FROM users WHERE id = t.user_id LIMIT 1) AS u
      CROSS JOIN outlet o
      CROSS JOIN LATERAL ${to} AS r
      CROSS JOIN LATERAL (SELECT
        CASE WHEN r.reason IS NULL THEN 'queued' ELSE 'skipped' END AS state,
        coalesce(r.reason, CASE WHEN o.allowed > t.created_at AND NOT t.urgent THEN 'quiet_hours' END) AS reason
      ) AS d
      WHERE o.channel = ANY (t.channels) OR (r.said AND NOT t.chosen)
      ORDER BY t.id
      RETURNING state
    )
    SELECT (SELECT max(id) FROM told) AS last,
      (SELECT count(*)::int FROM sent WHERE state = 'queued') AS queued`.execute(tx)
  const { last, queued } = answer.rows[0] ?? { last: null, queued: 0 }
  // The newest id is enough: listeners read on from their own position, also after a broken connection.
  if (last !== null) await sql`SELECT pg_notify('messages', ${String(last)})`.execute(tx)
  return queued
}
