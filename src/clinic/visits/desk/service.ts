import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { type Registered, register } from '../../core/booking.ts'
import { cancelOrder } from '../../core/cancelling.ts'
import { checkIn } from '../../core/checkingIn.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import { tellOrders } from '../../core/messages.ts'
import { fen, yuan } from '../../core/money/rules.ts'
import { findOrder, lockOrder, type Order } from '../../core/ordersStore.ts'
import { giveBack, receivePayment } from '../../core/payment.ts'
import { phoneIndexes } from '../../core/phones.ts'
import { noSuchOrder } from '../../core/refusals.ts'
import { CODES, refusal } from '../../sentences.ts'
import * as store from './store.ts'

/** Filters of the desk's list of orders. */
export interface OrderQuery extends Omit<store.OrderFilter, 'number' | 'phone' | 'zone'> {
  readonly orderNo?: string | undefined
  readonly phone?: string | undefined
}

/** A page of orders. A number or phone number that is none finds nothing. */
export async function findOrders(
  kernel: Kernel,
  { orderNo, phone: text, ...query }: OrderQuery,
): Promise<{ readonly items: readonly Order[]; readonly total: number }> {
  const phone = text ? phoneIndexes(kernel, text) : undefined
  const number = orderNo ? partsOf(orderNo) : undefined
  if ((text && !phone) || (orderNo && !number)) return { items: [], total: 0 }
  const zone = kernel.config.timeZone
  return await kernel.withRetries((db) => store.listOrders(db, { ...query, zone, phone, number }))
}

/** Date and digits of an order number; undefined if it is none. */
function partsOf(orderNo: string): store.OrderFilter['number'] {
  const [, year, month, day, digits] = /^(\d{4})(0[1-9]|1[0-2])([0-2]\d|3[01])(\d{8})$/.exec(orderNo) ?? []
  const date = `${year}-${month}-${day}`
  const midnight = new Date(`${date}T00:00:00Z`)
  // V8 reads 31 February as 3 March.
  if (digits === undefined || midnight.getUTCDate() !== Number(day)) return undefined
  return { date, digits: Number(digits) }
}

/**
 * Confirms that the desk has taken the money for a pending order.
 * @throws Invalid 106; `bad_state` if the order is not waiting for its payment.
 */
export async function confirmPayment(kernel: Kernel, caller: Caller, orderId: number, method: string): Promise<Order> {
  return await moveOrder(kernel, caller, orderId, 'confirm_payment', async (tx, order, now) => {
    if (order.status !== 'pending') throw refusal(CODES.request, 'bad_state', '该订单不在待支付状态')
    const entry = { amount: order.price, method, reference: `desk:${orderId}`, by: caller.userId, now }
    await receivePayment(kernel, tx, order, entry)
  })
}

/**
 * Gives money of an order back: all that is left, or an amount in yuan. Giving all back for an order that is still ahead
 * cancels it too.
 * @throws Invalid 106; `nothing_to_refund`, `refund_too_large`.
 */
export async function refundOrder(
  kernel: Kernel,
  caller: Caller,
  orderId: number,
  { amount, reason }: { readonly amount: number | undefined; readonly reason: string },
): Promise<Order> {
  return await moveOrder(kernel, caller, orderId, 'refund', async (tx, order, now) => {
    const asked = amount === undefined ? order.paid - order.refunded : fen(amount)
    const isAll = asked === order.paid - order.refunded && asked > 0
    if (isAll && (order.status === 'confirmed' || order.status === 'pending'))
      await cancelOrder(kernel, tx, order, { caller, reason, now })
    else {
      const refunded = await giveBack(tx, order, { amount: asked, reason, by: caller.userId, now })
      const { schedule: rules } = await readConfiguration(tx)
      const refund = yuan(refunded).toFixed(2)
      const context = { rules, zone: kernel.config.timeZone, now }
      await tellOrders(tx, [order], 'clinic.order.refunded', context, () => ({ refund, reason }))
    }
  })
}

/** Notes that a patient has arrived, on the day of the visit. @throws Invalid 106; `wrong_day`, `over`, `bad_state`. */
export async function checkInPatient(kernel: Kernel, caller: Caller, orderId: number): Promise<Order> {
  return await moveOrder(kernel, caller, orderId, null, async (tx, order, now) => {
    await checkIn(kernel, tx, order, caller, now)
  })
}

async function moveOrder(
  kernel: Kernel,
  caller: Caller,
  orderId: number,
  /** The verb in the operation log; null if `move` writes its own entry. */
  verb: string | null,
  move: (tx: Transaction, order: Order, now: Date) => Promise<void>,
): Promise<Order> {
  const now = kernel.clock.now()
  const moved = await kernel.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId)
    if (!order) throw noSuchOrder()
    await move(tx, order, now)
    if (verb !== null)
      await record(tx, now, {
        ...originOf(caller),
        action: `clinic.order.${verb}`,
        resource: 'clinic_order',
        resourceId: orderId,
      })
    return (await findOrder(tx, orderId)) ?? order
  })
  kernel.nudge()
  return moved
}

/**
 * Registers a patient who has come without an order. With a `method` the desk has taken the money: the payment is
 * confirmed at once.
 * @throws Invalid like registering
 */
export async function registerWalkIn(
  kernel: Kernel,
  caller: Caller,
  request: { readonly scheduleId: number; readonly patientId: number; readonly method: string | null },
): Promise<Registered> {
  const { method, ...place } = request
  const made = await register(kernel, caller, { ...place, symptoms: '' }, 'desk')
  if (method === null || made.status === 'confirmed') return made
  await confirmPayment(kernel, caller, made.orderId, method)
  return { ...made, status: 'confirmed', expiresAt: null }
}
