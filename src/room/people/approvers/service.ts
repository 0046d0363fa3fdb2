import { originOf } from '../../../kernel/audit/origin.ts'
import { NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { staffWith } from '../../../kernel/identity/staff.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import type { RoomPermission } from '../../permissions.ts'
import { refusal } from '../../sentences.ts'
import * as store from './store.ts'

/** Permission to approve. Everybody who holds it is listed as an approver. */
export const APPROVE: RoomPermission = 'manage:facility:booking:audit:approve'

/**
 * Limits an approver to the bookings of some buildings; an empty list lifts the limit.
 * @throws NotFound for a building that does not exist, Invalid `no_approver` for a person who may not approve.
 */
export async function limitApprover(
  kernel: Kernel,
  caller: Caller,
  userId: number,
  buildingIds: readonly number[],
): Promise<void> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    if (!(await staffWith(tx, kernel, APPROVE)).includes(userId)) {
      throw refusal('no_approver', '该用户不存在或没有审核权限')
    }
    const before = await store.lockBuildingsOf(tx, userId)
    const known = await store.existingBuildings(tx, buildingIds)
    const unknown = buildingIds.filter((id) => !known.includes(id))
    if (unknown.length > 0) throw new NotFound('not_found', `楼房不存在：${unknown.join('、')}`)
    await store.replaceBuildings(tx, userId, buildingIds, caller.userId, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'room.approver.limit',
      resource: 'user',
      resourceId: userId,
      changes: { buildingIds: [before, buildingIds] },
    })
  })
  kernel.nudge()
}
