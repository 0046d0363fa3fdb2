import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict } from '../../../kernel/errors.ts'
import { filePath, keepImage, showImageAt } from '../../../kernel/files/service.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { recordDifference } from '../../core/recording.ts'
import { noSuchSportVenue } from '../../core/venues/service.ts'
import { lockSportVenue } from '../../core/venues/store.ts'
import * as store from './store.ts'

/** Reads a sport venue. @throws NotFound */
export async function getSportVenue(kernel: Pick<Kernel, 'db'>, id: number): Promise<store.SportVenue> {
  const found = await store.findSportVenue(kernel.db, id)
  if (!found) throw noSuchSportVenue()
  return found
}

/** Key of the picture files of a sport venue. */
const imageOf = (id: number) => ({ purpose: 'sport_venue.image', subject: `sport_venue:${id}` })

/**
 * Stores a picture of a sport venue and shows it; it replaces the one before.
 * @throws NotFound, Invalid like `prepareImage`
 */
export async function setSportVenueImage(
  kernel: Kernel,
  caller: Caller,
  id: number,
  upload: Buffer,
): Promise<store.SportVenue> {
  await getSportVenue(kernel, id)
  const fileId = await keepImage(kernel, upload, { ...imageOf(id), ownerId: caller.userId, access: 'public' })
  return await changeSportVenue(kernel, caller, id, { image_url: filePath(fileId) })
}

/** Adds a sport venue. @throws Conflict `name_taken` */
export async function addSportVenue(
  kernel: Kernel,
  caller: Caller,
  request: Partial<store.SportVenueFields> & { readonly name: string },
): Promise<store.SportVenue> {
  const now = kernel.clock.now()
  const fields = { type: null, location: null, description: null, image_url: null, ...request }
  const id = await kernel.transaction(async (tx) => {
    const added = await store.insertSportVenue(tx, fields, now)
    await recordDifference(tx, now, originOf(caller), {
      action: 'sport_venue.create',
      id: added,
      before: null,
      after: fields,
    })
    return added
  })
  kernel.nudge()
  return getSportVenue(kernel, id)
}

/** Changes the given fields of a sport venue. @throws NotFound, Conflict `name_taken` */
export async function changeSportVenue(
  kernel: Kernel,
  caller: Caller,
  id: number,
  request: Partial<store.SportVenueFields>,
): Promise<store.SportVenue> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = await lockedSportVenue(tx, id)
    const after = { ...before, ...request }
    await store.updateSportVenue(tx, id, after, now)
    if (after.image_url !== before.image_url) await showImageAt(tx, imageOf(id), after.image_url, now)
    await recordDifference(tx, now, originOf(caller), { action: 'sport_venue.update', id, before, after })
  })
  kernel.nudge()
  return getSportVenue(kernel, id)
}

/** Deletes a sport venue. @throws NotFound, Conflict `in_use` while it has venues */
export async function removeSportVenue(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = await lockedSportVenue(tx, id)
    if (before.venue_count > 0) {
      throw new Conflict('in_use', `The sport venue has ${before.venue_count} venues. Delete or move them first.`, {
        facts: { venues: before.venue_count },
      })
    }
    await store.deleteSportVenue(tx, id, now)
    await showImageAt(tx, imageOf(id), null, now)
    await recordDifference(tx, now, originOf(caller), {
      action: 'sport_venue.delete',
      id,
      before: { name: before.name },
      after: null,
    })
  })
  kernel.nudge()
}

async function lockedSportVenue(tx: Transaction, id: number): Promise<store.SportVenue> {
  const found = (await lockSportVenue(tx, id, 'update')) && (await store.findSportVenue(tx, id))
  if (!found) throw noSuchSportVenue()
  return found
}
