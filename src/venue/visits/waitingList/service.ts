import { originOf, SYSTEM } from '../../../kernel/audit/origin.ts'
import { Conflict, DomainError, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import { mayManage, personOf } from '../../core/access.ts'
import { appointment } from '../../core/appointment.ts'
import { placeOrder } from '../../core/booking.ts'
import { readFacts } from '../../core/facts.ts'
import { ensureMembers, lockMembers } from '../../core/membersStore.ts'
import { offerFreePlaces } from '../../core/offers.ts'
import { refused } from '../../core/refusals.ts'
import { findPerson, type Reservation } from '../../core/reservationsStore.ts'
import { type Refusal, refusals } from '../../core/rules.ts'
import { addEntry, endEntries, lockQueue } from '../../core/waitingListStore.ts'
import type { Entry } from './store.ts'
import * as store from './store.ts'

/** Refusals that the person can resolve before a place becomes free: by cancelling, by attending, by earning points. */
const MAY_PASS: ReadonlySet<Refusal> = new Set(['slot_full', 'own_overlap', 'limit_reached', 'points_short'])

/**
 * Joins the waiting list of a full slot. People who would be refused for another reason than those in `MAY_PASS` can't
 * join: they would hold up the line.
 * @throws Conflict `already_waiting`, `already_booked`, `slot_not_full`, `no_waiting_list`, and the errors of `book`.
 */
export async function join(
  kernel: Kernel,
  caller: Caller,
  { slotId, venueId }: { readonly slotId: number; readonly venueId?: number },
  partySize = 1,
): Promise<Entry> {
  const { userId } = caller
  const now = kernel.clock.now()
  await ensureMembers(kernel.db, [userId], now)
  const id = await kernel.transaction(async (tx) => {
    await lockMembers(tx, [userId])
    const slot = await lockQueue(tx, slotId)
    if (!slot || (venueId ?? slot.venueId) !== slot.venueId) throw new NotFound('not_found', 'There is no such slot.')
    const facts = await readFacts(kernel, tx, { userId, slotId }, now)
    if (!facts.rules.allow_waiting_list) throw new Conflict('no_waiting_list', 'This venue has no waiting list.')
    if (await store.isBooked(tx, slotId, userId))
      throw new Conflict('already_booked', 'You have a reservation for this slot.')
    const request = { partySize }
    const refusal = refusals(facts, request, now).find((found) => !MAY_PASS.has(found))
    if (refusal) throw refused(refusal, facts, request)
    if (slot.capacity - slot.taken - slot.held >= partySize) {
      throw new Conflict('slot_not_full', 'The slot has free places that you can book.')
    }
    const entry = await addEntry(tx, { slotId, userId, partySize, priority: 0, now })
    await record(tx, now, {
      ...originOf(caller),
      action: 'waiting_list.join',
      resource: 'waiting_list',
      resourceId: entry,
      changes: { time_slot_id: [null, slotId] },
    })
    return entry
  })
  return entryOf(kernel, id)
}

/**
 * Joins the waiting list of the slot of a reservation (a route of the seed). The reservation may belong to anybody;
 * only its slot matters.
 */
export async function joinByReservation(
  kernel: Kernel,
  caller: Caller,
  reservationId: number,
  partySize?: number,
): Promise<Entry> {
  const slotId = await store.slotOfReservation(kernel.db, reservationId)
  if (slotId === null) throw new NotFound('not_found', 'There is no such reservation.')
  return join(kernel, caller, { slotId }, partySize)
}

/** Reads an entry that the caller may see. @throws NotFound for all others. */
async function getEntry(kernel: Kernel, caller: Caller, id: number): Promise<Entry> {
  const entry = await store.findEntry(kernel.db, id)
  if (!entry || (entry.userId !== caller.userId && !mayManage(caller)))
    throw new NotFound('not_found', 'There is no such waiting-list entry.')
  return entry
}

/**
 * Leaves the waiting list; held places go to the next in line. @throws Conflict `bad_state` when the entry has ended.
 */
export async function leave(kernel: Kernel, caller: Caller, id: number): Promise<Entry> {
  const entry = await getEntry(kernel, caller, id)
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    await lockQueue(tx, entry.slotId)
    const ended = await endEntries(tx, { slotId: entry.slotId, entryId: id, to: 'left', now })
    if (ended.length === 0) throw endedAlready(await store.findEntry(tx, id))
    await record(tx, now, {
      ...originOf(caller),
      action: 'waiting_list.leave',
      resource: 'waiting_list',
      resourceId: id,
    })
    await offerFreePlaces(kernel, tx, entry.slotId, now)
  })
  kernel.nudge()
  return entryOf(kernel, id)
}

