import type { Origin } from '../../kernel/http/caller.ts'

/** A wish whose person is settled, and what it belongs to. */
export interface Order {
  readonly origin: Origin
  readonly userId: number
  readonly slotId: number
  readonly partySize: number
  readonly byLeader: boolean
  readonly seriesId?: string
  readonly rebooking?: { readonly pointsPaid: number }
}
