import { isDeepStrictEqual } from 'node:util'
import { faultsOf, type WeeklyHours } from '../../../booking/openingHours.ts'
import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict, Invalid } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { readSheet } from '../../../kernel/imports/xlsx.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { lockBuildings, type UsedStatus } from '../../core/places/buildingsStore.ts'
import { deleteAll } from '../../core/places/deleting.ts'
import type { Room, RoomFields } from '../../core/places/roomsStore.ts'
import { tagsText } from '../../core/places/rules.ts'
import { noSuchBuilding, noSuchRoom } from '../../core/refusals.ts'
import { refusal } from '../../sentences.ts'
import { COLUMNS, keyOf, type LineFault, orderedHours, type RoomLine, roomLines } from './rules.ts'
import * as store from './store.ts'

/** A room. @throws NotFound */
export async function getRoom(kernel: Kernel, id: number): Promise<Room> {
  const found = await store.findRoom(kernel.db, id)
  if (!found) throw noSuchRoom()
  return found
}

/** The fields of a room in a request. Absent fields keep their value, and so does a required field that is null. */
export interface RoomInput {
  readonly buildingId?: number | null | undefined
  readonly floorNo?: number | null | undefined
  readonly roomName?: string | null | undefined
  readonly capacity?: number | null | undefined
  readonly equipmentTags?: string | null | undefined
  readonly status?: UsedStatus | null | undefined
  readonly openHours?: readonly WeeklyHours[] | null | undefined
}

type NewRoom = RoomInput & Pick<RoomFields, 'buildingId' | 'floorNo' | 'roomName' | 'capacity'>

/**
 * Adds a room and returns its id.
 * @throws NotFound for the building, Invalid `validation` for its hours, `name_taken`
 */
export async function addRoom(kernel: Kernel, caller: Caller, input: NewRoom): Promise<number> {
  const now = kernel.clock.now()
  const { buildingId, floorNo, roomName, capacity } = input
  const bare = { buildingId, floorNo, roomName, capacity, equipmentTags: null, status: '0', openHours: null } as const
  const fields = merged(bare, input)
  const id = await kernel.transaction(async (tx) => {
    if ((await lockBuildings(tx, [buildingId], 'share')).length === 0) throw noSuchBuilding()
    const added = await store.insertRoom(tx, fields, caller.userId, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'room.room.create',
      resource: 'room',
      resourceId: added,
      changes: changesBetween(null, fields),
    })
    return added
  })
  kernel.nudge()
  return id
}

/**
 * Changes a room. If it is taken out of use or gets other hours, this applies to new bookings; existing bookings stay
 * (a closure ends them).
 * @throws NotFound for the room or its new building, Invalid `validation` for its hours, `name_taken`; Conflict
 * `too_small` if an existing booking has more people, `in_use` if it moves to another building and has bookings.
 */
export async function changeRoom(kernel: Kernel, caller: Caller, id: number, input: RoomInput): Promise<void> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    if (input.buildingId != null && (await lockBuildings(tx, [input.buildingId], 'share')).length === 0) {
      throw noSuchBuilding()
    }
    const [before] = await store.lockRooms(tx, [id])
    if (!before) throw noSuchRoom()
    const old = fieldsOf(before)
    const fields = merged(old, input)
    if (fields.buildingId !== old.buildingId) await requireFree(tx, [id], now, '移动到其他楼房')
    if (
      fields.capacity < old.capacity &&
      (await store.tooSmall(tx, [{ id, capacity: fields.capacity }], now)).length > 0
    ) {
      throw new Conflict('too_small', `房间「${old.roomName}」已有预约的使用人数超过新的容量`)
    }
    await store.updateRoom(tx, id, fields, caller.userId, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'room.room.update',
      resource: 'room',
      resourceId: id,
      changes: changesBetween(old, fields),
    })
  })
  kernel.nudge()
}

/**
 * Deletes rooms, all or none.
 * @throws NotFound if one does not exist, Conflict `in_use` if one has bookings now or in the future.
 */
export async function removeRooms(kernel: Kernel, caller: Caller, ids: readonly number[]): Promise<void> {
  await deleteAll(kernel, caller, ids, {
    resource: 'room',
    action: 'room.room.delete',
    lock: store.lockRooms,
    missing: noSuchRoom,
    async remove(tx, now) {
      await requireFree(tx, ids, now, '删除')
      await store.deleteRooms(tx, ids, caller.userId, now)
    },
    recorded: ({ roomName }) => ({ roomName }),
  })
}

/**
 * Checks that rooms have no bookings. Call it with the rooms locked: then no request that read them before can write a
 * booking.
 */
async function requireFree(tx: Transaction, ids: readonly number[], now: Date, what: string): Promise<void> {
  const used = await store.namesWithBookings(tx, ids, now)
  if (used.length > 0) throw new Conflict('in_use', `房间还有未结束的预约，不能${what}：${used.join('、')}`)
}

