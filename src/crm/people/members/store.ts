import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { allOf, pageClause } from '../../../kernel/database/lists.ts'
import { isOpen, type MemberFilter, memberConditions } from '../../core/memberFilterStore.ts'
import type { PhoneCountry } from '../../core/phones.ts'

export interface MemberRow {
  readonly id: number
  readonly line_uid: string | null
  readonly line_display_name: string | null
  readonly line_picture_url: string | null
  readonly first_name: string | null
  readonly last_name: string | null
  readonly gender: 'male' | 'female' | 'other' | null
  readonly birthday: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly id_number: string | null
  readonly source: 'line' | 'crm' | 'system'
  readonly accept_marketing: boolean
  readonly notes: string | null
  readonly is_following: boolean
  readonly created_at: Date
  readonly last_interaction_at: Date | null
  readonly updated_at: Date | null
}

const COLUMNS = sql`
  m.id, m.line_uid, m.line_display_name, m.line_picture_url, m.first_name, m.last_name, m.gender,
  m.birthday::text AS birthday, m.email, m.phone, m.id_number_masked AS id_number, m.source, m.accept_marketing, m.notes,
  (m.line_uid IS NOT NULL AND m.followed_at IS NOT NULL AND m.unfollowed_at IS NULL) AS is_following,
  m.created_at, m.last_interaction_at, m.updated_at`

export type SortColumn = 'last_interaction_at' | 'created_at' | 'name' | 'id'

const SORTS: Readonly<Record<SortColumn, RawBuilder<unknown>>> = {
  last_interaction_at: sql`m.last_interaction_at`,
  created_at: sql`m.created_at`,
  name: sql`coalesce(m.last_name, '') || coalesce(m.first_name, '')`,
  id: sql`m.id`,
}

export interface MemberPage {
  readonly sort: SortColumn
  readonly descending: boolean
  readonly limit: number
  readonly offset: number
}

