import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict } from '../../../kernel/errors.ts'
import { type CampaignMove, moveCampaigns, moveDay } from '../../core/campaigns/countersStore.ts'
import { moveTags } from '../../core/taggingStore.ts'
import { fieldError } from '../../refusals.ts'
import { combined, type DayCounts, figuresBetween, type MergingRecipient } from './rules.ts'

/** The refusal while a campaign that both members get is on its way. */
export function beingSent(campaignIds: readonly number[]): Conflict {
  const ids = campaignIds.join(', ')
  return new Conflict(
    'being_sent',
    `A campaign is being sent to both members (${ids}). Merge them when it has ended.`,
    {
      errors: [fieldError('/from_id', `gets the same campaign now: ${ids}`)],
    },
  )
}

/** What belongs to a member and goes to another one when the two are merged. All rows of the source go to the target. */
export interface Move {
  readonly source: number
  readonly target: number
}

/** Numbers of rows that were moved, or would be. */
export interface MovedCounts {
  readonly tags: number
  readonly messages: number
  readonly consumption_records: number
  readonly campaigns: number
  readonly clicks: number
  readonly tag_triggers: number
  readonly pms_guests: number
}

/** Columns that refer to members. Merging moves each of them; a test compares the list with the schema. */
export const MEMBER_REFERENCES: readonly string[] = [
  'campaign_recipients.member_id',
  'consumption_records.member_id',
  'crm_clicks.member_id',
  'crm_conversations.member_id',
  'crm_import_rows.member_id',
  'crm_pms_guests.member_id',
  'crm_pms_reviews.member_id',
  'member_tag_relations.member_id',
  'members.merged_into',
  'messages.member_id',
  'tag_trigger_logs.member_id',
]

/** The numbers of rows that a merge would move. */
export async function countMoves(db: Transaction, source: number): Promise<MovedCounts> {
  const count = (table: string): RawBuilder<number> =>
    sql`(SELECT count(*) FROM ${sql.table(table)} WHERE member_id = ${source})`
  const { rows } = await sql<MovedCounts>`
    SELECT ${count('member_tag_relations')} AS tags, ${count('messages')} AS messages,
      ${count('consumption_records')} AS consumption_records, ${count('campaign_recipients')} AS campaigns,
      ${count('crm_clicks')} AS clicks, ${count('tag_trigger_logs')} AS tag_triggers,
      ${count('crm_pms_guests')} AS pms_guests`.execute(db)
  const [counts] = rows
  if (!counts) throw new Error('a count without a row')
  return counts
}

/**
 * Gives everything of the source to the target, with all counters. Both members must be locked: then no row that
 * refers to one of them is being written.
 */
export async function moveEverything(tx: Transaction, move: Move, zone: string, now: Date): Promise<void> {
  await moveRelations(tx, move, now)
  const days = await moveRecipients(tx, move, { zone, now })
  await moveConversation(tx, move)
  const { source, target } = move
  for (const table of ['consumption_records', 'crm_clicks', 'crm_import_rows', 'crm_pms_guests', 'tag_trigger_logs'])
    await sql`UPDATE ${sql.table(table)} SET member_id = ${target} WHERE member_id = ${source}`.execute(tx)
  await sql`UPDATE crm_pms_reviews SET member_id = ${target} WHERE member_id = ${source}`.execute(tx)
  await sql`
    UPDATE crm_pms_reviews
    SET candidates = ARRAY(SELECT DISTINCT unnest(array_replace(candidates, ${source}::bigint, ${target}::bigint)) ORDER BY 1)
    WHERE state = 'open' AND ${source}::bigint = ANY (candidates)`.execute(tx)
  await sql`UPDATE members SET merged_into = ${target} WHERE merged_into = ${source}`.execute(tx)
  for (const { campaignId, day, by } of days.toSorted(byCampaignAndDay)) await moveDay(tx, campaignId, day, by)
}

function byCampaignAndDay(a: DayMove, b: DayMove): number {
  return a.campaignId - b.campaignId || (a.day < b.day ? -1 : 1)
}

/** A tag that both have stays once, and counts one member less. */
async function moveRelations(tx: Transaction, { source, target }: Move, now: Date): Promise<void> {
  const { rows } = await sql<{ id: number }>`
    DELETE FROM member_tag_relations s
    WHERE s.member_id = ${source} AND EXISTS (
      SELECT FROM member_tag_relations t
      WHERE t.member_id = ${target} AND t.tag_id = s.tag_id AND t.tag_type = s.tag_type)
    RETURNING tag_id AS id`.execute(tx)
  await moveTags(
    tx,
    rows.map(({ id }) => ({ id, members: -1, triggers: 0 })),
    now,
  )
  await sql`UPDATE member_tag_relations SET member_id = ${target} WHERE member_id = ${source}`.execute(tx)
}

type Recipient = MergingRecipient & { readonly memberId: number }

