import { originOf } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { record } from '../../kernel/outbox/outbox.ts'
import { localDate } from '../../kernel/time.ts'
import { CODES, refusal } from '../sentences.ts'
import { readConfiguration } from './configuration/store.ts'
import { type Order, writeCheckIn } from './ordersStore.ts'
import { badState } from './refusals.ts'
import { sessionOf } from './sections/rules.ts'

/**
 * Notes that the patient of a locked order has arrived. Possible on the day of the visit until the session ends.
 * Returns the instant of the first check-in; checking in again changes nothing.
 * @throws Invalid `bad_state`, `wrong_day` or `over`.
 */
export async function checkIn(kernel: Kernel, tx: Transaction, order: Order, caller: Caller, now: Date): Promise<Date> {
  if (order.status !== 'confirmed') throw badState(order)
  if (order.checkInTime) return order.checkInTime
  const zone = kernel.config.timeZone
  if (localDate(now, zone) !== order.date)
    throw refusal(CODES.request, 'wrong_day', `只能在就诊当日（${order.date}）签到`)
  const { schedule } = await readConfiguration(tx)
  if (now >= sessionOf(schedule, order, zone).endAt) throw refusal(CODES.request, 'over', '该时段已结束，不能签到')
  await writeCheckIn(tx, order.orderId, now)
  await record(tx, now, {
    ...originOf(caller),
    action: 'clinic.order.check_in',
    resource: 'clinic_order',
    resourceId: order.orderId,
  })
  return now
}
