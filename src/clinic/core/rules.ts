import { addDays, daysBetween, instantAt, localDate } from '../../kernel/time.ts'
import type { Configuration } from './configuration/types.ts'
import { discounted } from './money/rules.ts'
import { sessionOf } from './sections/rules.ts'
import type { OrderStatus } from './states.ts'
import type { PatientType, ScheduleStatus, SlotType, TimeSection } from './types.ts'
import { NORMAL } from './types.ts'

/** All facts for the decision about a registration, read in one statement. */
export interface Facts {
  readonly schedule: {
    readonly id: number
    readonly doctorId: number
    readonly doctorName: string
    readonly doctorTitle: string | null
    readonly clinicId: number
    readonly clinicName: string
    readonly deptId: number
    readonly deptName: string
    readonly areaId: number
    readonly areaName: string
    readonly date: string
    readonly timeSection: TimeSection
    readonly slotType: SlotType
    readonly totalSlots: number
    readonly remainingSlots: number
    readonly status: ScheduleStatus
    /** In fen. */
    readonly price: number
    readonly revision: number
    /** Patients on the waiting list. Free numbers are theirs first. */
    readonly waiting: number
  }
  readonly patient: {
    readonly id: number
    readonly name: string
    readonly userId: number | null
    readonly revision: number
    readonly type: PatientType
    readonly isVerified: boolean
    /** Whether it is the user's own patient or one of the user's relations. */
    readonly isOfUser: boolean
    /** The patient's order for this schedule that is pending, confirmed or on the waiting list. */
    readonly own: { readonly orderId: number; readonly status: OrderStatus } | null
    /** Date of another visit to the department within `sameClinicInterval` days. */
    readonly nearVisit: string | null
    /** Orders of the last `appointmentPeriodDays` days that were not cancelled. */
    readonly recentOrders: number
    /** Missed visits of the last 90 days, and the date of the latest. */
    readonly noShows: number
    readonly lastNoShow: string | null
  }
  /** A ban of the user that is in force. */
  readonly ban: { readonly until: Date | null } | null
  readonly configuration: Configuration
}

/** The facts that decide when registering for a session ends. */
export interface SessionFacts extends Pick<Facts, 'configuration'> {
  readonly schedule: Pick<Facts['schedule'], 'date' | 'timeSection'>
}

/**
 * How a registration comes about. `normal`: a user, by the rules. `waitlist`: the next in line. `desk`: staff for a
 * walk-in. `add_slot`: an added number; it needs no free one.
 */
export type Way = 'normal' | 'waitlist' | 'desk' | 'add_slot'

export type Refusal =
  | 'not_own_patient'
  | 'banned'
  | 'stopped'
  | 'over'
  | 'not_released'
  | 'already_registered'
  | 'already_waiting'
  | 'no_show_block'
  | 'same_department'
  | 'too_many'
  | 'sold_out'

/** Days in which missed visits count, and days for which they block. */
export const NO_SHOW_DAYS = { counted: 90, blocked: 30 } as const

/** All reasons against a registration, the most basic first (spec 3-clinic, Rules). */
export function refusals(facts: Facts, way: Way, now: Date, zone: string): readonly Refusal[] {
  const { schedule, patient } = facts
  const { registration } = facts.configuration
  const found: Refusal[] = []
  const byStaff = way === 'desk' || way === 'add_slot'
  if (!patient.isOfUser && !byStaff) found.push('not_own_patient')
  if (facts.ban && !byStaff) found.push('banned')
  if (schedule.status !== NORMAL) found.push('stopped')
  if (now >= closesAt(facts, way, zone)) found.push('over')
  if (!byStaff && now < releasedAt(facts, zone)) found.push('not_released')
  if (patient.own && way !== 'waitlist')
    found.push(patient.own.status === 'waitlist' ? 'already_waiting' : 'already_registered')
  if (!byStaff && noShowBlockEnds(facts, now, zone) !== null) found.push('no_show_block')
  if (way !== 'add_slot' && patient.nearVisit !== null) found.push('same_department')
  if (!byStaff && patient.recentOrders >= registration.maxAppointmentsPerPeriod) found.push('too_many')
  // Free numbers belong to those who wait. Some wait for numbers that they can no longer take: staff may.
  const isPromised = way === 'normal' && schedule.waiting > 0
  if (way !== 'add_slot' && (isPromised || schedule.remainingSlots <= 0)) found.push('sold_out')
  return found
}

/** The instant at which the numbers of a schedule are released. */
export function releasedAt({ schedule, configuration }: Facts, zone: string): Date {
  const { advanceBookingDays, releaseTime } = configuration.registration
  return instantAt(addDays(schedule.date, -advanceBookingDays), releaseTime, zone)
}

/**
 * The instant from which nobody can register: `sameDayDeadline` for a morning, the start of the session for the others
 * (page, Rules). Staff may register until the session ends.
 */
export function closesAt({ schedule, configuration }: SessionFacts, way: Way, zone: string): Date {
  const session = sessionOf(configuration.schedule, schedule, zone)
  if (way === 'desk' || way === 'add_slot') return session.endAt
  if (schedule.timeSection !== '上午') return session.startAt
  return instantAt(schedule.date, configuration.registration.sameDayDeadline, zone)
}

/** The date from which a patient with too many missed visits may register again; null if they may now. */
export function noShowBlockEnds({ patient, configuration }: Facts, now: Date, zone: string): string | null {
  if (patient.lastNoShow === null || patient.noShows < configuration.registration.noShowLimit) return null
  const ends = addDays(patient.lastNoShow, NO_SHOW_DAYS.blocked)
  return daysBetween(localDate(now, zone), ends) > 0 ? ends : null
}

/** The price after the discount of the patient's identity, in fen. Unverified patients pay as 校外. */
export function priceOf({ schedule, patient, configuration }: Facts): number {
  const type = patient.isVerified ? patient.type : '校外'
  return discounted(schedule.price, configuration.patientIdentityDiscounts[type])
}

/** Whether the patient may still cancel for a full refund: until `cancelHoursBefore` before the session. */
export function mayCancel(
  order: { readonly date: string; readonly timeSection: TimeSection },
  configuration: Configuration,
  now: Date,
  zone: string,
): boolean {
  return now < cancelDeadline(order, configuration, zone)
}

/** The instant from which only staff may cancel. */
export function cancelDeadline(
  order: { readonly date: string; readonly timeSection: TimeSection },
  { registration, schedule }: Configuration,
  zone: string,
): Date {
  const { startAt } = sessionOf(schedule, order, zone)
  return new Date(startAt.getTime() - registration.cancelHoursBefore * 3_600_000)
}
