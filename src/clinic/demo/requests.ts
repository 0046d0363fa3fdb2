import { minutesAfter } from '../../booking/interval.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import { addDays, weekday } from '../../kernel/time.ts'
import { slotTypeOf, TIME_SECTIONS } from '../core/types.ts'
import type { Grid } from '../places/scheduleAudits/rules.ts'
import { insertWeek, writeDecision } from '../places/scheduleAudits/store.ts'
import { at } from './dice.ts'
import type { DemoOrder, FilledSession } from './orders.ts'
import type { DemoClinic, DemoDoctor } from './places.ts'
import { clinicOf, DAYS, type DemoLeave, works } from './sessions.ts'
import { insertRows, type RowOf } from './store.ts'

/** An order that is stored, with its ids. */
export interface StoredOrder extends DemoOrder {
  readonly orderId: number
  readonly scheduleId: number
}

/** The stored hospital, from which requests, feedback and bans are made. */
export interface Stored {
  readonly tx: Transaction
  readonly now: Date
  readonly today: string
  readonly doctors: readonly DemoDoctor[]
  readonly leaves: readonly DemoLeave[]
  readonly sessions: readonly (FilledSession & { readonly scheduleId: number })[]
  readonly orders: readonly StoredOrder[]
  readonly patients: readonly { readonly patientId: number; readonly userId: number }[]
  readonly adminId: number
}

/** Adds requests of every kind in every state, feedback, bans and page views. */
export async function addRequests(stored: Stored): Promise<void> {
  await addWeeks(stored)
  await addLeaves(stored)
  await addSlotRequests(stored)
  await addFeedback(stored)
  await addBans(stored)
  await addViews(stored)
}

const open = { status: 'pending', auditor_user_id: null, audit_time: null, audit_remark: null } as const

/** The members of a decision. */
function decided(stored: Stored, status: 'approved' | 'rejected', days: number, remark: string | null) {
  const audit_time = minutesAfter(stored.now, days * 24 * 60)
  return { status, auditor_user_id: stored.adminId, audit_time, audit_remark: remark }
}

/** Weeks of schedules: approved ones that are on now, one that was rejected, and next ones that wait for a decision. */
async function addWeeks(stored: Stored): Promise<void> {
  const { tx, today, now, adminId } = stored
  const monday = addDays(today, 1 - weekday(today))
  const next = addDays(monday, DAYS.ahead + 7)
  const heads = stored.doctors.filter(({ isHead }) => isHead)
  const days = (n: number) => minutesAfter(now, n * 24 * 60)
  const submit = async (head: DemoDoctor, weekStart: string, day: number, remark: string | null) => {
    const clinic = at(head.clinics, 0)
    const place = { deptId: head.deptId, clinicId: clinic.id, submitterId: head.id }
    return await insertWeek(tx, { ...place, weekStart, remark, grid: grid(stored, head, clinic, weekStart) }, days(day))
  }
  for (const head of heads) {
    const id = await submit(head, monday, -16, null)
    await writeDecision(tx, id, { approves: true, by: adminId, now: days(-15), comment: '同意' })
  }
  const wrong = await submit(at(heads, 3), next, -2, '增加周末出诊')
  await writeDecision(tx, wrong, {
    approves: false,
    by: adminId,
    now: days(-1),
    comment: '周六诊室维护，请调整后重新提交',
  })
  for (const n of [0, 1, 6]) await submit(at(heads, n), next, -1, '下期排班，请审核')
}

/** 7 days of 3 sections of a clinic, as its head submits them. */
function grid({ doctors }: Stored, head: DemoDoctor, clinic: DemoClinic, week: string): Grid {
  return Array.from({ length: 7 }, (_, day) =>
    TIME_SECTIONS.map((section) => {
      const doctor = doctors.find(
        (one, n) =>
          one.deptId === head.deptId && works(n, weekday(addDays(week, day)), section) && clinicOf(one, 0) === clinic,
      )
      return doctor ? { doctor_id: doctor.id, slot_type: slotTypeOf(clinic.type), total_slots: 10 } : null
    }),
  )
}

