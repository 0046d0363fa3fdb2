import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { PageOf } from '../../../kernel/database/lists.ts'
import { NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { stopWhatEnded } from '../../visits/useSessions/ending.ts'
import { getVenue, noSuchVenue } from '../venues/service.ts'
import { lockVenue } from '../venues/store.ts'
import * as store from './store.ts'

const noSuchFacility = () => new NotFound('not_found', 'There is no such facility.')

/** One page of a venue's facilities. @throws NotFound */
export async function listFacilities(
  kernel: Kernel,
  venueId: number,
  page: PageOf<keyof typeof store.SORTS>,
): Promise<{ items: store.Facility[]; total: number }> {
  await getVenue(kernel, venueId)
  return store.listFacilities(kernel.db, venueId, page, kernel.clock.now())
}

/** One facility as it is now. @throws NotFound */
export async function getFacility(kernel: Kernel, id: number): Promise<store.Facility> {
  const found = await store.findFacility(kernel.db, id, kernel.clock.now())
  if (!found) throw noSuchFacility()
  return found
}

/** Adds a facility to a venue. @throws NotFound, Conflict `name_taken` */
export async function addFacility(
  kernel: Kernel,
  caller: Caller,
  venueId: number,
  wish: Partial<store.FacilityFields> & { readonly name: string },
): Promise<store.Facility> {
  const now = kernel.clock.now()
  const fields: store.FacilityFields = { type: null, quantity: 1, status: 'available', description: null, ...wish }
  const id = await kernel.transaction(async (tx) => {
    if (!(await lockVenue(tx, venueId, 'share'))) throw noSuchVenue()
    const added = await store.insertFacility(tx, venueId, fields, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'facility.create',
      resource: 'facility',
      resourceId: added,
      changes: changesBetween(null, { venue_id: venueId, ...fields }),
    })
    return added
  })
  kernel.nudge()
  return getFacility(kernel, id)
}

/** Changes the given fields of a facility. @throws NotFound, Conflict `name_taken` */
export async function changeFacility(
  kernel: Kernel,
  caller: Caller,
  id: number,
  wish: Partial<store.FacilityFields>,
): Promise<store.Facility> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = await store.lockFacility(tx, id)
    if (!before) throw noSuchFacility()
    const after = { ...before, ...wish }
    await store.updateFacility(tx, id, after, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'facility.update',
      resource: 'facility',
      resourceId: id,
      changes: changesBetween(before, after),
    })
  })
  kernel.nudge()
  return getFacility(kernel, id)
}

/** Takes a facility out of use; who uses it stops. @throws NotFound */
export async function removeFacility(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = await store.lockFacility(tx, id)
    if (!before) throw noSuchFacility()
    await store.deleteFacility(tx, id, now)
    await stopWhatEnded(kernel, tx, originOf(caller), now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'facility.delete',
      resource: 'facility',
      resourceId: id,
      changes: changesBetween(before, null),
    })
  })
  kernel.nudge()
}
