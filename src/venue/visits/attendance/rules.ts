import { earlier, minutesAfter, minutesBetween } from '../../../booking/interval.ts'
import type { BookingRules } from '../../core/bookingRules/rules.ts'
import { lifecycle, type ReservationStatus } from '../../core/states.ts'

/** Facts for decisions about attendance. */
export interface Visit {
  readonly status: ReservationStatus
  readonly startAt: Date
  readonly endAt: Date
  readonly createdAt: Date
  readonly checkedInAt: Date | null
}

type CheckInRules = Pick<BookingRules, 'check_in_before_minutes' | 'check_in_after_minutes' | 'check_in_code_required'>

/**
 * Last instant at which the owner may check in: `check_in_after_minutes` after the start, or after the booking if that
 * was made later (the place of a no-show), but not after the end of the slot.
 */
export function lastCheckIn(
  visit: Pick<Visit, 'startAt' | 'endAt' | 'createdAt'>,
  rules: Pick<BookingRules, 'check_in_after_minutes'>,
): Date {
  const from = new Date(Math.max(visit.createdAt.getTime(), visit.startAt.getTime()))
  return earlier(minutesAfter(from, rules.check_in_after_minutes), visit.endAt)
}

export type AttendanceRefusal = 'bad_state' | 'too_early' | 'too_late' | 'wrong_code'

/**
 * Reason why a check-in is refused now, or null. Staff may check in others without the code until the end of the slot,
 * also after a no-show was recorded. `codeAccepted`: a valid code of the venue was given.
 */
export function checkInRefusal(
  visit: Visit,
  rules: CheckInRules,
  by: { readonly staff: boolean; readonly codeAccepted: boolean },
  now: Date,
): AttendanceRefusal | null {
  if (!lifecycle.mayMove(visit.status, 'checked_in')) return 'bad_state'
  if (visit.status === 'no_show' && !by.staff) return 'bad_state'
  if (now >= visit.endAt) return 'too_late'
  if (now < minutesAfter(visit.startAt, -rules.check_in_before_minutes)) return 'too_early'
  if (by.staff) return null
  if (now > lastCheckIn(visit, rules)) return 'too_late'
  return rules.check_in_code_required && !by.codeAccepted ? 'wrong_code' : null
}

/** Reason why a check-out is refused now, or null. A visit can't be completed before its slot starts. */
export function checkOutRefusal(visit: Pick<Visit, 'status' | 'startAt'>, now: Date): AttendanceRefusal | null {
  if (!lifecycle.mayMove(visit.status, 'completed')) return 'bad_state'
  return now < visit.startAt ? 'too_early' : null
}

/** Changes of a reservation that are due by time alone. */
export type Settlement = 'approval_expired' | 'no_show' | 'completed'

/** The change that is due for a reservation now, or null. */
export function settlement(
  visit: Visit,
  rules: Pick<BookingRules, 'check_in_after_minutes'>,
  now: Date,
): Settlement | null {
  if (visit.status === 'pending') return now >= visit.startAt ? 'approval_expired' : null
  if (visit.status === 'confirmed') {
    return now > lastCheckIn(visit, rules) || now >= visit.endAt ? 'no_show' : null
  }
  if (visit.status === 'checked_in') return now >= visit.endAt ? 'completed' : null
  return null
}

/** Whole minutes of the slot that were used; time before its start and after its end is not counted. */
export function actualMinutes(visit: Pick<Visit, 'startAt' | 'endAt' | 'checkedInAt'>, leftAt: Date): number {
  const from = visit.checkedInAt && visit.checkedInAt > visit.startAt ? visit.checkedInAt : visit.startAt
  return Math.max(0, minutesBetween(from, earlier(leftAt, visit.endAt)))
}
