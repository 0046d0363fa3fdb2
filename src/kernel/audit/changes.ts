import { isDeepStrictEqual } from 'node:util'

/** What an operation changed, for the operation log: `{field: [before, after]}`. */
export type Changes = Readonly<Record<string, readonly [unknown, unknown]>>

/**
 * The fields in which two states of a thing differ. Null for a thing that did not exist before, or does not any more.
 * Fields with the value null then count as the same. `updated_at` is left out: every change moves it.
 */
export function changesBetween(before: object | null, after: object | null): Changes {
  const [old, now] = [new Map(Object.entries(before ?? {})), new Map(Object.entries(after ?? {}))]
  const changes: Record<string, readonly [unknown, unknown]> = {}
  for (const field of new Set([...old.keys(), ...now.keys()])) {
    const pair = [old.get(field) ?? null, now.get(field) ?? null] as const
    if (field !== 'updated_at' && !isDeepStrictEqual(pair[0], pair[1])) changes[field] = pair
  }
  return changes
}
