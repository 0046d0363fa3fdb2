export type ClosureKind = 'closed' | 'maintenance'

/** What is said where nobody gave a reason: it stands in notifications. */
export const DEFAULT_REASONS: Readonly<Record<ClosureKind, string>> = {
  closed: '场馆临时关闭',
  maintenance: '场馆维护',
}

/** Whether a closure may lie there: it ends after it starts, and not before now. Open ended: until further notice. */
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
 * What a status set by hand does to the closures of the venue that are in force (the newest first): `open` ends them
 * all; `closed` and `maintenance` go on with the newest of their kind, if there is one. A closure is shown before
 * maintenance, so maintenance ends closures.
 */
export function statusChange(
  status: 'open' | ClosureKind,
  running: readonly Running[],
): { readonly keep: number | null; readonly end: readonly number[] } {
  if (status === 'open') return { keep: null, end: running.map(({ id }) => id) }
  const [keep, ...piled] = running.filter(({ kind }) => kind === status)
  const outshining = status === 'maintenance' ? running.filter(({ kind }) => kind === 'closed') : []
  return { keep: keep?.id ?? null, end: [...piled, ...outshining].map(({ id }) => id) }
}
