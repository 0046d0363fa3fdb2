import { type Interval, overlaps } from '../../../booking/interval.ts'

export type ClosureKind = 'closed' | 'maintenance'
export type PlanState = 'planned' | 'running' | 'done' | 'cancelled'

/** Minutes for which a displaced reservation may be booked again, counted from its start (or from now, once it has begun). */
export const REBOOK_MINUTES = 14 * 24 * 60

/** What is said where nobody gave a reason: it stands in notifications. */
export const DEFAULT_REASONS: Readonly<Record<ClosureKind, string>> = {
  closed: '场馆临时关闭',
  maintenance: '场馆维护',
}

/** Where a plan stands at an instant: it starts and ends by itself. */
export function planState(
  plan: { readonly startAt: Date; readonly endAt: Date | null; readonly cancelledAt: Date | null },
  now: Date,
): PlanState {
  if (plan.cancelledAt) return 'cancelled'
  if (plan.endAt && plan.endAt <= now) return 'done'
  return plan.startAt <= now ? 'running' : 'planned'
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
 * What a status set by hand does to the closures of the venue that are in force (the newest first): `open` ends them all; `closed` and
 * `maintenance` go on with the newest of their kind, if there is one. A closure is shown before maintenance, so maintenance ends closures.
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

/** A slot somebody might take instead. */
export interface Alternative {
  readonly id: number
  readonly venueId: number
  readonly venueName: string
  readonly startAt: Date
  readonly endAt: Date
  /** Places that nobody holds. */
  readonly free: number
}

/** The first `most` slots (they come in order of preference) with room for the party, at times at which the person has nothing. */
export function chooseAlternatives(
  candidates: readonly Alternative[],
  own: readonly Interval[],
  partySize: number,
  most: number,
): readonly Alternative[] {
  const chosen: Alternative[] = []
  for (const slot of candidates) {
    if (chosen.length === most) break
    const span = { start: slot.startAt, end: slot.endAt }
    if (slot.free >= partySize && !own.some((taken) => overlaps(taken, span))) chosen.push(slot)
  }
  return chosen
}
