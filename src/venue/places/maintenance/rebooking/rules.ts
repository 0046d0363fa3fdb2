import type { ReservationStatus } from '../../../core/states.ts'

/**
 * Decides whether a reservation may be booked again at its old price: once, while it is displaced and `rebookUntil` is
 * ahead.
 */
export function mayRebook(
  reservation: {
    readonly status: ReservationStatus
    readonly rebookUntil: Date | null
    readonly rebookedAs: number | null
  },
  now: Date,
): 'ok' | 'bad_state' | 'already_rebooked' | 'too_late_to_rebook' {
  if (reservation.status !== 'displaced' || !reservation.rebookUntil) return 'bad_state'
  if (reservation.rebookedAs !== null) return 'already_rebooked'
  return reservation.rebookUntil > now ? 'ok' : 'too_late_to_rebook'
}
