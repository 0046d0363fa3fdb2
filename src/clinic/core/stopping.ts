import type { Origin } from '../../kernel/audit/origin.ts'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { record } from '../../kernel/outbox/outbox.ts'
import { localDate } from '../../kernel/time.ts'
import { type Alternative, alternativesTo } from './alternativesStore.ts'
import { endOrders } from './ending.ts'
import { lockSchedules } from './numbersStore.ts'
import { lockOrders, type Order, orderIdsOf, orders } from './ordersStore.ts'
import { soldOutMemory } from './soldOut.ts'
import { OPEN } from './states.ts'
import { lockPatientsOf, markStopped } from './stoppingStore.ts'

/** Orders that a stop would end. */
export interface StopPreview {
  readonly scheduleId: number
  readonly orders: readonly Order[]
  /** What would be given back, in fen. */
  readonly refund: number
}

/** What stopping schedules would do: their orders that are still ahead, and the money. Writes nothing. */
export async function previewStop(db: Database, scheduleIds: readonly number[]): Promise<readonly StopPreview[]> {
  const affected = await orders(db)
    .where('o.schedule_id', 'in', [0, ...scheduleIds])
    .where('o.status', 'in', OPEN)
    .orderBy('o.order_id')
    .execute()
  return scheduleIds.map((scheduleId) => {
    const own = affected.filter((order) => order.scheduleId === scheduleId)
    return { scheduleId, orders: own, refund: own.reduce((sum, { paid, refunded }) => sum + paid - refunded, 0) }
  })
}

/**
 * Stops schedules (停诊, leave, deletion, transfer): ends every order that is still ahead, refunds it in full, and tells
 * its people, with the doctor's next sessions and those of colleagues in the department. In the caller's transaction.
 * Returns the number of ended orders.
 */
export async function stopSchedules(
  kernel: Kernel,
  tx: Transaction,
  scheduleIds: readonly number[],
  stop: { readonly reason: string; readonly by: number | null; readonly now: Date; readonly origin: Origin },
): Promise<number> {
  if (scheduleIds.length === 0) return 0
  const { reason, by, now, origin } = stop
  await lockPatientsOf(tx, scheduleIds)
  await lockSchedules(tx, scheduleIds)
  await markStopped(tx, scheduleIds, reason, now)
  const today = localDate(now, kernel.config.timeZone)
  let ended = 0
  for (const scheduleId of scheduleIds) {
    const ids = await orderIdsOf(tx, scheduleId, OPEN)
    const others = ids.length > 0 ? await alternativesTo(tx, scheduleId, today) : []
    const gone = await endOrders(kernel, tx, await lockOrders(tx, ids), {
      to: 'cancelled',
      reason,
      by,
      now,
      origin,
      refunds: true,
      message: 'clinic.order.stopped',
      more: () => ({ alternatives: others.map(alternativeWords) }),
      action: 'clinic.order.stop',
    })
    ended += gone.length
    await record(tx, now, {
      ...origin,
      action: 'clinic.schedule.stop',
      resource: 'clinic_schedule',
      resourceId: scheduleId,
      changes: { orders: [ids.length, ids.length - gone.length] },
    })
    soldOutMemory(kernel).forget(scheduleId)
  }
  return ended
}

function alternativeWords({ date, timeSection, doctorName, clinicName, remainingSlots }: Alternative): string {
  return `${date} ${timeSection} ${doctorName}（${clinicName}，余 ${remainingSlots} 号）`
}
