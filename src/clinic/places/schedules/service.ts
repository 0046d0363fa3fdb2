import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { daysBetween, localDate } from '../../../kernel/time.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import { type Differences, differences } from '../../core/differences.ts'
import { isOnLeave } from '../../core/leavesStore.ts'
import { lockSchedules, setTotal } from '../../core/numbersStore.ts'
import { orderIdsOf } from '../../core/ordersStore.ts'
import { keepClinic, keepDoctor } from '../../core/parentsStore.ts'
import { noSuchSchedule } from '../../core/refusals.ts'
import { closesAt } from '../../core/rules.ts'
import * as store from '../../core/schedulesStore.ts'
import { priceOfSchedule } from '../../core/scheduling.ts'
import { sessionOf } from '../../core/sections/rules.ts'
import { soldOutMemory } from '../../core/soldOut.ts'
import { OPEN } from '../../core/states.ts'
import { previewStop, type StopPreview, stopSchedules } from '../../core/stopping.ts'
import { NORMAL, type ScheduleStatus, type SlotType, STOPPED, type TimeSection } from '../../core/types.ts'
import { promoteWaiting } from '../../core/waitingList.ts'
import { CODES, missing, refusal } from '../../sentences.ts'

/** The longest range of a list, in days. */
const LONGEST_RANGE = 92

/** What a list is of: one of them is given. */
export type Listed = { readonly kind: 'department' | 'doctor' | 'clinic'; readonly id: number }

const WORDS = { department: '科室', doctor: '医生', clinic: '门诊' } as const

/** Schedules of a department, doctor or clinic in a range of dates. @throws Invalid 106, `bad_range`. */
export async function schedulesOf(
  kernel: Kernel,
  { kind, id }: Listed,
  range: { readonly from: string; readonly to: string },
): Promise<readonly store.Schedule[]> {
  checkRange(range)
  return await kernel.withRetries(async (db) => {
    if (!(await store.isThere(db, kind, id))) throw missing(WORDS[kind])
    const of = { department: { deptId: id }, doctor: { doctorId: id }, clinic: { clinicId: id } }[kind]
    return await store.listSchedules(db, of, range)
  })
}

/** Schedules by area and department in a range of dates. @throws Invalid `bad_range`. */
async function findSchedules(
  kernel: Kernel,
  of: store.Of,
  range: { readonly from: string; readonly to: string },
): Promise<readonly store.Schedule[]> {
  checkRange(range)
  return await kernel.withRetries((db) => store.listSchedules(db, of, range))
}

/** As `findSchedules`, without the sessions of today for which patients can't register any more. */
export async function findOpenSchedules(
  kernel: Kernel,
  of: store.Of,
  range: { readonly from: string; readonly to: string },
): Promise<readonly store.Schedule[]> {
  const found = await findSchedules(kernel, of, range)
  const configuration = await kernel.withRetries(readConfiguration)
  const [now, zone] = [kernel.clock.now(), kernel.config.timeZone]
  return found.filter((schedule) => now < closesAt({ schedule, configuration }, 'normal', zone))
}

/** One schedule. @throws Invalid 106. */
export async function getSchedule(kernel: Kernel, id: number): Promise<store.Schedule> {
  const schedule = await kernel.withRetries((db) => store.findSchedule(db, id))
  if (!schedule) throw noSuchSchedule()
  return schedule
}

function checkRange({ from, to }: { readonly from: string; readonly to: string }): void {
  const days = daysBetween(from, to)
  if (days < 0) throw refusal(CODES.request, 'bad_range', '结束日期不能早于开始日期')
  if (days > LONGEST_RANGE) throw refusal(CODES.request, 'bad_range', `日期范围不能超过 ${LONGEST_RANGE} 天`)
}

/** The content of a schedule; a price of 0 or less is resolved. */
export interface ScheduleContent {
  readonly doctorId: number
  readonly clinicId: number
  readonly date: string
  readonly timeSection: TimeSection
  readonly slotType: SlotType
  readonly status: ScheduleStatus
  /** In yuan. */
  readonly price: number
  readonly totalSlots: number
}

/**
 * Adds a schedule. Returns its id.
 * @throws Invalid 106 for doctor and clinic; `in_the_past`, `too_far_ahead`; `on_leave`; `schedule_taken` if the doctor
 * has another one in that section.
 */
export async function addSchedule(kernel: Kernel, caller: Caller, content: ScheduleContent): Promise<number> {
  const now = kernel.clock.now()
  const id = await kernel.transaction(async (tx) => {
    await checkDate(kernel, tx, content, now)
    await keepWorkingDoctor(tx, content)
    const { deptId } = await keepClinic(tx, content.clinicId)
    const price = await priceOfSchedule(tx, { ...content, deptId })
    const id = await store.insertSchedule(tx, { ...content, deptId, price }, now)
    await note(tx, caller, 'add', id, now, differences({}, { ...content, price }))
    return id
  })
  kernel.nudge()
  return id
}

/** Locks a doctor against deletion and leaves. @throws Invalid 106; `on_leave` in an approved leave. */
async function keepWorkingDoctor(
  tx: Transaction,
  session: Pick<ScheduleContent, 'doctorId' | 'date' | 'timeSection'>,
): Promise<void> {
  await keepDoctor(tx, session.doctorId)
  if (await isOnLeave(tx, session))
    throw refusal(CODES.request, 'on_leave', '该医生在此时段已批准请假，请选择其他医生或时间')
}

