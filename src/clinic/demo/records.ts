import { minutesAfter } from '../../booking/interval.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import { addDays } from '../../kernel/time.ts'
import { at, type Dice } from './dice.ts'
import type { Booker, FilledSession } from './orders.ts'
import type { StoredOrder } from './requests.ts'
import { DAYS, type DemoSession } from './sessions.ts'
import { insertRows } from './store.ts'

/** Stores sessions and their orders, the oldest orders first. Returns both with their ids. */
export async function storeSessions(tx: Transaction, filled: readonly FilledSession[], now: Date) {
  const scheduleIds = await insertRows(
    tx,
    'schedule',
    filled.map((one) => scheduleRow(one, now)),
    'schedule_id',
  )
  const sessions = filled.map((one, n) => ({ ...one, scheduleId: at(scheduleIds, n) }))
  const drafts = sessions
    .flatMap(({ orders, scheduleId }) => orders.map((order) => ({ ...order, scheduleId })))
    .sort((a, b) => +a.row.create_time - +b.row.create_time)
  const orderIds = await insertRows(
    tx,
    'registration_order',
    drafts.map(({ row, scheduleId }) => ({ ...row, schedule_id: scheduleId })),
    'order_id',
  )
  return { sessions, orders: drafts.map((order, n): StoredOrder => ({ ...order, orderId: at(orderIds, n) })) }
}

function scheduleRow({ session, totalSlots, orders, lastNo, freeNos }: FilledSession, now: Date) {
  const created = minutesAfter(now, (Math.min(0, session.day) - DAYS.ahead - 2) * 24 * 60)
  return {
    doctor_id: session.doctor.id,
    clinic_id: session.clinic.id,
    minor_dept_id: session.doctor.deptId,
    date: session.date,
    time_section: session.timeSection,
    slot_type: session.slotType,
    total_slots: totalSlots,
    remaining_slots: totalSlots - (lastNo - freeNos.length),
    last_no: lastNo,
    free_nos: freeNos,
    status: session.stopReason === null ? ('正常' as const) : ('停诊' as const),
    stop_reason: session.stopReason,
    price: session.price,
    revision: 0,
    completed: orders.filter(({ row }) => row.status === 'completed').length,
    revenue: orders.reduce((sum, { row }) => sum + (row.paid ?? 0) - (row.refunded ?? 0), 0),
    create_time: created,
    update_time: created,
  }
}

/** Stores the ledger: a charge for each order that was paid, and a refund for each that was given back. */
export async function storeLedger(tx: Transaction, orders: readonly StoredOrder[]): Promise<void> {
  const entries = orders.flatMap(({ orderId, row }) => {
    const { payment_method, paid = 0, refunded = 0, payment_time, refund_time } = row
    const entry = { order_id: orderId, method: payment_method ?? 'cash' }
    const by = row.initiator_user_id
    return [
      ...(paid > 0
        ? [
            {
              ...entry,
              amount: paid,
              reference: `confirm:${orderId}`,
              reason: null,
              created_by: by,
              create_time: payment_time,
            },
          ]
        : []),
      ...(refunded > 0
        ? [
            {
              ...entry,
              amount: -refunded,
              reference: null,
              reason: row.cancel_reason,
              created_by: null,
              create_time: refund_time,
            },
          ]
        : []),
    ]
  })
  const rows = entries
    .flatMap(({ create_time, ...entry }) => (create_time ? [{ ...entry, create_time }] : []))
    .sort((a, b) => +a.create_time - +b.create_time)
  await insertRows(tx, 'order_ledger', rows)
}

const COMMENTS = ['医生很专业', '候诊时间有点长，但看得仔细', '讲解清楚，放心', '态度很好', '环境整洁，流程顺畅']

/** Stores what doctors wrote about visits, and what patients say about them. */
export async function storeVisits(
  tx: Transaction,
  orders: readonly StoredOrder[],
  patients: readonly Booker[],
  dice: Dice,
): Promise<void> {
  const patientById = new Map(patients.map((one) => [one.patientId, one]))
  const visits = []
  const reviews = []
  for (const { orderId, row, session, diagnosis } of orders) {
    const { completed_time: time, patient_id } = row
    if (!time) continue
    const of = { order_id: orderId, patient_id, doctor_id: session.doctor.id }
    const patient = patientById.get(patient_id)
    if (dice.chance(0.4) && patient)
      visits.push({
        ...of,
        patient_name: patient.name,
        patient_gender: patient.gender,
        patient_birth_date: patient.birthDate,
        visit_date: session.date,
        chief_complaint: row.symptoms ?? '',
        diagnosis,
        prescription: dice.pick(['对症治疗，多饮水', '口服药物 7 天', '外用药物，避免刺激', '暂不用药，观察随访']),
        advice: '注意休息，如有不适及时复诊',
        followup_date: dice.chance(0.3) ? addDays(session.date, 14) : null,
        create_time: time,
        update_time: time,
      })
    if (dice.chance(0.2)) {
      const rating = dice.pick([5, 5, 5, 4, 4, 3])
      reviews.push({ ...of, rating, comment: dice.pick(COMMENTS), create_time: minutesAfter(time, 1) })
    }
  }
  await insertRows(tx, 'visit_history', visits)
  await insertRows(tx, 'visit_review', reviews)
}

/** Stores the presence of doctors at the sessions that were or are on. */
export async function storeAttendance(
  tx: Transaction,
  sessions: readonly { readonly session: DemoSession; readonly scheduleId: number }[],
): Promise<void> {
  const rows = sessions
    .filter(({ session }) => session.phase !== 'ahead' && session.stopReason === null)
    .map(({ session, scheduleId }, n) => {
      const isAbsent = n % 97 === 96 && session.phase === 'past'
      const isOn = session.phase === 'ongoing'
      return {
        schedule_id: scheduleId,
        doctor_id: session.doctor.id,
        status: isAbsent ? ('absent' as const) : isOn ? ('checked_in' as const) : ('checked_out' as const),
        checkin_time: isAbsent ? null : minutesAfter(session.startAt, (n % 9) - 12),
        checkout_time: isAbsent || isOn ? null : minutesAfter(session.endAt, n % 20),
        create_time: isAbsent ? session.endAt : minutesAfter(session.startAt, (n % 9) - 12),
      }
    })
  await insertRows(tx, 'attendance_record', rows)
}
