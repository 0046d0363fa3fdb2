import type { Kernel } from '../../../kernel/kernel.ts'
import { type PaymentPlatform, PlatformFault, type RefundReport } from './port.ts'
import { nextRefundTry } from './rules.ts'
import * as store from './store.ts'

/**
 * Books what the platform says about one of our refunds. Final states stay.
 * @throws PlatformFault `untrusted` if we have no such refund, or it is of another payment or amount
 */
export async function settleRefund(kernel: Kernel, report: RefundReport, tries = 0): Promise<void> {
  const now = kernel.clock.now()
  if (!(await store.writeRefund(kernel.db, report, nextRefundTry(now, tries), now)))
    throw new PlatformFault('untrusted', 'a refund that we did not send')
  if (report.state === 'failed')
    kernel.log.error({ refund: report.refundNumber, reason: report.word }, 'the platform could not give money back')
}

/**
 * Sends a refund that is owed, or asks for one that the platform has accepted. Sent again under the same number, it is
 * given once. Returns false if the platform can't be reached.
 */
export async function sendRefund(
  kernel: Kernel,
  platform: PaymentPlatform,
  refund: store.PlatformRefund,
): Promise<boolean> {
  const { refundId, refundNumber, number, total, amount, reason, state, tries } = refund
  try {
    const known = state === 'accepted' ? await platform.findRefund(refundNumber) : null
    const report = known ?? (await platform.refund({ refundNumber, number, total, amount, reason: reason ?? '' }))
    await settleRefund(kernel, report, tries)
    return true
  } catch (error) {
    if (!(error instanceof PlatformFault)) throw error
    kernel.log.warn({ reason: error.message, refund: refundNumber }, 'a refund could not be sent')
    const nextTime = nextRefundTry(kernel.clock.now(), tries)
    await store.postponeRefund(kernel.db, refundId, { nextTime, problem: error.message })
    return error.kind !== 'unreachable'
  }
}
