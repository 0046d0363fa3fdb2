import type { ReservationStatus } from '../../core/states.ts'

/** Decision of staff about a request. */
export interface Decision {
  readonly status: 'confirmed' | 'rejected'
  readonly reason?: string | undefined
}

export type DecisionRefusal = 'bad_state' | 'in_the_past' | 'reason_missing'

/**
 * Reason why a decision is refused, or null. A request can only be approved before its slot begins; a rejection needs a
 * reason.
 */
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