function fieldsOf({ buildingId, floorNo, roomName, capacity, equipmentTags, status, openHours }: Room) {
  return { buildingId, floorNo, roomName, capacity, equipmentTags, status, openHours }
}

/**
 * The fields of a room with the changes of a request. @throws Invalid `validation` if the opening hours contradict each
 * other.
 */
function merged(before: RoomFields, input: RoomInput): RoomFields {
  const { equipmentTags, openHours } = input
  const faults = faultsOf({ weekly: openHours ?? [], exceptions: [] })
  if (faults.length > 0) {
    throw new Invalid('validation', '开放时间有误', {
      errors: faults.slice(0, 20).map(({ path, message }) => ({
        in: 'body',
        path: path.replace('/weekly', '/openHours'),
        message,
      })),
    })
  }
  return {
    buildingId: input.buildingId ?? before.buildingId,
    floorNo: input.floorNo ?? before.floorNo,
    roomName: input.roomName ?? before.roomName,
    capacity: input.capacity ?? before.capacity,
    equipmentTags: equipmentTags === undefined ? before.equipmentTags : tagsText(equipmentTags ?? ''),
    status: input.status ?? before.status,
    openHours: openHours === undefined ? before.openHours : orderedHours(openHours ?? []),
  }
}

/** The numbers of rooms that an import added and changed. A line that changes nothing is not counted. */
export interface Imported {
  readonly added: number
  readonly changed: number
}

/** The most rooms of a workbook. */
export const MOST_LINES = 5000
/** The most characters of a cell, enough for more than a hundred opening hours. */
const MOST_CHARACTERS = 5000
/** The most faults in an answer. */
const MOST_FAULTS = 20

/**
 * Adds or changes the rooms of an uploaded workbook, all or none. Building, floor and name identify a room; the
 * building must exist. Every column counts: an empty cell means no tags, in use, always open.
 * @throws Invalid like `readSheet`, `no_rooms`, `columns_missing`, `lines_refused` with the faults by line.
 */
export async function importRooms(kernel: Kernel, caller: Caller, workbook: Buffer): Promise<Imported> {
  const sheet = await readSheet(workbook, { rows: MOST_LINES + 1, columns: 50, characters: MOST_CHARACTERS })
  const read = roomLines(sheet)
  if (!read) throw refusal('columns_missing', `导入失败：第一行应包含这些列：${COLUMNS.join('、')}`)
  if (read.faults.length > 0) throw linesRefused(read.faults)
  if (read.lines.length === 0) throw refusal('no_rooms', '导入失败：文件中没有房间')
  const done = await kernel.transaction((tx) => writeLines(tx, caller, read.lines, kernel.clock.now()))
  kernel.nudge()
  return done
}

async function writeLines(tx: Transaction, caller: Caller, lines: readonly RoomLine[], now: Date): Promise<Imported> {
  const ids = await store.lockBuildingsNamed(tx, [...new Set(lines.map(({ buildingName }) => buildingName))])
  const placed = lines.map((line) => ({ ...line, buildingId: ids.get(line.buildingName) ?? 0 }))
  const lost = placed.filter(({ buildingId }) => buildingId === 0)
  if (lost.length > 0) throw linesRefused(lost.map(({ line }) => ({ line, message: '楼房不存在' })))

  const rooms = new Map((await store.lockRoomsOfLines(tx, placed)).map((room) => [keyOf(room), room]))
  const added = placed.filter((line) => !rooms.has(keyOf(line)))
  const changed = placed.flatMap((line) => {
    const room = rooms.get(keyOf(line))
    return room && !isDeepStrictEqual(written(room), written(line)) ? [{ ...line, id: room.id }] : []
  })
  const small = await store.tooSmall(tx, changed, now)
  if (small.length > 0) {
    const faulty = changed.filter(({ id }) => small.includes(id))
    throw linesRefused(faulty.map(({ line }) => ({ line, message: '已有预约的使用人数超过新的容量' })))
  }
  await store.insertLines(tx, added, caller.userId, now)
  await store.updateByLines(tx, changed, caller.userId, now)
  const counts = { added: added.length, changed: changed.length }
  await record(tx, now, {
    ...originOf(caller),
    action: 'room.room.import',
    resource: 'room',
    changes: changesBetween(null, counts),
  })
  return counts
}

const written = ({ capacity, equipmentTags, status, openHours }: Omit<RoomFields, 'buildingId'>) => ({
  capacity,
  equipmentTags: equipmentTags || null,
  status,
  openHours,
})

function linesRefused(faults: readonly LineFault[]): Invalid {
  const shown = faults.slice(0, MOST_FAULTS).map(({ line, message }) => `第 ${line} 行：${message}`)
  const more = faults.length > shown.length ? '；……' : ''
  return refusal('lines_refused', `导入失败，共 ${faults.length} 处错误，未导入任何数据。${shown.join('；')}${more}`)
}
