import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import type { Affected } from '../displacement/service.ts'
import { lockOwner, readVenue } from '../venues/service.ts'
import type { Venue } from '../venues/store.ts'
import { type ClosureKind, DEFAULT_REASONS, statusChange } from './rules.ts'
import { applyClosures, requireSpan } from './service.ts'
import * as store from './store.ts'

/** A status set by hand. Without `until` it holds until further notice. */
export interface StatusRequest {
  readonly status: 'open' | ClosureKind
  readonly until?: Date | undefined
  readonly reason?: string | undefined
}

export interface StatusAnswer {
  readonly venue: Venue
  readonly affected: readonly Affected[]
}

/**
 * Opens or closes a venue from now on and ends the reservations concerned, in one transaction. Setting the current
 * status again replaces its `until` and reason. `open` ends the closures in force; planned ones stay.
 * @throws NotFound, Invalid `validation` when `until` is past, Conflict `sport_venue_closed` when the whole sport venue
 * is closed.
 */
export async function setVenueStatus(
  kernel: Kernel,
  caller: Caller,
  venueId: number,
  request: StatusRequest,
): Promise<StatusAnswer> {
  const answer = await kernel.transaction(async (tx): Promise<StatusAnswer> => {
    const now = kernel.clock.now()
    requireSpan({ start: now, end: request.until ?? null }, now, '/until')
    await lockOwner(tx, { venueId }, 'update')
    const before = await readVenue(tx, venueId, now)
    const inForce = await store.closuresInForce(tx, venueId, now)
    if (request.status === 'open' && inForce.some(({ sportVenueId }) => sportVenueId !== null)) {
      throw new Conflict('sport_venue_closed', 'The whole sport venue is out of use: end its maintenance instead.')
    }
    const { keep, end } = statusChange(
      request.status,
      inForce.filter((closure) => closure.venueId !== null),
    )
    await store.endClosures(tx, end, now)
    if (request.status !== 'open') {
      const span = { end: request.until ?? null, reason: request.reason ?? null }
      const kept = inForce.find(({ id }) => id === keep)
      if (kept) await store.updateClosure(tx, kept.id, { ...span, start: kept.startAt }, now)
      else {
        const closure = { ...span, kind: request.status, start: now, createdBy: caller.userId }
        await store.insertClosure(tx, { venueId }, closure, now)
      }
    }
    const kind = request.status === 'open' ? 'closed' : request.status
    const affected = await applyClosures(
      tx,
      kernel,
      originOf(caller),
      [venueId],
      request.reason ?? DEFAULT_REASONS[kind],
    )
    const venue = await readVenue(tx, venueId, now)
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

function statusOf({ status, status_until, status_reason }: Venue) {
  return { status, status_until: status_until?.toISOString() ?? null, status_reason }
}
