import type { Match, OnExisting, RowFault, RowKeys } from './types.ts'

/** What is wrong with rows that name the same id number, phone or e-mail address as an earlier row, by line. */
export function repeated(
  rows: readonly { readonly line: number; readonly keys: RowKeys }[],
): ReadonlyMap<number, readonly RowFault[]> {
  const found = new Map<number, RowFault[]>()
  for (const field of ['id_number', 'phone', 'email'] as const) {
    const first = new Map<string, number>()
    for (const { line, keys } of rows) {
      const key = keys[field]
      if (key === null) continue
      const before = first.get(key)
      if (before === undefined) first.set(key, line)
      else found.set(line, [...(found.get(line) ?? []), { field, message: `is the same as in line ${before}` }])
    }
  }
  return found
}

export type Judgement =
  | { readonly action: 'create' }
  | { readonly action: 'update' | 'skip'; readonly memberId: number }
  | { readonly faults: readonly RowFault[] }

/** What becomes of a row, by the members that fit its keys. Different members are refused: nothing is guessed. */
export function judge(keys: RowKeys, matches: readonly Match[], onExisting: OnExisting): Judgement {
  const [first] = matches
  if (!first) return { action: 'create' }
  const ids = [...new Set(matches.map(({ id }) => id))]
  if (ids.length > 1)
    return {
      faults: matches.map(({ by, id }) => ({ field: by, message: `belongs to member ${id}; the row fits several` })),
    }
  if (keys.id_number !== null && first.idNumberIndex !== null && first.idNumberIndex !== keys.id_number)
    return {
      faults: [
        { field: 'id_number', message: `is not the one of member ${first.id}, who has this ${NAMES[first.by]}` },
      ],
    }
  return { action: onExisting === 'skip' ? 'skip' : 'update', memberId: first.id }
}

const NAMES = { id_number: 'id number', phone: 'phone number', email: 'e-mail address' } as const
