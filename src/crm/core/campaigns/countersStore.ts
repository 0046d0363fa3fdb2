import { sql } from 'kysely'
import type { Transaction } from '../../../kernel/database/database.ts'

/** How many recipients of a campaign came to a state, or left it (negative). */
export interface CampaignMove {
  readonly campaignId: number
  readonly recipients?: number
  readonly sent?: number
  readonly opened?: number
  readonly clicked?: number
  readonly failed?: number
  readonly unknown?: number
  readonly skipped?: number
}

/** NOTIFY channel of campaigns whose counters moved; the payload is the id. */
export const CAMPAIGN_CHANNEL = 'crm_campaign'

/**
 * Moves the counters of campaigns. Every change of the state of recipients calls it in its transaction. Campaigns are
 * locked in the order of their ids.
 */
export async function moveCampaigns(tx: Transaction, moves: readonly CampaignMove[], now: Date): Promise<void> {
  const sums = new Map<number, Required<CampaignMove>>()
  for (const move of moves) {
    const before = sums.get(move.campaignId)
    sums.set(move.campaignId, {
      campaignId: move.campaignId,
      recipients: (before?.recipients ?? 0) + (move.recipients ?? 0),
      sent: (before?.sent ?? 0) + (move.sent ?? 0),
      opened: (before?.opened ?? 0) + (move.opened ?? 0),
      clicked: (before?.clicked ?? 0) + (move.clicked ?? 0),
      failed: (before?.failed ?? 0) + (move.failed ?? 0),
      unknown: (before?.unknown ?? 0) + (move.unknown ?? 0),
      skipped: (before?.skipped ?? 0) + (move.skipped ?? 0),
    })
  }
  for (const move of [...sums.values()].sort((a, b) => a.campaignId - b.campaignId))
    await sql`
      UPDATE campaigns
      SET recipient_count = recipient_count + ${move.recipients}, sent_count = sent_count + ${move.sent},
        opened_count = opened_count + ${move.opened}, clicked_count = clicked_count + ${move.clicked},
        failed_count = failed_count + ${move.failed}, unknown_count = unknown_count + ${move.unknown},
        skipped_count = skipped_count + ${move.skipped}, updated_at = ${now}
      WHERE id = ${move.campaignId}
      RETURNING pg_notify(${CAMPAIGN_CHANNEL}, id::text)`.execute(tx)
}

/** Skips the recipients of a member that still wait, for a reason; moves the campaigns' counters. */
export async function skipRecipients(tx: Transaction, memberId: number, reason: string, now: Date): Promise<void> {
  const { rows } = await sql<{ campaignId: number }>`
    UPDATE campaign_recipients SET status = 'skipped', error_message = ${reason}
    WHERE member_id = ${memberId} AND status = 'pending'
    RETURNING campaign_id AS "campaignId"`.execute(tx)
  await moveCampaigns(
    tx,
    rows.map(({ campaignId }) => ({ campaignId, skipped: 1 })),
    now,
  )
}

/** Moves the figures of a campaign's local day. Called last in a transaction. */
export async function moveDay(
  tx: Transaction,
  campaignId: number,
  day: string,
  by: {
    readonly sent?: number
    readonly opened?: number
    readonly clicked?: number
    readonly converted?: number
  },
): Promise<void> {
  await sql`
    INSERT INTO crm_campaign_days AS d (campaign_id, day, sent, opened, clicked, converted)
    VALUES (${campaignId}, ${day}, ${by.sent ?? 0}, ${by.opened ?? 0}, ${by.clicked ?? 0}, ${by.converted ?? 0})
    ON CONFLICT (campaign_id, day) DO UPDATE SET
      sent = d.sent + excluded.sent, opened = d.opened + excluded.opened,
      clicked = d.clicked + excluded.clicked, converted = d.converted + excluded.converted`.execute(tx)
}
