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

/**
 * The one table of allowed moves. A closure completes the visits that have begun, and displaces the others; a slot that
 * one moves to may ask for approval; who comes after the no-show was noted can be let in.
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

/** Reservations in these states hold their places in the slot's `taken`. */
export const HOLDING: readonly ReservationStatus[] = ['pending', 'confirmed', 'checked_in', 'completed']
