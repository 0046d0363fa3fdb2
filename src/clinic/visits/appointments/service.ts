import { originOf } from '../../../kernel/audit/origin.ts'
import { isDatabaseAway } from '../../../kernel/database/constraints.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { cancelOrder, isOwn, lockOwnOrder } from '../../core/cancelling.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import type { Configuration } from '../../core/configuration/types.ts'
import { endOrders } from '../../core/ending.ts'
import { findOrder, lockOrder, type Order } from '../../core/ordersStore.ts'
import { receivePayment } from '../../core/payment.ts'
import { codeOf, preparePayment } from '../../core/platform/paying.ts'
import { PLATFORM_METHOD, platformOf } from '../../core/platform/platform.ts'
import { concludePayments } from '../../core/platform/settling.ts'
import { badState, noSuchOrder } from '../../core/refusals.ts'
import { cancelDeadline, mayCancel } from '../../core/rules.ts'
import { ORDER_STATES, type OrderStatus } from '../../core/states.ts'
import { promoteWaiting } from '../../core/waitingList.ts'
import { plainMoment } from '../../fields.ts'
import { CODES, refusal } from '../../sentences.ts'
import { clinicSettings } from '../../settings.ts'
import * as store from './store.ts'

/** An order with what its people may do with it now. */
export interface ShownOrder extends Order {
  readonly canCancel: boolean
  readonly canReschedule: boolean
}

function shown(order: Order, configuration: Configuration, now: Date, zone: string): ShownOrder {
  const isInTime = order.status === 'confirmed' && mayCancel(order, configuration, now, zone)
  const canCancel = order.status === 'pending' || isInTime
  return { ...order, canCancel, canReschedule: canCancel }
}

/** Filters of the published client for the states of orders; without one all but the waiting list. */
const FILTERS: ReadonlyMap<string, readonly OrderStatus[]> = new Map([
  ['pending', ['pending']],
  ['confirmed', ['confirmed']],
  ['completed', ['completed', 'no_show']],
  ['finished', ['completed', 'no_show']],
  ['cancelled', ['cancelled', 'timeout']],
])

/** A page of the caller's orders. An unknown state is no filter, as the published client expects. */
export async function listMine(
  kernel: Kernel,
  caller: Caller,
  query: {
    readonly of: 'own' | 'initiated'
    readonly status?: string | undefined
    readonly page: number
    readonly pageSize: number
  },
): Promise<{ readonly items: readonly ShownOrder[]; readonly total: number }> {
  const all = ORDER_STATES.filter((status) => status !== 'waitlist')
  const filter = {
    of: query.of,
    userId: caller.userId,
    statuses: FILTERS.get(query.status ?? '') ?? all,
    limit: query.pageSize,
    offset: (query.page - 1) * query.pageSize,
  }
  return await kernel.withRetries(async (db) => {
    const { items, total } = await store.listOrders(db, filter)
    const configuration = await readConfiguration(db)
    const [now, zone] = [kernel.clock.now(), kernel.config.timeZone]
    return { items: items.map((order) => shown(order, configuration, now, zone)), total }
  })
}

/** One of the caller's orders. @throws Invalid 106 for other people's. */
export async function getMine(kernel: Kernel, caller: Caller, orderId: number): Promise<ShownOrder> {
  return await kernel.withRetries(async (db) => {
    const order = await findOrder(db, orderId)
    if (!order || !isOwn(order, caller)) throw noSuchOrder()
    return shown(order, await readConfiguration(db), kernel.clock.now(), kernel.config.timeZone)
  })
}

/**
 * Cancels one of the caller's orders that is in one of the `states`: what was paid is given back in full. Returns the
 * refund in fen.
 * @throws Invalid 106; 1006 from `cancelHoursBefore` before the session on, when only staff can cancel; `bad_state`.
 */
export async function cancelMine(
  kernel: Kernel,
  caller: Caller,
  orderId: number,
  reason: string,
  states: readonly OrderStatus[] = ['pending', 'confirmed'],
): Promise<{ readonly refund: number }> {
  const now = kernel.clock.now()
  const zone = kernel.config.timeZone
  const refund = await kernel.transaction(async (tx) => {
    const order = await lockOwnOrder(tx, caller, orderId)
    if (!states.includes(order.status)) throw badState(order)
    const configuration = await readConfiguration(tx)
    // An unpaid order can always be given up: nobody has to be paid back.
    if (order.status === 'confirmed' && !mayCancel(order, configuration, now, zone)) {
      const until = plainMoment(cancelDeadline(order, configuration, zone), zone)
      throw refusal(CODES.tooLate, 'too_late_to_cancel', `已过退号时间（${until} 前可退号），请到挂号窗口办理`)
    }
    if (!(await cancelOrder(kernel, tx, order, { caller, reason, now }))) throw badState(order)
    return order.paid - order.refunded
  })
  kernel.nudge()
  return { refund }
}

