import { earlier } from '../../../booking/interval.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { localDate } from '../../../kernel/time.ts'
import { foundFacts } from '../../core/booking.ts'
import { isOwn } from '../../core/cancelling.ts'
import type { Configuration } from '../../core/configuration/types.ts'
import { tellOrders } from '../../core/messages.ts'
import { lockSchedules, moveFigures, releaseNumbers, takeNumber } from '../../core/numbersStore.ts'
import { findOrder, lockOrders, lockPatient, type Order, raiseRevision } from '../../core/ordersStore.ts'
import { badState, noSuchOrder, refused, soldOut } from '../../core/refusals.ts'
import { closesAt, type Facts, mayCancel, priceOf, refusals } from '../../core/rules.ts'
import { promoteWaiting } from '../../core/waitingList.ts'
import { CODES, refusal } from '../../sentences.ts'
import * as store from './reschedulingStore.ts'

/** A session to which an order can be moved, with the price after the patient's discount in fen. */
export interface Option {
  readonly schedule: Facts['schedule']
  readonly price: number
}

/**
 * The sessions to which one of the caller's orders can be moved: those of the same doctor, clinic and kind of number
 * for which the patient could register now. A paid order keeps its price.
 * @throws Invalid 106
 */
export async function rescheduleOptions(
  kernel: Kernel,
  caller: Caller,
  orderId: number,
): Promise<{ readonly order: Order; readonly options: readonly Option[] }> {
  return await kernel.withRetries(async (db) => {
    const [now, zone] = [kernel.clock.now(), kernel.config.timeZone]
    const order = await findOrder(db, orderId)
    if (!order || !isOwn(order, caller)) throw noSuchOrder()
    if (order.status !== 'pending' && order.status !== 'confirmed') return { order, options: [] }
    const others = await store.schedulesLike(db, order, localDate(now, zone))
    const { patientId } = order
    const facts = await Promise.all(
      others.map((scheduleId) =>
        foundFacts(db, { patientId, userId: caller.userId, scheduleId, except: orderId, now, zone }),
      ),
    )
    const fitting = facts.filter((one) => faultOf(order, one, now, zone) === undefined)
    return { order, options: fitting.map((one) => ({ schedule: one.schedule, price: priceOf(one) })) }
  })
}

/** The error that forbids moving an order to the schedule of the facts; undefined if it may be moved. */
function faultOf(order: Order, facts: Facts, now: Date, zone: string) {
  const { schedule, configuration } = facts
  if (order.status !== 'pending' && order.status !== 'confirmed') return badState(order)
  if (order.status === 'pending' && order.expiresAt && order.expiresAt <= now)
    return refusal(CODES.request, 'expired', '订单已超过支付时限，请重新挂号')
  if (order.status === 'confirmed' && !mayCancel(order, configuration, now, zone))
    return refusal(CODES.tooLate, 'too_late_to_reschedule', '已过改期时间，请到挂号窗口办理')
  if (schedule.id === order.scheduleId) return refusal(CODES.request, 'same_schedule', '请选择其他时段')
  if (!isAlike(order, schedule))
    return refusal(CODES.request, 'other_kind', '只能改到同一医生、同一门诊、同一号别的排班')
  const [first] = refusals(facts, 'normal', now, zone)
  if (first) return refused(first, facts, now, zone)
  if (order.status === 'confirmed' && priceOf(facts) !== order.price)
    return refusal(CODES.request, 'other_price', '已支付的订单只能改到同价格的时段，请先退号再重新挂号')
  return undefined
}

const isAlike = (order: Order, schedule: Facts['schedule']) =>
  schedule.doctorId === order.doctorId && schedule.clinicId === order.clinicId && schedule.slotType === order.slotType

/** An order that was moved, and what it costs more than before (in fen; negative: less). */
export interface Rescheduled {
  readonly order: Order
  readonly priceDiff: number
}

/**
 * Moves one of the caller's orders to another session: takes a number there, gives the old one back, and offers it to
 * those who wait.
 * @throws Invalid 106; 1001 sold out; 1006 too late; `other_kind`, `other_price`, and the refusals of registering.
 */
export async function reschedule(
  kernel: Kernel,
  caller: Caller,
  orderId: number,
  scheduleId: number,
): Promise<Rescheduled> {
  const [now, zone] = [kernel.clock.now(), kernel.config.timeZone]
  const moved = await kernel.transaction(async (tx) => {
    const order = await lockForMove(tx, caller, orderId, scheduleId)
    const { patientId } = order
    const facts = await foundFacts(tx, {
      ...{ patientId, userId: caller.userId, scheduleId },
      ...{ except: orderId, now, zone },
    })
    const fault = faultOf(order, facts, now, zone)
    if (fault) throw fault
    const after = await move(tx, order, facts, now, zone)
    const rules: Configuration['schedule'] = facts.configuration.schedule
    await tellOrders(tx, [after], 'clinic.order.rescheduled', { rules, zone, now }, () => ({
      before: `${order.date} ${order.timeSection}`,
    }))
    await record(tx, now, {
      ...{ action: 'clinic.order.reschedule', resource: 'clinic_order', resourceId: orderId },
      ...originOf(caller),
      changes: { schedule_id: [order.scheduleId, scheduleId], price: [order.price, after.price] },
    })
    await promoteWaiting(kernel, tx, order.scheduleId, now)
    return { order: after, priceDiff: after.price - order.price }
  })
  kernel.nudge()
  return moved
}

/** Locks the patient, both schedules and the order, in this order. */
async function lockForMove(tx: Transaction, caller: Caller, orderId: number, scheduleId: number): Promise<Order> {
  const found = await findOrder(tx, orderId)
  if (!found || !isOwn(found, caller)) throw noSuchOrder()
  await lockPatient(tx, found.patientId)
  await lockSchedules(tx, [found.scheduleId, scheduleId])
  const [order] = await lockOrders(tx, [orderId])
  if (order?.scheduleId !== found.scheduleId) throw new Stale('the order was rescheduled')
  return order
}

/** Moves the number and the money of a locked order to the schedule of the facts. Returns the order as it is then. */
async function move(tx: Transaction, order: Order, facts: Facts, now: Date, zone: string): Promise<Order> {
  const { schedule } = facts
  const number = await takeNumber(tx, schedule.id)
  if (number === null) throw soldOut
  const price = priceOf(facts)
  const expiresAt = order.expiresAt && earlier(order.expiresAt, closesAt(facts, 'normal', zone))
  await store.writeMove(tx, order, { schedule, number, price, expiresAt, now })
  await raiseRevision(tx, order.patientId)
  if (order.queueNo !== null) await releaseNumbers(tx, order.scheduleId, [order.queueNo])
  const revenue = order.paid - order.refunded
  await moveFigures(tx, order.scheduleId, { revenue: -revenue })
  await moveFigures(tx, schedule.id, { revenue })
  const [after] = await lockOrders(tx, [order.orderId])
  if (!after) throw noSuchOrder()
  return after
}
