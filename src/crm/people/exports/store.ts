import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { allOf } from '../../../kernel/database/lists.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { type ConditionFacts, matchSql, segmentCondition } from '../../core/audience/conditionsStore.ts'
import { type MemberFilter, memberConditions } from '../../core/memberFilterStore.ts'
import { filterOf, type MemberFilterInput } from '../../core/memberFilters.ts'
import type { PhoneCountry } from '../../core/phones.ts'
import { missing } from '../../refusals.ts'

/** A member as a row of a file. The id number is masked. */
export interface ExportedMember {
  readonly id: number
  readonly lastName: string | null
  readonly firstName: string | null
  readonly displayName: string | null
  readonly gender: 'male' | 'female' | 'other' | null
  readonly birthday: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly idNumber: string | null
  readonly source: 'line' | 'crm' | 'system'
  readonly acceptMarketing: boolean
  readonly tags: string | null
  readonly interactions: string | null
  readonly notes: string | null
  readonly createdAt: Date
  readonly lastInteractionAt: Date | null
  readonly orders: number
  readonly amount: string
}

/** Reads the filters of a request, with the condition of the segment. @throws NotFound for the segment */
export async function readFilter(
  db: Database,
  kernel: Pick<Kernel, 'config'>,
  { segment_id: segmentId, ...input }: MemberFilterInput & { readonly segment_id?: number | undefined },
  facts: ConditionFacts,
): Promise<MemberFilter> {
  if (segmentId === undefined) return filterOf(kernel, input)
  const condition = await segmentCondition(db, segmentId)
  if (!condition) throw missing('segment')
  return { ...filterOf(kernel, input), matching: matchSql(condition, facts) }
}

/** The members after an id, in the order of their ids. Tags are joined by `separator`. */
export async function membersAfter(
  db: Database,
  filter: MemberFilter,
  country: PhoneCountry,
  { after, limit, separator }: { readonly after: number; readonly limit: number; readonly separator: string },
): Promise<readonly ExportedMember[]> {
  const { rows } = await sql<ExportedMember>`
    SELECT m.id, m.last_name AS "lastName", m.first_name AS "firstName", m.line_display_name AS "displayName", m.gender,
      m.birthday, m.email, m.phone, m.id_number_masked AS "idNumber", m.source,
      m.accept_marketing AS "acceptMarketing", t.tags, t.interactions, m.notes, m.created_at AS "createdAt",
      m.last_interaction_at AS "lastInteractionAt", c.orders, c.amount
    FROM members m
    CROSS JOIN LATERAL (
      SELECT string_agg(g.name, ${separator} ORDER BY r.id) AS tags,
        string_agg(i.name, ${separator} ORDER BY r.id) AS interactions
      FROM member_tag_relations r
      LEFT JOIN member_tags g ON g.id = r.member_tag_id
      LEFT JOIN interaction_tags i ON i.id = r.interaction_tag_id
      WHERE r.member_id = m.id
    ) t
    CROSS JOIN LATERAL (
      SELECT count(*) AS orders, coalesce(sum(amount), 0) AS amount FROM consumption_records WHERE member_id = m.id
    ) c
    WHERE m.id > ${after} AND ${allOf(memberConditions(filter, country))}
    ORDER BY m.id LIMIT ${limit}`.execute(db)
  return rows
}

/** The number of members that filters find. Counting stops at `most`. */
export async function countMembers(
  db: Database,
  filter: MemberFilter,
  country: PhoneCountry,
  most: number,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count FROM (
      SELECT 1 FROM members m WHERE ${allOf(memberConditions(filter, country))} LIMIT ${most}
    ) found`.execute(db)
  return rows[0]?.count ?? 0
}
