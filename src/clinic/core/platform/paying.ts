import type { Transaction } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { CODES, refusal } from '../../sentences.ts'
import { orderNumber } from '../orderNumber.ts'
import type { Order } from '../ordersStore.ts'
import { platformOf } from './platform.ts'
import { type PaymentPlatform, PlatformFault } from './port.ts'
import { FIRST_QUESTION_SECONDS } from './rules.ts'
import { checkPayment } from './settling.ts'
import * as store from './store.ts'

/**
 * Prepares the payment of a locked pending order at the platform. A payment that is open stays, unless the price has
 * changed or it has expired: then it is to be closed, and a new one begins. Returns the payment's id.
 */
export async function preparePayment(tx: Transaction, order: Order, now: Date): Promise<number> {
  const open = await store.openPaymentOf(tx, order.orderId)
  if (open && open.amount === order.price && open.expiresAt > now) return open.paymentId
  if (open) await store.writeClosing(tx, open.paymentId, now)
  return await store.insertPayment(tx, {
    orderId: order.orderId,
    amount: order.price,
    expiresAt: order.expiresAt ?? now,
    nextTime: new Date(now.getTime() + FIRST_QUESTION_SECONDS * 1000),
    now,
  })
}

/**
 * The content of the QR code of a prepared payment. Payments that it replaces are closed first. Null if the payment
 * has ended meanwhile. Call it outside transactions.
 * @throws Invalid `platform_unavailable`
 */
export async function codeOf(kernel: Kernel, order: Order, paymentId: number): Promise<string | null> {
  const platform = platformOf(kernel)
  if (!platform) throw unavailable()
  for (const old of await store.closingPaymentsOf(kernel.db, order.orderId)) await checkPayment(kernel, platform, old)
  const payment = await store.findPayment(kernel.db, paymentId)
  if (payment?.state !== 'open') return null
  if (payment.codeUrl !== null) return payment.codeUrl
  try {
    const code = await openPayment(kernel, platform, order, payment)
    await store.writeCode(kernel.db, paymentId, code)
  } catch (error) {
    if (!(error instanceof PlatformFault)) throw error
    kernel.log.warn({ reason: error.message, payment: payment.number }, 'a payment could not be begun')
    // An error code may mean that it is paid or closed.
    if (error.kind === 'refused' && error.code !== null) await checkPayment(kernel, platform, payment)
    throw unavailable()
  }
  const written = await store.findPayment(kernel.db, paymentId)
  return written?.codeUrl ?? null
}

async function openPayment(
  kernel: Kernel,
  platform: PaymentPlatform,
  order: Order,
  { number, amount, expiresAt }: store.PlatformPayment,
): Promise<string> {
  // The same words at every try: the platform takes other ones for another payment. They say nothing of the illness.
  const description = `门诊挂号 ${orderNumber(order, kernel.config.timeZone)}`
  return await platform.open({ number, amount, description, expiresAt })
}

const unavailable = () => refusal(CODES.request, 'platform_unavailable', '微信支付暂时不可用，请稍后再试或到窗口支付')
