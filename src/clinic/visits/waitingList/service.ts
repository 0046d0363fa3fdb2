import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { localDate } from '../../../kernel/time.ts'
import { foundFacts } from '../../core/booking.ts'
import { cancelOrder, lockOwnOrder } from '../../core/cancelling.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import { endOrders } from '../../core/ending.ts'
import { lockSchedules } from '../../core/numbersStore.ts'
import { findOrder, lockOrder, lockPatient, type Order } from '../../core/ordersStore.ts'
import { refused } from '../../core/refusals.ts'
import { closesAt, priceOf, refusals } from '../../core/rules.ts'
import { promote } from '../../core/waitingList.ts'
import { CODES, missing, refusal } from '../../sentences.ts'
import * as store from './store.ts'

const noEntry = () => missing('候补记录')

/**
 * Puts a patient on the waiting list of a schedule whose numbers are all taken. The rules are the same as for
 * registering. Returns the order and its place in the line.
 * @throws Invalid 1005 if a number is free; 1006 if the patient waits already; and like registering.
 */
export async function joinLine(
  kernel: Kernel,
  caller: Caller,
  { scheduleId, patientId }: { readonly scheduleId: number; readonly patientId: number },
): Promise<{ readonly order: Order; readonly place: number }> {
  const now = kernel.clock.now()
  const zone = kernel.config.timeZone
  const joined = await kernel.transaction(async (tx) => {
    await lockPatient(tx, patientId)
    await lockSchedules(tx, [scheduleId])
    const facts = await foundFacts(tx, { scheduleId, patientId, userId: caller.userId, now, zone })
    const found = refusals(facts, 'normal', now, zone)
    const [other] = found.filter((one) => one !== 'sold_out')
    if (other === 'already_waiting')
      throw refusal(CODES.alreadyWaiting, 'already_waiting', '该患者已在此号源的候补队列中')
    if (other) throw refused(other, facts, now, zone)
    if (!found.includes('sold_out')) throw refusal(CODES.waitingNotNeeded, 'numbers_free', '该时段还有号源，请直接挂号')
    const orderId = await store.insertWaiting(tx, facts, { userId: caller.userId, price: priceOf(facts), now })
    await note(tx, caller, 'join', orderId, now)
    const order = await findOrder(tx, orderId)
    if (!order) throw noEntry()
    return { order, place: await store.placeInLine(tx, order) }
  })
  kernel.nudge()
  return joined
}

/** The caller's entries on waiting lists. */
export async function myEntries(kernel: Kernel, caller: Caller): Promise<readonly store.Waiting[]> {
  return await kernel.withRetries((db) => store.listWaiting(db, caller.userId))
}

/** Takes one of the caller's entries off its waiting list. @throws Invalid 106. */
export async function leaveLine(kernel: Kernel, caller: Caller, orderId: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const order = await lockOwnOrder(tx, caller, orderId)
    if (order.status !== 'waitlist') throw noEntry()
    await cancelOrder(kernel, tx, order, { caller, reason: '患者取消候补', now })
  })
  kernel.nudge()
}

/**
 * Turns one of the caller's entries into an order, if a number is free for it. Usually that has happened by itself.
 * @throws Invalid 106; 1008 if no number is free, or others are before it; and like registering.
 */
export async function convertEntry(
  kernel: Kernel,
  caller: Caller,
  orderId: number,
): Promise<{ readonly order: Order; readonly number: number }> {
  const now = kernel.clock.now()
  const zone = kernel.config.timeZone
  const converted = await kernel.transaction(async (tx) => {
    const order = await lockOwnOrder(tx, caller, orderId)
    if (order.status !== 'waitlist') throw noEntry()
    const question = { ...order, userId: order.initiatorId, except: orderId, now, zone }
    const facts = await foundFacts(tx, question)
    // The entry of a patient with an account may be somebody else's: then a ban of either one counts.
    const own =
      caller.userId === order.initiatorId ? facts : await foundFacts(tx, { ...question, userId: caller.userId })
    if (own.ban) throw refused('banned', own, now, zone)
    const place = await store.placeInLine(tx, order)
    if (place > facts.schedule.remainingSlots)
      throw refusal(CODES.nothingToConvert, 'no_number', '暂无可用号源，请继续等待候补通知')
    const [found] = refusals(facts, 'waitlist', now, zone)
    if (found) throw refused(found, facts, now, zone)
    const number = await promote(kernel, tx, facts, orderId, now)
    if (number === null) throw refusal(CODES.nothingToConvert, 'no_number', '暂无可用号源，请继续等待候补通知')
    await note(tx, caller, 'convert', orderId, now)
    const after = await findOrder(tx, orderId)
    if (!after) throw noEntry()
    return { order: after, number }
  })
  kernel.nudge()
  return converted
}

const BATCH = 200

/** The job that ends the waiting for sessions that nobody can register for any more, and tells the people who waited. */
export async function endClosedWaiting(kernel: Kernel): Promise<void> {
  const now = kernel.clock.now()
  const zone = kernel.config.timeZone
  const configuration = await readConfiguration(kernel.db)
  for (let after = 0; ; ) {
    const found = await store.waitingUpTo(kernel.db, localDate(now, zone), after, BATCH)
    for (const { orderId, ...schedule } of found) {
      after = orderId
      if (closesAt({ schedule, configuration }, 'waitlist', zone) > now) continue
      await kernel.transaction(async (tx) => {
        const order = await lockOrder(tx, orderId)
        if (order?.status !== 'waitlist') return
        await endOrders(kernel, tx, [order], {
          to: 'cancelled',
          reason: '该时段已停止挂号',
          by: null,
          now,
          refunds: false,
          message: 'clinic.waitlist.ended',
          action: 'clinic.waitlist.end',
        })
      })
    }
    kernel.nudge()
    if (found.length < BATCH) return
  }
}

async function note(tx: Transaction, caller: Caller, verb: string, resourceId: number, now: Date): Promise<void> {
  await record(tx, now, {
    ...originOf(caller),
    action: `clinic.waitlist.${verb}`,
    resource: 'clinic_order',
    resourceId,
  })
}
