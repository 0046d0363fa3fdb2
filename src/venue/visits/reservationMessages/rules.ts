import type { ReservationStatus } from '../../core/states.ts'

/** What can be said of a reservation by hand. */
export type Notice = 'confirmation' | 'reminder' | 'change'

export type NoticeRefusal = 'bad_state' | 'in_the_past'

const SAID_OF: Readonly<Record<Notice, readonly ReservationStatus[]>> = {
  confirmation: ['confirmed', 'checked_in', 'completed'],
  reminder: ['confirmed'],
  change: ['pending', 'confirmed', 'checked_in'],
}

/** What speaks against a notice, or null: only what was confirmed is confirmed, only what lies ahead is reminded of. */
export function noticeRefusal(
  notice: Notice,
  reservation: { readonly status: ReservationStatus; readonly startAt: Date; readonly endAt: Date },
  now: Date,
): NoticeRefusal | null {
  if (!SAID_OF[notice].includes(reservation.status)) return 'bad_state'
  if (notice === 'reminder' && now >= reservation.startAt) return 'in_the_past'
  return notice === 'change' && now >= reservation.endAt ? 'in_the_past' : null
}
