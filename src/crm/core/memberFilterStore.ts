import { type RawBuilder, sql } from 'kysely'
import type { Condition } from '../../kernel/database/lists.ts'
import { type PhoneCountry, phoneForms, phoneInE164 } from './phones.ts'

/** Which members a list is about. Absent: no condition. */
export interface MemberFilter {
  /** Part of a name in either order, of an e-mail address, or of a phone number in any notation. */
  readonly search?: string | undefined
  readonly tagIds?: readonly number[] | undefined
  /** Whether members have one of the tags, or all of them. */
  readonly tagsMode?: 'any' | 'all' | undefined
  readonly source?: string | undefined
  readonly gender?: string | undefined
  readonly acceptMarketing?: boolean | undefined
  readonly line?: 'linked' | 'unlinked' | 'following' | undefined
  readonly createdFrom?: Date | undefined
  /** Exclusive, like all ends. */
  readonly createdTo?: Date | undefined
  readonly interactionFrom?: Date | undefined
  readonly interactionTo?: Date | undefined
  /** Sum of all amounts. */
  readonly consumptionMin?: number | undefined
  readonly consumptionMax?: number | undefined
  /** A segment's condition on `m`. */
  readonly matching?: RawBuilder<boolean> | undefined
}

/** The form in which a text is searched, as crm_plain makes it. */
export function plainSearch(text: string): string {
  return text
    .normalize('NFKC')
    .replaceAll(/[\s·・．.,，_''"()（）-]+/g, '')
    .toLowerCase()
}

/** The texts one of which a member must contain. */
function searchForms(text: string, country: PhoneCountry): readonly string[] {
  const phone = phoneInE164(text, country)
  // E-mail addresses keep their dots.
  const raw = text.normalize('NFKC').trim().toLowerCase()
  return [...new Set([...phoneForms(plainSearch(text), country), ...(phone ? [phone] : []), raw])].filter(
    (form) => form !== '',
  )
}

function containing(form: string): RawBuilder<unknown> {
  const like = sql`m.search LIKE ${`%${form.replaceAll(/[\\%_]/g, '\\$&')}%`}`
  return [...form].length < 2 ? like : sql`(m.pairs @> crm_pairs(${form}) AND ${like})`
}

function tagged(ids: readonly number[], mode: 'any' | 'all'): RawBuilder<unknown> {
  const one = (id: RawBuilder<unknown>) => sql`
    EXISTS (SELECT FROM member_tag_relations r WHERE r.member_id = m.id AND r.tag_id = ${id})`
  if (mode === 'any') return one(sql`ANY (${ids}::bigint[])`)
  return sql.join(
    ids.map((id) => one(sql`${id}`)),
    sql` AND `,
  )
}

const LINE = {
  linked: sql`m.line_uid IS NOT NULL`,
  unlinked: sql`m.line_uid IS NULL`,
  following: sql`m.line_uid IS NOT NULL AND m.followed_at IS NOT NULL AND m.unfollowed_at IS NULL`,
} as const

const SPENT = sql`coalesce((SELECT sum(c.amount) FROM consumption_records c WHERE c.member_id = m.id), 0)`

/** The conditions of a filter on `members m`; deleted members are never among them. */
export function memberConditions(filter: MemberFilter, country: PhoneCountry): readonly Condition[] {
  const { search, tagIds = [], line, matching, consumptionMin: least, consumptionMax: most } = filter
  const forms = search === undefined ? [] : searchForms(search, country)
  return [
    sql`m.deleted_at IS NULL`,
    forms.length > 0 && sql`(${sql.join(forms.map(containing), sql` OR `)})`,
    tagIds.length > 0 && tagged(tagIds, filter.tagsMode ?? 'any'),
    filter.source !== undefined && sql`m.source = ${filter.source}`,
    filter.gender !== undefined && sql`m.gender = ${filter.gender}`,
    filter.acceptMarketing !== undefined && sql`m.accept_marketing = ${filter.acceptMarketing}`,
    line !== undefined && LINE[line],
    filter.createdFrom !== undefined && sql`m.created_at >= ${filter.createdFrom}`,
    filter.createdTo !== undefined && sql`m.created_at < ${filter.createdTo}`,
    filter.interactionFrom !== undefined && sql`m.last_interaction_at >= ${filter.interactionFrom}`,
    filter.interactionTo !== undefined && sql`m.last_interaction_at < ${filter.interactionTo}`,
    least !== undefined && sql`${SPENT} >= ${least}`,
    most !== undefined && sql`${SPENT} <= ${most}`,
    matching !== undefined && matching,
  ]
}

/** Whether a filter lets every member through. */
export function isOpen(filter: MemberFilter): boolean {
  const { tagIds = [], tagsMode: _mode, ...rest } = filter
  return tagIds.length === 0 && Object.values(rest).every((value) => value === undefined)
}
