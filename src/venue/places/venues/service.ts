import { randomBytes } from 'node:crypto'
import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import { Conflict, Invalid, NotFound } from '../../../kernel/errors.ts'
import { filePath, keepImage, showImageAt } from '../../../kernel/files/service.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { lockSlots } from '../../core/store.ts'
import { stopWhatEnded } from '../../visits/useSessions/ending.ts'
import { displaceVenue } from '../closures/displacement/service.ts'
import { slotsAhead } from '../closures/displacement/store.ts'
import { DEFAULT_REASONS } from '../closures/rules.ts'
import { applyClosures, setVenueStatus } from '../closures/service.ts'
import { lockSportVenue } from '../sportVenues/store.ts'
import * as store from './store.ts'

/** The answer for a venue that does not exist (any more). */
export const noSuchVenue = () => new NotFound('not_found', 'There is no such venue.')

/**
 * Locks a venue against closures (`share`) or against everything else that changes what it holds (`update`): its sport venue first, then
 * itself, in the order of everybody. @throws NotFound, Stale when it moved to another sport venue meanwhile
 */
export async function lockPlace(
  tx: Transaction,
  venueId: number,
  strength: 'share' | 'update',
  alsoSportVenueId: number | null = null,
): Promise<store.LockedVenue> {
  const seen = await store.sportVenueOf(tx, venueId)
  if (seen === undefined) throw noSuchVenue()
  const sportVenueIds = new Set([seen, alsoSportVenueId].filter((id) => id !== null))
  for (const id of [...sportVenueIds].sort((a, b) => a - b)) {
    if (!(await lockSportVenue(tx, id, 'share')) && id === alsoSportVenueId) throw noSuchSportVenue()
  }
  const venue = await store.lockVenue(tx, venueId, strength)
  if (!venue) throw noSuchVenue()
  if (venue.sport_venue_id !== seen) throw new Stale()
  return venue
}

/** Why people's venue is gone, as they are told. */
const REMOVED = '场馆停用'

type NewVenue = Partial<store.VenueFields> & Pick<store.VenueFields, 'name' | 'capacity'>

/** The files that show one venue. */
const imageOf = (id: number) => ({ purpose: 'venue.image', subject: `venue:${id}` })

/** Stores a picture of a venue and shows it; the one before goes. @throws NotFound, Invalid like `prepareImage` */
export async function setVenueImage(kernel: Kernel, caller: Caller, id: number, upload: Buffer): Promise<store.Venue> {
  await getVenue(kernel, id)
  const fileId = await keepImage(kernel, upload, { ...imageOf(id), ownerId: caller.userId, access: 'public' })
  return await changeVenue(kernel, caller, id, { image_url: filePath(fileId) })
}

/** One venue as it is now. @throws NotFound */
export async function getVenue(kernel: Pick<Kernel, 'db' | 'clock'>, id: number): Promise<store.Venue> {
  const found = await store.findVenue(kernel.db, id, kernel.clock.now())
  if (!found) throw noSuchVenue()
  return found
}

/**
 * Adds a venue. A status other than `open` closes it from now on, until further notice.
 * @throws Invalid `validation` when there is no such sport venue, Conflict `name_taken`
 */
export async function addVenue(
  kernel: Kernel,
  caller: Caller,
  wish: NewVenue,
  status?: store.VenueStatus,
): Promise<store.Venue> {
  const now = kernel.clock.now()
  const none = { sport_venue_id: null, type: null, location: null, notice: null, description: null, image_url: null }
  const fields = { ...none, ...wish }
  const id = await kernel.transaction(async (tx) => {
    const { sport_venue_id: sportVenueId } = fields
    if (sportVenueId !== null && !(await lockSportVenue(tx, sportVenueId, 'share'))) throw noSuchSportVenue()
    const added = await store.insertVenue(tx, fields, randomBytes(32).toString('base64url'), now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'venue.create',
      resource: 'venue',
      resourceId: added,
      changes: changesBetween(null, fields),
    })
    return added
  })
  kernel.nudge()
  if (status !== undefined && status !== 'open') await setVenueStatus(kernel, caller, id, { status })
  return getVenue(kernel, id)
}

/**
 * Changes the given fields of a venue; a given status that it does not have is set as `setVenueStatus` does.
 * @throws NotFound, Invalid `validation` when there is no such sport venue, Conflict `name_taken`
 */
export async function changeVenue(
  kernel: Kernel,
  caller: Caller,
  id: number,
  wish: Partial<store.VenueFields>,
  status?: store.VenueStatus,
): Promise<store.Venue> {
  const now = kernel.clock.now()
  const before = await kernel.transaction(async (tx) => {
    await lockPlace(tx, id, 'update', wish.sport_venue_id)
    const found = await store.findVenue(tx, id, now)
    if (!found) throw noSuchVenue()
    const after = { ...found, ...wish }
    const changes = changesBetween(found, after)
    if (Object.keys(changes).length === 0) return found
    await store.updateVenue(tx, id, after, now)
    if (after.image_url !== found.image_url) await showImageAt(tx, imageOf(id), after.image_url, now)
    if ('sport_venue_id' in changes) await applyClosures(tx, kernel, originOf(caller), [id], DEFAULT_REASONS.closed)
    await record(tx, now, { ...originOf(caller), action: 'venue.update', resource: 'venue', resourceId: id, changes })
    return found
  })
  kernel.nudge()
  if (status !== undefined && status !== before.status) {
    await setVenueStatus(kernel, caller, id, { status })
  }
  return getVenue(kernel, id)
}

/**
 * Takes a venue out of use, with its slots that have not begun, the waiting lists of all that have not ended, and what is used there. With
 * upcoming reservations only by `force`, which displaces them.
 * @throws NotFound, Conflict `in_use`
 */
export async function removeVenue(kernel: Kernel, caller: Caller, id: number, force: boolean): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const venue = await lockPlace(tx, id, 'update')
    if (!force) await refuseUpcoming(tx, id, now)
    await displaceVenue(tx, kernel, originOf(caller), id, REMOVED)
    await store.deleteVenue(tx, id, now)
    await showImageAt(tx, imageOf(id), null, now)
    await stopWhatEnded(kernel, tx, originOf(caller), now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'venue.delete',
      resource: 'venue',
      resourceId: id,
      changes: changesBetween({ name: venue.name }, null),
    })
  })
  kernel.nudge()
}

/** Locks the slots ahead: what is booked until then is counted, and nothing can be booked after it. @throws Conflict `in_use` */
async function refuseUpcoming(tx: Transaction, venueId: number, now: Date): Promise<void> {
  await lockSlots(tx, await slotsAhead(tx, venueId, now))
  const reservations = await store.countUpcomingReservations(tx, venueId, now)
  if (reservations === 0) return
  throw new Conflict('in_use', `The venue has ${reservations} upcoming reservations. Use force to displace them.`, {
    facts: { reservations },
  })
}

function noSuchSportVenue(): Invalid {
  return new Invalid('validation', 'There is no such sport venue.', {
    errors: [{ in: 'body', path: '/sport_venue_id', message: 'there is no such sport venue' }],
  })
}