async function checkDate(
  kernel: Kernel,
  tx: Transaction,
  at: Pick<ScheduleContent, 'date' | 'timeSection'>,
  now: Date,
): Promise<void> {
  const zone = kernel.config.timeZone
  const ahead = daysBetween(localDate(now, zone), at.date)
  if (ahead < 0) throw refusal(CODES.request, 'in_the_past', '出诊日期不能早于今天')
  const { schedule: rules } = await readConfiguration(tx)
  if (sessionOf(rules, at, zone).endAt <= now) throw refusal(CODES.request, 'in_the_past', '该时段今天已结束')
  const { maxFutureDays } = rules
  if (ahead > maxFutureDays) throw refusal(CODES.request, 'too_far_ahead', `最多只能安排 ${maxFutureDays} 天内的排班`)
}

/**
 * Changes a schedule. 停诊 stops it: its open orders are refunded and told. More numbers go to the waiting list first.
 * @throws Invalid 106; `has_orders` for another doctor, clinic, date, section or kind while there are open orders;
 * `fewer_than_sold` for a total below what is sold; and like `addSchedule`.
 */
export async function changeSchedule(
  kernel: Kernel,
  caller: Caller,
  id: number,
  change: Partial<ScheduleContent>,
): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (change.status === STOPPED) await stopFirst(kernel, tx, caller, id, now)
    const [locked] = await lockSchedules(tx, [id])
    const before = await store.findSchedule(tx, id)
    if (!locked || !before) throw noSuchSchedule()
    const after = { ...before, ...change }
    if (isMoved(before, after)) await checkMove(kernel, tx, id, before.date, after, now)
    const { deptId } = await keepClinic(tx, after.clinicId)
    if (change.totalSlots !== undefined && !(await setTotal(tx, id, change.totalSlots)))
      throw refusal(
        CODES.request,
        'fewer_than_sold',
        `已售出 ${locked.totalSlots - locked.remainingSlots} 个号，总号源数不能少于已售出的号`,
      )
    const price =
      change.price === undefined ? {} : { price: await priceOfSchedule(tx, { ...after, price: change.price, deptId }) }
    await store.updateSchedule(
      tx,
      id,
      {
        doctor_id: after.doctorId,
        clinic_id: after.clinicId,
        minor_dept_id: deptId,
        date: after.date,
        time_section: after.timeSection,
        slot_type: after.slotType,
        status: after.status,
        ...(after.status === NORMAL && { stop_reason: null }),
        ...price,
      },
      now,
    )
    await note(tx, caller, 'change', id, now, differences(before, { ...change, ...price }))
    if (after.status === NORMAL) await promoteWaiting(kernel, tx, id, now)
  })
  soldOutMemory(kernel).forget(id)
  kernel.nudge()
}

/** Locks and ends the open orders of a schedule before anything else of it is locked. */
async function stopFirst(kernel: Kernel, tx: Transaction, caller: Caller, id: number, now: Date): Promise<void> {
  const schedule = await store.findSchedule(tx, id)
  if (!schedule) throw noSuchSchedule()
  if (schedule.status === STOPPED) return
  await stopSchedules(kernel, tx, [id], { reason: '医生停诊', by: caller.userId, now, origin: originOf(caller) })
}

const MOVING = ['doctorId', 'clinicId', 'date', 'timeSection', 'slotType'] as const

function isMoved(before: store.Schedule, after: Pick<ScheduleContent, (typeof MOVING)[number]>): boolean {
  return MOVING.some((key) => before[key] !== after[key])
}

async function checkMove(
  kernel: Kernel,
  tx: Transaction,
  id: number,
  oldDate: string,
  after: Pick<ScheduleContent, 'doctorId' | 'date' | 'timeSection'>,
  now: Date,
): Promise<void> {
  const open = (await orderIdsOf(tx, id, OPEN)).length
  if (open > 0)
    throw refusal(
      CODES.request,
      'has_orders',
      `该排班还有 ${open} 个未就诊的挂号，不能更改医生、门诊、日期、时段或号源类型；请先停诊`,
    )
  if (after.date !== oldDate) await checkDate(kernel, tx, after, now)
  await keepWorkingDoctor(tx, after)
}

/** Deletes a schedule; its open orders are stopped, refunded and told. @throws Invalid 106. */
export async function removeSchedule(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    await stopFirst(kernel, tx, caller, id, now)
    await lockSchedules(tx, [id])
    const before = await store.findSchedule(tx, id)
    if (!before) throw noSuchSchedule()
    await store.updateSchedule(tx, id, { deleted_at: now }, now)
    const { doctorId, clinicId, date, timeSection } = before
    const gone = { doctorId, clinicId, date, timeSection }
    await note(tx, caller, 'remove', id, now, differences(gone, allNull(gone)))
  })
  kernel.nudge()
}

/** What stopping schedules would do. Writes nothing. */
export async function previewStops(kernel: Kernel, ids: readonly number[]): Promise<readonly StopPreview[]> {
  return await kernel.withRetries((db) => previewStop(db, [...new Set(ids)]))
}

const allNull = (members: object) => Object.fromEntries(Object.keys(members).map((key) => [key, null]))

async function note(
  tx: Transaction,
  caller: Caller,
  verb: string,
  resourceId: number,
  now: Date,
  changes: Differences,
): Promise<void> {
  await record(tx, now, {
    ...originOf(caller),
    action: `clinic.schedule.${verb}`,
    resource: 'clinic_schedule',
    resourceId,
    changes,
  })
}
