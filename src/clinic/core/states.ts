import { defineLifecycle } from '../../booking/lifecycle.ts'

/** States of a registration order, as on the wire. */
export const ORDER_STATES = [
  'pending',
  'confirmed',
  'cancelled',
  'timeout',
  'completed',
  'no_show',
  'waitlist',
] as const

export type OrderStatus = (typeof ORDER_STATES)[number]

/**
 * The table of allowed moves. An unpaid order is pending; with a price of 0 it is confirmed at once. A patient who
 * arrives after the no-show was noted can still be seen. Only a stopped session cancels a no-show.
 */
export const lifecycle = defineLifecycle<OrderStatus>({
  waitlist: ['pending', 'confirmed', 'cancelled'],
  pending: ['confirmed', 'cancelled', 'timeout'],
  confirmed: ['completed', 'no_show', 'cancelled'],
  no_show: ['completed', 'cancelled'],
  completed: [],
  cancelled: [],
  timeout: [],
})

/** Orders that still wait for a number, a payment or the visit: those that stopping a schedule ends. */
export const OPEN = ['pending', 'confirmed', 'waitlist'] as const

/** States of a payment, as on the wire. */
export const PAYMENT_STATES = ['pending', 'paying', 'paid', 'failed', 'cancelled', 'refunded'] as const

export type PaymentStatus = (typeof PAYMENT_STATES)[number]

/** Origins of an order. */
export const SOURCE_TYPES = ['normal', 'waitlist', 'add_slot', 'walk_in'] as const

export type SourceType = (typeof SOURCE_TYPES)[number]

/** Origins of orders that people made for themselves or their relatives. Staff make the others for patients. */
export const MADE_BY_PATIENTS: readonly SourceType[] = ['normal', 'waitlist']
