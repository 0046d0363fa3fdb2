import { SYSTEM } from '../../../kernel/audit/origin.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { lockOrder } from '../ordersStore.ts'
import { receivePayment } from '../payment.ts'
import { PLATFORM_METHOD } from './platform.ts'
import { type PaymentPlatform, type PaymentReport, PlatformFault } from './port.ts'
import { nextQuestion } from './rules.ts'
import * as store from './store.ts'

/**
 * Books what the platform says about one of our payments. Money counts for its order, or is owed back at once. Money
 * that is known changes nothing.
 * @throws PlatformFault `untrusted` if we have no such payment, or it is of another amount
 */
export async function settlePayment(kernel: Kernel, report: PaymentReport): Promise<void> {
  const now = kernel.clock.now()
  const payment = await store.paymentNumbered(kernel.db, report.number)
  if (!payment) throw new PlatformFault('untrusted', 'a payment that we did not begin')
  const { state, transactionId, amount } = report
  if (state === 'closed') await store.writeClosed(kernel.db, payment.paymentId, now)
  if (state !== 'paid' || transactionId === null) return
  if (amount !== payment.amount) throw new PlatformFault('untrusted', `paid ${amount} fen instead of ${payment.amount}`)
  await kernel.transaction(async (tx) => {
    const order = await lockOrder(tx, payment.orderId)
    // The payment has to be paid before the money is booked: what is given back is owed by paid payments.
    if (!order || !(await store.writePlatformPaid(tx, payment.paymentId, transactionId, now))) return
    const reference = `${PLATFORM_METHOD}:${transactionId}`
    const { paymentId } = payment
    const entry = { amount, method: PLATFORM_METHOD, reference, ofPayment: paymentId, by: null, now }
    const outcome = await receivePayment(kernel, tx, order, entry)
    await record(tx, now, {
      ...SYSTEM,
      action: outcome === 'confirmed' ? 'clinic.order.pay' : 'clinic.order.return_payment',
      resource: 'clinic_order',
      resourceId: order.orderId,
    })
  })
  kernel.nudge()
}

/**
 * Asks the platform for a payment that is open or closing, and settles what it says. One that the order does not need
 * any more is closed there first. Returns false if the platform can't be reached: the payment is asked for again later.
 */
export async function checkPayment(
  kernel: Kernel,
  platform: PaymentPlatform,
  payment: store.PlatformPayment,
): Promise<boolean> {
  const postpone = (problem: string | null) => {
    const nextTime = nextQuestion(kernel.clock.now(), payment.tries)
    return store.postponePayment(kernel.db, payment.paymentId, { nextTime, problem })
  }
  try {
    const state =
      payment.state === 'closing' ? await close(kernel, platform, payment) : await ask(kernel, platform, payment)
    if (state === 'open') await postpone(null)
    return true
  } catch (error) {
    if (!(error instanceof PlatformFault)) throw error
    kernel.log.warn({ reason: error.message, payment: payment.number }, 'a payment can’t be settled')
    await postpone(error.message)
    return error.kind !== 'unreachable'
  }
}

/** Time after which a payment that the platform doesn't know was not begun there, in milliseconds. */
const BEGUN_MS = 120_000

async function ask(kernel: Kernel, platform: PaymentPlatform, payment: store.PlatformPayment) {
  const report = await platform.find(payment.number)
  if (report) {
    await settlePayment(kernel, report)
    return report.state
  }
  const isOld = kernel.clock.now().getTime() - payment.createTime.getTime() >= BEGUN_MS
  if (payment.state !== 'closing' || !isOld) return 'open'
  await store.writeClosed(kernel.db, payment.paymentId, kernel.clock.now())
  return 'closed'
}

/** Closes a payment unless it was paid, and asks again if the platform refuses: it may have been paid meanwhile. */
async function close(kernel: Kernel, platform: PaymentPlatform, payment: store.PlatformPayment) {
  const state = await ask(kernel, platform, payment)
  if (state !== 'open') return state
  try {
    await platform.close(payment.number)
  } catch (error) {
    if (!(error instanceof PlatformFault) || error.kind !== 'refused') throw error
  }
  return await ask(kernel, platform, payment)
}

/**
 * Closes the open payment of an order, so that it ends paid or unpaid. Money that arrived counts or is owed back.
 * Returns false if the platform can't be reached.
 */
export async function concludePayments(kernel: Kernel, platform: PaymentPlatform, orderId: number): Promise<boolean> {
  const open = await store.openPaymentOf(kernel.db, orderId)
  if (open) await store.writeClosing(kernel.db, open.paymentId, kernel.clock.now())
  for (const payment of await store.closingPaymentsOf(kernel.db, orderId))
    if (!(await checkPayment(kernel, platform, payment))) return false
  return true
}
