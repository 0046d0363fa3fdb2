import { originOf } from '../../../kernel/audit/origin.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { addDays, daysBetween, instantAt, localDate } from '../../../kernel/time.ts'
import { attachmentOf } from '../../core/attachments.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import { alreadyDecided, decisionChanges, tellDecision, tellRequest } from '../../core/decisions/decisions.ts'
import type { Verdict } from '../../core/decisions/fields.ts'
import type { Differences } from '../../core/differences.ts'
import { callingDoctor, callingHead } from '../../core/people.ts'
import type { Doctor } from '../../core/peopleStore.ts'
import { listSchedules, type Schedule } from '../../core/schedulesStore.ts'
import { sessionOf } from '../../core/sections/rules.ts'
import { previewStop, type StopPreview, stopSchedules } from '../../core/stopping.ts'
import { NORMAL, SHIFTS, type Shift } from '../../core/types.ts'
import { isAdministrator } from '../../permissions.ts'
import { CODES, missing, notAllowed, refusal } from '../../sentences.ts'
import { overlaps, type Span } from './rules.ts'
import * as store from './store.ts'

const MOST_DAYS = 92
const MOST_ROWS = 10_000

/** A request for leave. */
export interface Application extends Span {
  readonly reason: string
  readonly attachments: readonly string[]
}

/**
 * Asks for leave. Returns the id of the request.
 * @throws Invalid 102 if the caller is no doctor; `bad_range`, `in_the_past`; `leave_taken` if another request of the
 * doctor covers the same session; `bad_attachment` for a path that is no upload of the caller.
 */
export async function apply(kernel: Kernel, caller: Caller, application: Application): Promise<number> {
  const doctor = await callingDoctor(kernel, caller)
  const now = kernel.clock.now()
  const { from, to } = application
  const days = daysBetween(from, to)
  if (days < 0) throw refusal(CODES.request, 'bad_range', '结束日期不能早于开始日期')
  if (days > MOST_DAYS) throw refusal(CODES.request, 'bad_range', `一次请假不能超过 ${MOST_DAYS} 天`)
  if (from < localDate(now, kernel.config.timeZone)) throw refusal(CODES.request, 'in_the_past', '请假日期不能早于今天')
  const id = await kernel.transaction(async (tx) => {
    await store.lockDoctor(tx, doctor.doctorId)
    const others = await store.leavesWithin(tx, doctor.doctorId, application)
    if (others.some((other) => overlaps(application, other)))
      throw refusal(CODES.request, 'leave_taken', '该时段已有待审核或已通过的请假申请')
    const attachments = []
    for (const path of application.attachments) attachments.push(await attach(tx, caller, path, now))
    const id = await store.insertLeave(tx, doctor.doctorId, { ...application, attachments }, now)
    await tellRequest(kernel, tx, doctor, { kind: '请假', id, what: daysOf(application) }, now)
    const { from, to, shift } = application
    const changes = { status: [null, 'pending'], from: [null, from], to: [null, to], shift: [null, shift] } as const
    await note(tx, caller, 'request', id, now, changes)
    return id
  })
  kernel.nudge()
  return id
}

function daysOf({ from, to }: Span): string {
  return from === to ? from : `${from} 至 ${to}`
}

async function attach(tx: Transaction, caller: Caller, path: string, now: Date): Promise<string> {
  const attachment = attachmentOf(path)
  if (!attachment || !(await store.useAttachment(tx, attachment.fileId, caller.userId, now)))
    throw refusal(CODES.request, 'bad_attachment', '附件不存在，请重新上传（仅支持图片和 PDF）')
  return attachment.path
}

/** A page of the caller's own leaves. @throws Invalid 102 if the caller is no doctor. */
export async function listMine(
  kernel: Kernel,
  caller: Caller,
  page: { readonly limit: number; readonly offset: number },
) {
  const { doctorId } = await callingDoctor(kernel, caller)
  return await kernel.withRetries((db) => store.listLeaves(db, { doctorId, ...page }))
}

