import { originOf } from '../../../../kernel/audit/origin.ts'
import { Conflict } from '../../../../kernel/errors.ts'
import type { Caller } from '../../../../kernel/http/request/caller.ts'
import { joinedTo } from '../../../../kernel/http/request/idempotency.ts'
import type { Kernel } from '../../../../kernel/kernel.ts'
import { record } from '../../../../kernel/outbox/outbox.ts'
import { getReservation, lockReservation, personOf } from '../../../core/access.ts'
import type { Alternative } from '../../../core/alternatives/rules.ts'
import { findAlternatives } from '../../../core/alternatives/service.ts'
import { placeOrder } from '../../../core/booking.ts'
import { badState } from '../../../core/ending.ts'
import { leaveLine } from '../../../core/offers.ts'
import { lockSlots } from '../../../core/placesStore.ts'
import type { Reservation } from '../../../core/reservationsStore.ts'
import { mayRebook } from './rules.ts'
import { markRebooked } from './store.ts'

/** Alternatives shown to a person who looks for another slot, at most. */
const MOST_CHOICES = 20

/**
 * Books a displaced reservation again in another slot, once. It never costs more than was paid for the old one, and may
 * exceed `advance_booking_days`. The booking, the mark on the old reservation and the end of the waiting-list entry for
 * the old slot are one transaction.
 * @throws NotFound, Conflict `bad_state`, `already_rebooked`, `too_late_to_rebook`, and the errors of `book`.
 */
export async function rebook(kernel: Kernel, caller: Caller, id: number, slotId: number): Promise<Reservation> {
  const { userId } = await getReservation(kernel, caller, id)
  const { byLeader } = await personOf(kernel, caller, userId)
  const booked = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    // A concurrent rebooking for the same person waits here, and then finds the reservation already rebooked.
    const old = await lockReservation(tx, id)
    requireRebookable(old, now)
    await lockSlots(tx, [old.slotId, slotId])
    const reservation = await placeOrder(joinedTo(tx, kernel, noNudge), {
      origin: originOf(caller),
      userId,
      byLeader,
      slotId,
      partySize: old.partySize,
      rebooking: { pointsPaid: old.pointsPaid },
    })
    if (!(await markRebooked(tx, id, reservation.id, now))) throw alreadyRebooked()
    await leaveLine(kernel, tx, { slotId: old.slotId, userId }, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'reservation.rebook',
      resource: 'reservation',
      resourceId: id,
      changes: { rebooked_as: [null, reservation.id] },
    })
    return reservation
  })
  kernel.nudge()
  return booked
}

/** Slots that a reservation's person could book instead, those of its venue first. @throws NotFound */
export async function alternativesOf(
  kernel: Kernel,
  caller: Caller,
  id: number,
): Promise<{ readonly reservation: Reservation; readonly alternatives: readonly Alternative[] }> {
  const reservation = await getReservation(kernel, caller, id)
  const found = await findAlternatives(kernel.db, [reservation], kernel.clock.now(), {
    most: MOST_CHOICES,
    except: [reservation.slotId],
  })
  return { reservation, alternatives: found.get(id) ?? [] }
}

/** The nudge follows the commit of the outer transaction. */
const noNudge = () => {}

function requireRebookable(reservation: Reservation, now: Date): void {
  switch (mayRebook(reservation, now)) {
    case 'bad_state':
      throw badState(reservation)
    case 'already_rebooked':
      throw alreadyRebooked()
    case 'too_late_to_rebook':
      throw new Conflict('too_late_to_rebook', 'The time to book this reservation again has ended.')
  }
}

function alreadyRebooked(): Conflict {
  return new Conflict('already_rebooked', 'This reservation has already been booked again.')
}
