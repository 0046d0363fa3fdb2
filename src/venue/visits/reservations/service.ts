import { originOf } from '../../../kernel/audit/origin.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { messageJson, notify, operationJson, record } from '../../../kernel/outbox/outbox.ts'
import { getReservation, lockReservation, personOf } from '../../core/access.ts'
import { appointment } from '../../core/appointment.ts'
import { badState, endReservation } from '../../core/ending.ts'
import { readFacts } from '../../core/facts.ts'
import { leaveLine, offerFreePlaces } from '../../core/offers.ts'
import type { Order } from '../../core/order.ts'
import { makeRoom } from '../../core/priority/service.ts'
import { refused } from '../../core/refusals.ts'
import { type BookingFacts, mayBook, mayCancel } from '../../core/rules.ts'
import type { Reservation } from '../../core/store.ts'
import * as store from '../../core/store.ts'
import { changeCredit, changePoints } from '../../people/members/store.ts'

/** What is wished for: places for one person (or their party) in one slot. */
export interface BookingWish {
  readonly slotId: number
  /** For whom; the caller when absent. Only staff may book for others. */
  readonly userId?: number
  readonly partySize: number
}

/** Books places in a slot. @throws Conflict with a stable code when the slot, the person or the venue's rules forbid it. */
export async function book(kernel: Kernel, caller: Caller, wish: BookingWish): Promise<Reservation> {
  return placeOrder(kernel, {
    ...(await personOf(kernel, caller, wish.userId)),
    origin: originOf(caller),
    slotId: wish.slotId,
    partySize: wish.partySize,
  })
}

/**
 * Books what an order says: reads the facts, lets the rules decide, and writes with every guard in one statement.
 * When the world has moved in between, the write is undone and all of it is done again on fresh facts.
 */
export async function placeOrder(kernel: Kernel, order: Order): Promise<Reservation> {
  const reservation = await kernel.withRetries(async (db) => {
    const now = kernel.clock.now()
    const facts = await readFacts(kernel, db, order, now)
    const verdict = mayBook(facts, order, now)
    if (verdict.ok && facts.member.heldForMember > order.partySize) return bookPart(kernel, order)
    if (verdict.ok) return bookPlaces(kernel, db, order, facts, verdict.terms, now)
    if (order.byLeader && verdict.refusal === 'slot_full') return bookWithPriority(kernel, order)
    throw refused(verdict.refusal, facts, order)
  })
  kernel.nudge()
  return reservation
}

/** A leader's order for a full slot: room is made and the places are taken in one transaction. */
function bookWithPriority(kernel: Kernel, order: Order): Promise<Reservation> {
  return kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const before = await readFacts(kernel, tx, order, now)
    if (!(await makeRoom(kernel, tx, before, order, now))) throw refused('slot_full', before, order)
    // Who gave way may have had more places than the leader takes.
    return bookAndOfferRest(kernel, tx, order, now)
  })
}

/** Fewer places than were held: the others go to the next in line in the same transaction. */
function bookPart(kernel: Kernel, order: Order): Promise<Reservation> {
  return kernel.transaction((tx) => bookAndOfferRest(kernel, tx, order, kernel.clock.now()))
}

async function bookAndOfferRest(kernel: Kernel, tx: Transaction, order: Order, now: Date): Promise<Reservation> {
  const facts = await readFacts(kernel, tx, order, now)
  const verdict = mayBook(facts, order, now)
  if (!verdict.ok) throw refused(verdict.refusal, facts, order)
  const reservation = await bookPlaces(kernel, tx, order, facts, verdict.terms, now)
  await offerFreePlaces(kernel, tx, order.slotId, now)
  return reservation
}

