import { setImmediate as turn } from 'node:timers/promises'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { dayOf } from '../../core/days.ts'
import { memberColumns } from '../../core/members.ts'
import { crmSettings } from '../../settings.ts'
import { textOf } from './cells.ts'
import { type Columns, hasKeys, readColumns } from './columns.ts'
import { readRow } from './rows.ts'
import { judge, repeated } from './rules.ts'
import { readLines, type SheetLine, unreadable } from './sheet.ts'
import * as store from './store.ts'
import type { ImportedMember, Match, OnExisting, ReadRow, RowKeys } from './types.ts'

export interface ImportOptions {
  readonly fileName: string
  readonly onExisting: OnExisting
  readonly createTags: boolean
}

/** Rows between two pauses in which other requests get their turn. */
const STRETCH = 200
const LONGEST_NAME = 200

/**
 * Reads a file of members, judges every row by itself, by the other rows and by the members that are there, and keeps
 * the rows encrypted until they are imported. Nothing is changed yet. Returns the import's id.
 * @throws Invalid `unreadable_file` (422) if the file can't be read, has no usable column, or no rows
 */
export async function previewImport(
  kernel: Kernel,
  caller: Caller,
  file: Buffer,
  { fileName, onExisting, createTags }: ImportOptions,
): Promise<number> {
  const [headings, ...lines] = await readLines(file)
  const columns = columnsOf(headings)
  if (lines.length === 0) throw unreadable('has no rows below its headings')
  const now = kernel.clock.now()
  const read = await readAll(kernel, lines, columns, { createTags, now })
  const rows = await judgeAll(kernel, read, onExisting)
  const valid = rows.filter(({ state }) => state === 'valid').length
  const summary = { fileName: fileName.slice(0, LONGEST_NAME) || 'file', total: rows.length, valid }
  const id = await kernel.transaction(async (tx) => {
    const added = await store.insertImport(tx, {
      ...summary,
      onExisting,
      createTags,
      columns: columns.known,
      ignored: columns.ignored,
      createdBy: caller.userId,
      createdAt: now,
    })
    await store.insertRows(tx, added, rows)
    await record(tx, now, {
      ...originOf(caller),
      action: 'member-import.preview',
      resource: 'member-import',
      resourceId: added,
      changes: { file_name: [null, summary.fileName], total: [null, rows.length], valid: [null, valid] },
    })
    return added
  })
  kernel.nudge()
  return id
}

function columnsOf(headings: SheetLine | undefined): Columns {
  if (!headings) throw unreadable('is empty')
  const columns = readColumns(headings.cells.map(textOf))
  if (columns.twice.length > 0) throw unreadable(`has several columns for ${columns.twice.join(', ')}`)
  if (!hasKeys(columns)) throw unreadable('has no column with a name, e-mail address, phone number or id number')
  return columns
}

type KeyedRow = ReadRow & { readonly keys: RowKeys }

async function readAll(
  kernel: Kernel,
  lines: readonly SheetLine[],
  columns: Columns,
  { createTags, now }: { readonly createTags: boolean; readonly now: Date },
): Promise<readonly KeyedRow[]> {
  const tags = await store.tagNames(kernel.db)
  const facts = {
    country: crmSettings.of(kernel.config).phoneCountry,
    today: dayOf(kernel, now),
    isTag: (name: string) => tags.has(name),
    createTags,
  }
  const rows: KeyedRow[] = []
  for (const line of lines) {
    if (rows.length % STRETCH === 0) await turn()
    const row = readRow(line, columns, facts)
    rows.push({ ...row, keys: keysOf(kernel, row.member) })
  }
  return rows
}

/** The keys by which a row is compared. */
export function keysOf(kernel: Kernel, { fields }: ImportedMember): RowKeys {
  const { columns } = memberColumns(kernel, fields)
  return {
    id_number: columns.id_number_index ?? null,
    phone: columns.phone_e164 ?? null,
    email: columns.email?.toLowerCase() ?? null,
  }
}

async function judgeAll(
  kernel: Kernel,
  rows: readonly KeyedRow[],
  onExisting: OnExisting,
): Promise<readonly store.ImportRow[]> {
  const twice = repeated(rows)
  const matches = await findMatches(kernel, rows)
  const judged: store.ImportRow[] = []
  for (const { line, keys, member, faults } of rows) {
    if (judged.length % STRETCH === 0) await turn()
    const judgement = judge(keys, matches(keys), onExisting)
    const errors = [...faults, ...(twice.get(line) ?? []), ...('faults' in judgement ? judgement.faults : [])]
    const usable = errors.length === 0 && 'action' in judgement ? judgement : undefined
    judged.push({
      line,
      member: kernel.secrets.cipher.encrypt(JSON.stringify(member)),
      state: usable ? 'valid' : 'invalid',
      action: usable?.action ?? null,
      memberId: usable && 'memberId' in usable ? usable.memberId : null,
      errors,
    })
  }
  return judged
}

/** The members that fit the keys of many rows, by one statement. */
async function findMatches(
  kernel: Kernel,
  rows: readonly { readonly keys: RowKeys }[],
): Promise<(keys: RowKeys) => readonly Match[]> {
  const all = (field: keyof RowKeys) => [...new Set(rows.flatMap(({ keys }) => keys[field] ?? []))]
  const found = await store.matchingMembers(kernel.db, {
    idNumbers: all('id_number'),
    phones: all('phone'),
    emails: all('email'),
  })
  const byKey = new Map(found.map((match) => [`${match.by} ${match.key}`, match]))
  return (keys) =>
    (['id_number', 'phone', 'email'] as const).flatMap((by) => byKey.get(`${by} ${String(keys[by])}`) ?? [])
}
