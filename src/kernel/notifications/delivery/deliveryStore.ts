import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../database/database.ts'
import type { Channels, DeliveryChannel } from '../channels.ts'
import { recipient } from '../recipients.ts'
import { isMandatory, type Locale, type NotificationType } from '../texts/types.ts'
import type { Outcome } from './rules.ts'

/** A delivery that this process has taken on, with all that is needed to make it. */
export interface Claimed {
  readonly id: number
  /** Number of this claim: a later one makes it void. */
  readonly claims: number
  /** Claims without a recorded result, this one included. */
  readonly open_claims: number
  readonly attempts: number
  /** An earlier try got no answer ("unheard"): the message may have arrived. */
  readonly unheard: boolean
  /** Since when it could not be made. */
  readonly failing_since: Date | null
  readonly channel: string
  readonly lane: string
  readonly type: string
  readonly urgent: boolean
  /** It has its place under the frequency cap. */
  readonly counted: boolean
  readonly created_at: Date
  readonly message_id: number | null
  /** The sender of its message chose the channels. */
  readonly chosen: boolean | null
  readonly subject: string | null
  readonly body: string | null
  readonly data: Record<string, unknown> | null
  readonly user_id: number | null
  readonly locale: Locale | null
  readonly display_name: string | null
  /** The person's address for its channel, as it is stored. */
  readonly address: string | null
  /** Of a delivery to a bare address. */
  readonly address_encrypted: string | null
  readonly content: { readonly subject: string; readonly body: string; readonly html?: string } | null
  /** The address is on the suppression list. */
  readonly suppressed: boolean
  /** The person does not want this type by this channel (any more), and may say so. */
  readonly switched_off: boolean
}

/** What claims have to know of the site: its channels, and which types nobody can switch off. */
export interface Site {
  readonly channels: Channels
  types(): readonly NotificationType[]
}

/** Which deliveries are taken: at most `limit` of those due by `due`, the longest due first, for the length of a lease. */
interface Taking {
  readonly lane: RawBuilder<unknown>
  readonly due: Date
  readonly now: Date
  readonly leaseMs: number
  readonly limit: number
}

const taking = (site: Site, { lane, due, now, leaseMs, limit }: Taking) => {
  const mandatory = site.types().filter(isMandatory)
  const to = recipient(site.channels, {
    user: sql`u`,
    type: sql`q.type`,
    channel: sql`q.channel`,
    mandatory: sql`(q.urgent OR q.type = ANY (${mandatory.map(({ key }) => key)}::text[]))`,
    bare: { key: sql`q.address_key`, is: sql`q.message_id IS NULL` },
  })
  return sql`
  UPDATE deliveries d
  SET claims = d.claims + 1,
    open_claims = d.open_claims + 1,
    next_try_at = ${new Date(now.getTime() + leaseMs)},
    updated_at = ${now}
  FROM (
    SELECT id, message_id, user_id, type, channel, urgent, address_key FROM deliveries
    WHERE state = 'queued' AND lane ${lane} AND next_try_at <= ${due}
    ORDER BY next_try_at, id
    LIMIT ${limit}
    FOR UPDATE SKIP LOCKED
  ) q
  LEFT JOIN messages m ON m.id = q.message_id
  LEFT JOIN users u ON u.id = q.user_id
  CROSS JOIN LATERAL ${to} AS r
  WHERE d.id = q.id
  RETURNING d.id, d.claims, d.open_claims, d.attempts, d.unheard, d.failing_since, d.channel, d.lane, d.type, d.urgent, d.counted, d.created_at,
    d.message_id, m.chosen, m.subject, m.body, m.data, d.user_id, u.locale, u.display_name, d.address_encrypted, d.content,
    r.address, r.suppressed, r.said IS NOT DISTINCT FROM false AS switched_off`
}

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

/** Claims of one process by one lane. */
export interface Claiming {
  readonly site: Site
  readonly lane: string
  readonly now: Date
  readonly leaseMs: number
  readonly limit: number
}

/** Takes the deliveries of a lane that are due first, and keeps others from them for the length of the lease. */
export async function claim(db: Database, { site, lane, ...when }: Claiming): Promise<readonly Claimed[]> {
  const statement = taking(site, { ...when, lane: sql`= ${lane}`, due: when.now })
  return (await statement.$castTo<Claimed>().execute(db)).rows
}

