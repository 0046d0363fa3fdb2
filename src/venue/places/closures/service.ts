import { changesBetween } from '../../../kernel/audit/changes.ts'
import { type Origin, originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict, Invalid, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { stopWhatEnded } from '../../visits/useSessions/ending.ts'
import { lockFacility } from '../facilities/store.ts'
import { lockSportVenue } from '../sportVenues/store.ts'
import { findVenue, lockVenue, type Venue } from '../venues/store.ts'
import { type Affected, displaceReservations } from './displacement/service.ts'
import { type ClosureKind, DEFAULT_REASONS, mayClosureLie, planState, statusChange } from './rules.ts'
import type { Closure, Owner } from './store.ts'
import * as store from './store.ts'

/** The status somebody gives a venue by hand; without `until`: until further notice. */
export interface StatusWish {
  readonly status: 'open' | ClosureKind
  readonly until?: Date | undefined
  readonly reason?: string | undefined
}

export interface StatusAnswer {
  readonly venue: Venue
  readonly affected: readonly Affected[]
}

/**
 * Opens or closes a venue from now on, in one transaction with all that follows for its reservations. A status that it has already is set anew
 * (until, reason). `open` ends what is in force now; plans that lie ahead stay.
 * @throws NotFound, Invalid `validation` when `until` is past, Conflict `sport_venue_closed` when the whole sport venue is closed.
 */
export async function setVenueStatus(
  kernel: Kernel,
  caller: Caller,
  venueId: number,
  wish: StatusWish,
): Promise<StatusAnswer> {
  const answer = await kernel.transaction(async (tx): Promise<StatusAnswer> => {
    const now = kernel.clock.now()
    requireSpan({ start: now, end: wish.until ?? null }, now, '/until')
    await lockOwner(tx, { venueId })
    const before = await requireVenue(tx, venueId, now)
    const inForce = await store.closuresInForce(tx, venueId, now)
    if (wish.status === 'open' && inForce.some(({ sportVenueId }) => sportVenueId !== null)) {
      throw new Conflict('sport_venue_closed', 'The whole sport venue is out of use: end its maintenance instead.')
    }
    const { keep, end } = statusChange(
      wish.status,
      inForce.filter((closure) => closure.venueId !== null),
    )
    await store.endClosures(tx, end, now)
    if (wish.status !== 'open') {
      const span = { end: wish.until ?? null, reason: wish.reason ?? null }
      const kept = inForce.find(({ id }) => id === keep)
      if (kept) await store.updateClosure(tx, kept.id, { ...span, start: kept.startAt }, now)
      else {
        const closure = { ...span, kind: wish.status, start: now, createdBy: caller.userId }
        await store.insertClosure(tx, { venueId }, closure, now)
      }
    }
    const kind = wish.status === 'open' ? 'closed' : wish.status
    const affected = await applyClosures(tx, kernel, originOf(caller), [venueId], wish.reason ?? DEFAULT_REASONS[kind])
    const venue = await requireVenue(tx, venueId, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'venue.set_status',
      resource: 'venue',
      resourceId: venueId,
      changes: changesBetween(statusOf(before), statusOf(venue)),
    })
    return { venue, affected }
  })
  kernel.nudge()
  return answer
}

/** A maintenance plan and what it does. */
export interface PlanAnswer {
  readonly plan: Closure
  readonly affected: readonly Affected[]
}

export interface PlanWish {
  readonly start: Date
  readonly end: Date
  readonly reason?: string | null | undefined
}

/**
 * Plans maintenance of a venue, of all venues of a sport venue, or of a facility (which touches no reservation). What lies in its time can't be
 * booked from now on; who is in it is displaced now.
 * @throws NotFound, Invalid `validation` when it does not end after it starts, Conflict `in_the_past` when it has ended already.
 */
export async function planMaintenance(
  kernel: Kernel,
  caller: Caller,
  owner: Owner,
  { start, end, reason }: PlanWish,
): Promise<PlanAnswer> {
  return changePlan(kernel, caller, owner, 'maintenance.plan', async (tx, now) => {
    requireSpan({ start, end }, now, '/end_time')
    const closure = { kind: 'maintenance' as const, start, end, reason: reason ?? null, createdBy: caller.userId }
    return { id: await store.insertClosure(tx, owner, closure, now), before: null }
  })
}

/** A plan that can be read. @throws NotFound */
export async function getPlan(kernel: Kernel, id: number): Promise<Closure> {
  const plan = await store.findClosure(kernel.db, id)
  if (plan?.kind !== 'maintenance') throw noSuchPlan()
  return plan
}

/**
 * Changes times and reason of a plan that is not over. Slots that are no longer covered open again, others close with all that follows.
 * @throws NotFound, Invalid `validation`, Conflict `in_the_past`, `bad_state` when it is done or cancelled.
 */
export async function changeMaintenance(
  kernel: Kernel,
  caller: Caller,
  id: number,
  wish: Partial<PlanWish>,
): Promise<PlanAnswer> {
  const owner = ownerOf(await getPlan(kernel, id))
  return changePlan(kernel, caller, owner, 'maintenance.change', async (tx, now) => {
    const before = await requireAlive(tx, id, now)
    const after = {
      start: wish.start ?? before.startAt,
      end: wish.end ?? before.endAt,
      reason: wish.reason === undefined ? before.reason : wish.reason,
    }
    requireSpan(after, now, '/end_time')
    await store.updateClosure(tx, id, after, now)
    return { id, before }
  })
}