/** A page of the leaves in the caller's department. @throws Invalid 102 if the caller is no head of one. */
export async function listOfDepartment(
  kernel: Kernel,
  caller: Caller,
  query: { readonly status?: string | undefined; readonly limit: number; readonly offset: number },
) {
  const { deptId } = await callingHead(kernel, caller)
  return await kernel.withRetries((db) => store.listLeaves(db, { deptId, ...query }))
}

/** All leaves, or those of a state. */
export async function listAll(kernel: Kernel, status: string | undefined): Promise<readonly store.Leave[]> {
  const filter = { status, limit: MOST_ROWS, offset: 0 }
  return (await kernel.withRetries((db) => store.listLeaves(db, filter))).items
}

/** One leave; of the head's department if there is a head. @throws Invalid 106. */
export async function getLeave(kernel: Kernel, id: number, head?: Doctor): Promise<store.Leave> {
  const leave = await kernel.withRetries((db) => store.findLeave(db, id))
  if (!leave || (head && leave.deptId !== head.deptId)) throw missing('请假申请')
  return leave
}

/** One leave of the caller's department. @throws Invalid 102, 106. */
export async function getOfDepartment(kernel: Kernel, caller: Caller, id: number): Promise<store.Leave> {
  return await getLeave(kernel, id, await callingHead(kernel, caller))
}

/**
 * Decides about a leave as administrator, or as head of the doctor's department. An approval stops the doctor's sessions
 * in it that are not over: those without an order are deleted; the orders of the others are refunded, and their patients
 * told.
 * @throws Invalid 106; 102 for one's own leave; `already_decided`; `comment_missing` if a head rejects without a reason.
 */
export async function decide(
  kernel: Kernel,
  caller: Caller,
  id: number,
  verdict: Verdict,
  as: 'administrator' | 'head',
): Promise<void> {
  const head = as === 'head' ? await callingHead(kernel, caller) : undefined
  if (head && !verdict.approves && verdict.comment.trim() === '')
    throw refusal(CODES.request, 'comment_missing', '请填写驳回理由')
  await kernel.transaction(async (tx) => {
    const leave = await store.lockLeave(tx, id)
    if (!leave || (head && leave.deptId !== head.deptId)) throw missing('请假申请')
    if (leave.status !== 'pending') throw alreadyDecided()
    if (leave.doctorUserId === caller.userId) throw notAllowed('不能审批自己的请假')
    if (verdict.approves) await stopSessions(kernel, tx, caller, leave, verdict.now)
    await store.writeDecision(tx, id, verdict)
    await tellDecision(tx, verdict, { kind: '请假', id, what: daysOf(leave), userId: leave.doctorUserId })
    await note(tx, caller, verdict.approves ? 'approve' : 'reject', id, verdict.now, decisionChanges(verdict))
  })
  kernel.nudge()
}

async function stopSessions(
  kernel: Kernel,
  tx: Transaction,
  caller: Caller,
  leave: store.Leave,
  now: Date,
): Promise<void> {
  await store.lockDoctor(tx, leave.doctorId)
  const sessions = await sessionsAhead(kernel, tx, leave, now)
  const running = sessions.filter(({ status }) => status === NORMAL).map(({ scheduleId }) => scheduleId)
  const stop = { reason: '医生请假', by: caller.userId, now, origin: originOf(caller) }
  await stopSchedules(kernel, tx, running, stop)
  await store.deleteUnused(tx, running, now)
}

/** The sessions of a leave that are not over. */
async function sessionsAhead(
  kernel: Kernel,
  db: Database,
  leave: store.Leave,
  now: Date,
): Promise<readonly store.Session[]> {
  const zone = kernel.config.timeZone
  const { schedule: rules } = await readConfiguration(db)
  const sessions = await store.sessionsOf(db, leave, localDate(now, zone))
  return sessions.filter((session) => sessionOf(rules, session, zone).endAt > now)
}

