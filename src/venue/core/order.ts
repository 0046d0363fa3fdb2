import type { Origin } from '../../kernel/audit/origin.ts'

/** A wish whose person is settled, and what it belongs to. */
export interface Order {
  readonly origin: Origin
  readonly userId: number
  readonly slotId: number
  readonly partySize: number
  readonly byLeader: boolean
  /** The entry of the waiting list whose live offer it takes: without that offer nothing is booked. */
  readonly entryId?: number
  readonly seriesId?: string
  readonly rebooking?: { readonly pointsPaid: number }
}