/** Calls a plan off, also one that is running: its slots open again. @throws NotFound, Conflict `bad_state` when it is done or cancelled. */
export async function cancelMaintenance(kernel: Kernel, caller: Caller, id: number): Promise<Closure> {
  const owner = ownerOf(await getPlan(kernel, id))
  const { plan } = await changePlan(kernel, caller, owner, 'maintenance.cancel', async (tx, now) => {
    const before = await requireAlive(tx, id, now)
    await store.cancelClosure(tx, id, now)
    return { id, before }
  })
  return plan
}

async function changePlan(
  kernel: Kernel,
  caller: Caller,
  owner: Owner,
  action: string,
  write: (tx: Transaction, now: Date) => Promise<{ readonly id: number; readonly before: Closure | null }>,
): Promise<PlanAnswer> {
  const answer = await kernel.transaction(async (tx): Promise<PlanAnswer> => {
    const now = kernel.clock.now()
    const venueIds = await lockOwner(tx, owner)
    const { id, before } = await write(tx, now)
    const plan = await store.findClosure(tx, id)
    if (!plan) throw noSuchPlan()
    const affected = await applyClosures(
      tx,
      kernel,
      originOf(caller),
      venueIds,
      plan.reason ?? DEFAULT_REASONS[plan.kind],
    )
    await record(tx, now, {
      ...originOf(caller),
      action,
      resource: 'maintenance',
      resourceId: id,
      changes: changesBetween(before && recorded(before), recorded(plan)),
    })
    return { plan, affected }
  })
  kernel.nudge()
  return answer
}

/**
 * Makes the slots of locked venues agree with the closures: those that are covered close and their reservations end (`displaceReservations`),
 * those that no closure covers any more open. What is used in a closed place is stopped. For whoever has changed closures, or moved a venue to another sport venue.
 * @throws Stale like `displaceReservations`.
 */
export async function applyClosures(
  tx: Transaction,
  kernel: Kernel,
  origin: Origin,
  venueIds: readonly number[],
  reason: string,
): Promise<readonly Affected[]> {
  const affected = await turnSlots(tx, kernel, origin, venueIds, reason)
  await stopWhatEnded(kernel, tx, origin, kernel.clock.now())
  return affected
}

async function turnSlots(
  tx: Transaction,
  kernel: Kernel,
  origin: Origin,
  venueIds: readonly number[],
  reason: string,
): Promise<readonly Affected[]> {
  if (venueIds.length === 0) return []
  const now = kernel.clock.now()
  const { close, open } = await store.slotsToTurn(tx, venueIds, now)
  const turn = (tx: Transaction) => store.turnSlots(tx, [...close, ...open], now)
  if (close.length > 0) {
    return displaceReservations(tx, kernel, origin, { slotIds: close, reason, type: 'reservation.closed', lock: turn })
  }
  if (open.length > 0) await turn(tx)
  return []
}

/** Locks what is to be closed, and answers the venues whose slots that touches. @throws NotFound */
async function lockOwner(tx: Transaction, owner: Owner): Promise<readonly number[]> {
  if ('venueId' in owner) {
    if (!(await lockVenue(tx, owner.venueId, 'update'))) throw new NotFound('not_found', 'There is no such venue.')
    return [owner.venueId]
  }
  if ('sportVenueId' in owner) {
    if (!(await lockSportVenue(tx, owner.sportVenueId, 'update'))) {
      throw new NotFound('not_found', 'There is no such sport venue.')
    }
    return store.lockVenuesOf(tx, owner.sportVenueId)
  }
  if (!(await lockFacility(tx, owner.facilityId))) throw new NotFound('not_found', 'There is no such facility.')
  return []
}

function ownerOf({ venueId, sportVenueId, facilityId }: Closure): Owner {
  if (venueId !== null) return { venueId }
  if (sportVenueId !== null) return { sportVenueId }
  if (facilityId !== null) return { facilityId }
  throw noSuchPlan()
}

function requireSpan(span: { readonly start: Date; readonly end: Date | null }, now: Date, path: string): void {
  switch (mayClosureLie(span, now)) {
    case 'bad_interval':
      throw new Invalid('validation', 'The request is not valid.', {
        errors: [
          { in: 'body', path, message: path === '/until' ? 'must be in the future' : 'must be after start_time' },
        ],
      })
    case 'in_the_past':
      throw new Conflict('in_the_past', 'Maintenance that has ended can’t be planned.')
  }
}

async function requireAlive(tx: Transaction, id: number, now: Date): Promise<Closure> {
  const plan = await store.findClosure(tx, id)
  if (!plan) throw noSuchPlan()
  const state = planState(plan, now)
  if (state === 'done' || state === 'cancelled') {
    throw new Conflict('bad_state', `That can’t be done with a plan that is ${state}.`, { facts: { state } })
  }
  return plan
}

async function requireVenue(tx: Transaction, id: number, now: Date): Promise<Venue> {
  const venue = await findVenue(tx, id, now)
  if (!venue) throw new NotFound('not_found', 'There is no such venue.')
  return venue
}

function statusOf({ status, status_until, status_reason }: Venue) {
  return { status, status_until: status_until?.toISOString() ?? null, status_reason }
}

function recorded({ startAt, endAt, reason, cancelledAt }: Closure) {
  return {
    start_time: startAt.toISOString(),
    end_time: endAt?.toISOString() ?? null,
    reason,
    cancelled_at: cancelledAt?.toISOString() ?? null,
  }
}

const noSuchPlan = () => new NotFound('not_found', 'There is no such maintenance plan.')
