import { originOf } from '../../../kernel/audit/origin.ts'
import type { PageOf } from '../../../kernel/database/lists.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { recordDifference } from '../../core/recording.ts'
import { stopEndedSessions } from '../../core/useSessions.ts'
import { type Facility, type FacilityFields, findFacility, lockFacility } from '../../core/venues/facilitiesStore.ts'
import { lockOwner, noSuchFacility, requireVenue } from '../../core/venues/service.ts'
import * as store from './store.ts'

/** One page of a venue's facilities. @throws NotFound */
export async function listFacilities(
  kernel: Kernel,
  venueId: number,
  page: PageOf<keyof typeof store.SORTS>,
): Promise<{ items: Facility[]; total: number }> {
  await requireVenue(kernel.db, venueId)
  return store.listFacilities(kernel.db, venueId, page, kernel.clock.now())
}

/** One facility as it is now. @throws NotFound */
export async function getFacility(kernel: Kernel, id: number): Promise<Facility> {
  const found = await findFacility(kernel.db, id, kernel.clock.now())
  if (!found) throw noSuchFacility()
  return found
}

/** Adds a facility to a venue. @throws NotFound, Conflict `name_taken` */
export async function addFacility(
  kernel: Kernel,
  caller: Caller,
  venueId: number,
  request: Partial<FacilityFields> & { readonly name: string },
): Promise<Facility> {
  const now = kernel.clock.now()
  const fields: FacilityFields = { type: null, quantity: 1, status: 'available', description: null, ...request }
  const id = await kernel.transaction(async (tx) => {
    await lockOwner(tx, { venueId }, 'share')
    const added = await store.insertFacility(tx, venueId, fields, now)
    await recordDifference(tx, now, originOf(caller), {
      action: 'facility.create',
      id: added,
      before: null,
      after: { venue_id: venueId, ...fields },
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
  request: Partial<FacilityFields>,
): Promise<Facility> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = await lockFacility(tx, id)
    if (!before) throw noSuchFacility()
    const after = { ...before, ...request }
    await store.updateFacility(tx, id, after, now)
    await recordDifference(tx, now, originOf(caller), { action: 'facility.update', id, before, after })
  })
  kernel.nudge()
  return getFacility(kernel, id)
}

/** Deletes a facility; its use sessions are stopped. @throws NotFound */
export async function removeFacility(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = await lockFacility(tx, id)
    if (!before) throw noSuchFacility()
    await store.deleteFacility(tx, id, now)
    await stopEndedSessions(kernel, tx, originOf(caller), now)
    await recordDifference(tx, now, originOf(caller), { action: 'facility.delete', id, before, after: null })
  })
  kernel.nudge()
}
