import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import { getReservation, lockReservation, personOf } from '../../core/access.ts'
import { appointment } from '../../core/appointment.ts'
import { placeOrder } from '../../core/booking.ts'
import { venueRules } from '../../core/bookingRules/store.ts'
import { badState, endReservation } from '../../core/ending.ts'
import { readFacts } from '../../core/facts.ts'
import { changeCredit, changePoints } from '../../core/membersStore.ts'
import { leaveLine, offerFreePlaces } from '../../core/offers.ts'
import { refused } from '../../core/refusals.ts'
import { changeSlot, type Reservation } from '../../core/reservationsStore.ts'
import { type BookingFacts, mayBook, mayCancel, type Terms } from '../../core/rules.ts'
import { venueSettings } from '../../settings.ts'

/** A request for places in one slot, for one person or their party. */
export interface ReservationRequest {
  readonly slotId: number
  /** Person to book for, by default the caller. Only staff may book for others. */
  readonly userId?: number
  readonly partySize: number
}

/**
 * Books places in a slot.
 * @throws Conflict with a stable code when the slot, the person or the venue's rules forbid it.
 */
export async function book(kernel: Kernel, caller: Caller, request: ReservationRequest): Promise<Reservation> {
  return placeOrder(kernel, {
    ...(await personOf(kernel, caller, request.userId)),
    origin: originOf(caller),
    slotId: request.slotId,
    partySize: request.partySize,
  })
}

/**
 * Cancels a reservation. The owner can do it within the rules (late: it costs credit, and the points are not returned),
 * staff until it has begun and at no cost to the owner.
 * @throws Conflict `bad_state` or `too_late_to_cancel`.
 */
export async function cancel(kernel: Kernel, caller: Caller, id: number, reason?: string): Promise<Reservation> {
  const own = (await getReservation(kernel, caller, id)).userId === caller.userId
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const reservation = await lockReservation(tx, id)
    const rules = await venueRules(tx, reservation.venueId)
    const verdict = own ? mayCancel(reservation, rules, now) : { ok: true as const, late: false }
    if (!verdict.ok)
      throw verdict.refusal === 'bad_state' ? badState(reservation) : tooLate(rules.cancel_before_minutes)
    await endReservation(
      tx,
      reservation,
      { to: 'cancelled', now, endedBy: caller.userId, reason: reason ?? null },
      { refund: !verdict.late },
    )
    if (verdict.late) {
      await changeCredit(tx, reservation.userId, -venueSettings.of(kernel.config).creditLateCancel, 'late_cancel', {
        reservationId: id,
        now,
      })
    }
    await notify(tx, now, {
      type: own ? 'reservation.cancelled' : 'reservation.cancelled_by_staff',
      userIds: [reservation.userId],
      data: { ...appointment(reservation, kernel.config.timeZone), reservation_id: id, reason: reason ?? '' },
      key: `reservation:${id}:cancelled`,
    })
    await record(tx, now, {
      ...originOf(caller),
      action: 'reservation.cancel',
      resource: 'reservation',
      resourceId: id,
      changes: { status: [reservation.status, 'cancelled'] },
    })
    await offerFreePlaces(kernel, tx, reservation.slotId, now)
  })
  kernel.nudge()
  return getReservation(kernel, caller, id)
}

function tooLate(minutes: number, what: 'cancelled' | 'moved' = 'cancelled'): Conflict {
  return new Conflict(
    'too_late_to_cancel',
    `Reservations here can be ${what} until ${minutes} minutes before the start.`,
    {
      facts: { [what === 'moved' ? 'move_before_minutes' : 'cancel_before_minutes']: minutes },
    },
  )
}

/**
 * Moves a reservation to another slot, of any venue. The checks are those of a new booking; the difference in points is
 * paid or returned. The owner needs the notice of a free cancellation: otherwise moving away and cancelling there would
 * avoid the cost of a late one.
 * @throws Conflict `same_slot`, and the errors of `book` and `cancel`.
 */
export async function moveReservation(
  kernel: Kernel,
  caller: Caller,
  id: number,
  slotId: number,
): Promise<Reservation> {
  const own = (await getReservation(kernel, caller, id)).userId === caller.userId
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const reservation = await lockReservation(tx, id)
    const rules = await venueRules(tx, reservation.venueId)
    const leaving = mayCancel(
      reservation,
      own ? rules : { cancel_before_minutes: 0, free_cancel_before_minutes: 0 },
      now,
    )
    if (!leaving.ok)
      throw leaving.refusal === 'bad_state' ? badState(reservation) : tooLate(rules.cancel_before_minutes)
    if (leaving.late) throw tooLate(Math.max(rules.cancel_before_minutes, rules.free_cancel_before_minutes), 'moved')
    if (reservation.slotId === slotId) throw new Conflict('same_slot', 'The reservation is already for this slot.')
    const facts = await readFacts(kernel, tx, { userId: reservation.userId, slotId, except: id }, now)
    // Points paid for the old slot count towards the new one. Places held by an offer are not used: an offer must be
    // claimed.
    const purse = {
      ...facts,
      member: { ...facts.member, points: facts.member.points + reservation.pointsPaid, heldForMember: 0 },
    }
    const request = { partySize: reservation.partySize }
    const verdict = mayBook(purse, request, now)
    if (!verdict.ok) throw refused(verdict.refusal, facts, request)
    await changeSlot(tx, { reservation, facts, terms: verdict.terms, now })
    const difference = reservation.pointsPaid - verdict.terms.pointsCost
    await changePoints(tx, reservation.userId, difference, difference < 0 ? 'booking' : 'refund', {
      reservationId: id,
      now,
    })
    await tellOfMove(kernel, tx, reservation, facts.slot, verdict.terms.status, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'reservation.move',
      resource: 'reservation',
      resourceId: id,
      changes: { time_slot_id: [reservation.slotId, slotId] },
    })
    await leaveLine(kernel, tx, { slotId, userId: reservation.userId }, now)
    await offerFreePlaces(kernel, tx, reservation.slotId, now)
  })
  kernel.nudge()
  return getReservation(kernel, caller, id)
}

/** Notifies the owner of a move, and sends the confirmation if the new slot needs no approval and the old one did. */
async function tellOfMove(
  kernel: Kernel,
  tx: Transaction,
  { id, userId, status: before, slotId: oldSlotId }: Reservation,
  slot: BookingFacts['slot'],
  status: Terms['status'],
  now: Date,
): Promise<void> {
  const data = { ...appointment(slot, kernel.config.timeZone), reservation_id: id }
  await notify(tx, now, {
    type: 'reservation.moved',
    userIds: [userId],
    data: { ...data, status },
    key: `reservation:${id}:moved:${oldSlotId}:${slot.id}:${now.getTime()}`,
  })
  if (before === 'pending' && status === 'confirmed') {
    const key = `reservation:${id}:confirmed`
    await notify(tx, now, { type: 'reservation.confirmed', userIds: [userId], data, key })
  }
}
