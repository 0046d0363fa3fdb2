import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../database/database.ts'
import type { RefusalKind } from '../providers/provider.ts'
import type { Delivered, Locale } from '../texts/types.ts'

/** A delivery that this process has taken on, with all that is needed to make it. */
export interface Claimed {
  readonly id: number
  /** Which claim this is: a later one makes it void. */
  readonly claims: number
  /** Claims of which no result was recorded, this one included. */
  readonly open_claims: number
  readonly attempts: number
  /** An earlier try got no answer. */
  readonly unheard: boolean
  /** Since when it could not be made. */
  readonly failing_since: Date | null
  readonly channel: Delivered
  readonly lane: string
  readonly type: string
  readonly urgent: boolean
  /** It had its place under the frequency cap. */
  readonly counted: boolean
  readonly created_at: Date
  readonly message_id: number | null
  readonly chosen: boolean | null
  readonly subject: string | null
  readonly body: string | null
  readonly data: Record<string, unknown> | null
  readonly user_id: number | null
  readonly locale: Locale | null
  readonly display_name: string | null
  readonly email: string | null
  readonly phone_encrypted: string | null
  readonly contact: string | null
  /** Of a delivery to a bare address. */
  readonly address_encrypted: string | null
  readonly content: { readonly subject: string; readonly body: string; readonly html?: string } | null
  readonly address_key: string | null
  /** The address is on the suppression list. That it was unsubscribed holds for what goes to bare addresses: people have preferences. */
  readonly suppressed: boolean
  /** The person does not want this type by this channel (any more). */
  readonly switched_off: boolean
}

/** What became of a delivery. `tried`: it was handed to the provider. */
export type Result =
  | { readonly state: 'sent'; readonly providerId: string }
  | { readonly state: 'skipped' | 'suppressed'; readonly reason: string }
  | { readonly state: 'failed'; readonly reason: string; readonly kind: RefusalKind; readonly tried: boolean }
  | {
      readonly state: 'queued'
      readonly reason: string
      readonly at: Date
      readonly tried: boolean
      readonly counted: boolean
      /** What was tried got no answer. */
      readonly unheard?: boolean
      /** It has been tried so long that another way is better, where there is one. */
      readonly overdue?: boolean
    }

const taking = (lane: RawBuilder<unknown>, due: Date, now: Date, leaseMs: number) => sql`
  UPDATE deliveries d
  SET claims = d.claims + 1, open_claims = d.open_claims + 1, next_try_at = ${new Date(now.getTime() + leaseMs)}, updated_at = ${now}
  FROM (
    SELECT id, message_id, user_id, lane FROM deliveries
    WHERE state = 'queued' AND lane ${lane} AND next_try_at <= ${due}
    ORDER BY next_try_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
  ) q
  LEFT JOIN messages m ON m.id = q.message_id
  LEFT JOIN users u ON u.id = q.user_id
  LEFT JOIN user_contacts k ON k.user_id = q.user_id AND k.kind = q.lane
  WHERE d.id = q.id
  RETURNING d.id, d.claims, d.open_claims, d.attempts, d.unheard, d.failing_since, d.channel, d.lane, d.type, d.urgent, d.counted, d.created_at, d.message_id, m.chosen,
    m.subject, m.body, m.data, d.user_id, u.locale, u.display_name, u.email, u.phone_encrypted, k.address AS contact,
    d.address_encrypted, d.content, d.address_key,
    EXISTS (SELECT FROM suppressions s WHERE s.channel = d.channel AND s.address_key = coalesce(d.address_key,
      CASE d.channel WHEN 'email' THEN contact_key(u.email) WHEN 'sms' THEN u.phone_index ELSE contact_key(k.address) END)
      AND (d.message_id IS NULL OR s.reason <> 'unsubscribed')) AS suppressed,
    coalesce((SELECT NOT p.enabled FROM notification_preferences p
      WHERE p.user_id = d.user_id AND p.channel = d.channel AND p.type IN (d.type, '*') ORDER BY p.type = '*' LIMIT 1), false) AS switched_off`

/** Reasons that wait for a time at which the policy of the site allows it. */
const BY_POLICY = ['quiet_hours', 'frequency_cap']

/** After a change of the policy: what it held up is due, so that the courier decides about it anew. What is in hand stays there. */
export async function reconsider(db: Database, now: Date): Promise<void> {
  await sql`
    UPDATE deliveries SET next_try_at = ${now}
    WHERE state = 'queued' AND open_claims = 0 AND reason = ANY (${BY_POLICY}::text[]) AND next_try_at > ${now}`.execute(
    db,
  )
}

/** Takes the delivery of a lane that is due first, and keeps others from it for a while. */
export async function claim(db: Database, lane: string, now: Date, leaseMs: number): Promise<Claimed | undefined> {
  const { rows } = await taking(sql`= ${lane}`, now, now, leaseMs).$castTo<Claimed>().execute(db)
  return rows[0]
}

/** Takes a delivery, due since `due`, of a lane that is none of these. */
export async function claimStranded(
  db: Database,
  lanes: readonly string[],
  due: Date,
  now: Date,
  leaseMs: number,
): Promise<Claimed | undefined> {
  const { rows } = await taking(sql`<> ALL (${lanes}::text[])`, due, now, leaseMs).$castTo<Claimed>().execute(db)
  return rows[0]
}