/** Locks the recipients of campaigns that both members are in; the campaigns first. */
async function lockSharedRecipients(
  tx: Transaction,
  { source, target }: Move,
): Promise<readonly { readonly ours: MergingRecipient; readonly theirs: MergingRecipient }[]> {
  const { rows: campaigns } = await sql<{ id: number }>`
    SELECT id FROM campaigns WHERE id IN (
      SELECT t.campaign_id FROM campaign_recipients t
      JOIN campaign_recipients s ON s.campaign_id = t.campaign_id AND s.member_id = ${source}
      WHERE t.member_id = ${target})
    ORDER BY id FOR UPDATE`.execute(tx)
  if (campaigns.length === 0) return []
  const { rows } = await sql<Recipient>`
    SELECT id, campaign_id AS "campaignId", member_id AS "memberId", status, sent_at AS "sentAt",
      opened_at AS "openedAt", clicked_at AS "clickedAt", converted_at AS "convertedAt"
    FROM campaign_recipients
    WHERE member_id IN (${source}, ${target}) AND campaign_id = ANY (${campaigns.map(({ id }) => id)}::bigint[])
    ORDER BY id FOR UPDATE`.execute(tx)
  return campaigns.flatMap(({ id }) => {
    const of = (member: number) => rows.find((row) => row.campaignId === id && row.memberId === member)
    const [ours, theirs] = [of(target), of(source)]
    return ours && theirs ? [{ ours, theirs }] : []
  })
}

interface DayMove {
  readonly campaignId: number
  readonly day: string
  readonly by: DayCounts
}

/** Of two recipients of one campaign one stays. The campaigns' figures move; returns the moves of their days' figures. */
async function moveRecipients(
  tx: Transaction,
  move: Move,
  { zone, now }: { readonly zone: string; readonly now: Date },
): Promise<readonly DayMove[]> {
  const { source, target } = move
  const shared = await lockSharedRecipients(tx, move)
  // A batch that is being sent must keep its recipients: LINE takes a repeat only with the same ones.
  const sending = shared.filter(({ ours, theirs }) => ours.status === 'pending' || theirs.status === 'pending')
  if (sending.length > 0) throw beingSent(sending.map(({ ours }) => ours.campaignId))
  const moves: CampaignMove[] = []
  const dayMoves: DayMove[] = []
  for (const { ours, theirs } of shared) {
    const kept = combined(ours, theirs)
    const dropped = kept.id === ours.id ? theirs.id : ours.id
    await sql`UPDATE crm_clicks SET recipient_id = ${kept.id} WHERE recipient_id = ${dropped}`.execute(tx)
    await sql`
      UPDATE crm_merged_recipients SET recipient_id = ${kept.id} WHERE recipient_id = ${dropped}`.execute(tx)
    await sql`DELETE FROM campaign_recipients WHERE id = ${dropped}`.execute(tx)
    await sql`INSERT INTO crm_merged_recipients (id, recipient_id) VALUES (${dropped}, ${kept.id})`.execute(tx)
    await sql`
      UPDATE campaign_recipients
      SET member_id = ${target}, status = ${kept.status}, opened_at = ${kept.openedAt}, clicked_at = ${kept.clickedAt},
        converted_at = ${kept.convertedAt}
      WHERE id = ${kept.id}`.execute(tx)
    const { counts, days } = figuresBetween([ours, theirs], [kept], zone)
    moves.push({ campaignId: ours.campaignId, ...counts })
    for (const [day, by] of days) dayMoves.push({ campaignId: ours.campaignId, day, by })
  }
  await moveCampaigns(tx, moves, now)
  await sql`UPDATE campaign_recipients SET member_id = ${target} WHERE member_id = ${source}`.execute(tx)
  return dayMoves
}

/** Two conversations become one, with the unread messages of both. Its lock comes first, as in `markRead`. */
async function moveConversation(tx: Transaction, { source, target }: Move): Promise<void> {
  await sql`
    SELECT 1 FROM crm_conversations WHERE member_id IN (${source}, ${target}) ORDER BY member_id FOR UPDATE`.execute(tx)
  await sql`UPDATE messages SET member_id = ${target} WHERE member_id = ${source}`.execute(tx)
  await sql`
    WITH moved AS (
      DELETE FROM crm_conversations WHERE member_id = ${source}
      RETURNING last_message_id, last_message_at, unread_count, assigned_to, assigned_at
    )
    INSERT INTO crm_conversations AS c
      (member_id, last_message_id, last_message_at, unread_count, assigned_to, assigned_at)
    SELECT ${target}, last_message_id, last_message_at, unread_count, assigned_to, assigned_at FROM moved
    ON CONFLICT (member_id) DO UPDATE SET
      last_message_id = CASE WHEN excluded.last_message_at > c.last_message_at
        THEN excluded.last_message_id ELSE c.last_message_id END,
      last_message_at = greatest(excluded.last_message_at, c.last_message_at),
      unread_count = c.unread_count + excluded.unread_count,
      assigned_to = coalesce(c.assigned_to, excluded.assigned_to),
      assigned_at = CASE WHEN c.assigned_to IS NULL THEN excluded.assigned_at ELSE c.assigned_at END`.execute(tx)
}
