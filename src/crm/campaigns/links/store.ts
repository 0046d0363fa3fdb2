import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import type { TagType } from '../../fields.ts'

export interface Link {
  readonly id: number
  readonly url: string | null
  readonly templateId: number | null
  readonly tags: readonly { readonly id: number; readonly type: TagType }[]
}

/** The key by which a campaign signs its links; undefined if it was not sent. */
export async function linkKeyOf(db: Database, campaignId: number): Promise<string | undefined> {
  const { rows } = await sql<{ key: string | null }>`
    SELECT link_key AS key FROM campaigns WHERE id = ${campaignId}`.execute(db)
  return rows[0]?.key ?? undefined
}

/** A link of a campaign as it was stored when it started, with those of its tags that are still there. */
export async function findLink(db: Database, campaignId: number, position: number): Promise<Link | undefined> {
  const { rows } = await sql<Link>`
    SELECT l.id, l.url, l.template_id AS "templateId",
      coalesce((SELECT jsonb_agg(jsonb_build_object('id', t.id, 'type', t.type) ORDER BY t.id)
        FROM interaction_tags t WHERE t.id = ANY (l.tag_ids)), '[]') AS tags
    FROM crm_links l WHERE l.campaign_id = ${campaignId} AND l.position = ${position}`.execute(db)
  return rows[0]
}

/** A recipient before and after something was seen of them. */
export interface Seen {
  readonly memberId: number
  readonly isDeleted: boolean
  readonly lineUid: string
  readonly before: string
  readonly wasOpened: boolean
  readonly wasClicked: boolean
  /** The local day on which it was sent counts now, because what was seen proves that it arrived. */
  readonly newlySent: boolean
}

/**
 * Notes that a recipient opened or clicked a message, once each. Either proves that the message arrived, so that
 * recipients whose fate was not known count as sent.
 */
export async function noteSeen(
  tx: Transaction,
  { id, campaignId, clicks }: { readonly id: number; readonly campaignId: number; readonly clicks: boolean },
  now: Date,
): Promise<Seen | undefined> {
  const { rows } = await sql<Seen>`
    WITH before AS (
      SELECT r.id, r.member_id, r.line_uid, r.status, r.opened_at, r.clicked_at, m.deleted_at
      FROM campaign_recipients r JOIN members m ON m.id = r.member_id
      WHERE r.id = ${id} AND r.campaign_id = ${campaignId} FOR UPDATE OF r
    ), moved AS (
      UPDATE campaign_recipients r
      SET opened_at = coalesce(r.opened_at, ${now}),
        clicked_at = CASE WHEN ${clicks} THEN coalesce(r.clicked_at, ${now}) ELSE r.clicked_at END,
        sent_at = coalesce(r.sent_at, ${now}),
        status = CASE WHEN ${clicks} OR r.status = 'clicked' THEN 'clicked' ELSE 'opened' END, error_message = NULL
      FROM before b WHERE r.id = b.id
    )
    SELECT member_id AS "memberId", line_uid AS "lineUid", deleted_at IS NOT NULL AS "isDeleted", status AS before,
      opened_at IS NOT NULL AS "wasOpened", clicked_at IS NOT NULL AS "wasClicked",
      status NOT IN ('sent', 'opened', 'clicked') AS "newlySent"
    FROM before`.execute(tx)
  return rows[0]
}

export async function insertClick(
  tx: Transaction,
  click: {
    readonly campaignId: number
    readonly recipientId: number
    readonly memberId: number
    readonly linkId: number
  },
  now: Date,
): Promise<void> {
  await sql`
    INSERT INTO crm_clicks (campaign_id, recipient_id, member_id, link_id, clicked_at)
    VALUES (${click.campaignId}, ${click.recipientId}, ${click.memberId}, ${click.linkId}, ${now})`.execute(tx)
}
