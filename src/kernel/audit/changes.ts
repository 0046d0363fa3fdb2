import { isDeepStrictEqual } from 'node:util'

/** The changes of an operation, for the operation log: `{field: [before, after]}`. */
export type Changes = Readonly<Record<string, readonly [unknown, unknown]>>

/**
 * The fields in which two states of an object differ. Pass null for an object that did not exist before, or does not
 * exist any more; its missing fields count as null. `updated_at` is left out, because every change sets it.
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
