import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import type { Audience, Trigger } from '../../core/audience/audience.ts'
import { REACHABLE, type Reach } from '../../core/audience/audienceStore.ts'
import { CAMPAIGN_CHANNEL } from '../../core/campaigns/countersStore.ts'
import type { LineMessage } from '../../core/line/types.ts'
import type { TemplateLink, TemplateType } from '../../core/templates/types.ts'
import type { CampaignState } from './rules.ts'

export interface Campaign {
  readonly id: number
  readonly title: string
  readonly template_id: number
  readonly target_audience: Audience
  readonly trigger_condition: Trigger | null
  readonly scheduled_at: Date | null
  readonly sent_at: Date | null
  readonly status: CampaignState
  readonly sent_count: number
  readonly opened_count: number
  readonly clicked_count: number
  readonly recipient_count: number
  readonly failed_count: number
  readonly unknown_count: number
  readonly skipped_count: number
  readonly excluded: Omit<Reach, 'recipients'> | null
  readonly template_version: number | null
  readonly error_code: string | null
  readonly error_message: string | null
  readonly created_at: Date
  readonly updated_at: Date | null
  readonly template: { readonly id: number; readonly type: TemplateType; readonly name: string | null }
  readonly created_by: { readonly id: number; readonly username: string; readonly full_name: string } | null
}

const SELECT = sql`
  SELECT c.id, c.title, c.template_id, c.target_audience, c.trigger_condition, c.scheduled_at, c.sent_at, c.status,
    c.sent_count, c.opened_count, c.clicked_count, c.recipient_count, c.failed_count, c.unknown_count, c.skipped_count,
    c.excluded, c.template_version, c.error_code, c.error_message, c.created_at, c.updated_at,
    jsonb_build_object('id', t.id, 'type', t.type, 'name', t.name) AS template,
    CASE WHEN u.id IS NOT NULL THEN jsonb_build_object('id', u.id, 'username', u.username, 'full_name', u.display_name)
      END AS created_by
  FROM campaigns c JOIN message_templates t ON t.id = c.template_id LEFT JOIN users u ON u.id = c.created_by`

/** A campaign; undefined if there is none. */
export async function findCampaign(db: Database, id: number): Promise<Campaign | undefined> {
  const { rows } = await sql<Campaign>`${SELECT} WHERE c.id = ${id}`.execute(db)
  return rows[0]
}

export interface CampaignFilter {
  readonly status?: CampaignState | undefined
  readonly from?: Date | undefined
  readonly to?: Date | undefined
  readonly limit: number
  readonly offset: number
}

export interface CampaignSummary {
  readonly total: number
  readonly sent: number
  readonly scheduled: number
  readonly draft: number
}

/** A page of campaigns, the newest first, their number, and the numbers by state of all campaigns of the period. */
export async function listCampaigns(
  db: Database,
  { status, from, to, limit, offset }: CampaignFilter,
): Promise<{ readonly items: readonly Campaign[]; readonly total: number; readonly summary: CampaignSummary }> {
  const at = sql`coalesce(c.scheduled_at, c.created_at)`
  const period = sql`(${from ?? null}::timestamptz IS NULL OR ${at} >= ${from ?? null})
    AND (${to ?? null}::timestamptz IS NULL OR ${at} < ${to ?? null})`
  const state = sql`(${status ?? null}::text IS NULL OR c.status = ${status ?? null})`
  const { rows: items } = await sql<Campaign>`
    ${SELECT} WHERE ${period} AND ${state} ORDER BY c.created_at DESC, c.id DESC LIMIT ${limit} OFFSET ${offset}`.execute(
    db,
  )
  const { rows } = await sql<CampaignSummary & { matching: number }>`
    SELECT count(*)::int AS total, count(*) FILTER (WHERE c.status = 'sent')::int AS sent,
      count(*) FILTER (WHERE c.status = 'scheduled')::int AS scheduled,
      count(*) FILTER (WHERE c.status = 'draft')::int AS draft, count(*) FILTER (WHERE ${state})::int AS matching
    FROM campaigns c WHERE ${period}`.execute(db)
  const { matching: total, ...summary } = inserted(rows)
  return { items, total, summary }
}

