import type { Interval } from '../../../booking/interval.ts'
import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import { Conflict, Invalid, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { daysBetween, localDate } from '../../../kernel/time.ts'
import { type Displacement, displaceReservations, endQueues } from '../../core/displacement/service.ts'
import type { Target } from '../../core/displacement/store.ts'
import { offerFreePlaces } from '../../core/offers.ts'
import { venueHours } from '../../core/openingHoursStore.ts'
import { lockPlace, requireVenue } from '../../core/venues/service.ts'
import * as rules from './rules.ts'
import type { Slot } from './store.ts'
import * as store from './store.ts'

const noSuchSlot = () => new NotFound('not_found', 'There is no such slot.')

/** Reads a slot of a venue. @throws NotFound */
export async function getSlot(kernel: Pick<Kernel, 'db'>, venueId: number, id: number): Promise<Slot> {
  const found = await store.findSlot(kernel.db, venueId, id)
  if (!found) throw noSuchSlot()
  return found
}

/**
 * Adds one slot, by default with the venue's capacity. It is closed if a closure covers any of it.
 * @throws NotFound, Invalid `validation`, Conflict `in_the_past`, `outside_hours`, `slot_overlap`
 */
export async function addSlot(
  kernel: Kernel,
  caller: Caller,
  venueId: number,
  request: rules.TimeRequest & { readonly capacity?: number | undefined },
): Promise<Slot> {
  const now = kernel.clock.now()
  const span = requireSpan(request, null, kernel.config.timeZone)
  const slot = await kernel.transaction(async (tx) => {
    const venue = await lockPlace(tx, venueId, 'share')
    await requirePlace(tx, kernel, venueId, span, now)
    const added = await store.insertSlot(tx, venueId, span, request.capacity ?? venue.capacity, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'time_slot.create',
      resource: 'time_slot',
      resourceId: added.id,
      changes: changesBetween(null, recorded(added)),
    })
    return added
  })
  kernel.nudge()
  return slot
}

/**
 * Generates the slots of a pattern from the venue's opening hours. Slots that are in the past, exist or overlap are
 * skipped.
 * @throws NotFound, Invalid `validation` for more than 92 days or 5,000 slots
 */
export async function generateSlots(
  kernel: Kernel,
  caller: Caller,
  venueId: number,
  pattern: rules.SlotPattern & { readonly capacity?: number | undefined },
): Promise<{ created: number; skipped: number }> {
  const now = kernel.clock.now()
  requireDays(pattern.startDate, pattern.endDate, 'body')
  const answer = await kernel.transaction(async (tx) => {
    // The lock makes a second concurrent run wait here; otherwise both would wait for each other's slots.
    const venue = await lockPlace(tx, venueId, 'update')
    const hours = await venueHours(tx, venueId, { from: pattern.startDate, to: pattern.endDate })
    const planned = rules.generateSlots(hours, pattern, kernel.config.timeZone)
    if (planned.length > rules.MOST_GENERATED) {
      throw invalid('/slot_minutes', `would make ${planned.length} slots; ${rules.MOST_GENERATED} are allowed at once`)
    }
    const ahead = planned.filter(({ start }) => start >= now)
    const capacity = pattern.capacity ?? venue.capacity
    const created = await store.insertSlots(tx, venueId, ahead, capacity, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'time_slot.generate',
      resource: 'venue',
      resourceId: venueId,
      changes: changesBetween(null, { ...pattern, capacity, created }),
    })
    return { created, skipped: planned.length - created }
  })
  kernel.nudge()
  return answer
}

/**
 * Changes a slot that has not begun. If it is in use, a new time or fewer places than are used need `force`, which
 * displaces reservations first. Available places are offered to the waiting list.
 * @throws NotFound, Invalid `validation`, Conflict `slot_in_use`, `in_the_past`, `outside_hours`, `slot_overlap`
 */
export async function changeSlot(
  kernel: Kernel,
  caller: Caller,
  at: { readonly venueId: number; readonly slotId: number; readonly force: boolean },
  request: rules.TimeRequest & { readonly capacity?: number | undefined },
): Promise<Slot> {
  const now = kernel.clock.now()
  const { venueId, slotId } = at
  const slot = await kernel.transaction(async (tx) => {
    await lockPlace(tx, venueId, 'share')
    const current = await store.findSlot(tx, venueId, slotId)
    if (!current) throw noSuchSlot()
    const span = requireSpan(request, { start: current.startAt, end: current.endAt }, kernel.config.timeZone)
    const capacity = request.capacity ?? current.capacity
    requireAhead(current, now)
    if (!isSame(current, span)) await requirePlace(tx, kernel, venueId, span, now)
    if (at.force && !rules.isHarmless(current, span, capacity)) {
      const target = isSame(current, span) ? await surplus(tx, current, capacity) : { slotIds: [slotId] }
      // Closed meanwhile, so that places that become free are not offered before the change.
      const lock = () => store.closeForChange(tx, slotId)
      await displace(tx, kernel, caller, { ...target, lock, reason: '时段调整', type: 'reservation.slot_changed' })
    }
    const locked = await store.lockSlot(tx, venueId, slotId)
    if (!locked) throw noSuchSlot()
    if (!isSame(locked, { start: current.startAt, end: current.endAt })) throw new Stale()
    if (!rules.isHarmless(locked, span, capacity)) throw await inUse(tx, locked)
    const changed = await store.updateSlot(tx, locked, span, capacity, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'time_slot.update',
      resource: 'time_slot',
      resourceId: slotId,
      changes: changesBetween(recorded(locked), recorded(changed)),
    })
    if (capacity <= locked.capacity && !at.force) return changed
    await offerFreePlaces(kernel, tx, slotId, now)
    return (await store.findSlot(tx, venueId, slotId)) ?? changed
  })
  kernel.nudge()
  return slot
}