/** Keeps others from a delivery that is still in hand. */
export async function renew(db: Database, { id, claims }: Claimed, now: Date, leaseMs: number): Promise<void> {
  await sql`
    UPDATE deliveries SET next_try_at = ${new Date(now.getTime() + leaseMs)}
    WHERE id = ${id} AND claims = ${claims} AND open_claims > 0 AND state = 'queued'`.execute(db)
}

/** Ends a delivery that would have been tried again. */
export async function abandon(tx: Transaction, { id }: Claimed): Promise<void> {
  await sql`UPDATE deliveries SET state = 'failed', next_try_at = NULL WHERE id = ${id}`.execute(tx)
}

const settling = (claimed: Claimed, provider: string, result: Result, now: Date) => {
  const sent = result.state === 'sent'
  const tried = sent || ('tried' in result && result.tried)
  const outcome = sent ? 'sent' : result.state === 'failed' ? 'permanent' : 'temporary'
  const reason = sent ? null : result.reason
  const providerId = sent ? result.providerId : null
  return sql`
    settled AS (
      UPDATE deliveries
      SET state = ${result.state}, updated_at = ${now}, reason = ${reason}, attempts = attempts + ${tried ? 1 : 0}::int,
        provider_id = coalesce(${providerId}::text, provider_id), sent_at = coalesce(sent_at, ${sent ? now : null}::timestamptz),
        next_try_at = ${result.state === 'queued' ? result.at : null}, counted = counted OR ${result.state === 'queued' && result.counted},
        open_claims = 0, unheard = unheard OR ${result.state === 'queued' && result.unheard === true},
        failing_since = CASE WHEN ${tried && !sent} THEN coalesce(failing_since, ${now}::timestamptz) ELSE failing_since END
      WHERE id = ${claimed.id} AND state = 'queued' AND claims = ${claimed.claims} AND open_claims > 0
      RETURNING id
    ), tried AS (
      INSERT INTO delivery_attempts (delivery_id, claim, at, result, provider, provider_id, error)
      SELECT id, ${claimed.claims}::int, ${now}::timestamptz, ${outcome}::text, ${provider}::text, ${providerId}::text, ${reason}::text
      FROM settled WHERE ${tried}
    )`
}

/** Records what became of a claimed delivery, once, and unless somebody else has claimed it since. Answers whether it did. */
export async function settle(
  db: Database,
  claimed: Claimed,
  provider: string,
  result: Result,
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`WITH ${settling(claimed, provider, result, now)} SELECT id FROM settled`.execute(db)
  return rows.length > 0
}

/** `settle` and `claim` in one statement: the way to send many, one after another, each recorded before the next one leaves. */
export async function settleAndClaim(
  db: Database,
  claimed: Claimed,
  provider: string,
  result: Result,
  lane: string,
  now: Date,
  leaseMs: number,
): Promise<Claimed | undefined> {
  // The statement sees the settled one as it was: where its lease is over, as due.
  const next = taking(sql`= ${lane} AND id <> ${claimed.id}`, now, now, leaseMs)
  const { rows } = await sql<Claimed>`WITH ${settling(claimed, provider, result, now)} ${next}`.execute(db)
  return rows[0]
}

/** Adds the delivery by the next channel of a message that could not be delivered; answers its lane, or undefined when no channel is left. */
export async function fallBack(
  tx: Transaction,
  claimed: Claimed,
  ways: readonly { readonly channel: string; readonly lane: string; readonly allowed: Date }[],
  mandatory: boolean,
  now: Date,
): Promise<string | undefined> {
  const { rows } = await sql<{ lane: string }>`
    INSERT INTO deliveries (message_id, user_id, type, urgent, channel, lane, state, reason, next_try_at, created_at, updated_at)
    SELECT m.id, m.user_id, m.type, m.urgent, w.channel, w.lane, 'queued', CASE WHEN w.allowed > ${now} THEN 'quiet_hours' END, w.allowed, ${now}, ${now}
    FROM messages m
    JOIN users u ON u.id = m.user_id AND u.status <> 'deleted'
    CROSS JOIN ROWS FROM (jsonb_to_recordset(${JSON.stringify(ways)}::text::jsonb) AS (channel text, lane text, allowed timestamptz))
      WITH ORDINALITY AS w(channel, lane, allowed, place)
    LEFT JOIN user_contacts k ON w.channel = 'im' AND k.user_id = u.id AND k.kind = w.lane
    LEFT JOIN notification_preferences p ON p.user_id = u.id AND p.type = m.type AND p.channel = w.channel
    LEFT JOIN notification_preferences a ON a.user_id = u.id AND a.type = '*' AND a.channel = w.channel
    CROSS JOIN LATERAL (SELECT
      CASE w.channel WHEN 'email' THEN u.email WHEN 'sms' THEN u.phone_encrypted ELSE k.address END AS address,
      CASE w.channel WHEN 'email' THEN contact_key(u.email) WHEN 'sms' THEN u.phone_index ELSE contact_key(k.address) END AS address_key
    ) AS f
    WHERE m.id = ${claimed.message_id} AND f.address IS NOT NULL
      AND (${mandatory} OR coalesce(p.enabled, a.enabled, true))
      AND NOT EXISTS (SELECT FROM suppressions s WHERE s.channel = w.channel AND s.address_key = f.address_key AND s.reason <> 'unsubscribed')
      AND NOT EXISTS (SELECT FROM deliveries d WHERE d.message_id = m.id AND d.channel = w.channel)
    ORDER BY w.place LIMIT 1
    ON CONFLICT (message_id, channel) DO NOTHING
    RETURNING lane`.execute(tx)
  return rows[0]?.lane
}
