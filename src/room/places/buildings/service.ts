import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { type Building, type BuildingFields, lockBuildings, type UsedStatus } from '../../core/places/buildingsStore.ts'
import { deleteAll } from '../../core/places/deleting.ts'
import { touchRoomsOf } from '../../core/places/roomsStore.ts'
import { noSuchBuilding } from '../../core/refusals.ts'
import * as store from './store.ts'

/** A building. @throws NotFound */
export async function getBuilding(kernel: Kernel, id: number): Promise<Building> {
  const found = await store.findBuilding(kernel.db, id)
  if (!found) throw noSuchBuilding()
  return found
}

/** The fields of a building in a request. Absent fields keep their value, and so does a required field that is null. */
export interface BuildingInput {
  readonly buildingName?: string | null | undefined
  readonly status?: UsedStatus | null | undefined
  readonly remark?: string | null | undefined
}

/** Adds a building and returns its id. @throws Invalid `name_taken` */
export async function addBuilding(
  kernel: Kernel,
  caller: Caller,
  input: BuildingInput & { readonly buildingName: string },
): Promise<number> {
  const now = kernel.clock.now()
  const fields = merged({ buildingName: input.buildingName, status: '0', remark: null }, input)
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
 * Changes a building. If it is taken out of use, none of its rooms can be booked any more; existing bookings stay (a
 * closure ends them).
 * @throws NotFound, Invalid `name_taken`
 */
export async function changeBuilding(kernel: Kernel, caller: Caller, id: number, input: BuildingInput): Promise<void> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const [before] = await lockBuildings(tx, [id], 'update')
    if (!before) throw noSuchBuilding()
    const old = { buildingName: before.buildingName, status: before.status, remark: before.remark }
    const fields = merged(old, input)
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

/** Deletes buildings, all or none. @throws NotFound if one does not exist, Conflict `in_use` if one has rooms. */
export async function removeBuildings(kernel: Kernel, caller: Caller, ids: readonly number[]): Promise<void> {
  await deleteAll(kernel, caller, ids, {
    resource: 'room_building',
    action: 'room.building.delete',
    lock: (tx, ids) => lockBuildings(tx, ids, 'update'),
    missing: noSuchBuilding,
    async remove(tx, now) {
      const used = await store.namesWithRooms(tx, ids)
      if (used.length > 0) throw new Conflict('in_use', `楼房下还有房间，不能删除：${used.join('、')}`)
      await store.deleteBuildings(tx, ids, caller.userId, now)
    },
    recorded: ({ buildingName }) => ({ buildingName }),
  })
}

function merged(before: BuildingFields, input: BuildingInput): BuildingFields {
  return {
    buildingName: input.buildingName ?? before.buildingName,
    status: input.status ?? before.status,
    remark: input.remark === undefined ? before.remark : input.remark || null,
  }
}
