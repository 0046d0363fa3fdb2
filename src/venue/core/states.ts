import { defineLifecycle } from '../../booking/lifecycle.ts'

/** States of a reservation (spec: pending → confirmed → checked_in → completed, and four ways to end early). */
export const RESERVATION_STATES = [
  'pending',
  'confirmed',
  'checked_in',
  'completed',
  'rejected',
  'cancelled',
  'no_show',
  'displaced',
] as const

export type ReservationStatus = (typeof RESERVATION_STATES)[number]

/**
 * The only table of allowed changes of state. A closure completes visits that have begun and displaces the others. The
 * new slot of a moved reservation may require approval (confirmed → pending). A person who arrives after the no-show
 * was recorded can still be checked in.
 */
export const lifecycle = defineLifecycle<ReservationStatus>({
  pending: ['confirmed', 'rejected', 'cancelled', 'displaced'],
  confirmed: ['pending', 'checked_in', 'cancelled', 'no_show', 'displaced'],
  checked_in: ['completed', 'displaced'],
  completed: [],
  rejected: [],
  cancelled: [],
  no_show: ['checked_in'],
  displaced: [],
})

/** A person's reservations in these states never overlap, and count against the limit of active ones. */
export const ACTIVE: readonly ReservationStatus[] = ['pending', 'confirmed', 'checked_in']

/** Reservations in these states are counted in their slot's `taken`. */
export const HOLDING: readonly ReservationStatus[] = ['pending', 'confirmed', 'checked_in', 'completed']
