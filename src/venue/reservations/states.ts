import { defineLifecycle } from '../../booking/lifecycle.ts'

/** The states of a reservation (spec: pending → confirmed → checked_in → completed, and four ways to end early). */
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

/** The one table of allowed moves. A closure completes what is checked in, and displaces what is not; a slot that one moves to may ask for approval. */
export const lifecycle = defineLifecycle<ReservationStatus>({
  pending: ['confirmed', 'rejected', 'cancelled', 'displaced'],
  confirmed: ['pending', 'checked_in', 'cancelled', 'no_show', 'displaced'],
  checked_in: ['completed'],
  completed: [],
  rejected: [],
  cancelled: [],
  no_show: [],
  displaced: [],
})

/** A person's reservations in these states never overlap, and count against the limit of active ones. */
export const ACTIVE: readonly ReservationStatus[] = ['pending', 'confirmed', 'checked_in']

/** Reservations in these states hold their places in the slot's `taken`. */
export const HOLDING: readonly ReservationStatus[] = ['pending', 'confirmed', 'checked_in', 'completed']
