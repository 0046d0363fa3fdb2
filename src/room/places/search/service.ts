import { type Interval, later } from '../../../booking/interval.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { addDays, dayBounds, localDate } from '../../../kernel/time.ts'
import type { RoomFilter } from '../../core/places/roomsStore.ts'
import { readSetting } from '../../core/places/settingStore.ts'
import { noSuchRoom, timeRefused } from '../../core/refusals.ts'
import { timeRefusal } from '../../core/rules.ts'
import { DAY_MS } from '../../window.ts'
import { nearestFree } from './rules.ts'
import * as store from './store.ts'

/** The most rooms, and the most other times, in an answer. */
const MOST_ROOMS = 50
const MOST_TIMES = 5
/**
 * Bounds of the search for other times: days before and after the wanted time, and number of rooms, the smallest first.
 */
const SEARCHED_DAYS = 7
const SEARCHED_ROOMS = 100

/** A room and a time at which it is free. */
export interface FreeTime extends Interval {
  readonly room: store.PortalRoom
}

/** A room that is not deleted; `bookable` tells whether it is in use. @throws NotFound */
export async function portalRoom(kernel: Kernel, id: number): Promise<store.PortalRoom> {
  const room = await store.findPortalRoom(kernel.db, id)
  if (!room) throw noSuchRoom()
  return room
}

/**
 * The rooms that are free at the wanted time and big enough, the smallest first. If there is none, the nearest free
 * times of that length, one for each room: at most a week away, and within the limits of bookings.
 * @throws Invalid (a `TimeRefusal` as its code) for times that no booking may have.
 */
export async function freeRooms(
  kernel: Kernel,
  wanted: Interval,
  filter: RoomFilter,
): Promise<{ readonly rooms: readonly store.PortalRoom[]; readonly nearest: readonly FreeTime[] }> {
  const now = kernel.clock.now()
  const zone = kernel.config.timeZone
  const setting = await readSetting(kernel.db)
  const forbidden = timeRefusal(wanted, setting, now, zone)
  if (forbidden) throw timeRefused(forbidden, setting)
  const smallestFirst = { offset: 0, limit: MOST_ROOMS, sort: 'capacity', descending: false } as const
  const { items } = await store.listBookableRooms(kernel.db, { filter, free: wanted }, smallestFirst, { now, zone })
  if (items.length > 0) return { rooms: items, nearest: [] }

  const away = SEARCHED_DAYS * DAY_MS
  const lastStart = dayBounds(addDays(localDate(now, zone), setting.advanceDays), zone).end
  const span = {
    start: later(now, new Date(wanted.start.getTime() - away)),
    end: new Date(wanted.end.getTime() + away),
  }
  const found = await store.candidates(kernel.db, filter, span, { now, limit: SEARCHED_ROOMS })
  const times = found.flatMap((candidate): FreeTime[] => {
    const time = nearestFree(candidate, wanted, { ...span, gridMinutes: setting.gridMinutes, zone })
    return time && time.start < lastStart ? [{ ...time, room: candidate.room }] : []
  })
  const distance = ({ start }: Interval) => Math.abs(start.getTime() - wanted.start.getTime())
  // The rooms are in order of size; the sort is stable, so equally near times keep that order.
  return { rooms: [], nearest: times.sort((a, b) => distance(a) - distance(b)).slice(0, MOST_TIMES) }
}
