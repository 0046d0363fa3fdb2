import { minutesBetween } from '../../../booking/interval.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { daysBetween, localDate } from '../../../kernel/time.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import { callingDoctor } from '../../core/people.ts'
import type { Doctor } from '../../core/peopleStore.ts'
import { noSuchSchedule } from '../../core/refusals.ts'
import { sectionTimes, sessionOf } from '../../core/sections/rules.ts'
import { CODES, notAllowed, refusal } from '../../sentences.ts'
import { type Attended, currentOf, mayCheckIn, minutesUntil, type Presence, presenceAt } from './rules.ts'
import * as store from './store.ts'

/** A session of the calling doctor with its times and the doctor's presence. */
export interface Shift extends store.Session, Attended {
  readonly status: store.Session['status']
  /** Local times, HH:MM. */
  readonly start: string
  readonly end: string
  readonly presence: Presence
}

/** The calling doctor. @throws Invalid 102 if they are no doctor, or ask about another one. */
async function self(kernel: Kernel, caller: Caller, doctorId: number | undefined): Promise<Doctor> {
  const doctor = await callingDoctor(kernel, caller)
  if (doctorId !== undefined && doctorId !== doctor.doctorId) throw notAllowed('只能查看本人的出诊信息')
  return doctor
}

async function shiftsOn(kernel: Kernel, db: Database, doctorId: number, date: string): Promise<readonly Shift[]> {
  const now = kernel.clock.now()
  const { schedule: rules } = await readConfiguration(db)
  const sessions = await store.sessionsOn(db, doctorId, date)
  return sessions.map((session) => {
    const times = { ...session, ...sessionOf(rules, session, kernel.config.timeZone) }
    return { ...times, ...sectionTimes(rules, session.timeSection), presence: presenceAt(times, now) }
  })
}

/** The calling doctor's sessions on a date, today unless it is given. @throws Invalid 102. */
export async function listShifts(
  kernel: Kernel,
  caller: Caller,
  query: { readonly doctorId: number | undefined; readonly date: string | undefined },
): Promise<readonly Shift[]> {
  const { doctorId } = await self(kernel, caller, query.doctorId)
  const date = query.date ?? today(kernel)
  return await kernel.withRetries((db) => shiftsOn(kernel, db, doctorId, date))
}

/** The calling doctor's day. */
export interface Dashboard {
  readonly doctor: Doctor
  /** The session that matters now; undefined on a day without sessions. */
  readonly current: Shift | undefined
  /** Minutes until the current session starts, or ends if it has started. */
  readonly countdown: number
  readonly minutesToEnd: number
  readonly figures: store.Figures
  readonly recent: readonly store.Consultation[]
  /** Sentences about what the doctor has to do now. */
  readonly reminders: readonly string[]
}

/** Reads the calling doctor's day. @throws Invalid 102. */
export async function readDashboard(kernel: Kernel, caller: Caller): Promise<Dashboard> {
  const doctor = await callingDoctor(kernel, caller)
  const now = kernel.clock.now()
  return await kernel.withRetries(async (db) => {
    const shifts = await shiftsOn(kernel, db, doctor.doctorId, today(kernel))
    const current = currentOf(shifts, now)
    const figures = await store.figuresOn(db, doctor.doctorId, today(kernel))
    return {
      doctor,
      current,
      countdown: current ? minutesUntil(now, now < current.startAt ? current.startAt : current.endAt) : 0,
      minutesToEnd: current ? minutesUntil(now, current.endAt) : 0,
      figures,
      recent: await store.recentConsultations(db, doctor.doctorId, 5),
      reminders: remindersOf(shifts, figures, now),
    }
  })
}

function remindersOf(shifts: readonly Shift[], { pending }: store.Figures, now: Date): readonly string[] {
  const due = shifts.filter((shift) => shift.presence === 'not_checkin' && mayCheckIn(shift, now))
  const left = shifts.filter(({ presence }) => presence === 'checkout_pending')
  return [
    ...due.map(({ timeSection, start }) => `${timeSection}出诊 ${start} 开始，请签到`),
    ...left.map(({ timeSection }) => `${timeSection}出诊已结束，请签退`),
    ...(pending > 0 ? [`还有 ${pending} 位患者候诊`] : []),
  ]
}

/** A presence after a check-in or check-out. */
export interface Attendance {
  readonly at: Date
  readonly workMinutes: number
}

/**
 * Notes that the calling doctor has come to one of their sessions. Checking in again changes nothing.
 * @throws Invalid 102, 106; `too_early` before the last hour before the session; `over`; `absent`.
 */
export async function checkIn(
  kernel: Kernel,
  caller: Caller,
  scheduleId: number,
  position: store.Position,
): Promise<Attendance> {
  const now = kernel.clock.now()
  return await attend(kernel, caller, scheduleId, async (tx, session) => {
    if (session.status === 'absent') throw refusal(CODES.request, 'absent', '该班次已记为缺勤，如有疑问请联系管理员')
    if (session.checkinTime) return { at: session.checkinTime, workMinutes: workMinutes(session, now) }
    const { schedule: rules } = await readConfiguration(tx)
    const times = sessionOf(rules, session, kernel.config.timeZone)
    if (now >= times.endAt) throw refusal(CODES.request, 'over', '该班次已结束，不能签到')
    if (!mayCheckIn(times, now)) throw refusal(CODES.request, 'too_early', '出诊前 60 分钟内才能签到，请稍后再试')
    await store.writeCheckIn(tx, session, position, now)
    await note(tx, caller, 'check_in', scheduleId, now)
    return { at: now, workMinutes: 0 }
  })
}

