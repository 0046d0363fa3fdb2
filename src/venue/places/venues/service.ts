import { randomBytes } from 'node:crypto'
import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict } from '../../../kernel/errors.ts'
import { filePath, keepImage, showImageAt } from '../../../kernel/files/service.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { DEFAULT_REASONS } from '../../core/closures/rules.ts'
import { applyClosures } from '../../core/closures/service.ts'
import { setVenueStatus } from '../../core/closures/venueStatus.ts'
import { displaceReservations } from '../../core/displacement/service.ts'
import { lockSlots } from '../../core/placesStore.ts'
import { recordDifference } from '../../core/recording.ts'
import { stopEndedSessions } from '../../core/useSessions.ts'
import { lockPlace, readVenue, unknownSportVenue } from '../../core/venues/service.ts'
import { lockSportVenue, type Venue, type VenueStatus } from '../../core/venues/store.ts'
import * as store from './store.ts'

/** Reason in messages about a deleted venue. */
const REMOVED = '场馆停用'

type NewVenue = Partial<store.VenueFields> & Pick<store.VenueFields, 'name' | 'capacity'>

/** Key of the picture files of a venue. */
const imageOf = (id: number) => ({ purpose: 'venue.image', subject: `venue:${id}` })

/**
 * Stores a picture of a venue and shows it; it replaces the one before. @throws NotFound, Invalid like `prepareImage`
 */
export async function setVenueImage(kernel: Kernel, caller: Caller, id: number, upload: Buffer): Promise<Venue> {
  await getVenue(kernel, id)
  const fileId = await keepImage(kernel, upload, { ...imageOf(id), ownerId: caller.userId, access: 'public' })
  return await changeVenue(kernel, caller, id, { image_url: filePath(fileId) })
}

/** Reads a venue as it is now. @throws NotFound */
export async function getVenue(kernel: Pick<Kernel, 'db' | 'clock'>, id: number): Promise<Venue> {
  return await readVenue(kernel.db, id, kernel.clock.now())
}

/**
 * Adds a venue. A status other than `open` closes it from now on, until further notice.
 * @throws Invalid `validation` when there is no such sport venue, Conflict `name_taken`
 */
export async function addVenue(
  kernel: Kernel,
  caller: Caller,
  request: NewVenue,
  status?: VenueStatus,
): Promise<Venue> {
  const now = kernel.clock.now()
  const none = { sport_venue_id: null, type: null, location: null, notice: null, description: null, image_url: null }
  const fields = { ...none, ...request }
  const id = await kernel.transaction(async (tx) => {
    const { sport_venue_id: sportVenueId } = fields
    if (sportVenueId !== null && !(await lockSportVenue(tx, sportVenueId, 'share'))) throw unknownSportVenue()
    const added = await store.insertVenue(tx, fields, randomBytes(32).toString('base64url'), now)
    await recordDifference(tx, now, originOf(caller), {
      action: 'venue.create',
      id: added,
      before: null,
      after: fields,
    })
    return added
  })
  kernel.nudge()
  if (status !== undefined && status !== 'open') await setVenueStatus(kernel, caller, id, { status })
  return getVenue(kernel, id)
}

/**
 * Changes the given fields of a venue. A given status that differs from the current one is set as by `setVenueStatus`.
 * @throws NotFound, Invalid `validation` when there is no such sport venue, Conflict `name_taken`
 */
export async function changeVenue(
  kernel: Kernel,
  caller: Caller,
  id: number,
  request: Partial<store.VenueFields>,
  status?: VenueStatus,
): Promise<Venue> {
  const now = kernel.clock.now()
  const before = await kernel.transaction(async (tx) => {
    await lockPlace(tx, id, 'update', request.sport_venue_id)
    const found = await readVenue(tx, id, now)
    const after = { ...found, ...request }
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
 * Deletes a venue and its slots that have not begun, ends the waiting lists of all slots that have not ended, and stops
 * the use of its facilities. With upcoming reservations this needs `force`, which displaces them.
 * @throws NotFound, Conflict `in_use`
 */
export async function removeVenue(kernel: Kernel, caller: Caller, id: number, force: boolean): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const venue = await lockPlace(tx, id, 'update')
    const slotIds = await store.slotsAhead(tx, id, now)
    if (!force) await refuseUpcoming(tx, id, slotIds, now)
    await displaceReservations(tx, kernel, originOf(caller), { slotIds, reason: REMOVED, type: 'reservation.closed' })
    await store.deleteVenue(tx, id, now)
    await showImageAt(tx, imageOf(id), null, now)
    await stopEndedSessions(kernel, tx, originOf(caller), now)
    const before = { name: venue.name }
    await recordDifference(tx, now, originOf(caller), { action: 'venue.delete', id, before, after: null })
  })
  kernel.nudge()
}

/**
 * Locks the slots that have not ended: bookings made before are counted, and none can be made after.
 * @throws Conflict `in_use`
 */
async function refuseUpcoming(tx: Transaction, venueId: number, slotIds: readonly number[], now: Date): Promise<void> {
  await lockSlots(tx, slotIds)
  const reservations = await store.countUpcomingReservations(tx, venueId, now)
  if (reservations === 0) return
  throw new Conflict('in_use', `The venue has ${reservations} upcoming reservations. Use force to displace them.`, {
    facts: { reservations },
  })
}
