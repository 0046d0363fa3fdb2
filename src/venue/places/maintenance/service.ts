import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { DEFAULT_REASONS } from '../../core/closures/rules.ts'
import { applyClosures, requireSpan } from '../../core/closures/service.ts'
import { type Closure, findClosure, insertClosure, updateClosure } from '../../core/closures/store.ts'
import type { Affected } from '../../core/displacement/service.ts'
import { lockOwner } from '../../core/venues/service.ts'
import type { Owner } from '../../core/venues/types.ts'
import { planState } from './rules.ts'
import * as store from './store.ts'

/** A maintenance plan and the reservations that it has ended. */
export interface PlanAnswer {
  readonly plan: Closure
  readonly affected: readonly Affected[]
}

export interface PlanRequest {
  readonly start: Date
  readonly end: Date
  readonly reason?: string | null | undefined
}

/**
 * Plans maintenance of a venue, of all venues of a sport venue, or of a facility (which affects no reservation). Slots
 * in its time can't be booked from now on; reservations in it are displaced now.
 * @throws NotFound, Invalid `validation` when it does not end after it starts, Conflict `in_the_past` when it has
 * already ended.
 */
export async function planMaintenance(
  kernel: Kernel,
  caller: Caller,
  owner: Owner,
  { start, end, reason }: PlanRequest,
): Promise<PlanAnswer> {
  return changePlan(kernel, caller, owner, 'maintenance.plan', async (tx, now) => {
    requireSpan({ start, end }, now, '/end_time')
    const closure = { kind: 'maintenance' as const, start, end, reason: reason ?? null, createdBy: caller.userId }
    return { id: await insertClosure(tx, owner, closure, now), before: null }
  })
}

/** Reads a plan. @throws NotFound */
export async function getPlan(kernel: Kernel, id: number): Promise<Closure> {
  const plan = await findClosure(kernel.db, id)
  if (plan?.kind !== 'maintenance') throw noSuchPlan()
  return plan
}

/**
 * Changes the times and the reason of a plan that is not over. Slots that are no longer covered open again; newly
 * covered ones close and their reservations end.
 * @throws NotFound, Invalid `validation`, Conflict `in_the_past`, `bad_state` when it is done or cancelled.
 */
export async function changeMaintenance(
  kernel: Kernel,
  caller: Caller,
  id: number,
  request: Partial<PlanRequest>,
): Promise<PlanAnswer> {
  const owner = ownerOf(await getPlan(kernel, id))
  return changePlan(kernel, caller, owner, 'maintenance.change', async (tx, now) => {
    const before = await requireAlive(tx, id, now)
    const after = {
      start: request.start ?? before.startAt,
      end: request.end ?? before.endAt,
      reason: request.reason === undefined ? before.reason : request.reason,
    }
    requireSpan(after, now, '/end_time')
    await updateClosure(tx, id, after, now)
    return { id, before }
  })
}

/**
 * Cancels a plan, also a running one: its slots open again.
 * @throws NotFound, Conflict `bad_state` when it is done or cancelled.
 */
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
    const venueIds = await lockVenuesTouched(tx, owner)
    const { id, before } = await write(tx, now)
    const plan = await findClosure(tx, id)
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

/** Locks the owner of a plan, and returns the venues whose slots it affects. @throws NotFound */
async function lockVenuesTouched(tx: Transaction, owner: Owner): Promise<readonly number[]> {
  await lockOwner(tx, owner, 'update')
  if ('venueId' in owner) return [owner.venueId]
  return 'sportVenueId' in owner ? store.lockVenuesOfSportVenue(tx, owner.sportVenueId) : []
}

function ownerOf({ venueId, sportVenueId, facilityId }: Closure): Owner {
  if (venueId !== null) return { venueId }
  if (sportVenueId !== null) return { sportVenueId }
  if (facilityId !== null) return { facilityId }
  throw noSuchPlan()
}

async function requireAlive(tx: Transaction, id: number, now: Date): Promise<Closure> {
  const plan = await findClosure(tx, id)
  if (!plan) throw noSuchPlan()
  const state = planState(plan, now)
  if (state === 'done' || state === 'cancelled') {
    throw new Conflict('bad_state', `That can’t be done with a plan that is ${state}.`, { facts: { state } })
  }
  return plan
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
