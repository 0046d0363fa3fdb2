import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { CAMPAIGN_CHANNEL } from '../../core/campaigns/countersStore.ts'
import type { LineMessage } from '../../core/line/types.ts'

/** A batch that this worker has until its claim ends. */
export interface ClaimedBatch {
  readonly id: number
  readonly campaignId: number
  readonly kind: 'push' | 'multicast'
  readonly round: number
  readonly tries: number
  readonly claims: number
  /** The earliest call before this claim whose answer is not known. */
  readonly unheardSince: Date | null
  readonly linkKey: string
  readonly messages: readonly LineMessage[]
  readonly summary: string
  readonly isTemplate: boolean
}

/** Campaigns whose batches may be sent: a daily one stays `scheduled`. */
const SENDS = sql`(c.status = 'sending' OR (c.status = 'scheduled' AND c.trigger_condition IS NOT NULL))`

/** Claims the next batch that is due. */
export async function claimBatch(db: Database, now: Date, until: Date): Promise<ClaimedBatch | undefined> {
  const { rows } = await sql<ClaimedBatch>`
    WITH next AS (
      SELECT b.id, b.unheard_since FROM crm_batches b JOIN campaigns c ON c.id = b.campaign_id
      WHERE b.state = 'waiting' AND b.next_try_at <= ${now} AND (b.claimed_until IS NULL OR b.claimed_until <= ${now})
        AND ${SENDS}
      ORDER BY b.next_try_at, b.id LIMIT 1 FOR UPDATE OF b SKIP LOCKED
    )
    UPDATE crm_batches b
    SET claims = b.claims + 1, claimed_until = ${until}
    FROM next n, campaigns c
    WHERE b.id = n.id AND c.id = b.campaign_id
    RETURNING b.id, b.campaign_id AS "campaignId", b.kind, b.round, b.tries, b.claims, n.unheard_since AS "unheardSince",
      c.link_key AS "linkKey", c.line_messages -> 'messages' AS messages, c.line_messages ->> 'summary' AS summary,
      (c.line_messages -> 'messages' -> 0 ->> 'type') <> 'text' AS "isTemplate"`.execute(db)
  return rows[0]
}

export interface WaitingRecipient {
  readonly id: number
  readonly lineUid: string
  /** Null: the member may get it; otherwise the reason why not any more. */
  readonly obstacle: string | null
}

/** The recipients of a batch that still wait, by id, judged as they are now. */
export async function waitingRecipients(db: Database, batchId: number): Promise<readonly WaitingRecipient[]> {
  const { rows } = await sql<WaitingRecipient>`
    SELECT r.id, r.line_uid AS "lineUid",
      CASE WHEN m.deleted_at IS NOT NULL THEN 'the member was deleted'
        WHEN m.unfollowed_at IS NOT NULL THEN 'the member has unfollowed'
        WHEN NOT m.accept_marketing THEN 'the member no longer accepts marketing'
        WHEN m.line_uid IS DISTINCT FROM r.line_uid THEN 'the member has another LINE account' END AS obstacle
    FROM campaign_recipients r JOIN members m ON m.id = r.member_id
    WHERE r.batch_id = ${batchId} AND r.status = 'pending'
    ORDER BY r.id`.execute(db)
  return rows
}

/**
 * Marks a locked batch as being in doubt from now on, unless it is already. This is committed before the first call, so
 * that another worker that takes the batch over knows that it may have been sent.
 */
export async function beginCalls(tx: Transaction, { id }: ClaimedBatch, now: Date): Promise<void> {
  await sql`UPDATE crm_batches SET unheard_since = coalesce(unheard_since, ${now}) WHERE id = ${id}`.execute(tx)
}

/** Locks a batch; answers whether the claim is still the newest. */
export async function holdsClaim(tx: Transaction, batch: ClaimedBatch): Promise<boolean> {
  const { rows } = await sql<{ claims: number }>`
    SELECT claims FROM crm_batches WHERE id = ${batch.id} AND state = 'waiting' FOR UPDATE`.execute(tx)
  return rows[0]?.claims === batch.claims
}

export interface Settled {
  readonly id: number
  readonly status: 'sent' | 'failed' | 'skipped' | 'unknown'
  readonly reason: string | null
}