export interface CampaignContent {
  readonly title: string
  readonly template_id: number
  readonly target_audience: Audience
  readonly trigger_condition: Trigger | null
  readonly scheduled_at: Date | null
}

/** Adds a campaign: scheduled if it has a time, else a draft. Answers its id. */
export async function insertCampaign(
  tx: Transaction,
  content: CampaignContent,
  createdBy: number,
  now: Date,
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO campaigns (title, template_id, target_audience, trigger_condition, scheduled_at, status, created_by, created_at)
    VALUES (${content.title}, ${content.template_id}, ${JSON.stringify(content.target_audience)}::text::jsonb,
      ${content.trigger_condition === null ? null : JSON.stringify(content.trigger_condition)}::text::jsonb,
      ${content.scheduled_at}, ${content.scheduled_at === null ? 'draft' : 'scheduled'}, ${createdBy}, ${now})
    RETURNING id`.execute(tx)
  return inserted(rows).id
}

/** Changes a locked campaign; its state follows from its time. */
export async function updateCampaign(tx: Transaction, id: number, content: CampaignContent, now: Date): Promise<void> {
  await sql`
    UPDATE campaigns
    SET title = ${content.title}, template_id = ${content.template_id},
      target_audience = ${JSON.stringify(content.target_audience)}::text::jsonb,
      trigger_condition = ${content.trigger_condition === null ? null : JSON.stringify(content.trigger_condition)}::text::jsonb,
      scheduled_at = ${content.scheduled_at},
      status = ${content.scheduled_at === null ? 'draft' : 'scheduled'}, updated_at = ${now}
    WHERE id = ${id}`.execute(tx)
}

/** Locks a campaign until the transaction ends; answers it as it is. */
export async function lockCampaign(tx: Transaction, id: number): Promise<Campaign | undefined> {
  const { rows } = await sql`SELECT 1 FROM campaigns WHERE id = ${id} FOR UPDATE`.execute(tx)
  return rows.length === 0 ? undefined : await findCampaign(tx, id)
}

export async function deleteCampaign(tx: Transaction, id: number): Promise<void> {
  await sql`DELETE FROM campaigns WHERE id = ${id}`.execute(tx)
}

/** Sets the state of a locked campaign and tells who watches it. */
export async function setState(
  tx: Transaction,
  id: number,
  status: CampaignState,
  now: Date,
  fault: { readonly code: string; readonly message: string } | null = null,
): Promise<void> {
  await sql`
    UPDATE campaigns
    SET status = ${status}, error_code = ${fault?.code ?? null}, error_message = ${fault?.message ?? null}, updated_at = ${now}
    WHERE id = ${id} RETURNING pg_notify(${CAMPAIGN_CHANNEL}, id::text)`.execute(tx)
}

/** What a campaign sends, frozen when it starts. */
export interface Frozen {
  readonly version: number
  readonly template: object
  readonly messages: readonly LineMessage[]
  readonly summary: string
  readonly isPersonal: boolean
  readonly linkKey: string
  readonly links: readonly TemplateLink[]
  readonly excluded: Omit<Reach, 'recipients'>
}

/** Freezes what a locked campaign sends, with the version of its template and its links. */
export async function freeze(
  tx: Transaction,
  id: number,
  templateId: number,
  frozen: Frozen,
  now: Date,
): Promise<void> {
  await sql`
    INSERT INTO crm_template_versions (template_id, version, template, created_at)
    VALUES (${templateId}, ${frozen.version}, ${JSON.stringify(frozen.template)}::text::jsonb, ${now})
    ON CONFLICT DO NOTHING`.execute(tx)
  for (const { position, label, url, templateId: sends, tagIds } of frozen.links)
    await sql`
      INSERT INTO crm_links (campaign_id, position, label, url, template_id, tag_ids)
      VALUES (${id}, ${position}, ${label}, ${url}, ${sends}, ${tagIds}::bigint[])`.execute(tx)
  await sql`
    UPDATE campaigns
    SET template_version = ${frozen.version}, is_personal = ${frozen.isPersonal}, link_key = ${frozen.linkKey},
      line_messages = ${JSON.stringify({ messages: frozen.messages, summary: frozen.summary })}::text::jsonb,
      excluded = ${JSON.stringify(frozen.excluded)}::text::jsonb, sent_at = coalesce(sent_at, ${now}), updated_at = ${now}
    WHERE id = ${id}`.execute(tx)
}

const PUSH_BATCH = 100
const MULTICAST_BATCH = 500

/**
 * Writes the recipients of a locked campaign with their batches, in one statement. Members who are recipients already
 * are left out.
 * @returns the number of recipients
 */
export async function resolveRecipients(
  tx: Transaction,
  id: number,
  audience: RawBuilder<boolean>,
  isPersonal: boolean,
  now: Date,
): Promise<number> {
  const size = isPersonal ? PUSH_BATCH : MULTICAST_BATCH
  const { rows } = await sql<{ count: number }>`
    WITH chosen AS MATERIALIZED (
      SELECT m.id, m.line_uid, (row_number() OVER (ORDER BY m.id) - 1) / ${size}::int AS batch
      FROM members m
      WHERE ${REACHABLE} AND ${audience}
        AND NOT EXISTS (SELECT FROM campaign_recipients r WHERE r.campaign_id = ${id} AND r.member_id = m.id)
    ), made AS (
      INSERT INTO crm_batches (campaign_id, kind, next_try_at)
      SELECT ${id}, ${isPersonal ? 'push' : 'multicast'}, ${now}
      FROM generate_series(0, (SELECT max(batch) FROM chosen))
      RETURNING id
    ), numbered AS (
      SELECT id, row_number() OVER (ORDER BY id) - 1 AS batch FROM made
    ), written AS (
      INSERT INTO campaign_recipients (campaign_id, member_id, status, batch_id, line_uid)
      SELECT ${id}, c.id, 'pending', n.id, c.line_uid FROM chosen c JOIN numbered n ON n.batch = c.batch ORDER BY c.id
      RETURNING 1
    ), counted AS (
      SELECT count(*)::int AS count FROM written
    )
    UPDATE campaigns SET recipient_count = recipient_count + counted.count FROM counted WHERE id = ${id}
    RETURNING counted.count`.execute(tx)
  return rows[0]?.count ?? 0
}

/** The template as a campaign sent it; undefined before it started. */
export async function frozenTemplate(
  db: Database,
  { template_id: id, template_version: version }: Campaign,
): Promise<object | undefined> {
  if (version === null) return undefined
  const { rows } = await sql<{ template: object }>`
    SELECT template FROM crm_template_versions WHERE template_id = ${id} AND version = ${version}`.execute(db)
  return rows[0]?.template
}

/** Skips the recipients of a locked campaign that wait; answers their number. */
export async function skipWaiting(tx: Transaction, id: number, reason: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    WITH skipped AS (
      UPDATE campaign_recipients SET status = 'skipped', error_message = ${reason}
      WHERE campaign_id = ${id} AND status = 'pending' RETURNING 1
    )
    SELECT count(*)::int AS count FROM skipped`.execute(tx)
  await sql`UPDATE crm_batches SET state = 'done' WHERE campaign_id = ${id} AND state = 'waiting'`.execute(tx)
  return rows[0]?.count ?? 0
}

