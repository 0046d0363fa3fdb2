import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import type { Difference } from '../../../kernel/product.ts'
import type { MemberBriefRow } from '../../core/memberBriefs.ts'
import { BRIEF_COLUMNS } from '../../core/memberBriefsStore.ts'
import { anonymise } from '../../core/membersStore.ts'
import { type Tag, tagsOf } from '../../core/taggingStore.ts'
import type { FieldOutcome, MergedField, MergingMember } from './rules.ts'

/** The members with these ids who are not deleted, locked, in the order of their ids. */
export async function lockMembers(tx: Transaction, ids: readonly number[]): Promise<readonly MergingMember[]> {
  return await mergingMembers(tx, ids, sql`FOR UPDATE`)
}

/** The members with these ids who are not deleted. */
export async function mergingMembers(
  db: Database,
  ids: readonly number[],
  lock: RawBuilder<unknown> = sql``,
): Promise<readonly MergingMember[]> {
  const { rows } = await sql<MergingMember>`
    SELECT id, last_name, first_name, gender, birthday, email, phone, phone_e164, id_number_masked AS id_number,
      id_number_index, line_uid, accept_marketing, notes
    FROM members WHERE id = ANY (${ids}::bigint[]) AND deleted_at IS NULL ORDER BY id ${lock}`.execute(db)
  return rows
}

/** The columns that go together with a field, from the same member. */
const COLUMNS: Readonly<Record<Exclude<MergedField, 'notes'>, readonly string[]>> = {
  last_name: ['last_name'],
  first_name: ['first_name'],
  gender: ['gender'],
  birthday: ['birthday'],
  email: ['email'],
  phone: ['phone', 'phone_e164'],
  id_number: ['id_number', 'id_number_index', 'id_number_masked'],
  line_uid: ['line_uid', 'line_display_name', 'line_picture_url', 'followed_at', 'unfollowed_at'],
  accept_marketing: ['accept_marketing'],
}

/**
 * Ends the source as deleted and merged, and writes the outcome into the target. Unique values move, so the source is
 * emptied before the target gets them. Both members must be locked.
 */
export async function writeMerged(
  tx: Transaction,
  { source, target }: { readonly source: number; readonly target: number },
  outcomes: readonly FieldOutcome[],
  now: Date,
): Promise<void> {
  const taken = outcomes
    .flatMap(({ field, taken }) => (taken === 'source' && field !== 'notes' ? [field] : []))
    .flatMap((field) => COLUMNS[field])
  const notes = outcomes.find(({ field }) => field === 'notes')?.result ?? null
  const { rows } = await sql<Record<string, unknown>>`
    SELECT to_jsonb(m) AS row FROM members m WHERE id = ${source}`.execute(tx)
  const row = JSON.stringify(rows[0]?.row ?? {})
  await anonymise(tx, source, now, target)
  await sql`
    UPDATE members SET followed_at = NULL, unfollowed_at = NULL, last_interaction_at = NULL
    WHERE id = ${source}`.execute(tx)
  const assignments = taken.map((column) => sql`${sql.ref(column)} = s.${sql.ref(column)}`)
  await sql`
    UPDATE members m
    SET ${sql.join([
      ...assignments,
      sql`notes = ${notes}`,
      sql`created_at = least(m.created_at, s.created_at)`,
      sql`last_interaction_at = greatest(m.last_interaction_at, s.last_interaction_at)`,
      sql`updated_at = ${now}`,
    ])}
    FROM jsonb_populate_record(NULL::members, ${row}::text::jsonb) s
    WHERE m.id = ${target}`.execute(tx)
}