async function bookPlaces(
  kernel: Kernel,
  db: Database,
  order: Order,
  facts: BookingFacts,
  terms: store.Taking['terms'],
  now: Date,
): Promise<Reservation> {
  const { slot } = facts
  const { id } = await store.takePlace(db, {
    facts,
    userId: order.userId,
    partySize: order.partySize,
    terms,
    byLeader: order.byLeader,
    seriesId: order.seriesId ?? null,
    now,
    message: messageJson({
      type: terms.status === 'confirmed' ? 'reservation.confirmed' : 'reservation.pending',
      userIds: [order.userId],
      data: appointment(slot, kernel.config.timeZone),
    }),
    operation: operationJson({ ...order.origin, action: 'reservation.book', resource: 'reservation' }),
  })
  return {
    id,
    userId: order.userId,
    slotId: slot.id,
    venueId: slot.venueId,
    venueName: slot.venueName,
    startAt: slot.startAt,
    endAt: slot.endAt,
    partySize: order.partySize,
    status: terms.status,
    byLeader: order.byLeader,
    pointsPaid: terms.pointsCost,
    seriesId: order.seriesId ?? null,
    checkedInAt: null,
    checkedOutAt: null,
    actualMinutes: null,
    endedBy: null,
    endReason: null,
    rebookUntil: null,
    rebookedAs: null,
    createdAt: now,
    updatedAt: now,
  }
}

/**
 * Cancels: the owner within the rules (late: credit is taken and the points are kept), staff until it has begun and at no cost to the owner.
 * @throws Conflict `bad_state` or `too_late_to_cancel`.
 */
export async function cancel(kernel: Kernel, caller: Caller, id: number, reason?: string): Promise<Reservation> {
  const own = (await getReservation(kernel, caller, id)).userId === caller.userId
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const reservation = await lockReservation(tx, id)
    const rules = await store.venueRules(tx, reservation.venueId)
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
      await changeCredit(tx, reservation.userId, -kernel.config.venueCreditLateCancel, 'late_cancel', {
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
 * Moves a reservation to another slot, of any venue: the same checks as a new booking, the difference in points is paid or returned. The owner
 * gives the notice of a free cancellation: else moving away and cancelling there would spare them a late one.
 * @throws Conflict as `book` and `cancel` do.
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
    const rules = await store.venueRules(tx, reservation.venueId)
    const leaving = mayCancel(
      reservation,
      own ? rules : { cancel_before_minutes: 0, free_cancel_before_minutes: 0 },
      now,
    )
    if (!leaving.ok)
      throw leaving.refusal === 'bad_state' ? badState(reservation) : tooLate(rules.cancel_before_minutes)
    if (leaving.late) throw tooLate(Math.max(rules.cancel_before_minutes, rules.free_cancel_before_minutes), 'moved')
    if (reservation.slotId === slotId) throw new Conflict('same_slot', 'The reservation is for this slot already.')
    const facts = await readFacts(kernel, tx, { userId: reservation.userId, slotId, except: id }, now)
    // What was paid for the old slot counts towards the new one; an offer of the waiting list is claimed, not moved into.
    const purse = {
      ...facts,
      member: { ...facts.member, points: facts.member.points + reservation.pointsPaid, heldForMember: 0 },
    }
    const wish = { partySize: reservation.partySize }
    const verdict = mayBook(purse, wish, now)
    if (!verdict.ok) throw refused(verdict.refusal, facts, wish)
    await store.changeSlot(tx, { reservation, facts, terms: verdict.terms, now })
    const difference = reservation.pointsPaid - verdict.terms.pointsCost
    await changePoints(tx, reservation.userId, difference, difference < 0 ? 'booking' : 'refund', {
      reservationId: id,
      now,
    })
    await notify(tx, now, {
      type: 'reservation.moved',
      userIds: [reservation.userId],
      data: { ...appointment(facts.slot, kernel.config.timeZone), reservation_id: id, status: verdict.terms.status },
      key: `reservation:${id}:moved:${reservation.slotId}:${slotId}:${now.getTime()}`,
    })
    if (reservation.status === 'pending' && verdict.terms.status === 'confirmed') {
      await notify(tx, now, {
        type: 'reservation.confirmed',
        userIds: [reservation.userId],
        data: { ...appointment(facts.slot, kernel.config.timeZone), reservation_id: id },
        key: `reservation:${id}:confirmed`,
      })
    }
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