/**
 * Deletes a slot that has not begun. If it is in use, this needs `force`, which displaces its reservations.
 * @throws NotFound, Conflict `slot_in_use`, `in_the_past`
 */
export async function removeSlot(
  kernel: Kernel,
  caller: Caller,
  at: { readonly venueId: number; readonly slotId: number; readonly force: boolean },
): Promise<void> {
  const now = kernel.clock.now()
  const { venueId, slotId } = at
  await kernel.transaction(async (tx) => {
    await lockPlace(tx, venueId, 'share')
    const current = await store.findSlot(tx, venueId, slotId)
    if (!current) throw noSuchSlot()
    requireAhead(current, now)
    if (at.force && current.taken + current.held > 0) {
      await displace(tx, kernel, caller, { slotIds: [slotId], reason: REMOVED, type: 'reservation.slot_changed' })
    }
    const locked = await store.lockSlot(tx, venueId, slotId)
    if (!locked) throw noSuchSlot()
    if (locked.taken + locked.held > 0) throw await inUse(tx, locked)
    await endQueues(tx, kernel, [slotId], REMOVED)
    await store.deleteSlot(tx, slotId, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'time_slot.delete',
      resource: 'time_slot',
      resourceId: slotId,
      changes: changesBetween(recorded(locked), null),
    })
  })
  kernel.nudge()
}

/** Reason in messages about a deleted slot. */
const REMOVED = '时段取消'

async function displace(tx: Transaction, kernel: Kernel, caller: Caller, displacement: Displacement): Promise<void> {
  await displaceReservations(tx, kernel, originOf(caller), displacement)
}

/**
 * Chooses the reservations to end when a slot gets fewer places: the newest first, those of leaders last. If the held
 * places alone are too many, the whole slot.
 */
async function surplus(tx: Transaction, slot: Slot, capacity: number): Promise<Target> {
  const reservationIds: number[] = []
  let over = slot.taken + slot.held - capacity
  for (const { id, partySize } of await store.newestActive(tx, slot.id)) {
    if (over <= 0) break
    reservationIds.push(id)
    over -= partySize
  }
  return over > 0 ? { slotIds: [slot.id] } : { reservationIds }
}

/**
 * Checks a span of local days for a calendar or for generating slots. @throws Invalid `validation` when it is empty or
 * too long
 */
export function requireDays(startDate: string, endDate: string, part: 'body' | 'query'): void {
  const days = daysBetween(startDate, endDate) + 1
  if (days < 1) throw invalid('/end_date', 'must not be before start_date', part)
  if (days > rules.MOST_DAYS) throw invalid('/end_date', `at most ${rules.MOST_DAYS} days are allowed`, part)
}

function requireSpan(request: rules.TimeRequest, current: Interval | null, zone: string): Interval {
  const span = rules.spanOf(request, current, zone)
  if (!span) throw invalid('', 'needs date, start_time and end_time, or start_at and end_at')
  if (span.start.getTime() % 60_000 !== 0 || span.end.getTime() % 60_000 !== 0) {
    throw invalid('', 'slots must start and end at whole minutes')
  }
  return span
}

async function requirePlace(
  tx: Transaction,
  kernel: Kernel,
  venueId: number,
  span: Interval,
  now: Date,
): Promise<void> {
  const zone = kernel.config.timeZone
  const hours = await venueHours(tx, venueId, { from: localDate(span.start, zone), to: localDate(span.end, zone) })
  const verdict = rules.maySlotLie(span, hours, now, zone)
  if (verdict.ok) return
  switch (verdict.code) {
    case 'bad_interval':
      throw invalid('', 'a slot must end after it starts')
    case 'too_long':
      throw invalid('', 'a slot must not be longer than 24 hours')
    case 'in_the_past':
      throw new Conflict('in_the_past', 'Slots can’t be made in the past.')
    case 'outside_hours':
      throw new Conflict('outside_hours', 'The slot is not within the opening hours of the venue.')
  }
}

function requireAhead(slot: Slot, now: Date): void {
  if (slot.startAt <= now) throw new Conflict('in_the_past', 'The slot has begun and can no longer be changed.')
}

function isSame(slot: Slot, span: Interval): boolean {
  return slot.startAt.getTime() === span.start.getTime() && slot.endAt.getTime() === span.end.getTime()
}

async function inUse(tx: Transaction, slot: Slot): Promise<Conflict> {
  const reservations = await store.countActive(tx, slot.id)
  const uses = `${reservations} active reservations and ${slot.held} held places`
  const message = `The slot has ${uses}. Use force to displace them.`
  return new Conflict('slot_in_use', message, { facts: { reservations, taken: slot.taken, held: slot.held } })
}

function recorded({ startAt, endAt, capacity }: Slot) {
  return { start_at: startAt.toISOString(), end_at: endAt.toISOString(), capacity }
}

function invalid(path: string, message: string, part: 'body' | 'query' = 'body'): Invalid {
  return new Invalid('validation', 'The request is not valid.', { errors: [{ in: part, path, message }] })
}

/** One page of a venue's slots. @throws NotFound */
export async function listSlots(
  kernel: Kernel,
  filter: store.SlotFilter,
  page: Parameters<typeof store.listSlots>[2],
): Promise<{ items: Slot[]; total: number }> {
  await requireVenue(kernel.db, filter.venueId)
  return store.listSlots(kernel.db, filter, page, kernel.clock.now())
}
