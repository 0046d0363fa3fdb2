import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../database/database.ts'
import type { Channels, DeliveryChannel } from '../channels.ts'
import { recipient } from '../recipients.ts'
import { isMandatory, type Locale, type NotificationType } from '../texts/types.ts'
import type { Outcome } from './rules.ts'

/** A delivery that this process has claimed, with all data needed to send it. */
export interface Claimed {
  readonly id: number
  /** Number of this claim; a later claim invalidates it. */
  readonly claims: number
  /** Number of claims without a recorded outcome, this one included. */
  readonly open_claims: number
  readonly attempts: number
  /** An earlier try got no answer: the message may have arrived. */
  readonly unheard: boolean
  /** Instant of the first failed try. */
  readonly failing_since: Date | null
  readonly channel: string
  readonly lane: string
  readonly type: string
  readonly urgent: boolean
  /** It already counts towards the frequency cap. */
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
  /** The person's address for the channel, as stored. */
  readonly address: string | null
  /** The bare address, encrypted; null when the delivery goes to a person. */
  readonly address_encrypted: string | null
  readonly content: { readonly subject: string; readonly body: string; readonly html?: string } | null
  /** The address is on the suppression list. */
  readonly suppressed: boolean
  /** The person has switched this type off for this channel (and may do so). */
  readonly switched_off: boolean
}

/** The parts of the catalogue that claims need: the channels, and the types, some of which can't be switched off. */
export interface Site {
  readonly channels: Channels
  types(): readonly NotificationType[]
}

/** Selects the deliveries to claim: at most `limit` that are due by `due`, the longest due first. */
interface ClaimFilter {
  readonly lane: RawBuilder<unknown>
  readonly due: Date
  readonly now: Date
  readonly leaseMs: number
  readonly limit: number
}

const claimStatement = (site: Site, { lane, due, now, leaseMs, limit }: ClaimFilter) => {
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
  LEFT JOIN notification_messages m ON m.id = q.message_id
  LEFT JOIN users u ON u.id = q.user_id
  CROSS JOIN LATERAL ${to} AS r
  WHERE d.id = q.id
  RETURNING d.id, d.claims, d.open_claims, d.attempts, d.unheard, d.failing_since,
    d.channel, d.lane, d.type, d.urgent, d.counted, d.created_at,
    d.message_id, m.chosen, m.subject, m.body, m.data,
    d.user_id, u.locale, u.display_name, d.address_encrypted, d.content,
    r.address, r.suppressed, r.said IS NOT DISTINCT FROM false AS switched_off`
}

/** Reasons for waiting that depend on the policy of the site. */
const BY_POLICY = ['quiet_hours', 'frequency_cap']

/**
 * Makes the deliveries due that the policy held up, so that the courier decides about them again. Call it after a
 * change of the policy. Claimed deliveries are not rescheduled.
 */
export async function reconsider(db: Database, now: Date): Promise<void> {
  await sql`
    UPDATE deliveries
    SET next_try_at = ${now}
    WHERE state = 'queued'
      AND open_claims = 0
      AND reason = ANY (${BY_POLICY}::text[])
      AND next_try_at > ${now}`.execute(db)
}

/** Claims of one process in one lane. `leaseMs`: how long other processes are kept from a claimed delivery. */
export interface ClaimOptions {
  readonly site: Site
  readonly lane: string
  readonly now: Date
  readonly leaseMs: number
  readonly limit: number
}

/** Claims due deliveries of a lane, the longest due first, and keeps other processes from them during the lease. */
export async function claim(db: Database, { site, lane, ...when }: ClaimOptions): Promise<readonly Claimed[]> {
  const statement = claimStatement(site, { ...when, lane: sql`= ${lane}`, due: when.now })
  return (await statement.$castTo<Claimed>().execute(db)).rows
}

/**
 * Claims one delivery that was due by `due` and whose lane is not in `lanes`, the lanes of this process's providers.
 */
export async function claimWithoutProvider(
  db: Database,
  site: Site,
  lanes: readonly string[],
  when: { readonly due: Date; readonly now: Date; readonly leaseMs: number },
): Promise<Claimed | undefined> {
  const statement = claimStatement(site, { ...when, lane: sql`<> ALL (${lanes}::text[])`, limit: 1 })
  return (await statement.$castTo<Claimed>().execute(db)).rows[0]
}

/** Extends the lease of a delivery that is still being sent. */
export async function renew(db: Database, { id, claims }: Claimed, now: Date, leaseMs: number): Promise<void> {
  await sql`
    UPDATE deliveries SET next_try_at = ${new Date(now.getTime() + leaseMs)}
    WHERE id = ${id} AND claims = ${claims} AND open_claims > 0 AND state = 'queued'`.execute(db)
}

/** Ends a delivery that was recorded to be tried again. */
export async function abandon(tx: Transaction, { id }: Claimed): Promise<void> {
  await sql`UPDATE deliveries SET state = 'failed', next_try_at = NULL WHERE id = ${id}`.execute(tx)
}

/** A claimed delivery with its outcome and the name of the provider. */
export interface Done {
  readonly claimed: Claimed
  readonly provider: string
  readonly outcome: Outcome
}

/** The values of the columns that an outcome sets. */
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
    /** It was given to the provider. */
    tried: sent || outcome.do === 'tryAgain' || (failed && outcome.tried),
    result: sent ? 'sent' : failed ? 'permanent' : 'temporary',
  }
}

const recordStatement = ({ claimed, provider, outcome }: Done, now: Date) => {
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
      SELECT id, ${claimed.claims}::int, ${now}::timestamptz,
        ${is.result}::text, ${provider}::text, ${is.providerId}::text, ${is.reason}::text
      FROM recorded
      WHERE ${is.tried}
    )`
}

