import type { Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { CODES, refusal } from '../sentences.ts'
import { readConfiguration } from './configuration/store.ts'
import { tellOrders } from './messages.ts'
import { charge, type LedgerEntry, refund, writePaid } from './moneyStore.ts'
import type { Order } from './ordersStore.ts'

/**
 * Books money that has arrived for a locked order. A pending order becomes confirmed. If it does not need the money any
 * more (it has expired, was cancelled, is paid already, or its price has changed), the money goes back at once. Money
 * that a platform reports again changes nothing.
 */
export async function receivePayment(
  kernel: Kernel,
  tx: Transaction,
  order: Order,
  entry: LedgerEntry,
): Promise<'confirmed' | 'returned' | 'known'> {
  if (!(await charge(tx, order, entry))) return 'known'
  const { schedule: rules } = await readConfiguration(tx)
  const context = { rules, zone: kernel.config.timeZone, now: entry.now }
  if (order.status === 'pending' && entry.amount === order.price) {
    await writePaid(tx, order.orderId, entry.now)
    await tellOrders(tx, [order], 'clinic.order.paid', context)
    return 'confirmed'
  }
  await refund(tx, order, { ...entry, reason: '订单已失效，款项原路退回' })
  const amount = (entry.amount / 100).toFixed(2)
  await tellOrders(tx, [order], 'clinic.order.payment_returned', context, () => ({ amount }))
  return 'returned'
}

/**
 * Gives back money of a locked order: all that is left of it, or `amount` fen.
 * @throws Invalid if nothing is left, or `amount` is more than is left.
 */
export async function giveBack(
  tx: Transaction,
  order: Order,
  entry: {
    readonly amount?: number | undefined
    readonly reason: string
    readonly by: number | null
    readonly now: Date
  },
): Promise<number> {
  const left = order.paid - order.refunded
  const amount = entry.amount ?? left
  if (left <= 0) throw refusal(CODES.request, 'nothing_to_refund', '该订单没有可退的款项')
  if (amount > left) throw refusal(CODES.request, 'refund_too_large', `退款金额不能超过 ${(left / 100).toFixed(2)} 元`)
  await refund(tx, order, { ...entry, amount, method: order.paymentMethod ?? 'cash' })
  return amount
}
