import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { addDays, isoWeek, localDate } from '../../../kernel/time.ts'
import { tellRequest } from '../../core/decisions/decisions.ts'
import { callingHead } from '../../core/people.ts'
import { listSchedules, type Schedule } from '../../core/schedulesStore.ts'
import { TIME_SECTIONS, type TimeSection } from '../../core/types.ts'
import { CODES, missing, refusal } from '../../sentences.ts'
import { type Cell, cellWords, gridOf, weekWords } from './rules.ts'
import * as store from './store.ts'

/** A change that a head submits; without a cell the section stays empty. */
export interface Change {
  readonly date: string
  readonly timeSection: TimeSection
  readonly cell: Cell | null
}

/**
 * Submits new sessions of a clinic for one week. Changes that describe what is there already are left out.
 * @throws Invalid 102 if the caller heads no department; 106 for clinics and doctors of other departments; `two_weeks`,
 * `nothing_new`; `stays_filled` for emptying an existing session; `already_submitted` while one is pending.
 */
export async function submit(
  kernel: Kernel,
  caller: Caller,
  {
    clinicId,
    changes,
    remark,
  }: { readonly clinicId: number; readonly changes: readonly Change[]; readonly remark: string | null },
): Promise<number> {
  const head = await callingHead(kernel, caller)
  const now = kernel.clock.now()
  const weekStart = isoWeek(changes[0]?.date ?? localDate(now, kernel.config.timeZone))
  if (changes.some(({ date }) => isoWeek(date) !== weekStart))
    throw refusal(CODES.request, 'two_weeks', '一次只能提交同一周的排班')
  const id = await kernel.transaction(async (tx) => {
    const clinic = (await store.clinicsOf(tx, head.deptId)).find((one) => one.id === clinicId)
    if (!clinic) throw missing('门诊')
    const doctors = new Set((await store.doctorsOf(tx, head.deptId)).map((doctor) => doctor.id))
    const existing = await listSchedules(tx, { clinicId }, { from: weekStart, to: addDays(weekStart, 6) })
    const cells = changes.flatMap(({ date, timeSection, cell }) => {
      const there = existing.filter((one) => one.date === date && one.timeSection === timeSection)
      const [first] = there
      if (!cell && first)
        throw refusal(
          CODES.request,
          'stays_filled',
          `${cellWords(first, first.doctorName)} 已排班，取消排班请联系管理员停诊`,
        )
      if (!cell || there.some(({ doctorId }) => doctorId === cell.doctor_id)) return []
      if (!doctors.has(cell.doctor_id)) throw missing('医生')
      return [{ date, timeSection, cell }]
    })
    if (cells.length === 0) throw refusal(CODES.request, 'nothing_new', '没有需要提交的排班变更')
    const week = { deptId: head.deptId, clinicId, submitterId: head.doctorId, weekStart, remark }
    const id = await store.insertWeek(tx, { ...week, grid: gridOf(weekStart, cells) }, now)
    await tellRequest(kernel, tx, head, { kind: '排班', id, what: weekWords(clinic.name, weekStart) }, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'clinic.schedule_audit.submit',
      resource: 'clinic_schedule_audit',
      resourceId: id,
      changes: { status: [null, 'pending'], clinic_id: [null, clinicId], cells: [null, cells] },
    })
    return id
  })
  kernel.nudge()
  return id
}

/** The clinics of the caller's department, with their filled sections of this week. @throws Invalid 102. */
export async function clinics(kernel: Kernel, caller: Caller) {
  const { deptId } = await callingHead(kernel, caller)
  const from = isoWeek(localDate(kernel.clock.now(), kernel.config.timeZone))
  return await kernel.withRetries(async (db) => {
    const schedules = await listSchedules(db, { deptId }, { from, to: addDays(from, 6) })
    return (await store.clinicsOf(db, deptId)).map(({ id, name }) => {
      const own = schedules.filter(({ clinicId }) => clinicId === id)
      const filledSlots = new Set(own.map(({ date, timeSection }) => `${date} ${timeSection}`)).size
      return { id, name, totalSlots: 7 * TIME_SECTIONS.length, filledSlots }
    })
  })
}

/** The 21 sections of a clinic from a date on, with the doctor in each. @throws Invalid 102, 106. */
export async function week(kernel: Kernel, caller: Caller, clinicId: number, from: string) {
  const { deptId } = await callingHead(kernel, caller)
  return await kernel.withRetries(async (db) => {
    if (!(await store.clinicsOf(db, deptId)).some(({ id }) => id === clinicId)) throw missing('门诊')
    const schedules = await listSchedules(db, { clinicId }, { from, to: addDays(from, 6) })
    return Array.from({ length: 7 }, (_, n) => addDays(from, n)).flatMap((date) =>
      TIME_SECTIONS.map((timeSection) => {
        const found = schedules.find((one) => one.date === date && one.timeSection === timeSection)
        const schedule: Schedule | null = found ?? null
        return { date, timeSection, schedule }
      }),
    )
  })
}

/** The doctors of the caller's department, and whether each can take a section. @throws Invalid 102, 106. */
export async function availableDoctors(
  kernel: Kernel,
  caller: Caller,
  {
    clinicId,
    date,
    timeSection,
  }: { readonly clinicId: number; readonly date: string; readonly timeSection: TimeSection },
) {
  const head = await callingHead(kernel, caller)
  const from = isoWeek(date)
  return await kernel.withRetries(async (db) => {
    if (!(await store.clinicsOf(db, head.deptId)).some(({ id }) => id === clinicId)) throw missing('门诊')
    const doctors = await store.doctorsOf(db, head.deptId)
    const ids = doctors.map(({ id }) => id)
    const sessions = await store.sessionsOfDoctors(db, ids, { from, to: addDays(from, 6) })
    const away = await store.onLeave(
      db,
      ids.map((doctorId) => ({ doctorId, date, timeSection })),
    )
    return doctors.map(({ id, name, title }) => {
      const own = sessions.filter(({ doctorId }) => doctorId === id)
      const isAway = away.some(({ doctorId }) => doctorId === id)
      const isBusy = own.some((one) => one.date === date && one.timeSection === timeSection)
      const status = isAway ? ('leave' as const) : isBusy ? ('conflict' as const) : ('available' as const)
      const conflictReason = { leave: '该时段请假', conflict: '该时段已有排班', available: '' }[status]
      return { id, name, title, dept: head.deptName, status, conflictReason, assignedCount: own.length }
    })
  })
}