/** What approving a leave would do to orders. Writes nothing. @throws Invalid 106. */
export async function previewLeave(kernel: Kernel, id: number): Promise<readonly StopPreview[]> {
  const leave = await getLeave(kernel, id)
  return await kernel.withRetries(async (db) => {
    const sessions = await sessionsAhead(kernel, db, leave, kernel.clock.now())
    const ids = sessions.filter(({ status }) => status === NORMAL).map(({ scheduleId }) => scheduleId)
    return await previewStop(db, ids)
  })
}

/** A day in the doctor's calendar of leaves. */
export interface LeaveDay {
  readonly date: string
  readonly schedules: readonly Schedule[]
  readonly shifts: readonly { readonly shift: Shift; readonly status: 'pending' | 'approved' | 'rejected' | null }[]
  readonly isToday: boolean
}

/** The days of a month with the caller's sessions and leaves. @throws Invalid 102 if the caller is no doctor. */
export async function calendarOf(
  kernel: Kernel,
  caller: Caller,
  { year, month }: { readonly year: number; readonly month: number },
): Promise<readonly LeaveDay[]> {
  const { doctorId } = await callingDoctor(kernel, caller)
  const from = `${year}-${String(month).padStart(2, '0')}-01`
  const next = month === 12 ? `${year + 1}-01-01` : `${year}-${String(month + 1).padStart(2, '0')}-01`
  const range = { from, to: addDays(next, -1) }
  const today = localDate(kernel.clock.now(), kernel.config.timeZone)
  return await kernel.withRetries(async (db) => {
    const [schedules, leaves] = [
      await listSchedules(db, { doctorId }, range),
      await store.leavesWithin(db, doctorId, range),
    ]
    return Array.from({ length: daysBetween(from, next) }, (_, n) => {
      const date = addDays(from, n)
      const shifts = SHIFTS.filter((shift) => shift !== 'full').map((shift) => {
        const own = leaves.filter((leave) => overlaps({ from: date, to: date, shift }, leave))
        const status = own.find((leave) => leave.status === 'approved')?.status ?? own[0]?.status ?? null
        return { shift, status }
      })
      return { date, shifts, isToday: date === today, schedules: schedules.filter((one) => one.date === date) }
    })
  })
}

/** Numbers of leaves in a head's department: pending, and decided this month. Zeros for other doctors. */
export async function stats(kernel: Kernel, caller: Caller) {
  const doctor = await callingDoctor(kernel, caller)
  if (!doctor.isHead) return { pending: 0, approved: 0, rejected: 0 }
  const zone = kernel.config.timeZone
  const since = instantAt(`${localDate(kernel.clock.now(), zone).slice(0, 8)}01`, '00:00', zone)
  return await kernel.withRetries((db) => store.countLeaves(db, doctor.deptId, since))
}

/**
 * The file of an attachment: for the person who uploaded it, for administrators, and for the head of the doctor's
 * department.
 * @throws Invalid 102 for others; 106 for every path that no leave has.
 */
export async function attachmentFile(kernel: Kernel, caller: Caller, path: string) {
  const attachment = attachmentOf(path)
  const own = attachment && (await kernel.withRetries((db) => store.findUpload(db, attachment.fileId, caller.userId)))
  if (own) return own
  const deptId = isAdministrator(caller) ? null : (await callingHead(kernel, caller)).deptId
  const file = attachment && (await kernel.withRetries((db) => store.findAttachment(db, { ...attachment, deptId })))
  if (!file) throw refusal(CODES.notFound, 'not_found', '附件文件不存在或路径错误')
  return file
}

async function note(
  tx: Transaction,
  caller: Caller,
  verb: string,
  resourceId: number,
  now: Date,
  changes: Differences,
): Promise<void> {
  const action = `clinic.leave.${verb}`
  await record(tx, now, { ...originOf(caller), action, resource: 'clinic_leave', resourceId, changes })
}