/** Books the places that are offered. @throws Conflict `bad_state` without a live offer, else like `book`. */
export async function claim(kernel: Kernel, caller: Caller, id: number): Promise<Reservation> {
  const entry = await getEntry(kernel, caller, id)
  if (entry.state !== 'offered' || !entry.offerExpiresAt || entry.offerExpiresAt <= kernel.clock.now())
    throw endedAlready(entry)
  const { byLeader } = await personOf(kernel, caller, entry.userId)
  return placeOrder(kernel, {
    origin: originOf(caller),
    userId: entry.userId,
    byLeader,
    slotId: entry.slotId,
    partySize: entry.partySize,
    entryId: id,
  })
}

/**
 * Job, every minute: books the offers that a killed process left unbooked at venues with auto-promotion; ends offers
 * that have run out and offers the places to the next in line; ends the waiting lists of slots that have begun.
 * @throws the first error, after everything else was done.
 */
export async function sweep(kernel: Kernel): Promise<void> {
  const now = kernel.clock.now()
  const errors: unknown[] = []
  const apart = async (what: { entryId: number } | { slotId: number }, work: Promise<void>) => {
    try {
      await work
    } catch (err) {
      kernel.log.error({ err, ...what }, 'a waiting list could not be swept')
      errors.push(err)
    }
  }
  for (const entryId of await store.offersToPromote(kernel.db, now)) await apart({ entryId }, promote(kernel, entryId))
  for (const slotId of await store.slotsToSweep(kernel.db, now)) await apart({ slotId }, sweepSlot(kernel, slotId, now))
  kernel.nudge()
  if (errors.length > 0) throw errors[0]
}

function sweepSlot(kernel: Kernel, slotId: number, now: Date): Promise<void> {
  return kernel.transaction(async (tx) => {
    const slot = await lockQueue(tx, slotId)
    if (!slot) return
    const lapsed = await endEntries(tx, { slotId, to: 'lapsed', now, offeredUntil: now })
    for (const entry of lapsed) {
      await notify(tx, now, {
        type: 'waiting_list.lapsed',
        userIds: [entry.userId],
        data: { ...appointment(slot, kernel.config.timeZone), waiting_list_id: entry.id },
        key: `waiting_list:${entry.id}:lapsed`,
      })
    }
    if (slot.startAt <= now) await store.expireWaiting(tx, slotId, now)
    await offerFreePlaces(kernel, tx, slotId, now)
  })
}

/** Handler of `PROMOTE_JOB`: books the offer of the entry named in the payload. */
export function promoteOffer(kernel: Kernel, payload: unknown): Promise<void> {
  const id: unknown = typeof payload === 'object' && payload !== null ? Reflect.get(payload, 'entry_id') : undefined
  if (typeof id !== 'number') throw new Error('the job names no entry')
  return promote(kernel, id)
}

/**
 * Books an offer for its person. If the booking is refused (overlap, limit, points), the person loses the turn and gets
 * a message. An offer that has ended stays as it is.
 */
async function promote(kernel: Kernel, id: number): Promise<void> {
  const entry = await store.findEntry(kernel.db, id)
  if (entry?.state !== 'offered') return
  try {
    const person = await findPerson(kernel.db, entry.userId)
    await placeOrder(kernel, {
      origin: SYSTEM,
      userId: entry.userId,
      byLeader: person?.isLeader ?? false,
      slotId: entry.slotId,
      partySize: entry.partySize,
      entryId: id,
    })
  } catch (error) {
    if (!(error instanceof DomainError) || error.status !== 409) throw error
    await passOver(kernel, entry)
  }
}

/** Ends an offer that could not be booked, and makes an offer to the next in line. */
function passOver(kernel: Kernel, entry: Entry): Promise<void> {
  const now = kernel.clock.now()
  return kernel.transaction(async (tx) => {
    await lockMembers(tx, [entry.userId])
    const slot = await lockQueue(tx, entry.slotId)
    if (!slot) return
    const ended = await endEntries(tx, { slotId: entry.slotId, entryId: entry.id, to: 'lapsed', now })
    if (ended.length === 0) return
    await notify(tx, now, {
      type: 'waiting_list.lapsed',
      userIds: [entry.userId],
      data: { ...appointment(slot, kernel.config.timeZone), waiting_list_id: entry.id },
      key: `waiting_list:${entry.id}:lapsed`,
    })
    await offerFreePlaces(kernel, tx, entry.slotId, now)
  })
}

async function entryOf(kernel: Kernel, id: number): Promise<Entry> {
  const entry = await store.findEntry(kernel.db, id)
  if (!entry) throw new NotFound('not_found', 'There is no such waiting-list entry.')
  return entry
}

function endedAlready(entry: Entry | null): Conflict {
  const state = entry?.state ?? 'left'
  return new Conflict(
    'bad_state',
    state === 'waiting' ? 'No place is offered yet.' : `This waiting-list entry is ${state}.`,
    { facts: { state } },
  )
}
