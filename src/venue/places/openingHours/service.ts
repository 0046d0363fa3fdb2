import { faultsOf, type OpeningHours } from '../../../booking/openingHours.ts'
import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Invalid } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { type HoursAnswer, venueHours } from '../../core/openingHoursStore.ts'
import { lockOwner, requireSportVenue, requireVenue } from '../../core/venues/service.ts'
import type { Place } from '../../core/venues/types.ts'
import * as store from './store.ts'

/** Opening hours in force at a venue. @throws NotFound */
export async function getVenueHours(kernel: Kernel, venueId: number): Promise<HoursAnswer> {
  await requireVenue(kernel.db, venueId)
  return venueHours(kernel.db, venueId)
}

/** Opening hours set at a sport venue. @throws NotFound */
export async function getSportVenueHours(kernel: Kernel, sportVenueId: number): Promise<HoursAnswer> {
  await requireSportVenue(kernel.db, sportVenueId)
  return store.ownHours(kernel.db, { sportVenueId })
}

/**
 * Sets all opening hours of a venue. If it has no weekly hours, or no exception for a date, those of its sport venue
 * hold. Existing slots stay as they are.
 * @throws NotFound, Invalid `validation` for times out of order, overlaps and contradictions
 */
export async function setVenueHours(
  kernel: Kernel,
  caller: Caller,
  venueId: number,
  hours: OpeningHours,
): Promise<HoursAnswer> {
  requireSound(hours)
  await kernel.transaction(async (tx) => {
    await lockOwner(tx, { venueId }, 'update')
    await replace(tx, kernel, caller, { venueId }, hours)
  })
  kernel.nudge()
  return venueHours(kernel.db, venueId)
}

/**
 * Sets all opening hours of a sport venue. They hold for its venues that have none of their own. Existing slots stay as
 * they are.
 * @throws like `setVenueHours`
 */
export async function setSportVenueHours(
  kernel: Kernel,
  caller: Caller,
  sportVenueId: number,
  hours: OpeningHours,
): Promise<HoursAnswer> {
  requireSound(hours)
  await kernel.transaction(async (tx) => {
    await lockOwner(tx, { sportVenueId }, 'update')
    await replace(tx, kernel, caller, { sportVenueId }, hours)
  })
  kernel.nudge()
  return store.ownHours(kernel.db, { sportVenueId })
}

async function replace(
  tx: Transaction,
  kernel: Kernel,
  caller: Caller,
  owner: Place,
  after: OpeningHours,
): Promise<void> {
  const { weekly, exceptions } = await store.ownHours(tx, owner)
  await store.replaceHours(tx, owner, after)
  await record(tx, kernel.clock.now(), {
    ...originOf(caller),
    action: 'opening_hours.update',
    resource: 'venueId' in owner ? 'venue' : 'sport_venue',
    resourceId: 'venueId' in owner ? owner.venueId : owner.sportVenueId,
    changes: changesBetween({ weekly, exceptions }, after),
  })
}

function requireSound(hours: OpeningHours): void {
  const faults = faultsOf(hours)
  if (faults.length === 0) return
  throw new Invalid('validation', 'The opening hours are not valid.', {
    errors: faults.slice(0, 20).map(({ path, message }) => ({ in: 'body', path, message })),
  })
}
