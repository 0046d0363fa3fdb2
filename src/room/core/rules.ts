import { type Interval, minutesBetween } from '../../booking/interval.ts'
import { isWithinHours, type WeeklyHours } from '../../booking/openingHours.ts'
import { daysBetween, localDate, localTime } from '../../kernel/time.ts'
import { APPROVED, type BookingStatus, ONGOING, PENDING, REJECTED } from './states.ts'

/** The limits of all bookings, stored in `tb_facility_setting`. */
export interface Setting {
  readonly auditRequired: boolean
  readonly maxDurationMinutes: number
  /** The last local day that can be booked, as days from today. */
  readonly advanceDays: number
  /** Times are multiples of this, counted from local midnight. */
  readonly gridMinutes: number
  readonly participantOverlap: 'warn' | 'refuse' | 'allow'
}

/** A person who is to use the room. */
export interface Participant {
  readonly userId: number
  readonly name: string
  /** True for an account that is active. */
  readonly valid: boolean
  readonly ban: { readonly reason: string; readonly until: Date | null } | null
  /** True if the person takes part in another booking at that time. */
  readonly busy: boolean
}

/** All facts for the decision about a booking, read in one statement. */
export interface BookingFacts {
  readonly room: {
    readonly id: number
    readonly name: string
    readonly buildingName: string
    readonly inUse: boolean
    readonly buildingInUse: boolean
    readonly capacity: number
    readonly openHours: readonly WeeklyHours[]
    readonly revision: number
  }
  readonly setting: Setting
  /** The first closure of the room at that time. */
  readonly closure: (Interval & { readonly reason: string }) | null
  /** The first booking that keeps the room at that time. */
  readonly occupied: Interval | null
  /** True if a booking whose stored state is overdue still blocks that time. */
  readonly overdue: boolean
  readonly participants: readonly Participant[]
}

/** A request with all people known: `userIds` are all who use the room, including the applicant, each once. */
export interface Order extends Interval {
  readonly roomId: number
  readonly applicantId: number
  readonly userIds: readonly number[]
}

/** The least number of people who may use a room, including the applicant (seed 业务规则). */
export const FEWEST_PEOPLE = 3

/**
 * The greatest number of people of a request, whatever the room's capacity: each of them is looked up, written and
 * told.
 */
export const MOST_PEOPLE = 2000

/** Refusals that depend on the times only. */
export type TimeRefusal = 'wrong_order' | 'in_the_past' | 'off_grid' | 'too_long' | 'too_far_ahead'

export type Refusal =
  | TimeRefusal
  | 'banned'
  | 'building_out_of_use'
  | 'room_out_of_use'
  | 'invalid_people'
  | 'too_few_people'
  | 'too_many_people'
  | 'participant_banned'
  | 'outside_hours'
  | 'closed'
  | 'people_busy'
  | 'time_taken'

/** The reason why these times can't be booked in any room (page, Times), or null. */
export function timeRefusal({ start, end }: Interval, setting: Setting, now: Date, zone: string): TimeRefusal | null {
  if (start >= end) return 'wrong_order'
  if (start < now) return 'in_the_past'
  if (!isOnGrid(start, setting.gridMinutes, zone) || !isOnGrid(end, setting.gridMinutes, zone)) return 'off_grid'
  if (minutesBetween(start, end) > setting.maxDurationMinutes) return 'too_long'
  if (daysBetween(localDate(now, zone), localDate(start, zone)) > setting.advanceDays) return 'too_far_ahead'
  return null
}

/** The first reason against a booking apart from its times, most basic first, or null. Used for approving a booking. */
export function standingRefusal(facts: BookingFacts, order: Order, zone: string): Refusal | null {
  const { room, participants, setting } = facts
  if (participants.some(({ userId, ban }) => userId === order.applicantId && ban !== null)) return 'banned'
  if (!room.buildingInUse) return 'building_out_of_use'
  if (!room.inUse) return 'room_out_of_use'
  if (participants.some(({ valid }) => !valid)) return 'invalid_people'
  if (order.userIds.length < FEWEST_PEOPLE) return 'too_few_people'
  if (order.userIds.length > room.capacity) return 'too_many_people'
  if (participants.some(({ ban }) => ban !== null)) return 'participant_banned'
  if (!isOpen(room.openHours, order, zone)) return 'outside_hours'
  if (facts.closure) return 'closed'
  if (setting.participantOverlap === 'refuse' && doubleBooked(facts).length > 0) return 'people_busy'
  if (facts.occupied) return 'time_taken'
  return null
}

/** The first reason against making or changing a booking, or null if it may be written (page, Rules). */
export function bookingRefusal(facts: BookingFacts, order: Order, now: Date, zone: string): Refusal | null {
  return timeRefusal(order, facts.setting, now, zone) ?? standingRefusal(facts, order, zone)
}

/** The first state of a new booking. */
export function firstStatus({ auditRequired }: Setting): typeof PENDING | typeof APPROVED {
  return auditRequired ? PENDING : APPROVED
}

/**
 * The state of a booking after an edit. A rejected booking is pending or approved again, like a new one. If audit is
 * on, an approved booking whose time or room changes must be decided again.
 */
export function statusAfterEdit(from: BookingStatus, moves: boolean, setting: Setting): BookingStatus {
  if (from === REJECTED) return firstStatus(setting)
  if (from === APPROVED && moves) return firstStatus(setting)
  return from
}

/** True if a booking may be changed: pending, approved or rejected, and not begun. `status` is the state at `now`. */
export function mayEdit({ status, startTime }: { status: BookingStatus; startTime: Date }, now: Date): boolean {
  return (status === PENDING || status === APPROVED || status === REJECTED) && startTime > now
}

/**
 * True if a booking may be cancelled, or left by a participant. `status` is the present state: such a booking has not
 * begun.
 */
export function mayCancel(status: BookingStatus): boolean {
  return status === PENDING || status === APPROVED
}

/** True if staff may cancel a booking, which includes an ongoing one. */
export function mayForceCancel(status: BookingStatus): boolean {
  return mayCancel(status) || status === ONGOING
}

/** The names of participants in another booking at that time; none if the setting allows it. */
export function doubleBooked({ setting, participants }: BookingFacts): string[] {
  return setting.participantOverlap === 'allow' ? [] : participants.filter(({ busy }) => busy).map(({ name }) => name)
}

function isOpen(weekly: readonly WeeklyHours[], { start, end }: Interval, zone: string): boolean {
  const wallClock = (instant: Date) => ({ date: localDate(instant, zone), time: localTime(instant, zone) })
  return isWithinHours({ weekly, exceptions: [] }, wallClock(start), wallClock(end))
}

/** True for a whole minute that is a multiple of the grid, counted from midnight on the wall clock. */
function isOnGrid(instant: Date, gridMinutes: number, zone: string): boolean {
  const [hours = 0, minutes = 0] = localTime(instant, zone).split(':').map(Number)
  return instant.getTime() % 60_000 === 0 && (hours * 60 + minutes) % gridMinutes === 0
}
