import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import type { Decision } from './rules.ts'
import { repairLifecycle } from './rules.ts'
import * as store from './store.ts'

/** Permission required to see the reports of others and work on them. */
export const STAFF = 'venue:catalogue.write'

const noSuchReport = () => new NotFound('not_found', 'There is no such repair report.')

/** Reports that a facility needs repair. @throws NotFound */
export async function report(
  kernel: Kernel,
  caller: Caller,
  facilityId: number,
  description: string,
): Promise<store.RepairReport> {
  const now = kernel.clock.now()
  const id = await kernel.transaction(async (tx) => {
    const added = await store.insertReport(tx, { facilityId, userId: caller.userId, description, now })
    if (added === null) throw new NotFound('not_found', 'There is no such facility.')
    await record(tx, now, {
      ...originOf(caller),
      action: 'repair_report.create',
      resource: 'repair_report',
      resourceId: added,
      changes: { facility_id: [null, facilityId] },
    })
    return added
  })
  kernel.nudge()
  return getReport(kernel, caller, id)
}

/** Reads a report: the caller's own, or any for staff. @throws NotFound */
export async function getReport(kernel: Kernel, caller: Caller, id: number): Promise<store.RepairReport> {
  const found = await store.findReport(kernel.db, id)
  if (!found || (found.user_id !== caller.userId && !caller.permissions.has(STAFF))) throw noSuchReport()
  return found
}

/**
 * Moves a report to its next state and notifies the reporter. The facility is broken while one of its reports is
 * accepted.
 * @throws NotFound, Conflict `bad_state`
 */
export async function decide(
  kernel: Kernel,
  caller: Caller,
  id: number,
  { status, note }: { readonly status: Decision; readonly note?: string | undefined },
): Promise<store.RepairReport> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = await store.lockReport(tx, id)
    if (!before) throw noSuchReport()
    const moved =
      repairLifecycle.mayMove(before.status, status) &&
      (await store.moveReport(tx, id, { status, note: note ?? null, by: caller.userId, now }))
    if (!moved) {
      const facts = { state: before.status }
      throw new Conflict('bad_state', `A report that is ${before.status} can’t become ${status}.`, { facts })
    }
    const facility = await store.updateFacilityStatus(tx, before.facilityId, before.status === 'accepted', now)
    await record(tx, now, {
      ...originOf(caller),
      action: `repair_report.${status}`,
      resource: 'repair_report',
      resourceId: id,
      changes: { status: [before.status, status], ...(facility && { facility_status: facility }) },
    })
    await notify(tx, now, {
      type: `repair_report.${status}`,
      userIds: [before.userId],
      data: {
        repair_report_id: id,
        facility_name: before.facilityName,
        facility_venue_name: before.venueName,
        note: note ?? '',
      },
      key: `repair_report:${id}:${status}`,
    })
  })
  kernel.nudge()
  return getReport(kernel, caller, id)
}
