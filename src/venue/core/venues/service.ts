import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import { Invalid, NotFound } from '../../../kernel/errors.ts'
import { facilityExists, lockFacility } from './facilitiesStore.ts'
import * as store from './store.ts'
import type { LockStrength, Owner } from './types.ts'

/** The error for a venue that does not exist (any more). */
export const noSuchVenue = () => new NotFound('not_found', 'There is no such venue.')

/** The error for a sport venue that does not exist (any more). */
export const noSuchSportVenue = () => new NotFound('not_found', 'There is no such sport venue.')

/** The error for a facility that does not exist (any more). */
export const noSuchFacility = () => new NotFound('not_found', 'There is no such facility.')

/** The error for a `sport_venue_id` in a request that names none. */
export function unknownSportVenue(): Invalid {
  return new Invalid('validation', 'There is no such sport venue.', {
    errors: [{ in: 'body', path: '/sport_venue_id', message: 'there is no such sport venue' }],
  })
}

/** @throws NotFound without such a venue. */
export async function requireVenue(db: Database, id: number): Promise<void> {
  if (!(await store.venueExists(db, id))) throw noSuchVenue()
}

/** @throws NotFound without such a sport venue. */
export async function requireSportVenue(db: Database, id: number): Promise<void> {
  if (!(await store.sportVenueExists(db, id))) throw noSuchSportVenue()
}

/** @throws NotFound without such a facility. */
export async function requireFacility(db: Database, id: number): Promise<void> {
  if (!(await facilityExists(db, id))) throw noSuchFacility()
}

/** One venue as it is at an instant. @throws NotFound */
export async function readVenue(db: Database, id: number, now: Date): Promise<store.Venue> {
  const venue = await store.findVenue(db, id, now)
  if (!venue) throw noSuchVenue()
  return venue
}

/** Locks a venue, a sport venue or a facility by itself. @throws NotFound */
export async function lockOwner(tx: Transaction, owner: Owner, strength: LockStrength): Promise<void> {
  if ('venueId' in owner) {
    if (!(await store.lockVenue(tx, owner.venueId, strength))) throw noSuchVenue()
  } else if ('sportVenueId' in owner) {
    if (!(await store.lockSportVenue(tx, owner.sportVenueId, strength))) throw noSuchSportVenue()
  } else if (!(await lockFacility(tx, owner.facilityId))) throw noSuchFacility()
}

/**
 * Locks a venue against closures (`share`) or against everything else that changes what it holds (`update`): its sport
 * venue first, then the venue, in the order of everybody.
 * @throws NotFound, Invalid when there is no sport venue `alsoSportVenueId`, Stale when it moved to another sport venue
 * meanwhile
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
