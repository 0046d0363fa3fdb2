import type { ReservationStatus } from '../../core/states.ts'

/** The messages about a reservation that people send by hand. */
export type ReservationMessage = 'confirmation' | 'reminder' | 'change'

export type MessageRefusal = 'bad_state' | 'in_the_past'

const SAID_OF: Readonly<Record<ReservationMessage, readonly ReservationStatus[]>> = {
  confirmation: ['confirmed', 'checked_in', 'completed'],
  reminder: ['confirmed'],
  change: ['pending', 'confirmed', 'checked_in'],
}

/** Why a message can't be sent, or null: confirmations need a confirmed reservation, reminders one that lies ahead. */
export function messageRefusal(
  kind: ReservationMessage,
  reservation: { readonly status: ReservationStatus; readonly startAt: Date; readonly endAt: Date },
  now: Date,
): MessageRefusal | null {
  if (!SAID_OF[kind].includes(reservation.status)) return 'bad_state'
  if (kind === 'reminder' && now >= reservation.startAt) return 'in_the_past'
  return kind === 'change' && now >= reservation.endAt ? 'in_the_past' : null
}
