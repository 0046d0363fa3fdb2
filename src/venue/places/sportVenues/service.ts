import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict, NotFound } from '../../../kernel/errors.ts'
import { filePath, keepImage, showImageAt } from '../../../kernel/files/service.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import * as store from './store.ts'

/** The answer for a sport venue that does not exist (any more). */
export const noSuchSportVenue = () => new NotFound('not_found', 'There is no such sport venue.')

/** One sport venue. @throws NotFound */
export async function getSportVenue(kernel: Pick<Kernel, 'db'>, id: number): Promise<store.SportVenue> {
  const found = await store.findSportVenue(kernel.db, id)
  if (!found) throw noSuchSportVenue()
  return found
}

/** The files that show one sport venue. */
const imageOf = (id: number) => ({ purpose: 'sport_venue.image', subject: `sport_venue:${id}` })

/** Stores a picture of a sport venue and shows it; the one before goes. @throws NotFound, Invalid like `prepareImage` */
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
  wish: Partial<store.SportVenueFields> & { readonly name: string },
): Promise<store.SportVenue> {
  const now = kernel.clock.now()
  const fields = { type: null, location: null, description: null, image_url: null, ...wish }
  const id = await kernel.transaction(async (tx) => {
    const added = await store.insertSportVenue(tx, fields, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'sport_venue.create',
      resource: 'sport_venue',
      resourceId: added,
      changes: changesBetween(null, fields),
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
  wish: Partial<store.SportVenueFields>,
): Promise<store.SportVenue> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = (await store.lockSportVenue(tx, id, 'update')) && (await store.findSportVenue(tx, id))
    if (!before) throw noSuchSportVenue()
    const after = { ...before, ...wish }
    await store.updateSportVenue(tx, id, after, now)
    if (after.image_url !== before.image_url) await showImageAt(tx, imageOf(id), after.image_url, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'sport_venue.update',
      resource: 'sport_venue',
      resourceId: id,
      changes: changesBetween(before, after),
    })
  })
  kernel.nudge()
  return getSportVenue(kernel, id)
}

/** Takes a sport venue out of use. @throws NotFound, Conflict `in_use` while it has venues */
export async function removeSportVenue(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = (await store.lockSportVenue(tx, id, 'update')) && (await store.findSportVenue(tx, id))
    if (!before) throw noSuchSportVenue()
    if (before.venue_count > 0) {
      throw new Conflict('in_use', `The sport venue has ${before.venue_count} venues. Delete or move them first.`, {
        facts: { venues: before.venue_count },
      })
    }
    await store.deleteSportVenue(tx, id, now)
    await showImageAt(tx, imageOf(id), null, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'sport_venue.delete',
      resource: 'sport_venue',
      resourceId: id,
      changes: changesBetween({ name: before.name }, null),
    })
  })
  kernel.nudge()
}
