import { type RawBuilder, sql } from 'kysely'
import { allOf } from '../../kernel/database/lists.ts'
import { type ConditionFacts, matchSql } from './audience/conditionsStore.ts'
import type { MemberFilter } from './memberFilters.ts'

/** The SQL condition of filters on a row `m` of `members`, never null. */
export function filterSql(
  { search, tagIds, source, condition }: MemberFilter,
  facts: ConditionFacts,
): RawBuilder<boolean> {
  const joined = allOf([
    search !== undefined && searchSql(search),
    tagIds !== undefined &&
      sql`EXISTS (SELECT FROM member_tag_relations r WHERE r.member_id = m.id AND r.tag_id = ANY (${tagIds}::bigint[]))`,
    source !== undefined && sql`m.source = ${source}`,
    condition !== undefined && matchSql(condition, facts),
  ])
  return sql`(${joined})`
}

/**
 * Pairs of neighbouring characters find the candidates by the index. Names and phone numbers are stored without spaces
 * and marks, e-mail addresses in lower case.
 */
function searchSql({ text, plain, phone }: NonNullable<MemberFilter['search']>): RawBuilder<boolean> {
  const contains = (part: RawBuilder<unknown>) => sql`(m.pairs @> crm_pairs(${part}) AND strpos(m.search, ${part}) > 0)`
  const ways = [
    ...(plain === null ? [] : [contains(sql`crm_plain(${text}::text)`)]),
    contains(sql`lower(${text}::text)`),
    ...(phone === null ? [] : [sql`coalesce(m.phone_e164 = ${phone}, false)`]),
  ]
  return sql`(${sql.join(ways, sql` OR `)})`
}
