import type { ReservationStatus } from '../../core/states.ts'

/** Messages about a reservation that people can send by hand. */
export type ReservationMessage = 'confirmation' | 'reminder' | 'change'

export type MessageRefusal = 'bad_state' | 'in_the_past'

const ALLOWED_STATES: Readonly<Record<ReservationMessage, readonly ReservationStatus[]>> = {
  confirmation: ['confirmed', 'checked_in', 'completed'],
  reminder: ['confirmed'],
  change: ['pending', 'confirmed', 'checked_in'],
}

/** Reason why a message is refused, or null. Confirmations need a confirmed reservation, reminders an upcoming one. */
export function messageRefusal(
  kind: ReservationMessage,
  reservation: { readonly status: ReservationStatus; readonly startAt: Date; readonly endAt: Date },
  now: Date,
): MessageRefusal | null {
  if (!ALLOWED_STATES[kind].includes(reservation.status)) return 'bad_state'
  if (kind === 'reminder' && now >= reservation.startAt) return 'in_the_past'
  return kind === 'change' && now >= reservation.endAt ? 'in_the_past' : null
}