/**
 * Records the outcome of a claimed delivery, unless it is recorded already or claimed again since. Returns whether it
 * did.
 */
export async function recordOutcome(db: Database, done: Done, now: Date): Promise<boolean> {
  const { rows } = await sql`WITH ${recordStatement(done, now)} SELECT id FROM recorded`.execute(db)
  return rows.length > 0
}

/** `recordOutcome` and `claim` in one statement, so that each delivery is recorded before the next one is sent. */
export async function recordAndClaim(
  db: Database,
  done: Done,
  { site, lane, ...when }: ClaimOptions,
): Promise<readonly Claimed[]> {
  // The statement sees the recorded delivery as it was before, so it would look due if its lease is over.
  const next = claimStatement(site, { ...when, lane: sql`= ${lane} AND id <> ${done.claimed.id}`, due: when.now })
  return (await sql<Claimed>`WITH ${recordStatement(done, when.now)} ${next}`.execute(db)).rows
}

/** A channel that a message may fall back on. `allowed`: the earliest instant. */
export interface FallbackChannel extends Pick<DeliveryChannel, 'key' | 'lane'> {
  readonly allowed: Date
}

/**
 * Adds a delivery by the first of these channels for which the recipient has a usable address, which they have not
 * switched off, and by which the message has no delivery yet. Returns whether there was one.
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
    INSERT INTO deliveries (
      message_id, user_id, type, urgent, channel, lane, state, reason, next_try_at, created_at, updated_at
    )
    SELECT m.id, m.user_id, m.type, m.urgent, c.key, c.lane, 'queued',
      CASE WHEN c.allowed > ${now} THEN 'quiet_hours' END, c.allowed, ${now}, ${now}
    FROM notification_messages m
    JOIN users u ON u.id = m.user_id AND u.status <> 'deleted'
    CROSS JOIN ROWS FROM (
      jsonb_to_recordset(${JSON.stringify(on)}::text::jsonb) AS (key text, lane text, allowed timestamptz)
    )
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
