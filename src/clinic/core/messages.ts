import type { Transaction } from '../../kernel/database/database.ts'
import { notifyAll, type OutgoingMessage } from '../../kernel/outbox/outbox.ts'
import { localTime } from '../../kernel/time.ts'
import type { ScheduleRules } from './configuration/types.ts'
import { yuan } from './money/rules.ts'
import type { Order } from './ordersStore.ts'
import type { Facts } from './rules.ts'
import { estimatedAt, sectionTimes, sessionOf } from './sections/rules.ts'
import { MADE_BY_PATIENTS } from './states.ts'

/** The visit of an order, as messages show it. */
export type Visit = Pick<
  Order,
  'areaName' | 'deptName' | 'clinicName' | 'doctorName' | 'patientName' | 'date' | 'timeSection' | 'slotType' | 'price'
>

/**
 * The people to tell about an order: the patient if they have an account, and the user who registered them unless that
 * was staff.
 */
export function peopleOf({
  initiatorId,
  patientUserId,
  sourceType,
}: Pick<Order, 'initiatorId' | 'patientUserId' | 'sourceType'>): readonly number[] {
  const maker = MADE_BY_PATIENTS.includes(sourceType) ? initiatorId : null
  return [...new Set([maker, patientUserId].filter((id) => id !== null))]
}

/** Place, time and patient of a visit in the data of every message. */
export function visitWords(visit: Visit, rules: ScheduleRules) {
  const { start, end } = sectionTimes(rules, visit.timeSection)
  return {
    hospital: visit.areaName,
    department: visit.deptName,
    clinic: visit.clinicName,
    doctor: visit.doctorName,
    patient: visit.patientName,
    date: visit.date,
    section: visit.timeSection,
    hours: `${start}–${end}`,
    slot_type: visit.slotType,
    amount: yuan(visit.price).toFixed(2),
  }
}

/** The visit of facts that are about to become an order. */
export function visitOf({ schedule, patient }: Facts, price: number): Visit {
  return { ...schedule, patientName: patient.name, price }
}

/** The estimated local time of a visit: 09:40. */
function estimatedTime(
  visit: Pick<Order, 'date' | 'timeSection'>,
  number: number,
  rules: ScheduleRules,
  zone: string,
): string {
  return localTime(estimatedAt(rules, sessionOf(rules, visit, zone).startAt, number), zone)
}

/** A message about one order and its schedule. Called again at the same instant, it sends nothing more. */
function orderMessage(
  order: Order,
  type: string,
  rules: ScheduleRules,
  zone: string,
  now: Date,
  more: Readonly<Record<string, unknown>> = {},
): OutgoingMessage {
  const number = order.queueNo
  return {
    type,
    userIds: peopleOf(order),
    data: {
      ...visitWords(order, rules),
      order_id: order.orderId,
      ...(number !== null && { number, time: estimatedTime(order, number, rules, zone) }),
      ...more,
    },
    key: `${type}:${order.orderId}:${order.scheduleId}:${now.getTime()}`,
  }
}

/** Tells the people of orders, one message for each order. */
export async function tellOrders(
  tx: Transaction,
  orders: readonly Order[],
  type: string,
  context: { readonly rules: ScheduleRules; readonly zone: string; readonly now: Date },
  more: (order: Order) => Readonly<Record<string, unknown>> = () => ({}),
): Promise<void> {
  const { rules, zone, now } = context
  const messages = orders
    .map((order) => orderMessage(order, type, rules, zone, now, more(order)))
    .filter(({ userIds }) => userIds.length > 0)
  if (messages.length > 0) await notifyAll(tx, now, messages)
}
