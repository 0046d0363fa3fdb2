import type { Interval } from '../../../booking/interval.ts'
import { isWithinHours, type LocalMoment, type OpeningHours, openIntervals } from '../../../booking/openingHours.ts'
import { addDays, daysBetween, instantAt, localDate, localTime, weekday } from '../../../kernel/time.ts'

/** Pattern of slots to generate. Dates are local and inclusive; lengths are minutes of local time. */
export interface SlotPattern {
  readonly startDate: string
  readonly endDate: string
  readonly slotMinutes: number
  readonly gapMinutes: number
  /** ISO weekdays (Monday is 1); empty: every day. */
  readonly weekdays: readonly number[]
}

export type SlotStatus = 'open' | 'full' | 'closed' | 'past'

export type SpanVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: 'bad_interval' | 'too_long' | 'in_the_past' | 'outside_hours' }

/** Most local days of a calendar or of one generation of slots. */
export const MOST_DAYS = 92
/** Most slots of one generation. */
export const MOST_GENERATED = 5000
/** Longest slot in milliseconds. Queries for running slots or reservations look back this one day. */
const LONGEST_SLOT = 24 * 3_600_000

/** Checks the time of a slot: start before end, no longer than a day, not in the past, within the opening hours. */
export function maySlotLie(span: Interval, hours: OpeningHours, now: Date, zone: string): SpanVerdict {
  if (span.start >= span.end) return { ok: false, code: 'bad_interval' }
  if (span.end.getTime() - span.start.getTime() > LONGEST_SLOT) return { ok: false, code: 'too_long' }
  if (span.start < now) return { ok: false, code: 'in_the_past' }
  return isWithinHours(hours, moment(span.start, zone), moment(span.end, zone))
    ? { ok: true }
    : { ok: false, code: 'outside_hours' }
}

function moment(instant: Date, zone: string): LocalMoment {
  return { date: localDate(instant, zone), time: localTime(instant, zone) }
}

/**
 * Generates the slots of a pattern within opening hours, in order of time; they never overlap. Slots start anew at each
 * opening; a rest shorter than a slot is left out. Where the clock changes, a slot that has no length or would overlap
 * the one before is left out.
 */
export function generateSlots(hours: OpeningHours, pattern: SlotPattern, zone: string): Interval[] {
  const slots: Interval[] = []
  const step = pattern.slotMinutes + pattern.gapMinutes
  let reached = Number.NEGATIVE_INFINITY
  for (const date of datesBetween(pattern.startDate, pattern.endDate)) {
    if (pattern.weekdays.length > 0 && !pattern.weekdays.includes(weekday(date))) continue
    for (const { opens, closes } of openIntervals(hours, date)) {
      const last = minutesOf(closes) - pattern.slotMinutes
      for (let minute = minutesOf(opens); minute <= last; minute += step) {
        const start = instantAt(date, timeOf(minute), zone)
        const end = instantAt(date, timeOf(minute + pattern.slotMinutes), zone)
        if (start >= end || start.getTime() < reached) continue
        slots.push({ start, end })
        reached = end.getTime()
      }
    }
  }
  return slots
}

/** Local dates from one to another, both included; none when they are in the wrong order. */
export function datesBetween(from: string, to: string): string[] {
  return Array.from({ length: Math.max(0, daysBetween(from, to) + 1) }, (_, index) => addDays(from, index))
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))
}

function timeOf(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
}

/**
 * Status of a slot at an instant: past from its start, closed while a closure covers any of it, full when no place is
 * available.
 */
export function slotStatus(slot: SlotState, now: Date): SlotStatus {
  if (slot.startAt <= now) return 'past'
  if (!slot.open) return 'closed'
  return slot.taken + slot.held >= slot.capacity ? 'full' : 'open'
}

interface SlotState {
  readonly startAt: Date
  readonly endAt: Date
  readonly open: boolean
  readonly capacity: number
  readonly taken: number
  readonly held: number
}

/**
 * Whether a change of a slot leaves its reservations and offers as they are: it is unused, or keeps its time and has
 * enough places.
 */
export function isHarmless(slot: SlotState, span: Interval, capacity: number): boolean {
  const used = slot.taken + slot.held
  const stays = slot.startAt.getTime() === span.start.getTime() && slot.endAt.getTime() === span.end.getTime()
  return used === 0 || (stays && used <= capacity)
}

/** Time in a request: a local date and times of that day, or two instants. */
export interface TimeRequest {
  readonly date?: string | undefined
  readonly start_time?: string | undefined
  readonly end_time?: string | undefined
  readonly start_at?: Date | undefined
  readonly end_at?: Date | undefined
}

/**
 * Span of a request; missing parts are taken from `current`. Null if parts are still missing, or both kinds are given.
 */
export function spanOf(request: TimeRequest, current: Interval | null, zone: string): Interval | null {
  const local = request.date !== undefined || request.start_time !== undefined || request.end_time !== undefined
  const instants = request.start_at !== undefined || request.end_at !== undefined
  if (local && instants) return null
  if (!local) {
    const start = request.start_at ?? current?.start
    const end = request.end_at ?? current?.end
    return start && end ? { start, end } : null
  }
  const from = current && moment(current.start, zone)
  const to = current && moment(current.end, zone)
  const date = request.date ?? from?.date
  const startTime = request.start_time ?? from?.time
  const endTime = request.end_time ?? (to?.time === '00:00' ? '24:00' : to?.time)
  if (date === undefined || startTime === undefined || endTime === undefined) return null
  return { start: instantAt(date, startTime, zone), end: instantAt(date, endTime, zone) }
}