/** Takes a delivery, due since `due`, of a lane that is none of these: no provider of this process carries it. */
export async function claimWithoutProvider(
  db: Database,
  site: Site,
  lanes: readonly string[],
  when: { readonly due: Date; readonly now: Date; readonly leaseMs: number },
): Promise<Claimed | undefined> {
  const statement = taking(site, { ...when, lane: sql`<> ALL (${lanes}::text[])`, limit: 1 })
  return (await statement.$castTo<Claimed>().execute(db)).rows[0]
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

/** A claimed delivery with what became of it, and the name of the provider. */
export interface Done {
  readonly claimed: Claimed
  readonly provider: string
  readonly outcome: Outcome
}

/** What an outcome leaves in the row of the delivery. */
function columnsOf(outcome: Outcome) {
  const failed = outcome.do === 'fail' || outcome.do === 'askPerson'
  const sent = outcome.do === 'sent'
  const again = outcome.do === 'wait' || outcome.do === 'tryAgain'
  const states = { sent: 'sent', skip: 'skipped', suppress: 'suppressed', fail: 'failed', askPerson: 'failed' } as const
  return {
    state: again ? 'queued' : states[outcome.do],
    reason: sent ? null : outcome.reason,
    providerId: sent ? outcome.providerId : null,
    nextTryAt: again ? outcome.at : null,
    counted: outcome.do === 'tryAgain' || (outcome.do === 'wait' && outcome.counted),
    unanswered: outcome.do === 'tryAgain' && outcome.unanswered,
    /** It was handed to the provider. */
    tried: sent || outcome.do === 'tryAgain' || (failed && outcome.tried),
    result: sent ? 'sent' : failed ? 'permanent' : 'temporary',
  }
}

const recording = ({ claimed, provider, outcome }: Done, now: Date) => {
  const is = columnsOf(outcome)
  const sentAt = outcome.do === 'sent' ? now : null
  const failed = is.tried && outcome.do !== 'sent'
  return sql`
    recorded AS (
      UPDATE deliveries
      SET state = ${is.state},
        updated_at = ${now},
        reason = ${is.reason},
        attempts = attempts + ${is.tried ? 1 : 0}::int,
        provider_id = coalesce(${is.providerId}::text, provider_id),
        sent_at = coalesce(sent_at, ${sentAt}::timestamptz),
        next_try_at = ${is.nextTryAt},
        counted = counted OR ${is.counted},
        open_claims = 0,
        unheard = unheard OR ${is.unanswered},
        failing_since = CASE WHEN ${failed} THEN coalesce(failing_since, ${now}::timestamptz) ELSE failing_since END
      WHERE id = ${claimed.id} AND state = 'queued' AND claims = ${claimed.claims} AND open_claims > 0
      RETURNING id
    ), tried AS (
      INSERT INTO delivery_attempts (delivery_id, claim, at, result, provider, provider_id, error)
      SELECT id, ${claimed.claims}::int, ${now}::timestamptz, ${is.result}::text, ${provider}::text, ${is.providerId}::text, ${is.reason}::text
      FROM recorded WHERE ${is.tried}
    )`
}

/** Records what became of a claimed delivery, once, and unless somebody else has claimed it since. Answers whether it did. */
export async function recordOutcome(db: Database, done: Done, now: Date): Promise<boolean> {
  const { rows } = await sql`WITH ${recording(done, now)} SELECT id FROM recorded`.execute(db)
  return rows.length > 0
}

/** `recordOutcome` and `claim` in one statement: sends many, one after another, each recorded before the next one leaves. */
export async function recordAndClaim(
  db: Database,
  done: Done,
  { site, lane, ...when }: Claiming,
): Promise<readonly Claimed[]> {
  // The statement sees the recorded one as it was: where its lease is over, as due.
  const next = taking(site, { ...when, lane: sql`= ${lane} AND id <> ${done.claimed.id}`, due: when.now })
  return (await sql<Claimed>`WITH ${recording(done, when.now)} ${next}`.execute(db)).rows
}

/** A channel that a message may fall back on. `allowed`: not before. */
export interface FallbackChannel extends Pick<DeliveryChannel, 'key' | 'lane'> {
  readonly allowed: Date
}

/**
 * Adds the delivery by the first of these channels by which the person of a message can be told and wants to be, and by which it was not tried
 * before. Answers whether there is one.
 */
export async function fallBack(
  tx: Transaction,
  all: Channels,
  claimed: Claimed,
  on: readonly FallbackChannel[],
  mandatory: boolean,
  now: Date,
): Promise<boolean> {
  const to = recipient(all, {
    user: sql`u`,
    type: sql`m.type`,
    channel: sql`c.key`,
    mandatory: sql`${mandatory}::boolean`,
  })
  const { rows } = await sql`
    INSERT INTO deliveries (message_id, user_id, type, urgent, channel, lane, state, reason, next_try_at, created_at, updated_at)
    SELECT m.id, m.user_id, m.type, m.urgent, c.key, c.lane, 'queued', CASE WHEN c.allowed > ${now} THEN 'quiet_hours' END, c.allowed, ${now}, ${now}
    FROM messages m
    JOIN users u ON u.id = m.user_id AND u.status <> 'deleted'
    CROSS JOIN ROWS FROM (jsonb_to_recordset(${JSON.stringify(on)}::text::jsonb) AS (key text, lane text, allowed timestamptz))
      WITH ORDINALITY AS c(key, lane, allowed, place)
    CROSS JOIN LATERAL ${to} AS r
    WHERE m.id = ${claimed.message_id}
      AND r.reason IS NULL
      AND NOT r.suppressed
      AND NOT EXISTS (SELECT FROM deliveries d WHERE d.message_id = m.id AND d.channel = c.key)
    ORDER BY c.place
    LIMIT 1
    ON CONFLICT (message_id, channel) DO NOTHING
    RETURNING id`.execute(tx)
  return rows.length > 0
}