/**
 * Notes that the calling doctor has left one of their sessions. Checking out again changes nothing.
 * @throws Invalid 102, 106; `not_there` without a check-in.
 */
export async function checkOut(
  kernel: Kernel,
  caller: Caller,
  scheduleId: number,
  position: store.Position,
): Promise<Attendance> {
  const now = kernel.clock.now()
  return await attend(kernel, caller, scheduleId, async (tx, session) => {
    if (session.checkoutTime) return { at: session.checkoutTime, workMinutes: workMinutes(session, now) }
    if (!(await store.writeCheckOut(tx, scheduleId, position, now)))
      throw refusal(CODES.request, 'not_there', '该班次尚未签到，请先签到')
    await note(tx, caller, 'check_out', scheduleId, now)
    return { at: now, workMinutes: workMinutes(session, now) }
  })
}

async function attend(
  kernel: Kernel,
  caller: Caller,
  scheduleId: number,
  change: (tx: Transaction, session: store.Session) => Promise<Attendance>,
): Promise<Attendance> {
  const { doctorId } = await callingDoctor(kernel, caller)
  const attendance = await kernel.transaction(async (tx) => {
    const session = await store.lockSession(tx, scheduleId, doctorId)
    if (!session) throw noSuchSchedule()
    return await change(tx, session)
  })
  kernel.nudge()
  return attendance
}

/** Minutes from a check-in to the check-out, or until now. */
export function workMinutes(
  { checkinTime, checkoutTime }: Pick<store.Session, 'checkinTime' | 'checkoutTime'>,
  now: Date,
): number {
  return checkinTime ? minutesBetween(checkinTime, checkoutTime ?? now) : 0
}

/** Today's figures of the calling doctor. @throws Invalid 102. */
export async function readFigures(
  kernel: Kernel,
  caller: Caller,
  doctorId: number | undefined,
): Promise<store.Figures> {
  const doctor = await self(kernel, caller, doctorId)
  return await kernel.withRetries((db) => store.figuresOn(db, doctor.doctorId, today(kernel)))
}

/** The calling doctor's last visits. @throws Invalid 102. */
export async function listRecent(
  kernel: Kernel,
  caller: Caller,
  query: { readonly doctorId: number | undefined; readonly limit: number },
): Promise<readonly store.Consultation[]> {
  const doctor = await self(kernel, caller, query.doctorId)
  return await kernel.withRetries((db) => store.recentConsultations(db, doctor.doctorId, query.limit))
}

/** The calling doctor's records of presence. @throws Invalid 102. */
export async function listRecords(kernel: Kernel, caller: Caller, query: Parameters<typeof store.listRecords>[2]) {
  const { doctorId } = await callingDoctor(kernel, caller)
  return await kernel.withRetries((db) => store.listRecords(db, doctorId, query))
}

/** Longest range in which absences are marked, in days. */
const MOST_DAYS = 90

/**
 * Marks the doctors of all sessions in a range who did not check in as absent. Marking again changes nothing.
 * Returns the dates of those that were marked.
 * @throws Invalid `wrong_range`, `not_past` unless the whole range is past, `too_long`.
 */
export async function markAbsent(kernel: Kernel, caller: Caller, range: store.Range): Promise<readonly string[]> {
  checkRange(range)
  if (daysBetween(range.to, today(kernel)) < 1) throw refusal(CODES.request, 'not_past', '只能标记今天以前的缺勤')
  const now = kernel.clock.now()
  const marked = await kernel.transaction(async (tx) => {
    const dates = await store.markAbsent(tx, range, caller.userId, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'clinic.attendance.mark_absent',
      resource: 'clinic_attendance',
      resourceId: `${range.from}/${range.to}`,
      changes: { absent: [0, dates.length] },
    })
    return dates
  })
  kernel.nudge()
  return marked
}

/** Absences in a range, by date and by doctor. @throws Invalid `wrong_range`, `too_long`. */
export async function readAbsences(kernel: Kernel, range: store.Range) {
  checkRange(range)
  return await kernel.withRetries(async (db) => ({
    dates: await store.absentDates(db, range),
    doctors: await store.absencesByDoctor(db, range),
  }))
}

function checkRange({ from, to }: store.Range): void {
  const days = daysBetween(from, to) + 1
  if (days < 1) throw refusal(CODES.request, 'wrong_range', '开始日期不能晚于结束日期')
  if (days > MOST_DAYS) throw refusal(CODES.request, 'too_long', `日期范围不能超过 ${MOST_DAYS} 天`)
}

function today({ clock, config }: Kernel): string {
  return localDate(clock.now(), config.timeZone)
}

async function note(tx: Transaction, caller: Caller, verb: string, resourceId: number, now: Date): Promise<void> {
  await record(tx, now, {
    ...originOf(caller),
    action: `clinic.attendance.${verb}`,
    resource: 'clinic_schedule',
    resourceId,
  })
}
