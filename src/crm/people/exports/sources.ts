import type { Reader } from '../../../kernel/database/reader.ts'
import { withRetries } from '../../../kernel/database/transaction.ts'
import { cellsOf, inBatches } from '../../../kernel/exports/rows.ts'
import { exportSource } from '../../../kernel/exports/sources.ts'
import { zoneOf } from '../../core/days.ts'
import { COLUMN_HEADINGS, GENDER_WORDS, NO, SOURCE_WORDS, TAG_SEPARATOR, YES } from '../../core/memberColumns.ts'
import type { MemberFilter } from '../../core/memberFilterStore.ts'
import { MemberFilters } from '../../core/memberFilters.ts'
import type { CrmPermission } from '../../permissions.ts'
import { crmSettings } from '../../settings.ts'
import { countMembers, type ExportedMember, membersAfter, readFilter } from './store.ts'

const permission: CrmPermission = 'crm:members.export'

const HEADINGS = [
  '會員編號',
  COLUMN_HEADINGS.last_name,
  COLUMN_HEADINGS.first_name,
  'LINE 顯示名稱',
  COLUMN_HEADINGS.gender,
  COLUMN_HEADINGS.birthday,
  COLUMN_HEADINGS.email,
  COLUMN_HEADINGS.phone,
  COLUMN_HEADINGS.id_number,
  '來源',
  COLUMN_HEADINGS.accept_marketing,
  COLUMN_HEADINGS.tags,
  '互動標籤',
  COLUMN_HEADINGS.notes,
  '建立時間',
  '最後互動時間',
  '訂單數',
  '消費總額',
] as const

function cellsOfMember(member: ExportedMember) {
  return [
    member.id,
    member.lastName,
    member.firstName,
    member.displayName,
    member.gender === null ? null : GENDER_WORDS[member.gender],
    member.birthday,
    member.email,
    member.phone,
    member.idNumber,
    SOURCE_WORDS[member.source],
    member.acceptMarketing ? YES : NO,
    member.tags,
    member.interactions,
    member.notes,
    member.createdAt,
    member.lastInteractionAt,
    member.orders,
    Number(member.amount),
  ]
}

/** Export source of the members, in the order of their ids. Id numbers are masked. */
export const members = exportSource({
  what: 'crm_members',
  resource: 'member',
  name: '會員',
  permission,
  columns: HEADINGS,
  filters: MemberFilters,
  open(reader: Reader, filters) {
    const facts = { now: reader.clock.now(), zone: zoneOf(reader) }
    const { phoneCountry } = crmSettings.of(reader.config)
    // Read once, when the first row or the number is asked for.
    let filter: Promise<MemberFilter> | undefined
    const filtered = () => (filter ??= withRetries(reader.reads, (db) => readFilter(db, reader, filters, facts)))
    const records = inBatches<ExportedMember>(async (last, limit) => {
      const found = await filtered()
      const page = { after: last?.id ?? 0, limit, separator: TAG_SEPARATOR }
      return await withRetries(reader.reads, (db) => membersAfter(db, found, phoneCountry, page))
    })
    return {
      rows: cellsOf(records, cellsOfMember),
      async count(most) {
        const found = await filtered()
        return await withRetries(reader.reads, (db) => countMembers(db, found, phoneCountry, most))
      },
    }
  },
})