/** A page of members, and the number of members that the filter lets through. */
export async function listMembers(
  db: Database,
  filter: MemberFilter,
  country: PhoneCountry,
  page: MemberPage,
): Promise<{ readonly items: readonly MemberRow[]; readonly total: number }> {
  const where = allOf(memberConditions(filter, country))
  const { rows: items } = await sql<MemberRow>`
    SELECT ${COLUMNS} FROM members m WHERE ${where} ${pageClause(page, SORTS, sql`m.id`)}`.execute(db)
  const counted = isOpen(filter)
    ? sql<{ total: number }>`SELECT coalesce(sum(count), 0)::int AS total FROM crm_member_counts`
    : sql<{ total: number }>`SELECT count(*)::int AS total FROM members m WHERE ${where}`
  const { rows } = await counted.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

/** A member; undefined if there is none. */
export async function findMember(db: Database, id: number): Promise<MemberRow | undefined> {
  const { rows } = await sql<MemberRow>`
    SELECT ${COLUMNS} FROM members m WHERE m.id = ${id} AND m.deleted_at IS NULL`.execute(db)
  return rows[0]
}

/** The member into which a deleted one was merged, following further merges; undefined if it was not merged. */
export async function mergedInto(db: Database, id: number): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    WITH RECURSIVE chain AS (
      SELECT id, merged_into FROM members WHERE id = ${id}
      UNION
      SELECT m.id, m.merged_into FROM members m JOIN chain c ON m.id = c.merged_into
    )
    SELECT id FROM chain WHERE merged_into IS NULL AND id <> ${id}`.execute(db)
  return rows[0]?.id
}

/** What a member spent. */
export async function spentBy(
  db: Database,
  id: number,
): Promise<{ readonly total_amount: number; readonly total_orders: number; readonly average_amount: number }> {
  const { rows } = await sql<{ total_amount: number; total_orders: number; average_amount: number }>`
    SELECT coalesce(sum(amount), 0)::float8 AS total_amount, count(*)::int AS total_orders,
      coalesce(round(avg(amount), 2), 0)::float8 AS average_amount
    FROM consumption_records WHERE member_id = ${id}`.execute(db)
  return rows[0] ?? { total_amount: 0, total_orders: 0, average_amount: 0 }
}

export interface ConsumptionRow {
  readonly id: number
  readonly order_number: string
  readonly room_type: string | null
  readonly amount: number
  readonly check_in_date: string | null
  readonly check_out_date: string | null
  readonly nights: number | null
  readonly source: 'pms' | 'manual'
  readonly created_at: Date
}

/** A page of a member's consumption, the latest first, and its number. */
export async function listConsumption(
  db: Database,
  memberId: number,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly ConsumptionRow[]; readonly total: number }> {
  const { rows: items } = await sql<ConsumptionRow>`
    SELECT id, order_number, room_type, amount::float8 AS amount, check_in_date::text, check_out_date::text, nights,
      source, created_at
    FROM consumption_records WHERE member_id = ${memberId}
    ORDER BY created_at DESC, id DESC LIMIT ${limit} OFFSET ${offset}`.execute(db)
  const { rows } = await sql<{ total: number }>`
    SELECT count(*)::int AS total FROM consumption_records WHERE member_id = ${memberId}`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

export interface TimelineEntry {
  readonly at: Date
  readonly kind: string
  readonly text: string
  readonly ref_id: number | null
}

/** What happened with a member, the latest first. Every source gives as many as the page needs. */
export async function timelineOf(
  db: Database,
  memberId: number,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly TimelineEntry[]; readonly total: number }> {
  const most = limit + offset
  const one = (select: RawBuilder<unknown>) => sql`(${select} ORDER BY at DESC LIMIT ${most})`
  const sources = [
    sql`SELECT created_at AS at, 'created' AS kind, source AS text, id AS ref_id FROM members WHERE id = ${memberId}`,
    sql`SELECT followed_at AS at, 'followed', '', id FROM members WHERE id = ${memberId} AND followed_at IS NOT NULL`,
    sql`SELECT unfollowed_at AS at, 'unfollowed', '', id FROM members
      WHERE id = ${memberId} AND unfollowed_at IS NOT NULL`,
    sql`SELECT created_at AS at, 'message_' || direction, left(content, 200), id FROM messages
      WHERE member_id = ${memberId} AND campaign_id IS NULL`,
    sql`SELECT r.sent_at AS at, 'campaign_received', c.title, c.id FROM campaign_recipients r
      JOIN campaigns c ON c.id = r.campaign_id WHERE r.member_id = ${memberId} AND r.sent_at IS NOT NULL`,
    sql`SELECT r.opened_at AS at, 'campaign_opened', c.title, c.id FROM campaign_recipients r
      JOIN campaigns c ON c.id = r.campaign_id WHERE r.member_id = ${memberId} AND r.opened_at IS NOT NULL`,
    sql`SELECT k.clicked_at AS at, 'campaign_clicked', c.title || ': ' || l.label, c.id FROM crm_clicks k
      JOIN campaigns c ON c.id = k.campaign_id JOIN crm_links l ON l.id = k.link_id WHERE k.member_id = ${memberId}`,
    sql`SELECT r.tagged_at AS at, 'tagged', coalesce(t.name, i.name), r.tag_id FROM member_tag_relations r
      LEFT JOIN member_tags t ON t.id = r.member_tag_id LEFT JOIN interaction_tags i ON i.id = r.interaction_tag_id
      WHERE r.member_id = ${memberId}`,
    sql`SELECT created_at AS at, 'consumption', order_number || coalesce(' ' || room_type, ''), id
      FROM consumption_records WHERE member_id = ${memberId}`,
    sql`SELECT deleted_at AS at, 'merged', '', id FROM members WHERE merged_into = ${memberId}`,
  ]
  const { rows: items } = await sql<TimelineEntry>`
    SELECT at, kind, text, ref_id FROM (${sql.join(sources.map(one), sql` UNION ALL `)}) AS entries
    ORDER BY at DESC, kind, ref_id DESC LIMIT ${limit} OFFSET ${offset}`.execute(db)
  const { rows } = await sql<{ total: number }>`
    SELECT sum(n)::int AS total FROM (${sql.join(
      sources.map((select) => sql`SELECT count(*) AS n FROM (${select}) AS s`),
      sql` UNION ALL `,
    )}) AS counts`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

/** Removes what a deleted member wrote and what waits for them; messages stay as rows without text. */
export async function emptyConversation(tx: Transaction, memberId: number, now: Date): Promise<void> {
  await sql`
    UPDATE messages
    SET content = '（已刪除）', payload = NULL, line_message_id = NULL, error_message = NULL,
      status = CASE WHEN status IN ('scheduled', 'queued') THEN 'cancelled' ELSE status END,
      read_at = CASE WHEN direction = 'incoming' THEN coalesce(read_at, ${now}) ELSE read_at END
    WHERE member_id = ${memberId}`.execute(tx)
  await sql`
    UPDATE files SET in_use = false, touched_at = ${now}
    WHERE id IN (SELECT file_id FROM messages WHERE member_id = ${memberId} AND file_id IS NOT NULL)`.execute(tx)
  await sql`UPDATE messages SET file_id = NULL WHERE member_id = ${memberId} AND file_id IS NOT NULL`.execute(tx)
  await sql`DELETE FROM crm_conversations WHERE member_id = ${memberId}`.execute(tx)
}

/** Forgets what the PMS said about a member, and that a guest is this member. */
export async function forgetGuest(tx: Transaction, memberId: number): Promise<void> {
  await sql`DELETE FROM crm_pms_reviews WHERE member_id = ${memberId}`.execute(tx)
  await sql`
    UPDATE crm_pms_reviews SET candidates = array_remove(candidates, ${memberId}::bigint)
    WHERE ${memberId}::bigint = ANY (candidates)`.execute(tx)
  await sql`DELETE FROM crm_pms_guests WHERE member_id = ${memberId}`.execute(tx)
  await sql`UPDATE crm_import_rows SET member_id = NULL, member = NULL WHERE member_id = ${memberId}`.execute(tx)
}

/** The tags that a member has. */
export async function tagIdsOf(tx: Transaction, memberId: number): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT tag_id AS id FROM member_tag_relations WHERE member_id = ${memberId}`.execute(tx)
  return rows.map(({ id }) => id)
}
