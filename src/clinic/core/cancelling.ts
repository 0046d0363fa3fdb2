import { type Origin, originOf } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { endOrders } from './ending.ts'
import { lockOrder, type Order } from './ordersStore.ts'
import { noSuchOrder } from './refusals.ts'
import { MADE_BY_PATIENTS } from './states.ts'
import { promoteWaiting } from './waitingList.ts'

/** Locks an order that a user made, or that is of their own patient record. @throws Invalid 106 for other people's. */
export async function lockOwnOrder(tx: Transaction, caller: Pick<Caller, 'userId'>, orderId: number): Promise<Order> {
  const order = await lockOrder(tx, orderId)
  if (!order || !isOwn(order, caller)) throw noSuchOrder()
  return order
}

/** Whether an order is a user's: they made it and not as staff, or it is of their own patient record. */
export function isOwn(
  order: Pick<Order, 'initiatorId' | 'patientUserId' | 'sourceType'>,
  { userId }: Pick<Caller, 'userId'>,
): boolean {
  const madeIt = order.initiatorId === userId && MADE_BY_PATIENTS.includes(order.sourceType)
  return madeIt || order.patientUserId === userId
}

/**
 * Cancels a locked order for the person who asked for it: refunds what was paid, and gives its number to the next in
 * line. Returns false if its state does not allow it.
 */
export async function cancelOrder(
  kernel: Kernel,
  tx: Transaction,
  order: Order,
  cancel: { readonly caller: Caller; readonly reason: string; readonly now: Date; readonly origin?: Origin },
): Promise<boolean> {
  const { caller, reason, now } = cancel
  const gone = await endOrders(kernel, tx, [order], {
    to: 'cancelled',
    reason,
    by: caller.userId,
    now,
    origin: originOf(caller),
    refunds: true,
    message: order.status === 'waitlist' ? null : 'clinic.order.cancelled',
    action: order.status === 'waitlist' ? 'clinic.waitlist.leave' : 'clinic.order.cancel',
  })
  if (gone.length > 0) await promoteWaiting(kernel, tx, order.scheduleId, now)
  return gone.length > 0
}
