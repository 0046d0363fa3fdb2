import { Invalid } from '../../kernel/errors.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Reservation } from '../core/reservationsStore.ts'
import { decide } from '../visits/approval/service.ts'
import { checkIn, checkOut } from '../visits/attendance/service.ts'
import { cancel, moveReservation } from '../visits/reservations/service.ts'

/** A change of a reservation by staff: another slot, or its next state. */
export interface StaffChange {
  readonly time_slot_id?: number | undefined
  readonly status?: StaffStatus | undefined
  readonly reason?: string | undefined
}

export const STATUSES = ['confirmed', 'rejected', 'cancelled', 'checked_in', 'completed'] as const
export type StaffStatus = (typeof STATUSES)[number]

/**
 * Changes any reservation in the same way as the separate operation for that change.
 * @throws the errors of that operation, Invalid unless exactly one of slot and status is given.
 */
export async function changeReservation(
  kernel: Kernel,
  caller: Caller,
  id: number,
  change: StaffChange,
): Promise<Reservation> {
  const { time_slot_id: slotId, status, reason } = change
  if (slotId !== undefined && status === undefined) return moveReservation(kernel, caller, id, slotId)
  if (slotId !== undefined || status === undefined) {
    throw new Invalid('validation', 'Give either `time_slot_id` or `status`.', {
      errors: [{ in: 'body', path: '', message: 'must have exactly one of time_slot_id and status' }],
    })
  }
  switch (status) {
    case 'confirmed':
    case 'rejected':
      return decide(kernel, caller, id, { status, reason })
    case 'cancelled':
      return cancel(kernel, caller, id, reason)
    case 'checked_in':
      return checkIn(kernel, caller, id)
    case 'completed':
      return checkOut(kernel, caller, id)
  }
}