/** The ids of a member's consumption records. */
export async function consumptionOf(tx: Transaction, memberId: number): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM consumption_records WHERE member_id = ${memberId} ORDER BY id`.execute(tx)
  return rows.map(({ id }) => id)
}

/**
 * Merged members to whom something still belongs: it was written while they were being merged, by somebody who had
 * looked them up before.
 */
export async function findStragglers(
  db: Database,
  limit: number,
): Promise<readonly { readonly source: number; readonly target: number }[]> {
  const some = (table: string) => sql`EXISTS (SELECT FROM ${sql.table(table)} x WHERE x.member_id = m.id)`
  const { rows } = await sql<{ source: number; target: number }>`
    SELECT m.id AS source, m.merged_into AS target FROM members m
    WHERE m.merged_into IS NOT NULL AND (m.last_interaction_at IS NOT NULL OR ${sql.join(
      [
        ...['messages', 'crm_conversations', 'crm_clicks', 'campaign_recipients', 'consumption_records'],
        ...['member_tag_relations', 'tag_trigger_logs', 'crm_pms_guests'],
      ].map(some),
      sql` OR `,
    )})
    ORDER BY m.id LIMIT ${limit}`.execute(db)
  return rows
}

/** Takes over the time of an interaction that was noted on a merged member. */
export async function moveInteraction(
  tx: Transaction,
  { source, target }: { readonly source: number; readonly target: number },
): Promise<void> {
  await sql`
    UPDATE members t SET last_interaction_at = greatest(t.last_interaction_at, s.last_interaction_at)
    FROM members s WHERE t.id = ${target} AND s.id = ${source} AND s.last_interaction_at IS NOT NULL`.execute(tx)
  await sql`UPDATE members SET last_interaction_at = NULL WHERE id = ${source}`.execute(tx)
}

/** Locks a merged member and the member they were merged into, also if that one was deleted since. */
export async function lockPair(tx: Transaction, ids: readonly number[]): Promise<void> {
  await sql`SELECT 1 FROM members WHERE id = ANY (${ids}::bigint[]) ORDER BY id FOR UPDATE`.execute(tx)
}

export type DuplicateReason = 'name_and_birthday' | 'name_and_display_name'

/** Members who are probably one person. */
export interface DuplicateGroup {
  readonly reason: DuplicateReason
  readonly members: readonly (MemberBriefRow & { readonly birthday: string | null; readonly tags: readonly Tag[] })[]
}

/** Most members shown of a group. */
const MOST_OF_GROUP = 20

/** One page of the groups of members with the same name and one more thing, largest agreement first. */
export async function findDuplicates(
  db: Database,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ readonly groups: readonly DuplicateGroup[]; readonly total: number }> {
  const { rows } = await sql<{ reason: DuplicateReason; ids: readonly number[] | null; total: number }>`
    WITH named AS MATERIALIZED (
      SELECT id, birthday, least(l || f, f || l) AS name, nullif(crm_plain(display), '') AS display
      FROM (
        SELECT id, birthday, line_display_name AS display, crm_plain(coalesce(last_name, '')) AS l,
          crm_plain(coalesce(first_name, '')) AS f
        FROM members WHERE deleted_at IS NULL AND (birthday IS NOT NULL OR line_display_name IS NOT NULL)
      ) m
      WHERE l || f <> ''
    ), groups AS (
      SELECT 1 AS rank, 'name_and_birthday' AS reason, array_agg(id ORDER BY id) AS ids
      FROM named WHERE birthday IS NOT NULL GROUP BY name, birthday HAVING count(*) > 1
      UNION ALL
      SELECT 2, 'name_and_display_name', array_agg(id ORDER BY id)
      FROM named WHERE display IS NOT NULL GROUP BY name, display HAVING count(*) > 1
    ), page AS (
      SELECT rank, reason, ids FROM groups ORDER BY rank, ids LIMIT ${limit} OFFSET ${offset}
    )
    SELECT p.reason, p.ids[1:${MOST_OF_GROUP}] AS ids, t.total
    FROM (SELECT count(*) AS total FROM groups) t LEFT JOIN page p ON true
    ORDER BY p.rank, p.ids`.execute(db)
  const groups = rows.flatMap(({ reason, ids }) => (ids ? [{ reason, ids }] : []))
  const ids = [...new Set(groups.flatMap((group) => group.ids))]
  const members = await briefsOf(db, ids)
  return {
    groups: groups.map((group) => ({
      reason: group.reason,
      members: group.ids.flatMap((id) => members.get(id) ?? []),
    })),
    total: rows[0]?.total ?? 0,
  }
}

async function briefsOf(db: Database, ids: readonly number[]) {
  const { rows } = await sql<MemberBriefRow & { birthday: string | null }>`
    SELECT ${BRIEF_COLUMNS}, m.birthday FROM members m WHERE m.id = ANY (${ids}::bigint[])`.execute(db)
  const tags = await tagsOf(db, ids)
  return new Map(rows.map((row) => [row.id, { ...row, tags: tags.get(row.id) ?? [] }]))
}

/** Merged members who are not deleted, or who lead to another merged member. */
export async function findMergeDifferences(db: Database): Promise<readonly Difference[]> {
  const { rows } = await sql<Difference>`
    SELECT 'merged members' AS check, 'member ' || s.id AS subject,
      concat_ws(', ', CASE WHEN s.deleted_at IS NULL THEN 'not deleted' END, 'into ' || s.merged_into) AS stored,
      'deleted, into ' || coalesce(t.merged_into, t.id) AS computed
    FROM members s JOIN members t ON t.id = s.merged_into
    WHERE s.deleted_at IS NULL OR t.merged_into IS NOT NULL
    ORDER BY s.id`.execute(db)
  return rows
}
