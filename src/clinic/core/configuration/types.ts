import type { PatientType } from '../types.ts'

/** Rules of registration (seed 4.1, page «Settled»). */
export interface RegistrationRules {
  readonly advanceBookingDays: number
  /** Until this time of the day, numbers of the same morning can be taken. */
  readonly sameDayDeadline: string
  readonly noShowLimit: number
  readonly cancelHoursBefore: number
  /** Days between two visits of a patient in one minor department. */
  readonly sameClinicInterval: number
  readonly paymentTimeoutMinutes: number
  readonly maxAppointmentsPerPeriod: number
  readonly appointmentPeriodDays: number
  /** Local time at which the numbers of the last bookable day are released. */
  readonly releaseTime: string
}

/** Rules of schedules: the times of the sections, and the length of a visit. */
export interface ScheduleRules {
  readonly maxFutureDays: number
  readonly morningStart: string
  readonly morningEnd: string
  readonly afternoonStart: string
  readonly afternoonEnd: string
  readonly eveningStart: string
  readonly eveningEnd: string
  readonly consultationDuration: number
  readonly intervalTime: number
}

/** The factor of the price for each identity. */
export type Discounts = Readonly<Record<PatientType, number>>

export interface Configuration {
  readonly registration: RegistrationRules
  readonly schedule: ScheduleRules
  readonly patientIdentityDiscounts: Discounts
}
