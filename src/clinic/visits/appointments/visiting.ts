import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { lockOwnOrder } from '../../core/cancelling.ts'
import { checkIn } from '../../core/checkingIn.ts'
import { badState } from '../../core/refusals.ts'
import * as store from './store.ts'

/** Checks the patient of one of the caller's orders in. @throws Invalid 106; see `checkIn`. */
export async function checkInMine(kernel: Kernel, caller: Caller, orderId: number): Promise<Date> {
  const now = kernel.clock.now()
  const at = await kernel.transaction(async (tx) =>
    checkIn(kernel, tx, await lockOwnOrder(tx, caller, orderId), caller, now),
  )
  kernel.nudge()
  return at
}

/** Reviews one of the caller's visits. @throws Invalid 106; `bad_state` unless it is over; `already_reviewed`. */
export async function reviewMine(
  kernel: Kernel,
  caller: Caller,
  orderId: number,
  review: { readonly rating: number; readonly comment?: string | null | undefined },
): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const order = await lockOwnOrder(tx, caller, orderId)
    if (order.status !== 'completed') throw badState(order)
    await store.insertReview(tx, order, { rating: review.rating, comment: review.comment ?? null }, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'clinic.order.review',
      resource: 'clinic_order',
      resourceId: orderId,
    })
  })
  kernel.nudge()
}
