import type { ReservationStatus } from '../../core/states.ts'

/** What staff say to a request. */
export interface Decision {
  readonly status: 'confirmed' | 'rejected'
  readonly reason?: string | undefined
}

export type DecisionRefusal = 'bad_state' | 'in_the_past' | 'reason_missing'

/** What speaks against a decision, or null: requests are decided before their slot begins, a rejection says why. */
export function decisionRefusal(
  request: { readonly status: ReservationStatus; readonly startAt: Date },
  decision: Decision,
  now: Date,
): DecisionRefusal | null {
  if (decision.status === 'rejected' && !decision.reason) return 'reason_missing'
  if (request.status !== 'pending') return 'bad_state'
  if (decision.status === 'confirmed' && now >= request.startAt) return 'in_the_past'
  return null
}
