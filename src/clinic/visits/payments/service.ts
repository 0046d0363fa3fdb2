import type { IncomingHttpHeaders } from 'node:http'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { platformOf } from '../../core/platform/platform.ts'
import { type Notification, PlatformFault } from '../../core/platform/port.ts'
import { sendRefund, settleRefund } from '../../core/platform/refunding.ts'
import { checkPayment, settlePayment } from '../../core/platform/settling.ts'
import { closeUnneeded, duePayments, dueRefunds } from '../../core/platform/store.ts'
import { CODES, missing, refusal } from '../../sentences.ts'
import * as store from './store.ts'

/** The platform repeats a notification that isn't answered by 200. */
const rejected = () => refusal(CODES.request, 'bad_notification', '通知的签名或内容不正确', { http: 400 })

/**
 * Takes a notification of the payment platform; its signature is the permission. Repeated ones change nothing.
 * @throws Invalid `bad_notification` (HTTP 400) if it isn't the platform's, or doesn't fit our payments
 */
export async function takeNotification(kernel: Kernel, headers: IncomingHttpHeaders, body: Buffer): Promise<void> {
  try {
    const platform = platformOf(kernel)
    if (!platform) throw new PlatformFault('untrusted', 'no payment platform is configured')
    await settle(kernel, platform.read(headers, body))
  } catch (error) {
    if (!(error instanceof PlatformFault)) throw error
    kernel.log.warn({ reason: error.message }, 'a notification about a payment was refused')
    throw rejected()
  }
}

async function settle(kernel: Kernel, notification: Notification): Promise<void> {
  if (notification?.payment) await settlePayment(kernel, notification.payment)
  if (notification?.refund) await settleRefund(kernel, notification.refund)
}

/** Number of payments or refunds that one run asks for. */
const BATCH = 200

/**
 * The job that asks the platform for payments whose outcome is not known: the answer or the notification was lost, or
 * the process was killed. Those that their orders don't need any more are closed there. It ends when the platform can't
 * be reached.
 */
export async function checkPayments(kernel: Kernel): Promise<void> {
  const platform = platformOf(kernel)
  if (!platform) return
  const now = kernel.clock.now()
  await closeUnneeded(kernel.db, now)
  for (const payment of await duePayments(kernel.db, now, BATCH))
    if (!(await checkPayment(kernel, platform, payment))) return
}

/** The job that sends the refunds that are owed, and asks for those that the platform has accepted. */
export async function sendRefunds(kernel: Kernel): Promise<void> {
  const platform = platformOf(kernel)
  if (!platform) return
  for (const refund of await dueRefunds(kernel.db, kernel.clock.now(), BATCH))
    if (!(await sendRefund(kernel, platform, refund))) return
}

/** A page of the refunds by the platform, the latest first. */
export async function listRefunds(
  kernel: Kernel,
  query: store.RefundQuery,
): Promise<{ readonly items: readonly store.ListedRefund[]; readonly total: number }> {
  return await kernel.withRetries((db) => store.listRefunds(db, query))
}

/**
 * Notes that staff gave back the money of a failed refund another way.
 * @throws Invalid 106; `bad_state` if the refund hasn't failed
 */
export async function settleOtherwise(kernel: Kernel, caller: Caller, refundId: number, note: string): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const { state, orderId } = (await store.lockRefund(tx, refundId)) ?? {}
    if (state === undefined || orderId === undefined) throw missing('退款')
    if (state !== 'failed') throw refusal(CODES.request, 'bad_state', '只有微信退款失败的款项才能改为其他方式退还')
    await store.writeSettled(tx, refundId, { note, by: caller.userId, now })
    await record(tx, now, {
      ...originOf(caller),
      action: 'clinic.order.settle_refund',
      resource: 'clinic_order',
      resourceId: orderId,
    })
  })
  kernel.nudge()
}
