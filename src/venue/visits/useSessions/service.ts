import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { closuresInForce } from '../../core/closures/store.ts'
import { findFacility, lockFacility } from '../../core/venues/facilitiesStore.ts'
import { lockPlace, noSuchFacility } from '../../core/venues/service.ts'
import * as store from './store.ts'

/** Permission required to see the sessions of others, and to stop forgotten ones. */
export const STAFF = 'venue:catalogue.write'

const noSuchSession = () => new NotFound('not_found', 'There is no such use session.')

/**
 * Starts the use of one unit of a facility.
 * @throws NotFound; Conflict `venue_closed`, `not_available` (broken or under maintenance), `all_in_use`,
 * `already_using`
 */
export async function startUse(kernel: Kernel, caller: Caller, facilityId: number): Promise<store.UseSession> {
  const now = kernel.clock.now()
  const id = await kernel.transaction(async (tx) => {
    const known = await findFacility(tx, facilityId, now)
    if (!known) throw noSuchFacility()
    await lockPlace(tx, known.venue_id, 'share')
    await lockFacility(tx, facilityId)
    const facility = await findFacility(tx, facilityId, now)
    if (!facility) throw noSuchFacility()
    if ((await closuresInForce(tx, facility.venue_id, now)).length > 0) {
      throw new Conflict('venue_closed', 'The venue is closed now.')
    }
    if (facility.status !== 'available') {
      throw new Conflict('not_available', 'The facility can’t be used now.', { facts: { state: facility.status } })
    }
    const started = await store.insertSession(tx, { facilityId, userId: caller.userId, now })
    if (started === null) throw new Conflict('all_in_use', 'Every unit of the facility is in use.')
    await record(tx, now, {
      ...originOf(caller),
      action: 'use_session.start',
      resource: 'use_session',
      resourceId: started,
      changes: { facility_id: [null, facilityId] },
    })
    return started
  })
  kernel.nudge()
  return getSession(kernel, id)
}

/** Stops a session: the caller's own, or any for staff. @throws NotFound, Conflict `bad_state` when it has ended. */
export async function stopUse(kernel: Kernel, caller: Caller, id: number): Promise<store.UseSession> {
  const session = await store.findSession(kernel.db, id)
  if (!session || (session.user_id !== caller.userId && !caller.permissions.has(STAFF))) throw noSuchSession()
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await store.stopSession(tx, id, now))) throw new Conflict('bad_state', 'The session has already ended.')
    await record(tx, now, { ...originOf(caller), action: 'use_session.stop', resource: 'use_session', resourceId: id })
  })
  kernel.nudge()
  return getSession(kernel, id)
}

async function getSession(kernel: Kernel, id: number): Promise<store.UseSession> {
  const found = await store.findSession(kernel.db, id)
  if (!found) throw noSuchSession()
  return found
}