/** The outcome of the client's call to pay. */
export interface Paid {
  readonly order: Order
  readonly time: Date | null
  /** The content of the QR code to scan, with CLINIC_PAYMENT=wechat. */
  readonly codeUrl: string | null
}

/**
 * The client's call to pay one of the caller's orders. With CLINIC_PAYMENT=confirm it settles the payment; with `desk`
 * the order waits as `paying` for the desk, with `wechat` for the platform. Paying again changes nothing, and gives the
 * same code.
 * @throws Invalid 106; `expired` if the order is overdue or ended; `platform_unavailable`
 */
export async function payMine(kernel: Kernel, caller: Caller, orderId: number, method: string): Promise<Paid> {
  const { paymentId, ...paid } = await beginPaying(kernel, caller, orderId, method)
  kernel.nudge()
  if (paymentId === null) return { ...paid, codeUrl: null }
  const codeUrl = await codeOf(kernel, paid.order, paymentId)
  if (codeUrl !== null) return { ...paid, codeUrl }
  // The payment has ended meanwhile: the order may be paid now.
  const order = (await findOrder(kernel.db, orderId)) ?? paid.order
  return { order, time: order.paymentStatus === 'paid' ? order.paymentTime : null, codeUrl: null }
}

/** An order on whose payment the caller has begun; `paymentId` is the payment at the platform. */
interface Begun {
  readonly order: Order
  readonly time: Date | null
  readonly paymentId: number | null
}

async function beginPaying(kernel: Kernel, caller: Caller, orderId: number, method: string): Promise<Begun> {
  const now = kernel.clock.now()
  const mode = clinicSettings.of(kernel.config).payment
  return await kernel.transaction(async (tx) => {
    const order = await lockOwnOrder(tx, caller, orderId)
    if (order.paymentStatus === 'paid') return { order, time: order.paymentTime, paymentId: null }
    if (order.status !== 'pending') throw badState(order)
    if (order.expiresAt && order.expiresAt <= now)
      throw refusal(CODES.request, 'expired', '订单已超过支付时限，号源已释放，请重新挂号')
    if (mode !== 'confirm') {
      await store.markPaying(tx, orderId, mode === 'wechat' ? PLATFORM_METHOD : method, now)
      const paymentId = mode === 'wechat' ? await preparePayment(tx, order, now) : null
      return { order: { ...order, paymentStatus: 'paying' as const }, time: null, paymentId }
    }
    const entry = { amount: order.price, method, reference: `confirm:${orderId}`, by: caller.userId, now }
    await receivePayment(kernel, tx, order, entry)
    await record(tx, now, {
      ...originOf(caller),
      action: 'clinic.order.pay',
      resource: 'clinic_order',
      resourceId: orderId,
    })
    const paid = { ...order, status: 'confirmed' as const, paymentStatus: 'paid' as const }
    return { order: paid, time: now, paymentId: null }
  })
}

/** Number of expired orders that one round of the job ends. */
const BATCH = 200

/**
 * The job that ends unpaid orders whose time to pay is over. Their numbers go to the waiting list, then back on sale.
 * Payments at the platform are closed before: one that arrived in time counts. An order that can't be ended does not
 * hold up the others: it is tried again at the next run.
 */
export async function expireOrders(kernel: Kernel): Promise<void> {
  let platform = platformOf(kernel)
  for (;;) {
    const now = kernel.clock.now()
    const expired = await store.expiredOrders(kernel.db, now, BATCH)
    let failed = 0
    for (const { orderId } of expired) {
      try {
        // While the platform can't be reached, orders end without it. Money that arrived all the same is given back.
        if (platform && !(await concludePayments(kernel, platform, orderId))) platform = null
        await kernel.transaction((tx) => expire(kernel, tx, orderId, now))
      } catch (err) {
        if (isDatabaseAway(err)) throw err
        failed += 1
        kernel.log.error({ err, orderId }, 'an expired order could not be ended')
      }
    }
    kernel.nudge()
    if (failed > 0 || expired.length < BATCH) return
  }
}

async function expire(kernel: Kernel, tx: Parameters<typeof lockOrder>[0], orderId: number, now: Date): Promise<void> {
  const order = await lockOrder(tx, orderId)
  if (order?.status !== 'pending' || !order.expiresAt || order.expiresAt > now) return
  await endOrders(kernel, tx, [order], {
    to: 'timeout',
    reason: '超时未支付',
    by: null,
    now,
    refunds: true,
    message: 'clinic.order.timeout',
    action: 'clinic.order.time_out',
  })
  await promoteWaiting(kernel, tx, order.scheduleId, now)
}
