import { earlier, minutesAfter } from '../../booking/interval.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { plainMoment } from '../fields.ts'
import { endOrders } from './ending.ts'
import { readFacts } from './factsStore.ts'
import { tellOrders } from './messages.ts'
import { takeNumber } from './numbersStore.ts'
import { lockOrders, raiseRevision, writePromotion } from './ordersStore.ts'
import { refused } from './refusals.ts'
import { closesAt, type Facts, priceOf, refusals } from './rules.ts'
import { soldOutMemory } from './soldOut.ts'
import { lockPatientAtOnce, nextWaiting } from './waitingListStore.ts'

/**
 * Gives the free numbers of a locked schedule to the first on its waiting list. Every transaction that frees or adds
 * numbers calls this. Each is judged again by the rules of today: who may not register any more loses the place in the
 * line and is told why.
 */
export async function promoteWaiting(kernel: Kernel, tx: Transaction, scheduleId: number, now: Date): Promise<void> {
  soldOutMemory(kernel).forget(scheduleId)
  const zone = kernel.config.timeZone
  for (let last = 0; ; ) {
    const next = await nextWaiting(tx, scheduleId, last)
    if (!next) return
    last = next.orderId
    await lockPatientAtOnce(tx, next.patientId)
    const question = { ...next, scheduleId, except: next.orderId, now, zone }
    const facts = await readFacts(tx, question)
    if (typeof facts === 'string') return
    const [refusal] = refusals(facts, 'waitlist', now, zone)
    if (refusal === 'sold_out' || refusal === 'stopped' || refusal === 'over') return
    if (refusal) {
      const [order] = await lockOrders(tx, [next.orderId])
      const reason = refused(refusal, facts, now, zone).message
      if (order)
        await endOrders(kernel, tx, [order], {
          to: 'cancelled',
          reason,
          by: null,
          now,
          refunds: false,
          message: 'clinic.waitlist.ended',
          action: 'clinic.waitlist.end',
        })
      continue
    }
    await promote(kernel, tx, facts, next.orderId, now)
  }
}

/** Gives one order of the waiting list a number. Returns the number, or null if none is free. */
export async function promote(
  kernel: Kernel,
  tx: Transaction,
  facts: Facts,
  orderId: number,
  now: Date,
): Promise<number | null> {
  const zone = kernel.config.timeZone
  const number = await takeNumber(tx, facts.schedule.id)
  if (number === null) return null
  const { paymentTimeoutMinutes } = facts.configuration.registration
  const expiresAt = earlier(minutesAfter(now, paymentTimeoutMinutes), closesAt(facts, 'waitlist', zone))
  const price = priceOf(facts)
  await writePromotion(tx, { orderId, number, price, expiresAt, now })
  await raiseRevision(tx, facts.patient.id)
  const promoted = await lockOrders(tx, [orderId])
  const context = { rules: facts.configuration.schedule, zone, now }
  await tellOrders(tx, promoted, 'clinic.waitlist.promoted', context, () => ({
    pay_until: price > 0 ? plainMoment(expiresAt, zone) : '',
  }))
  return number
}
