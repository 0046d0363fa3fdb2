/** What changed, as the operation log has it: `{field: [before, after]}`. */
export type Differences = Readonly<Record<string, readonly [unknown, unknown]>>

/** The members of `after` that differ from those of `before`. Instants and other objects are compared by content. */
export function differences(before: object, after: object): Differences {
  const old = new Map<string, unknown>(Object.entries(before))
  const changed = Object.entries(after).flatMap(([field, value]) => {
    const earlier = old.get(field) ?? null
    return JSON.stringify(earlier) === JSON.stringify(value ?? null) ? [] : [[field, [earlier, value ?? null]] as const]
  })
  return Object.fromEntries(changed)
}
