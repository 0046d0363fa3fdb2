import { minutesAfter } from '../../../booking/interval.ts'
import { instantAt } from '../../../kernel/time.ts'
import type { ScheduleRules } from '../configuration/types.ts'
import type { TimeSection } from '../types.ts'

/** Minutes since midnight of a time of day, 'HH:MM'. */
export function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))
}

/** Local start and end of a section. */
export function sectionTimes(
  rules: ScheduleRules,
  section: TimeSection,
): { readonly start: string; readonly end: string } {
  if (section === '上午') return { start: rules.morningStart, end: rules.morningEnd }
  if (section === '下午') return { start: rules.afternoonStart, end: rules.afternoonEnd }
  return { start: rules.eveningStart, end: rules.eveningEnd }
}

/** The instants at which the section of a local date starts and ends. */
export function sessionOf(
  rules: ScheduleRules,
  { date, timeSection }: { readonly date: string; readonly timeSection: TimeSection },
  zone: string,
): { readonly startAt: Date; readonly endAt: Date } {
  const { start, end } = sectionTimes(rules, timeSection)
  return { startAt: instantAt(date, start, zone), endAt: instantAt(date, end, zone) }
}

/** The estimated instant of the visit with number `n`, from 1. Added slots come at the end. */
export function estimatedAt(rules: ScheduleRules, sessionStart: Date, n: number): Date {
  return minutesAfter(sessionStart, (n - 1) * (rules.consultationDuration + rules.intervalTime))
}

/** The number of visits that fit into a section. */
export function visitsIn(rules: ScheduleRules, section: TimeSection): number {
  const { start, end } = sectionTimes(rules, section)
  return Math.floor((minuteOf(end) - minuteOf(start)) / (rules.consultationDuration + rules.intervalTime))
}

/** The number of a visit as people read it: A001. */
export function queueNumber(n: number): string {
  return `A${String(n).padStart(3, '0')}`
}
