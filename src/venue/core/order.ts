import type { Origin } from '../../kernel/audit/origin.ts'
import type { BookingRequest } from './rules.ts'

/** A booking request with its person and origin. */
export interface Order extends BookingRequest {
  readonly origin: Origin
  readonly userId: number
  readonly slotId: number
  readonly byLeader: boolean
  readonly seriesId?: string
}
