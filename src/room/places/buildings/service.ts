import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { touchRoomsOf } from '../rooms/store.ts'
import * as store from './store.ts'

export const noSuchBuilding = () => new NotFound('not_found', '楼房不存在')

/** A building. @throws NotFound */
export async function getBuilding(kernel: Kernel, id: number): Promise<store.Building> {
  const found = await store.findBuilding(kernel.db, id)
  if (!found) throw noSuchBuilding()
  return found
}

/** What is said of a building; what is left out, or null where there must be something, stays as it is. */
export interface BuildingWish {
  readonly buildingName?: string | null | undefined
  readonly status?: store.UsedStatus | null | undefined
  readonly remark?: string | null | undefined
}

/** Adds a building; answers its id. @throws Invalid `name_taken` */
export async function addBuilding(
  kernel: Kernel,
  caller: Caller,
  wish: BuildingWish & { readonly buildingName: string },
): Promise<number> {
  const now = kernel.clock.now()
  const fields = merged({ buildingName: wish.buildingName, status: '0', remark: null }, wish)
  const id = await kernel.transaction(async (tx) => {
    const added = await store.insertBuilding(tx, fields, caller.userId, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'room.building.create',
      resource: 'room_building',
      resourceId: added,
      changes: changesBetween(null, fields),
    })
    return added
  })
  kernel.nudge()
  return id
}

/**
 * Changes a building. Taken out of use, none of its rooms can be booked any more; bookings that stand stay (a closure ends them).
 * @throws NotFound, Invalid `name_taken`
 */
export async function changeBuilding(kernel: Kernel, caller: Caller, id: number, wish: BuildingWish): Promise<void> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const [before] = await store.lockBuildings(tx, [id], 'update')
    if (!before) throw noSuchBuilding()
    const old = { buildingName: before.buildingName, status: before.status, remark: before.remark }
    const fields = merged(old, wish)
    await store.updateBuilding(tx, id, fields, caller.userId, now)
    if (fields.status !== old.status) await touchRoomsOf(tx, id)
    await record(tx, now, {
      ...originOf(caller),
      action: 'room.building.update',
      resource: 'room_building',
      resourceId: id,
      changes: changesBetween(old, fields),
    })
  })
  kernel.nudge()
}

/** Deletes buildings, all or none. @throws NotFound when one is not there, Conflict `in_use` when one has rooms. */
export async function removeBuildings(kernel: Kernel, caller: Caller, ids: readonly number[]): Promise<void> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const found = await store.lockBuildings(tx, ids, 'update')
    if (found.length < ids.length) throw noSuchBuilding()
    const used = await store.namesWithRooms(tx, ids)
    if (used.length > 0) throw new Conflict('in_use', `楼房下还有房间，不能删除：${used.join('、')}`)
    await store.deleteBuildings(tx, ids, caller.userId, now)
    for (const { id, buildingName } of found) {
      await record(tx, now, {
        ...originOf(caller),
        action: 'room.building.delete',
        resource: 'room_building',
        resourceId: id,
        changes: changesBetween({ buildingName }, null),
      })
    }
  })
  kernel.nudge()
}

function merged(before: store.BuildingFields, wish: BuildingWish): store.BuildingFields {
  return {
    buildingName: wish.buildingName ?? before.buildingName,
    status: wish.status ?? before.status,
    remark: wish.remark === undefined ? before.remark : wish.remark || null,
  }
}
