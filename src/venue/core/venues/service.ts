import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import { Invalid, NotFound } from '../../../kernel/errors.ts'
import { facilityExists, lockFacility } from './facilitiesStore.ts'
import * as store from './store.ts'
import type { LockStrength, Owner } from './types.ts'

/** Error for a venue that does not exist or is deleted. */
export const noSuchVenue = () => new NotFound('not_found', 'There is no such venue.')

/** Error for a sport venue that does not exist or is deleted. */
export const noSuchSportVenue = () => new NotFound('not_found', 'There is no such sport venue.')

/** Error for a facility that does not exist or is deleted. */
export const noSuchFacility = () => new NotFound('not_found', 'There is no such facility.')

/** Error for a request whose `sport_venue_id` does not exist. */
export function unknownSportVenue(): Invalid {
  return new Invalid('validation', 'There is no such sport venue.', {
    errors: [{ in: 'body', path: '/sport_venue_id', message: 'there is no such sport venue' }],
  })
}

/** Checks that a venue exists. @throws NotFound */
export async function requireVenue(db: Database, id: number): Promise<void> {
  if (!(await store.venueExists(db, id))) throw noSuchVenue()
}

/** Checks that a sport venue exists. @throws NotFound */
export async function requireSportVenue(db: Database, id: number): Promise<void> {
  if (!(await store.sportVenueExists(db, id))) throw noSuchSportVenue()
}

/** Checks that a facility exists. @throws NotFound */
export async function requireFacility(db: Database, id: number): Promise<void> {
  if (!(await facilityExists(db, id))) throw noSuchFacility()
}

/** One venue as it is at an instant. @throws NotFound */
export async function readVenue(db: Database, id: number, now: Date): Promise<store.Venue> {
  const venue = await store.findVenue(db, id, now)
  if (!venue) throw noSuchVenue()
  return venue
}

/** Locks only the venue, sport venue or facility itself. @throws NotFound */
export async function lockOwner(tx: Transaction, owner: Owner, strength: LockStrength): Promise<void> {
  if ('venueId' in owner) {
    if (!(await store.lockVenue(tx, owner.venueId, strength))) throw noSuchVenue()
  } else if ('sportVenueId' in owner) {
    if (!(await store.lockSportVenue(tx, owner.sportVenueId, strength))) throw noSuchSportVenue()
  } else if (!(await lockFacility(tx, owner.facilityId))) throw noSuchFacility()
}

/**
 * Locks a venue against closures (`share`) or against all changes to it (`update`): its sport venue first, then the
 * venue. All transactions lock in this order.
 * @throws NotFound, Invalid when there is no sport venue `alsoSportVenueId`, Stale when the venue moved to another
 * sport venue meanwhile
 */
export async function lockPlace(
  tx: Transaction,
  venueId: number,
  strength: LockStrength,
  alsoSportVenueId: number | null = null,
): Promise<store.LockedVenue> {
  const seen = await store.sportVenueOf(tx, venueId)
  if (seen === undefined) throw noSuchVenue()
  const sportVenueIds = new Set([seen, alsoSportVenueId].filter((id) => id !== null))
  for (const id of [...sportVenueIds].sort((a, b) => a - b)) {
    if (!(await store.lockSportVenue(tx, id, 'share')) && id === alsoSportVenueId) throw unknownSportVenue()
  }
  const venue = await store.lockVenue(tx, venueId, strength)
  if (!venue) throw noSuchVenue()
  if (venue.sport_venue_id !== seen) throw new Stale()
  return venue
}