async function addLeaves(stored: Stored): Promise<void> {
  const { today, now, doctors, leaves } = stored
  const row = (
    doctor: DemoDoctor,
    from: number,
    to: number,
    shift: 'full' | 'morning' | 'afternoon',
    reason: string,
  ) => ({
    doctor_id: doctor.id,
    leave_start_date: addDays(today, from),
    leave_end_date: addDays(today, to),
    shift,
    reason,
    submit_time: minutesAfter(now, (Math.min(from, 0) - 3) * 24 * 60),
  })
  await insertRows(stored.tx, 'leave_audit', [
    ...leaves.map(({ doctor, from, to, reason }) => ({
      ...row(doctor, from, to, 'full', reason),
      ...decided(stored, 'approved', Math.min(from, 0) - 1, null),
    })),
    { ...row(at(doctors, 2), 9, 10, 'full', '参加全国心血管病学术会议'), ...open },
    { ...row(at(doctors, 9), 6, 6, 'morning', '研究生答辩'), ...open },
    {
      ...row(at(doctors, 20), 4, 4, 'afternoon', '家中有事'),
      ...decided(stored, 'rejected', -1, '当日门诊量大，请与同事调班'),
    },
  ])
}

async function addSlotRequests(stored: Stored): Promise<void> {
  const { now, orders, sessions, patients } = stored
  const row = (
    { session, scheduleId }: Pick<StoredOrder, 'session' | 'scheduleId'>,
    patientId: number,
    reason: string,
  ): Omit<RowOf<'add_slot_audit'>, 'status'> => ({
    schedule_id: scheduleId,
    doctor_id: session.doctor.id,
    patient_id: patientId,
    slot_type: session.slotType,
    reason,
    applicant_id: session.doctor.userId,
    submit_time: minutesAfter(now, -26 * 60),
    order_id: null,
  })
  const added = orders.filter(({ row }) => row.source_type === 'add_slot')
  const full = sessions.filter(({ orders, totalSlots, session }) => session.day > 0 && orders.length >= totalSlots)
  const ahead = full.slice(0, 3)
  await insertRows(stored.tx, 'add_slot_audit', [
    ...added.map((order) => ({
      ...row(order, order.row.patient_id, '术后复查，需尽快就诊'),
      ...decided(stored, 'approved', -0.1, null),
      order_id: order.orderId,
    })),
    ...ahead.map((session, n) => ({
      ...row(session, at(patients, 40 + n).patientId, '外地患者，行程紧张'),
      ...(n === 2 ? decided(stored, 'rejected', -0.5, '该时段已满负荷，请改约其他时段') : open),
    })),
  ])
}

const FEEDBACK = [
  ['praise', '李医生很耐心，讲解很清楚，点赞！', 'replied'],
  ['suggestion', '希望挂号页面能按校区筛选医生。', 'processing'],
  ['bug', '昨天支付成功后页面一直转圈，刷新后正常。', 'closed'],
  ['complaint', '上午叫号比预计时间晚了四十分钟。', 'replied'],
  ['suggestion', '候补成功能不能多一条短信提醒？', 'pending'],
  ['bug', '修改手机号后旧号码仍然显示了一段时间。', 'pending'],
  ['praise', '新的候诊大屏非常方便。', 'closed'],
  ['complaint', '西校区门诊部停车不方便。', 'pending'],
] as const

async function addFeedback({ tx, now, patients }: Stored): Promise<void> {
  const rows = FEEDBACK.map(([type, content, status], n) => ({
    user_id: at(patients, n * 131).userId,
    type,
    content,
    status,
    create_time: minutesAfter(now, -(n + 1) * 19 * 60),
    update_time: minutesAfter(now, -(n + 1) * 17 * 60),
  }))
  await insertRows(tx, 'clinic_feedback', rows)
}

async function addBans({ tx, now, patients, adminId }: Stored): Promise<void> {
  const days = (n: number) => minutesAfter(now, n * 24 * 60)
  const ban = (n: number) => ({ user_id: at(patients, n).userId, banned_by: adminId, is_active: true })
  const none = { unban_time: null, unban_reason: null, unbanned_by: null }
  await insertRows(tx, 'user_ban', [
    {
      ...ban(1777),
      ban_type: 'register',
      ban_until: days(20),
      reason: '一周内抢号后退号 14 次',
      create_time: days(-3),
      ...none,
    },
    { ...ban(1888), ban_type: 'all', ban_until: null, reason: '倒卖专家号', create_time: days(-8), ...none },
    {
      ...ban(1999),
      is_active: false,
      ban_type: 'login',
      ban_until: days(10),
      reason: '疑似脚本登录',
      create_time: days(-6),
      unban_time: days(-5),
      unban_reason: '核实为本人操作',
      unbanned_by: adminId,
    },
  ])
}

/** Page views of the last two weeks. */
async function addViews({ tx, today }: Stored): Promise<void> {
  const rows = Array.from({ length: 14 * 40 }, (_, n) => ({
    day: addDays(today, -1 - (n % 14)),
    client: `demo-${n % 14}-${Math.floor(n / 14)}`,
    views: 3 + ((n * 7) % 12),
  }))
  await insertRows(tx, 'clinic_visitor', rows)
}
