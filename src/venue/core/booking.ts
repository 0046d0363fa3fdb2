import type { Database, Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { messageJson, operationJson } from '../../kernel/outbox/outbox.ts'
import { appointment } from './appointment.ts'
import { insertReservation } from './bookingStore.ts'
import { readFacts } from './facts.ts'
import { offerFreePlaces } from './offers.ts'
import type { Order } from './order.ts'
import { makeRoom } from './priority/service.ts'
import { refused } from './refusals.ts'
import type { Reservation } from './reservationsStore.ts'
import { type BookingFacts, mayBook, type Terms } from './rules.ts'

/**
 * Books an order: reads the facts, lets the rules decide, and writes with every guard in one statement. If the facts
 * have changed in between, the write is undone and everything is done again on fresh facts.
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

/** Books a leader's order for a full slot: makes room and takes the places in one transaction. */
function bookWithPriority(kernel: Kernel, order: Order): Promise<Reservation> {
  return kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const before = await readFacts(kernel, tx, order, now)
    if (!(await makeRoom(kernel, tx, before, order, now))) throw refused('slot_full', before, order)
    // The displaced reservations may have had more places than the leader takes.
    return bookAndOfferRest(kernel, tx, order, now)
  })
}

/** Books fewer places than are held for the person; the rest is offered to the next in line in the same transaction. */
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
  terms: Terms,
  now: Date,
): Promise<Reservation> {
  const { slot } = facts
  const { id } = await insertReservation(db, {
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
