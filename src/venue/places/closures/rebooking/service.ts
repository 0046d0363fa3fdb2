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

/** Choices shown to somebody who looks for another slot. */
const MOST_CHOICES = 20

/**
 * Books a displaced reservation again in another slot, once: it never costs more than was paid for it and looks past
 * `advance_booking_days`. Booking, note and leaving the old slot's waiting list are one transaction.
 * @throws NotFound, Conflict `bad_state`, `already_rebooked`, `too_late_to_rebook`, and as `book` does.
 */
export async function rebook(kernel: Kernel, caller: Caller, id: number, slotId: number): Promise<Reservation> {
  const { userId } = await getReservation(kernel, caller, id)
  const { byLeader } = await personOf(kernel, caller, userId)
  const booked = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    // Whoever rebooks for the same person at once waits here, and then sees that it has been done.
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

/** Slots that a reservation's person could take instead of it, those of its venue first. @throws NotFound */
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

/** The commit comes later; then it is nudged. */
const noNudge = () => {}

function requireRebookable(reservation: Reservation, now: Date): void {
  switch (mayRebook(reservation, now)) {
    case 'bad_state':
      throw badState(reservation)
    case 'already_rebooked':
      throw alreadyRebooked()
    case 'too_late_to_rebook':
      throw new Conflict('too_late_to_rebook', 'The time in which this reservation could be booked again has run out.')
  }
}

function alreadyRebooked(): Conflict {
  return new Conflict('already_rebooked', 'This reservation has been booked again already.')
}
