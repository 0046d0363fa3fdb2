import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { daysBetween, localDate } from '../../../kernel/time.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import { alreadyDecided, decisionChanges, tellDecision } from '../../core/decisions/decisions.ts'
import type { Verdict } from '../../core/decisions/fields.ts'
import { keepClinic } from '../../core/parentsStore.ts'
import { priceOfSchedule } from '../../core/scheduling.ts'
import { sessionOf } from '../../core/sections/rules.ts'
import { CODES, missing, notAllowed, refusal } from '../../sentences.ts'
import { cellWords, type Session, sessionsOf, weekWords } from './rules.ts'
import * as store from './store.ts'

/** Submitted weeks: all, or those of a state. */
export async function listWeeks(kernel: Kernel, status: string | undefined): Promise<readonly store.Week[]> {
  return await kernel.withRetries((db) => store.listWeeks(db, status))
}

/** A submitted week. @throws Invalid 106. */
export async function getWeek(kernel: Kernel, id: number): Promise<store.Week> {
  const week = await kernel.withRetries((db) => store.findWeek(db, id))
  if (!week) throw missing('排班申请')
  return week
}

/**
 * Decides about a submitted week. An approval writes its schedules, all or none.
 * @throws Invalid 106; 102 for one's own week; `already_decided`; `cells_clash` that names each cell that cannot be
 * written: it leaves the week pending.
 */
export async function decide(kernel: Kernel, caller: Caller, id: number, verdict: Verdict): Promise<void> {
  await kernel.transaction(async (tx) => {
    const week = await store.lockWeek(tx, id)
    if (!week) throw missing('排班申请')
    if (week.status !== 'pending') throw alreadyDecided()
    if (week.submitterUserId === caller.userId) throw notAllowed('不能审核自己的申请')
    if (verdict.approves) await writeWeek(kernel, tx, week, verdict.now)
    await store.writeDecision(tx, id, verdict)
    const what = weekWords(week.clinicName, week.weekStart)
    await tellDecision(tx, verdict, { kind: '排班', id, what, userId: week.submitterUserId })
    await record(tx, verdict.now, {
      ...originOf(caller),
      action: `clinic.schedule_audit.${verdict.approves ? 'approve' : 'reject'}`,
      resource: 'clinic_schedule_audit',
      resourceId: id,
      changes: decisionChanges(verdict),
    })
  })
  kernel.nudge()
}

async function writeWeek(kernel: Kernel, tx: Transaction, week: store.Week, now: Date): Promise<void> {
  const { schedule: rules } = await readConfiguration(tx)
  const { deptId, clinicType } = await keepClinic(tx, week.clinicId)
  const sessions = sessionsOf(week.grid, week.weekStart, clinicType, rules)
  const zone = kernel.config.timeZone
  const today = localDate(now, zone)
  const doctors = await store.keepDoctors(tx, [...new Set(sessions.map(({ doctorId }) => doctorId))])
  const faults = new Map<Session, string>()
  for (const session of sessions) {
    if (!doctors.has(session.doctorId)) faults.set(session, '医生不存在')
    else if (sessionOf(rules, session, zone).endAt <= now) faults.set(session, '时段已过')
    else if (daysBetween(today, session.date) > rules.maxFutureDays)
      faults.set(session, `超出 ${rules.maxFutureDays} 天的排班范围`)
  }
  for (const session of await store.onLeave(tx, sessions)) faults.set(session, '医生请假')
  const priced = []
  for (const session of sessions.filter((one) => !faults.has(one))) {
    const place = { clinicId: week.clinicId, deptId }
    priced.push({ ...session, ...place, price: await priceOfSchedule(tx, { ...session, ...place }) })
  }
  const clashes = await store.insertSessions(tx, priced, now)
  const all = [...faults, ...clashes.map((one) => [one, '已有排班'] as const)]
  if (all.length === 0) return
  const words = all.map(([at, fault]) => `${cellWords(at, week.names[at.doctorId] ?? '')}（${fault}）`)
  throw refusal(CODES.request, 'cells_clash', `以下时段无法排班，请驳回后重新提交：${words.join('；')}`)
}
