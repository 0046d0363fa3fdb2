import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { Difference } from '../../../kernel/product.ts'
import { runChecks } from '../../../kernel/verify.ts'
import type { Period, Totals } from './rules.ts'

const within = ({ start, end }: Period, day: RawBuilder<unknown> = sql`day`) =>
  sql`${day} BETWEEN ${start}::date AND ${end}::date`

/** Recipients of campaigns, and outgoing messages, of a period. */
export async function totalsOf(db: Database, period: Period): Promise<Totals & { readonly messages: number }> {
  const { rows } = await sql<Totals & { messages: number }>`
    SELECT coalesce(sum(sent), 0)::bigint AS sent, coalesce(sum(opened), 0)::bigint AS opened,
      coalesce(sum(clicked), 0)::bigint AS clicked, coalesce(sum(converted), 0)::bigint AS converted,
      (SELECT coalesce(sum(count), 0)::bigint FROM crm_message_days WHERE ${within(period)} AND direction = 'outgoing')
        AS messages
    FROM crm_campaign_days WHERE ${within(period)}`.execute(db)
  return rows[0] ?? { sent: 0, opened: 0, clicked: 0, converted: 0, messages: 0 }
}

export interface CampaignTotals extends Totals {
  readonly campaign_id: number
  readonly title: string
}

/** Campaigns with anything in a period, those with the most recipients first. */
export async function campaignTotals(db: Database, period: Period, limit: number): Promise<readonly CampaignTotals[]> {
  const { rows } = await sql<CampaignTotals>`
    SELECT d.campaign_id, c.title, d.sent, d.opened, d.clicked, d.converted
    FROM (
      SELECT campaign_id, sum(sent)::bigint AS sent, sum(opened)::bigint AS opened, sum(clicked)::bigint AS clicked,
        sum(converted)::bigint AS converted
      FROM crm_campaign_days WHERE ${within(period)} GROUP BY campaign_id
    ) d
    JOIN campaigns c ON c.id = d.campaign_id
    WHERE d.sent + d.opened + d.clicked + d.converted > 0
    ORDER BY d.sent DESC, d.campaign_id DESC LIMIT ${limit}`.execute(db)
  return rows
}

export interface TagTotals {
  readonly tag_id: number
  readonly tag_name: string
  readonly trigger_count: number
  /** Of all tags, also of those beyond the limit. */
  readonly total: number
}

/** Interaction tags by their triggers: since ever, or between two instants. */
export async function tagTotals(
  db: Database,
  between: { readonly from: Date; readonly to: Date } | undefined,
  limit: number,
): Promise<readonly TagTotals[]> {
  const counted = between
    ? sql`(
        SELECT tag_id, count(*) AS trigger_count FROM tag_trigger_logs
        WHERE triggered_at >= ${between.from} AND triggered_at < ${between.to} GROUP BY tag_id)`
    : sql`(SELECT id AS tag_id, trigger_count FROM interaction_tags WHERE trigger_count > 0)`
  const { rows } = await sql<TagTotals>`
    SELECT t.id AS tag_id, t.name AS tag_name, c.trigger_count, sum(c.trigger_count) OVER ()::bigint AS total
    FROM ${counted} c JOIN interaction_tags t ON t.id = c.tag_id
    ORDER BY c.trigger_count DESC, t.id LIMIT ${limit}`.execute(db)
  return rows
}

/** Recipients of campaigns by local day; days without any are missing. */
export async function totalsByDay(
  db: Database,
  period: Period,
): Promise<readonly (Totals & { readonly day: string })[]> {
  const { rows } = await sql<Totals & { day: string }>`
    SELECT day::text AS day, sum(sent)::bigint AS sent, sum(opened)::bigint AS opened,
      sum(clicked)::bigint AS clicked, sum(converted)::bigint AS converted
    FROM crm_campaign_days WHERE ${within(period)} GROUP BY crm_campaign_days.day`.execute(db)
  return rows
}

/** Messages by local day: incoming ones, and outgoing ones by what sent them. */
export interface MessageTotals {
  readonly day: string
  readonly incoming: number
  readonly manual: number
  readonly auto: number
  readonly campaign: number
}

export async function messagesByDay(db: Database, period: Period): Promise<readonly MessageTotals[]> {
  const outgoing = (sender: string) =>
    sql`coalesce(sum(count) FILTER (WHERE direction = 'outgoing' AND sender_type = ${sender}), 0)::bigint`
  const { rows } = await sql<MessageTotals>`
    SELECT day::text AS day, coalesce(sum(count) FILTER (WHERE direction = 'incoming'), 0)::bigint AS incoming,
      ${outgoing('manual')} AS manual, ${outgoing('auto')} AS auto, ${outgoing('campaign')} AS campaign
    FROM crm_message_days WHERE ${within(period)} GROUP BY crm_message_days.day`.execute(db)
  return rows
}

/** Members who are there today by the local day on which they came, and how many came before. */
export async function membersByDay(
  db: Database,
  { from, to }: { readonly from: Date; readonly to: Date },
  zone: string,
): Promise<{ readonly before: number; readonly days: readonly { readonly day: string; readonly added: number }[] }> {
  const before = await sql<{ count: number }>`
    SELECT count(*) AS count FROM members
    WHERE deleted_at IS NULL AND merged_into IS NULL AND created_at < ${from}`.execute(db)
  const { rows } = await sql<{ day: string; added: number }>`
    SELECT (created_at AT TIME ZONE ${zone})::date::text AS day, count(*) AS added FROM members
    WHERE deleted_at IS NULL AND merged_into IS NULL AND created_at >= ${from} AND created_at < ${to} GROUP BY 1`.execute(
    db,
  )
  return { before: before.rows[0]?.count ?? 0, days: rows }
}

/**
 * Conversions: the figures of the days against the recipients, and recipients that converted without a click before.
 * @param zone by which the days were counted
 */
export async function findFigureDifferences(db: Database, zone: string): Promise<readonly Difference[]> {
  return await runChecks(db, [
    {
      name: 'crm_campaign_days.converted',
      differences: sql`
        SELECT 'campaign ' || campaign_id || ' on ' || day AS subject, coalesce(s.converted, 0)::text AS stored,
          coalesce(c.converted, 0)::text AS computed
        FROM (SELECT campaign_id, day, converted FROM crm_campaign_days WHERE converted <> 0) s
        FULL JOIN (
          SELECT campaign_id, (converted_at AT TIME ZONE ${zone})::date AS day, count(*)::int AS converted
          FROM campaign_recipients WHERE converted_at IS NOT NULL GROUP BY 1, 2
        ) c USING (campaign_id, day)
        WHERE s.converted IS DISTINCT FROM c.converted
        ORDER BY campaign_id, day`,
    },
    {
      name: 'campaign_recipients.converted_at',
      differences: sql`
        SELECT 'recipient ' || r.id AS subject, r.converted_at::text AS stored, 'no click before' AS computed
        FROM campaign_recipients r
        WHERE r.converted_at IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM crm_clicks k WHERE k.recipient_id = r.id AND k.clicked_at <= r.converted_at)
        ORDER BY r.id`,
    },
  ])
}