/** Settles recipients that still wait; answers those that were. */
export async function settleRecipients(
  tx: Transaction,
  settled: readonly Settled[],
  now: Date,
): Promise<readonly { readonly id: number; readonly memberId: number; readonly status: Settled['status'] }[]> {
  const { rows } = await sql<{ id: number; memberId: number; status: Settled['status'] }>`
    UPDATE campaign_recipients r
    SET status = s.status, error_message = left(s.reason, 500), sent_at = CASE WHEN s.status = 'sent' THEN ${now}::timestamptz END
    FROM unnest(${settled.map(({ id }) => id)}::bigint[], ${settled.map(({ status }) => status)}::text[],
      ${settled.map(({ reason }) => reason)}::text[]) AS s (id, status, reason)
    WHERE r.id = s.id AND r.status = 'pending'
    RETURNING r.id, r.member_id AS "memberId", r.status`.execute(tx)
  return rows
}

/** Writes a row of `messages` for each member who was reached. */
export async function insertMessages(
  tx: Transaction,
  memberIds: readonly number[],
  { campaignId, summary, isTemplate }: ClaimedBatch,
  now: Date,
): Promise<void> {
  await sql`
    INSERT INTO messages (member_id, campaign_id, content, direction, message_type, sender_type, created_at)
    SELECT id, ${campaignId}, ${summary}, 'outgoing', ${isTemplate ? 'template' : 'text'}, 'campaign', ${now}
    FROM unnest(${memberIds}::bigint[]) id`.execute(tx)
}

/** Gives a locked batch back: nothing of it waits any more, or it waits for its next try. */
export async function releaseBatch(
  tx: Transaction,
  batch: ClaimedBatch,
  next: {
    readonly at: Date
    readonly tries: number
    readonly unheardSince: Date | null
    readonly kind: ClaimedBatch['kind']
  },
): Promise<void> {
  await sql`
    UPDATE crm_batches b
    SET state = CASE WHEN EXISTS (SELECT FROM campaign_recipients r WHERE r.batch_id = b.id AND r.status = 'pending')
        THEN 'waiting' ELSE 'done' END,
      claimed_until = NULL, next_try_at = ${next.at}, tries = ${next.tries}, unheard_since = ${next.unheardSince},
      kind = ${next.kind}
    WHERE b.id = ${batch.id}`.execute(tx)
}

/** Moves recipients that were certainly not sent into a batch of their own, so that the doubt about others is not theirs. */
export async function splitBatch(
  tx: Transaction,
  batch: ClaimedBatch,
  recipientIds: readonly number[],
  next: { readonly at: Date; readonly tries: number },
): Promise<void> {
  await sql`
    WITH made AS (
      INSERT INTO crm_batches (campaign_id, kind, round, next_try_at, tries)
      VALUES (${batch.campaignId}, 'push', ${batch.round}, ${next.at}, ${next.tries}) RETURNING id
    )
    UPDATE campaign_recipients SET batch_id = made.id FROM made
    WHERE campaign_recipients.id = ANY (${recipientIds}::bigint[])`.execute(tx)
}

/** Stops a campaign until a person resumes it; answers its creator, if this call stopped it. */
export async function pauseCampaign(
  tx: Transaction,
  campaignId: number,
  { code, reason }: { readonly code: string; readonly reason: string },
  now: Date,
): Promise<{ readonly title: string; readonly createdBy: number | null } | undefined> {
  const { rows } = await sql<{ title: string; createdBy: number | null }>`
    UPDATE campaigns SET status = 'paused', error_code = ${code}, error_message = left(${reason}, 500), updated_at = ${now}
    WHERE id = ${campaignId} AND status IN ('sending', 'scheduled')
    RETURNING title, created_by AS "createdBy"`.execute(tx)
  return rows[0]
}

/** Ends a campaign of which no recipient waits: `sent`, or `failed` if nobody was reached. */
export async function finishCampaign(db: Database, campaignId: number, now: Date): Promise<void> {
  await sql`
    UPDATE campaigns
    SET status = CASE WHEN sent_count + unknown_count > 0 THEN 'sent' ELSE 'failed' END,
      error_code = CASE WHEN sent_count + unknown_count > 0 THEN NULL ELSE 'nobody_reached' END,
      error_message = CASE WHEN sent_count + unknown_count > 0 THEN NULL ELSE 'Nobody was reached.' END,
      updated_at = ${now}
    WHERE id = ${campaignId} AND status = 'sending'
      AND NOT EXISTS (SELECT FROM crm_batches b WHERE b.campaign_id = ${campaignId} AND b.state = 'waiting')
    RETURNING pg_notify(${CAMPAIGN_CHANNEL}, id::text)`.execute(db)
}
