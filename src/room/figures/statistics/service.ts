import type { Interval } from '../../../booking/interval.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { DAY_MS, requireShort, type Window } from '../../window.ts'
import { hourOfWeek, NO_MINUTES, openMinutes, plus, sum, type WeekMinutes } from './rules.ts'
import * as store from './store.ts'

/** Length of a top list. */
const MOST_PLACES = 20
/** Length of the window of usage statistics, unless one is given. */
const USUAL_DAYS = 30

/** The windows of top lists: days until now. */
const PERIODS = { '7d': 7, '30d': 30 } as const
export type Period = keyof typeof PERIODS

/**
 * The rooms used longest, by the minutes of approved, ongoing and completed bookings inside the window. Equal minutes
 * have equal ranks.
 */
export function topRooms(kernel: Kernel, period: Period): Promise<readonly store.TopRoom[]> {
  return store.topRooms(kernel.reads, lastDays(kernel, PERIODS[period]), MOST_PLACES)
}

/** The applicants whose bookings lasted longest, counted in the same way. */
export function topUsers(kernel: Kernel, period: Period): Promise<readonly store.TopUser[]> {
  return store.topUsers(kernel.reads, lastDays(kernel, PERIODS[period]), MOST_PLACES)
}

function lastDays({ clock }: Kernel, days: number): Interval {
  const end = clock.now()
  return { start: new Date(end.getTime() - days * DAY_MS), end }
}

/** Booked and open hours; the rate is null if it was never open. */
export interface Usage {
  readonly occupiedHours: number
  readonly openHours: number
  readonly rate: number | null
}

export interface UsageStatistics {
  readonly range: Interval
  readonly total: Usage
  readonly rooms: readonly (Pick<store.UsedRoom, 'roomId' | 'roomName' | 'floorNo' | 'buildingId' | 'buildingName'> &
    Usage)[]
  readonly buildings: readonly (Pick<store.UsedRoom, 'buildingId' | 'buildingName'> & Usage)[]
  /** All rooms together, by weekday (1 is Monday) and hour. */
  readonly hours: readonly ({ readonly weekday: number; readonly hour: number } & Usage)[]
}

/**
 * Occupied and open hours, by room, building and hour of the week. The default window is the last 30 days; if only one
 * end is given, it is 30 days long. A room is open in its present opening hours (always, if it has none) except during
 * closures. Future bookings count if the window includes them.
 * @throws Invalid `window_too_long`
 */
export async function usage(kernel: Kernel, window: Window, buildingId: number | null): Promise<UsageStatistics> {
  const zone = kernel.config.timeZone
  const usual = USUAL_DAYS * DAY_MS
  const end = window.to ?? (window.from ? new Date(window.from.getTime() + usual) : kernel.clock.now())
  const range = { start: window.from ?? new Date(end.getTime() - usual), end }
  requireShort(range.start, range.end)
  const rooms = await store.usedRooms(kernel.reads, range, buildingId)
  const occupied = await store.occupiedMinutes(kernel.reads, range, buildingId, zone)
  const open = openMinutes(rooms, range, zone)
  const ofRoom = new Map(
    occupied.flatMap(({ roomId, minutes }) => (roomId === null ? [] : [[roomId, minutes] as const])),
  )
  const ofHour = new Map(
    occupied.flatMap(({ weekday, hour, minutes }) =>
      weekday === null || hour === null ? [] : [[hourOfWeek(weekday, hour), minutes] as const],
    ),
  )

  const minutes = rooms.map(({ weekly: _, closed: __, ...room }, index) => ({
    ...room,
    occupied: ofRoom.get(room.roomId) ?? 0,
    open: sum(open[index] ?? NO_MINUTES),
  }))
  return {
    range,
    total: usageOfAll(minutes),
    rooms: minutes.map(({ occupied, open, ...room }) => ({ ...room, ...usageOf(occupied, open) })),
    buildings: [...Map.groupBy(minutes, ({ buildingId }) => buildingId)].map(([buildingId, group]) => ({
      buildingId,
      buildingName: group[0]?.buildingName ?? '',
      ...usageOfAll(group),
    })),
    hours: openByHour(open).map((openMinutes, cell) => ({
      weekday: Math.floor(cell / 24) + 1,
      hour: cell % 24,
      ...usageOf(ofHour.get(cell) ?? 0, openMinutes),
    })),
  }
}

function openByHour(rooms: readonly WeekMinutes[]): WeekMinutes {
  return rooms.reduce((total, one) => plus(total, one), NO_MINUTES)
}

function usageOfAll(rooms: readonly { readonly occupied: number; readonly open: number }[]): Usage {
  return usageOf(
    rooms.reduce((total, { occupied }) => total + occupied, 0),
    rooms.reduce((total, { open }) => total + open, 0),
  )
}

function usageOf(occupiedMinutes: number, openMinutes: number): Usage {
  const rounded = (value: number, digits: number) => Number(value.toFixed(digits))
  return {
    occupiedHours: rounded(occupiedMinutes / 60, 2),
    openHours: rounded(openMinutes / 60, 2),
    rate: openMinutes > 0 ? rounded(occupiedMinutes / openMinutes, 4) : null,
  }
}
