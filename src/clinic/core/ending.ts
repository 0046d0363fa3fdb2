import { type Origin, SYSTEM } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { record } from '../../kernel/outbox/outbox.ts'
import { readConfiguration } from './configuration/store.ts'
import { tellOrders } from './messages.ts'
import { releaseNumbers } from './numbersStore.ts'
import { type Ending, type Order, writeEnding } from './ordersStore.ts'
import { giveBack } from './payment.ts'

/** How orders end, and what their people get. */
export interface End extends Ending {
  /** Whether what was paid is given back in full. */
  readonly refunds: boolean
  /** The type of the message to the people of each order; null: they are told otherwise. */
  readonly message: string | null
  /** Further data for the message. */
  readonly more?: (order: Order) => Readonly<Record<string, unknown>>
  readonly origin?: Origin
  /** The action in the operation log. */
  readonly action: string
}

/**
 * Ends locked orders of one locked schedule whose state allows it: gives their numbers back, refunds, tells their
 * people, and writes the log. Returns those that ended. The caller offers the numbers to the waiting list.
 */
export async function endOrders(
  kernel: Kernel,
  tx: Transaction,
  orders: readonly Order[],
  end: End,
): Promise<readonly Order[]> {
  const [first] = orders
  if (!first) return []
  const { now, reason, by } = end
  const ended = new Set(
    await writeEnding(
      tx,
      orders.map(({ orderId }) => orderId),
      end,
    ),
  )
  const gone = orders.filter(({ orderId }) => ended.has(orderId))
  const numbers = gone.flatMap(({ queueNo }) => (queueNo === null ? [] : [queueNo]))
  await releaseNumbers(tx, first.scheduleId, numbers)
  for (const order of gone) {
    if (end.refunds && order.paid > order.refunded) await giveBack(tx, order, { reason: reason ?? '退号退款', by, now })
    await record(tx, now, {
      ...(end.origin ?? SYSTEM),
      action: end.action,
      resource: 'clinic_order',
      resourceId: order.orderId,
      changes: { status: [order.status, end.to] },
    })
  }
  if (end.message !== null) {
    const { schedule: rules } = await readConfiguration(tx)
    const context = { rules, zone: kernel.config.timeZone, now }
    await tellOrders(tx, gone, end.message, context, (order) => ({
      reason: reason ?? '',
      refund: end.refunds ? ((order.paid - order.refunded) / 100).toFixed(2) : '0.00',
      ...end.more?.(order),
    }))
  }
  return gone
}
