import { later } from '../../../booking/interval.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import { dayBounds, localDate } from '../../../kernel/time.ts'
import { alternativesNamed, findAlternatives, MOST_ALTERNATIVES, rebookLink } from '../alternatives/service.ts'
import { appointment } from '../appointment.ts'
import { endReservation } from '../ending.ts'
import { readFacts } from '../facts.ts'
import { lockMembers } from '../membersStore.ts'
import { leaveLine } from '../offers.ts'
import type { Order } from '../order.ts'
import { lockSlots } from '../placesStore.ts'
import { availablePlaces, type BookingFacts } from '../rules.ts'
import { addEntry } from '../waitingListStore.ts'
import { displaceable, earliestMove, mayDisplace, toDisplace } from './rules.ts'
import * as store from './store.ts'

/**
 * Makes room for a leader in a full slot by displacing the newest ordinary reservations, all in the leader's
 * transaction. Each is moved to the nearest free slot of the venue on the same day that does not begin too soon
 * (`earliestMove`). If there is none, it ends, its points are returned and its person is put first on this slot's
 * waiting list. Returns false and changes nothing if no reservation may be displaced.
 */
export async function makeRoom(
  kernel: Kernel,
  tx: Transaction,
  facts: BookingFacts,
  order: Order,
  now: Date,
): Promise<boolean> {
  const { slot, rules } = facts
  if (!mayDisplace(slot.startAt, rules.displace_before_minutes, now)) return false
  const chosen = await choose(tx, facts, order)
  if (!chosen) return false
  // Locks people first, then slots; then checks that the choice still stands.
  await lockMembers(tx, [order.userId, ...chosen.map((reservation) => reservation.userId)])
  const zone = kernel.config.timeZone
  const day = dayBounds(localDate(slot.startAt, zone), zone)
  const within = { start: later(day.start, earliestMove(rules, now)), end: day.end }
  const targets: (store.NearbySlot | null)[] = []
  for (const reservation of chosen) {
    const taken = targets.flatMap((target) => target?.id ?? [])
    targets.push(await store.nearestFreeSlot(tx, reservation, within, taken))
  }
  await lockSlots(tx, [slot.id, ...targets.flatMap((target) => target?.id ?? [])])
  const still = await choose(tx, await readFacts(kernel, tx, order, now), order)
  if (!still || still.map((r) => r.id).join() !== chosen.map((r) => r.id).join()) throw new Stale()
  for (const [index, reservation] of still.entries()) {
    const target = targets[index] ?? null
    if (target) await moveAside(kernel, tx, reservation, target, facts, order, now)
    else await putInLine(kernel, tx, reservation, facts, order, now)
  }
  return true
}

/** Chooses the reservations to displace; null if they would not free enough places. */
async function choose(tx: Transaction, facts: BookingFacts, order: Order) {
  const ordinary = await store.ordinaryReservations(tx, facts.slot.id, displaceable(facts.rules))
  return toDisplace(ordinary, order.partySize - availablePlaces(facts))
}

async function moveAside(
  kernel: Kernel,
  tx: Transaction,
  reservation: store.OrdinaryReservation,
  target: store.NearbySlot,
  { slot }: BookingFacts,
  order: Order,
  now: Date,
): Promise<void> {
  if (!(await store.moveTo(tx, reservation, target, now))) throw new Stale()
  await leaveLine(kernel, tx, { slotId: target.id, userId: reservation.userId }, now)
  const zone = kernel.config.timeZone
  await notify(tx, now, {
    type: 'reservation.moved_by_leader',
    userIds: [reservation.userId],
    data: {
      ...appointment(target, zone),
      reservation_id: reservation.id,
      old_start_time: appointment(slot, zone).start_time,
    },
    key: `reservation:${reservation.id}:moved:${slot.id}:${target.id}:${now.getTime()}`,
  })
  await record(tx, now, {
    ...order.origin,
    action: 'reservation.displace',
    resource: 'reservation',
    resourceId: reservation.id,
    changes: { time_slot_id: [slot.id, target.id] },
  })
}

async function putInLine(
  kernel: Kernel,
  tx: Transaction,
  reservation: store.OrdinaryReservation,
  { slot }: BookingFacts,
  order: Order,
  now: Date,
): Promise<void> {
  await endReservation(
    tx,
    reservation,
    { to: 'displaced', now, endedBy: order.userId, reason: 'leader_priority', rebookUntil: slot.startAt },
    { refund: true },
  )
  await addEntry(tx, {
    slotId: slot.id,
    userId: reservation.userId,
    partySize: reservation.partySize,
    priority: 1,
    now,
  })
  const displaced = { ...reservation, venueId: slot.venueId, startAt: slot.startAt }
  const alternatives = await findAlternatives(tx, [displaced], now, { most: MOST_ALTERNATIVES, except: [slot.id] })
  const zone = kernel.config.timeZone
  await notify(tx, now, {
    type: 'reservation.displaced',
    userIds: [reservation.userId],
    data: {
      ...appointment(slot, zone),
      reservation_id: reservation.id,
      reason: '领导优先',
      rebook_url: rebookLink(kernel.config, reservation.id),
      alternatives: alternativesNamed(alternatives.get(reservation.id), zone),
    },
    key: `reservation:${reservation.id}:displaced`,
  })
  await record(tx, now, {
    ...order.origin,
    action: 'reservation.displace',
    resource: 'reservation',
    resourceId: reservation.id,
    changes: { status: [reservation.status, 'displaced'] },
  })
}
