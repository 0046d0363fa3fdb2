export type ClosureKind = 'closed' | 'maintenance'

/** Reasons that notifications give when staff give none. */
export const DEFAULT_REASONS: Readonly<Record<ClosureKind, string>> = {
  closed: '场馆临时关闭',
  maintenance: '场馆维护',
}

/** Checks the time of a closure: it must end after it starts, and after now. A null end means until further notice. */
export function mayClosureLie(
  span: { readonly start: Date; readonly end: Date | null },
  now: Date,
): 'ok' | 'bad_interval' | 'in_the_past' {
  if (span.end && span.end <= span.start) return 'bad_interval'
  return span.end && span.end <= now ? 'in_the_past' : 'ok'
}

interface Running {
  readonly id: number
  readonly kind: ClosureKind
}

/**
 * Decides which closures of a venue in force (the newest first) a status set by hand keeps and ends. `open` ends all of
 * them. `closed` and `maintenance` keep the newest of their kind, if there is one, and end the others. A closure is
 * shown before maintenance, so `maintenance` ends closures too.
 */
export function statusChange(
  status: 'open' | ClosureKind,
  running: readonly Running[],
): { readonly keep: number | null; readonly end: readonly number[] } {
  if (status === 'open') return { keep: null, end: running.map(({ id }) => id) }
  const [keep, ...piled] = running.filter(({ kind }) => kind === status)
  const overriding = status === 'maintenance' ? running.filter(({ kind }) => kind === 'closed') : []
  return { keep: keep?.id ?? null, end: [...piled, ...overriding].map(({ id }) => id) }
}
