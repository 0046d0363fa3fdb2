import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { tellBookings } from '../../core/bookingMessages.ts'
import { endAt, moveStatus, recordCancelled } from '../../core/moves.ts'
import { lockBuildings } from '../../core/places/buildingsStore.ts'
import { deleteAll } from '../../core/places/deleting.ts'
import { touchRooms, touchRoomsOf } from '../../core/places/roomsStore.ts'
import { noSuchBuilding, noSuchRoom } from '../../core/refusals.ts'
import { CANCELLED } from '../../core/states.ts'
import { refusal } from '../../sentences.ts'
import * as store from './store.ts'

const noSuchClosure = () => new NotFound('not_found', '关闭时段不存在')

/** A closure. @throws NotFound */
export async function getClosure(kernel: Kernel, id: number): Promise<store.Closure> {
  const found = await store.findClosure(kernel.db, id)
  if (!found) throw noSuchClosure()
  return found
}

/** Numbers of bookings that a closure has ended. */
export interface Ended {
  /** Bookings that had not begun. */
  readonly cancelled: number
  /** Ongoing bookings: they end when the closure begins. */
  readonly cutShort: number
}

/**
 * Closes a room or a building for a time. Bookings in that time end in the same transaction and their people are told;
 * a booking that is being written meanwhile is decided again.
 * @throws NotFound for the room or building, Invalid `wrong_order`, Conflict `over` if the time has passed.
 */
export async function closeFor(
  kernel: Kernel,
  caller: Caller,
  target: store.Target,
  fields: store.ClosureFields,
): Promise<Ended & { readonly id: number }> {
  const answer = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    requireSpan(fields, now)
    const roomIds = await lockTarget(tx, target)
    const id = await store.insertClosure(tx, target, fields, caller.userId, now)
    const ended = await endBookings(tx, kernel, caller, roomIds, fields, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'room.closure.create',
      resource: 'room_closure',
      resourceId: id,
      changes: changesBetween(null, { ...target, ...recorded(fields) }),
    })
    return { id, ...ended }
  })
  kernel.nudge()
  return answer
}

/** The fields of a closure in a request; absent fields keep their value. */
export interface ClosureInput {
  readonly roomId?: number | null | undefined
  readonly buildingId?: number | null | undefined
  readonly start?: Date | undefined
  readonly end?: Date | undefined
  readonly reason?: string | undefined
}

/**
 * Changes time and reason of a closure that is not over. Bookings in the new time end; bookings that it has ended stay
 * ended.
 * @throws NotFound, Invalid `wrong_order`, `other_target` for another room or building, Conflict `over`.
 */
export async function changeClosure(kernel: Kernel, caller: Caller, id: number, input: ClosureInput): Promise<Ended> {
  const known = await getClosure(kernel, id)
  const ended = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const roomIds = await lockTarget(tx, targetOf(known))
    const [closure] = await store.lockClosures(tx, [id])
    if (!closure) throw noSuchClosure()
    if (closure.endTime <= now) throw over()
    requireSameTarget(closure, input)
    const before = { start: closure.startTime, end: closure.endTime, reason: closure.reason }
    const after = {
      start: input.start ?? before.start,
      end: input.end ?? before.end,
      reason: input.reason ?? before.reason,
    }
    requireSpan(after, now)
    await store.updateClosure(tx, id, after, caller.userId, now)
    const ended = await endBookings(tx, kernel, caller, roomIds, after, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'room.closure.update',
      resource: 'room_closure',
      resourceId: id,
      changes: changesBetween(recorded(before), recorded(after)),
    })
    return ended
  })
  kernel.nudge()
  return ended
}

/**
 * Deletes closures, all or none. Their time can be booked again; bookings that they have ended stay ended. @throws
 * NotFound
 */
export async function removeClosures(kernel: Kernel, caller: Caller, ids: readonly number[]): Promise<void> {
  await deleteAll(kernel, caller, ids, {
    resource: 'room_closure',
    action: 'room.closure.delete',
    lock: store.lockClosures,
    missing: noSuchClosure,
    remove: (tx, now) => store.deleteClosures(tx, ids, caller.userId, now),
    recorded: ({ startTime, endTime, reason }) => recorded({ start: startTime, end: endTime, reason }),
  })
}

/**
 * Locks the room or building of a closure, so that meanwhile no room is added to the building and no booking to a room.
 * Returns the rooms. Bookings of them that are decided but not written are decided again.
 */
async function lockTarget(tx: Transaction, target: store.Target): Promise<readonly number[]> {
  if ('roomId' in target) {
    const ids = await touchRooms(tx, [target.roomId])
    if (ids.length === 0) throw noSuchRoom()
    return ids
  }
  if ((await lockBuildings(tx, [target.buildingId], 'update')).length === 0) throw noSuchBuilding()
  return touchRoomsOf(tx, target.buildingId)
}

/**
 * Ends the bookings that keep locked rooms in the time of a closure. An ongoing booking ends when the closure begins,
 * or at once if it has begun; the others are cancelled.
 */
async function endBookings(
  tx: Transaction,
  kernel: Kernel,
  caller: Caller,
  roomIds: readonly number[],
  { start, end, reason }: store.ClosureFields,
  now: Date,
): Promise<Ended> {
  const ids = await store.bookingsIn(tx, roomIds, { start, end }, now)
  if (ids.length === 0) return { cancelled: 0, cutShort: 0 }
  const running = await endAt(tx, ids, { end: start, now, by: caller.userId })
  const ahead = ids.filter((id) => running.every((booking) => booking.id !== id))
  const cancelled = await moveStatus(tx, ahead, { to: CANCELLED, now, by: caller.userId, reason, staff: true })
  const zone = kernel.config.timeZone
  await tellBookings(tx, running, 'room.booking.cut_short', now, zone, { reason })
  await tellBookings(tx, cancelled, 'room.booking.cancelled_by_staff', now, zone, { reason })
  for (const { id, endTime } of running) {
    const ending = { action: 'room.booking.end_early', changes: { endTime: [null, endTime] } } as const
    await record(tx, now, { ...originOf(caller), ...ending, resource: 'room_booking', resourceId: id })
  }
  await recordCancelled(tx, cancelled, reason, originOf(caller), now)
  return { cancelled: cancelled.length, cutShort: running.length }
}

const over = () => new Conflict('over', '关闭时段已结束，不能再修改')

function requireSpan({ start, end }: store.ClosureFields, now: Date): void {
  if (start >= end) throw refusal('wrong_order', '结束时间必须晚于开始时间')
  if (end <= now) throw new Conflict('over', '关闭时段的结束时间必须晚于当前时间')
}

function targetOf({ roomId, buildingId }: store.Closure): store.Target {
  return roomId === null ? { buildingId } : { roomId }
}

/** Pages send whole rows back, so the same room or building is accepted. Another one is refused. */
function requireSameTarget(closure: store.Closure, { roomId, buildingId }: ClosureInput): void {
  const otherRoom = roomId != null && roomId !== closure.roomId
  const otherBuilding = roomId == null && buildingId != null && buildingId !== closure.buildingId
  if (otherRoom || otherBuilding) throw refusal('other_target', '不能更改关闭的楼房或房间，请删除后重新添加')
}

function recorded({ start, end, reason }: store.ClosureFields) {
  return { startTime: start.toISOString(), endTime: end.toISOString(), reason }
}
