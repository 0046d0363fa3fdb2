import { addDays, weekday } from '../../kernel/time.ts'
import type { ScheduleRules } from '../core/configuration/types.ts'
import { sessionOf } from '../core/sections/rules.ts'
import { type SlotType, slotTypeOf, TIME_SECTIONS, type TimeSection } from '../core/types.ts'
import { at } from './dice.ts'
import type { DemoClinic, DemoDoctor, DemoHospital } from './places.ts'

/** A session of a doctor that the demo fills with orders. */
export interface DemoSession {
  readonly doctor: DemoDoctor
  readonly clinic: DemoClinic
  /** Days from today. */
  readonly day: number
  readonly date: string
  readonly timeSection: TimeSection
  readonly slotType: SlotType
  readonly totalSlots: number
  /** In fen. */
  readonly price: number
  readonly startAt: Date
  readonly endAt: Date
  readonly phase: 'past' | 'ongoing' | 'ahead'
  /** Why the session was stopped; null: it takes place. */
  readonly stopReason: string | null
}

/** Days of schedules before and after today. */
export const DAYS = { back: 14, ahead: 14 } as const

/** A leave of the demo: the doctor is away from one day to another, both included. */
export interface DemoLeave {
  readonly doctor: DemoDoctor
  readonly from: number
  readonly to: number
  readonly reason: string
}

interface Calendar {
  readonly hospital: DemoHospital
  readonly today: string
  readonly now: Date
  readonly zone: string
  readonly rules: ScheduleRules
  /** Doctors who can log in: they work in all sections of today. */
  readonly cast: ReadonlySet<number>
  readonly leaves: readonly DemoLeave[]
}

/** Two weeks back, today and two weeks ahead, by date and doctor. */
export function planSessions(calendar: Calendar): readonly DemoSession[] {
  const sessions: DemoSession[] = []
  const current = currentSection(calendar)
  for (let day = -DAYS.back; day <= DAYS.ahead; day += 1) {
    for (const [index, doctor] of calendar.hospital.doctors.entries()) {
      const isCastToday = day === 0 && calendar.cast.has(doctor.userId)
      for (const timeSection of TIME_SECTIONS) {
        const weekDay = weekday(addDays(calendar.today, day))
        if (!isCastToday && !works(index, weekDay, timeSection)) continue
        sessions.push(planSession(calendar, { doctor, index, day, timeSection }, current))
      }
    }
  }
  return sessions
}

/** Whether a doctor works in a section of a weekday (1 is Monday): about five half-days a week, with a few at weekends. */
export function works(index: number, weekDay: number, timeSection: TimeSection): boolean {
  if (weekDay > 5) return timeSection === '上午' && index % 8 === weekDay - 5
  const turn = (weekDay + index) % 5
  if (timeSection === '上午') return turn < 3
  if (timeSection === '下午') return turn === 3 || turn === 0
  return index % 6 === 0 && turn === 1
}

/** The clinic where a doctor works: the head goes to the expert and special clinics more often. */
export function clinicOf(doctor: DemoDoctor, n: number): DemoClinic {
  const { clinics, isHead } = doctor
  return at(clinics, isHead ? n : n % 4 === 0 ? n / 4 : 0)
}

/** The section of today that is on now, or comes next; the evening after the last. */
function currentSection({ today, now, zone, rules }: Calendar): TimeSection {
  const on = TIME_SECTIONS.find((timeSection) => sessionOf(rules, { date: today, timeSection }, zone).endAt > now)
  return on ?? '晚上'
}

function planSession(
  calendar: Calendar,
  one: {
    readonly doctor: DemoDoctor
    readonly index: number
    readonly day: number
    readonly timeSection: TimeSection
  },
  current: TimeSection,
): DemoSession {
  const { doctor, index, day, timeSection } = one
  const { hospital, today, now, zone, rules, cast } = calendar
  const date = addDays(today, day)
  const { startAt, endAt } = sessionOf(rules, { date, timeSection }, zone)
  const clinic = clinicOf(doctor, index + day + DAYS.back + TIME_SECTIONS.indexOf(timeSection))
  const leave = calendar.leaves.find((one) => one.doctor === doctor && one.from <= day && day <= one.to)
  const isOngoing = day === 0 && timeSection === current && (cast.has(doctor.userId) || startAt <= now) && endAt > now
  // In the night the people of the cast still find a queue.
  const isKept = day === 0 && timeSection === current && cast.has(doctor.userId)
  return {
    doctor,
    clinic,
    day,
    date,
    timeSection,
    slotType: slotTypeOf(clinic.type),
    totalSlots: clinic.type === 2 ? 4 : doctor.isHead ? 8 : 10,
    price: hospital.price(doctor, clinic),
    startAt,
    endAt,
    phase: isOngoing || isKept ? 'ongoing' : endAt <= now ? 'past' : 'ahead',
    stopReason: leave ? `医生请假：${leave.reason}` : null,
  }
}