/** Puts failed (or unknown) recipients of a locked campaign into new batches of the next round; answers their number. */
export async function tryAgain(tx: Transaction, id: number, status: 'failed' | 'unknown', now: Date): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    WITH chosen AS MATERIALIZED (
      SELECT r.id, (row_number() OVER (ORDER BY r.id) - 1) / ${PUSH_BATCH}::int AS batch
      FROM campaign_recipients r WHERE r.campaign_id = ${id} AND r.status = ${status}
    ), made AS (
      INSERT INTO crm_batches (campaign_id, kind, round, next_try_at)
      SELECT ${id}, 'push', (SELECT max(round) + 1 FROM crm_batches WHERE campaign_id = ${id}), ${now}
      FROM generate_series(0, (SELECT max(batch) FROM chosen)) RETURNING id
    ), numbered AS (
      SELECT id, row_number() OVER (ORDER BY id) - 1 AS batch FROM made
    ), moved AS (
      UPDATE campaign_recipients r SET status = 'pending', error_message = NULL, batch_id = n.id
      FROM chosen c JOIN numbered n ON n.batch = c.batch WHERE r.id = c.id RETURNING 1
    )
    SELECT count(*)::int AS count FROM moved`.execute(tx)
  return rows[0]?.count ?? 0
}

export interface RecipientRow {
  readonly member: { readonly id: number; readonly name: string; readonly email: string | null }
  readonly sent_at: Date | null
  readonly opened_at: Date | null
  readonly clicked_at: Date | null
  readonly status: string
  readonly error_message: string | null
}

/** A page of a campaign's recipients by id, and their number. */
export async function listRecipients(
  db: Database,
  id: number,
  { status, limit, offset }: { readonly status?: string | undefined; readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly RecipientRow[]; readonly total: number }> {
  const matching = sql`r.campaign_id = ${id} AND (${status ?? null}::text IS NULL OR r.status = ${status ?? null})`
  const { rows: items } = await sql<RecipientRow>`
    SELECT jsonb_build_object('id', m.id, 'email', m.email,
        'name', coalesce(nullif(concat(m.last_name, m.first_name), ''), m.line_display_name, '')) AS member,
      r.sent_at, r.opened_at, r.clicked_at, r.status, r.error_message
    FROM campaign_recipients r JOIN members m ON m.id = r.member_id
    WHERE ${matching} ORDER BY r.id LIMIT ${limit} OFFSET ${offset}`.execute(db)
  const { rows } = await sql<{ total: number }>`
    SELECT count(*)::int AS total FROM campaign_recipients r WHERE ${matching}`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

/** Scheduled campaigns that are due: at their time, and those of every day at its time of day. */
export async function dueCampaigns(
  db: Database,
  now: Date,
  today: string,
  time: string,
  zone: string,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM campaigns
    WHERE status = 'scheduled' AND scheduled_at <= ${now}
      AND (trigger_condition IS NULL
        OR ((evaluated_on IS NULL OR evaluated_on < ${today}::date)
          AND to_char(scheduled_at AT TIME ZONE ${zone}, 'HH24:MI') <= ${time}))
    ORDER BY scheduled_at, id LIMIT 100`.execute(db)
  return rows.map(({ id }) => id)
}

