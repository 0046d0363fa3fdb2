import { sql } from 'kysely'
import type { Transaction } from '../../database/database.ts'
import type { Ground } from '../../ground.ts'
import type { Consumer } from '../../outbox/relay.ts'
import type { Provider } from '../providers/provider.ts'
import type { Catalogue } from '../texts/catalogue.ts'
import { nextAllowed } from './policy.ts'
import { type Prepared, readMessage, UnknownType } from './rows.ts'

export interface MessageOptions {
  readonly catalogue: Catalogue
  /** The ways out: a delivery by a channel without one is recorded as skipped. */
  readonly providers: readonly Pick<Provider, 'lane' | 'channel' | 'rings'>[]
  /** Called after a commit that left deliveries to make. */
  readonly onDeliveries?: () => void
}

/** Turns `outbox.message` into messages in the inboxes of people, and their deliveries by other channels. */
export function messageConsumer(kernel: Pick<Ground, 'clock' | 'config'>, options: MessageOptions): Consumer {
  /** Where each channel goes for a person, and from when on it may ring. */
  const ways = (): readonly Way[] => {
    const now = kernel.clock.now()
    const allowed = nextAllowed(options.catalogue.policy(), now, kernel.config.timeZone)
    return PERSONAL.map(({ channel, lane }) => {
      const provider = options.providers.find((one) => one.lane === lane)
      return { channel, lane, configured: provider !== undefined, ...(provider?.rings && allowed > now && { allowed }) }
    })
  }

  return {
    begin(tx) {
      const prepared: Prepared[] = []
      let refreshed = false
      /** Another process may have added the type a moment ago. */
      const read = async (content: unknown, at: Date): Promise<Prepared> => {
        try {
          return readMessage(options.catalogue, content, at)
        } catch (error) {
          if (!(error instanceof UnknownType) || refreshed) throw error
          refreshed = true
          await options.catalogue.reload(tx)
          return readMessage(options.catalogue, content, at)
        }
      }
      return {
        async read(content, at) {
          const message = await read(content, at)
          return () => prepared.push(message)
        },
        async write() {
          const deliveries = await insertMessages(tx, prepared, ways())
          return deliveries > 0 ? options.onDeliveries : undefined
        },
      }
    },
  }
}

/** By which lane a channel reaches one person. Robots post to groups: those are addressed by name. */
const PERSONAL = [
  { channel: 'email', lane: 'email' },
  { channel: 'sms', lane: 'sms' },
  { channel: 'im', lane: 'wecom' },
] as const

interface Way {
  readonly channel: string
  readonly lane: string
  readonly configured: boolean
  /** Not before, unless it is urgent. */
  readonly allowed?: Date
}

/**
 * Inserts one message a person, and its deliveries; tells every process how far the messages reach now. People who are gone get none.
 * Answers how many deliveries are to be made.
 */
async function insertMessages(tx: Transaction, prepared: readonly Prepared[], ways: readonly Way[]): Promise<number> {
  if (prepared.length === 0) return 0
  const mandatory = new Set(prepared.filter((message) => message.mandatory).map(({ type }) => type))
  // LIMIT and OFFSET keep the planner to one look-up for each person and way: it expects far more rows than there are, and would read whole tables.
  const answer = await sql<{ last: number | null; queued: number }>`
    WITH given AS (
      SELECT ordinality AS place, r.*
      FROM ROWS FROM (jsonb_to_recordset(${JSON.stringify(prepared)}::text::jsonb) AS
        (type text, texts jsonb, data jsonb, urgent boolean, key text, at timestamptz, channels text[], chosen boolean, "userIds" jsonb))
        WITH ORDINALITY AS r(type, texts, data, urgent, key, at, channels, chosen, user_ids, ordinality)
    ), told AS (
      INSERT INTO messages (user_id, type, subject, body, data, urgent, key, channels, chosen, created_at)
      SELECT u.id, g.type, text->>'subject', text->>'body', g.data, g.urgent, g.key, g.channels, g.chosen, g.at
      FROM given g
      CROSS JOIN LATERAL jsonb_array_elements_text(g.user_ids) WITH ORDINALITY AS p(user_id, place)
      CROSS JOIN LATERAL (
        SELECT id, coalesce(g.texts->locale, g.texts->'*') AS text FROM users WHERE id = p.user_id::bigint AND status <> 'deleted' LIMIT 1
      ) AS u
      ORDER BY g.place, p.place
      ON CONFLICT (user_id, key) DO NOTHING
      RETURNING id, user_id, type, channels, chosen, urgent, created_at
    ), way AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(ways)}::text::jsonb) AS w(channel text, lane text, configured boolean, allowed timestamptz)
    ), sent AS (
      INSERT INTO deliveries (message_id, user_id, type, urgent, channel, lane, state, reason, next_try_at, created_at, updated_at)
      SELECT t.id, t.user_id, t.type, t.urgent, w.channel, w.lane, d.state, d.reason,
        CASE WHEN d.state = 'queued' THEN greatest(t.created_at, CASE WHEN NOT t.urgent THEN w.allowed END) END, t.created_at, t.created_at
      FROM told t
      CROSS JOIN LATERAL (
        SELECT u.email, u.phone_encrypted, (
          SELECT jsonb_object_agg(p.channel || ' ' || p.type, p.enabled) FROM notification_preferences p
          WHERE p.user_id = t.user_id AND p.type IN (t.type, '*') AND (p.enabled OR t.type <> ALL (${[...mandatory]}::text[]))) AS wishes
        FROM users u WHERE u.id = t.user_id LIMIT 1
      ) AS u
      CROSS JOIN way w
      CROSS JOIN LATERAL (SELECT
        w.channel = ANY (t.channels) AS meant,
        coalesce(u.wishes->>(w.channel || ' ' || t.type), u.wishes->>(w.channel || ' *'))::boolean AS wish
        OFFSET 0
      ) AS f
      CROSS JOIN LATERAL (SELECT CASE
        WHEN f.wish = false THEN 'switched_off'
        WHEN NOT w.configured THEN 'not_configured'
        WHEN CASE w.channel WHEN 'email' THEN u.email WHEN 'sms' THEN u.phone_encrypted
          ELSE (SELECT k.address FROM user_contacts k WHERE k.user_id = t.user_id AND k.kind = w.lane) END IS NULL THEN 'no_address'
      END AS reason) AS r
      CROSS JOIN LATERAL (SELECT
        CASE WHEN r.reason IS NULL THEN 'queued' ELSE 'skipped' END AS state,
        coalesce(r.reason, CASE WHEN w.allowed > t.created_at AND NOT t.urgent THEN 'quiet_hours' END) AS reason
      ) AS d
      WHERE f.meant OR (f.wish AND NOT t.chosen)
      ORDER BY t.id
      RETURNING state
    )
    SELECT (SELECT max(id) FROM told) AS last, (SELECT count(*)::int FROM sent WHERE state = 'queued') AS queued`.execute(
    tx,
  )
  const { last, queued } = answer.rows[0] ?? { last: null, queued: 0 }
  // Not the ids but how far they reach: a listener reads on from where it is, the same after a broken connection.
  if (last !== null) await sql`SELECT pg_notify('messages', ${String(last)})`.execute(tx)
  return queued
}
