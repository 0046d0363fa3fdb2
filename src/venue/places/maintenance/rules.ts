export type PlanState = 'planned' | 'running' | 'done' | 'cancelled'

/** State of a plan at an instant: it starts and ends by itself. */
export function planState(
  plan: { readonly startAt: Date; readonly endAt: Date | null; readonly cancelledAt: Date | null },
  now: Date,
): PlanState {
  if (plan.cancelledAt) return 'cancelled'
  if (plan.endAt && plan.endAt <= now) return 'done'
  return plan.startAt <= now ? 'running' : 'planned'
}