/** Notes that a daily campaign was evaluated for a local day. */
export async function noteEvaluated(tx: Transaction, id: number, today: string): Promise<void> {
  await sql`UPDATE campaigns SET evaluated_on = ${today} WHERE id = ${id}`.execute(tx)
}

/** Whether campaigns have recipients that are due. */
export async function isWaiting(db: Database, now: Date): Promise<boolean> {
  const { rows } = await sql`
    SELECT 1 FROM crm_batches b JOIN campaigns c ON c.id = b.campaign_id
    WHERE b.state = 'waiting' AND b.next_try_at <= ${now} AND (c.status = 'sending' OR c.trigger_condition IS NOT NULL)
    LIMIT 1`.execute(db)
  return rows.length > 0
}

/** Whether a started campaign has messages of their own for each recipient. */
export async function isPersonalCampaign(db: Database, id: number): Promise<boolean> {
  const { rows } = await sql<{ personal: boolean }>`
    SELECT is_personal AS personal FROM campaigns WHERE id = ${id}`.execute(db)
  return rows[0]?.personal ?? true
}

/** Settles the unknown recipients of a locked campaign by a person's decision; answers their number. */
export async function decideUnknown(
  tx: Transaction,
  id: number,
  status: 'sent' | 'failed',
  now: Date,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    WITH decided AS (
      UPDATE campaign_recipients
      SET status = ${status}, sent_at = CASE WHEN ${status} = 'sent' THEN ${now}::timestamptz END
      WHERE campaign_id = ${id} AND status = 'unknown' RETURNING 1
    )
    SELECT count(*)::int AS count FROM decided`.execute(tx)
  return rows[0]?.count ?? 0
}

/** The LINE accounts of members who have one, by member. */
export async function lineUsers(db: Database, memberIds: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const { rows } = await sql<{ id: number; uid: string }>`
    SELECT id, line_uid AS uid FROM members
    WHERE id = ANY (${memberIds}::bigint[]) AND line_uid IS NOT NULL AND deleted_at IS NULL`.execute(db)
  return new Map(rows.map(({ id, uid }) => [id, uid]))
}

/** Counters and figures of campaigns that differ from their recipients. */
export async function campaignDifferences(
  db: Database,
  zone: string,
): Promise<
  readonly { readonly check: string; readonly subject: string; readonly stored: string; readonly computed: string }[]
> {
  const { rows } = await sql<{ check: string; subject: string; stored: string; computed: string }>`
    SELECT 'campaign counters' AS "check", 'campaign ' || c.id AS subject,
      concat_ws(' ', c.recipient_count, c.sent_count, c.opened_count, c.clicked_count, c.failed_count, c.unknown_count, c.skipped_count) AS stored,
      concat_ws(' ', count(r.id), count(*) FILTER (WHERE r.status IN ('sent', 'opened', 'clicked')),
        count(r.opened_at), count(r.clicked_at), count(*) FILTER (WHERE r.status = 'failed'),
        count(*) FILTER (WHERE r.status = 'unknown'), count(*) FILTER (WHERE r.status = 'skipped')) AS computed
    FROM campaigns c LEFT JOIN campaign_recipients r ON r.campaign_id = c.id
    GROUP BY c.id
    UNION ALL
    SELECT 'days of a campaign', 'campaign ' || coalesce(s.id, r.id) || ' on ' || coalesce(s.day, r.day),
      concat_ws(' ', coalesce(s.sent, 0), coalesce(s.opened, 0), coalesce(s.clicked, 0)),
      concat_ws(' ', coalesce(r.sent, 0), coalesce(r.opened, 0), coalesce(r.clicked, 0))
    FROM (SELECT campaign_id AS id, day, sent, opened, clicked FROM crm_campaign_days) s
    FULL JOIN (
      SELECT campaign_id AS id, (at AT TIME ZONE ${zone})::date AS day, sum(sent)::int AS sent, sum(opened)::int AS opened,
        sum(clicked)::int AS clicked
      FROM (
        SELECT campaign_id, sent_at AS at, 1 AS sent, 0 AS opened, 0 AS clicked FROM campaign_recipients WHERE sent_at IS NOT NULL
        UNION ALL SELECT campaign_id, opened_at, 0, 1, 0 FROM campaign_recipients WHERE opened_at IS NOT NULL
        UNION ALL SELECT campaign_id, clicked_at, 0, 0, 1 FROM campaign_recipients WHERE clicked_at IS NOT NULL
      ) e GROUP BY 1, 2
    ) r ON r.id = s.id AND r.day = s.day`.execute(db)
  return rows.filter(({ stored, computed }) => stored !== computed)
}
