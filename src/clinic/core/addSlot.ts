import { earlier, minutesAfter } from '../../booking/interval.ts'
import { originOf } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { record } from '../../kernel/outbox/outbox.ts'
import { plainMoment } from '../fields.ts'
import { insertAddedOrder, lockPatient } from './addSlotStore.ts'
import { foundFacts } from './booking.ts'
import { tellOrders } from './messages.ts'
import { addNumber, lockSchedules } from './numbersStore.ts'
import { lockOrders, raiseRevision } from './ordersStore.ts'
import { resolvedPrice } from './prices/rules.ts'
import { pricesFor } from './prices/store.ts'
import { noSuchPatient, refused } from './refusals.ts'
import { closesAt, type Facts, priceOf, refusals } from './rules.ts'
import type { SlotType } from './types.ts'

/** A request for an additional number. */
export interface AddedSlot {
  readonly scheduleId: number
  readonly patientId: number
  readonly slotType: SlotType
}

/**
 * Adds a number to a schedule and gives it to a patient: the total grows by one, and the order is pending until it is
 * paid, or confirmed if it costs nothing. A kind other than that of the schedule has its own resolved price. In the
 * caller's transaction. Returns the order's id.
 * @throws Invalid 106 for schedule and patient; the code of the refusal if the schedule is stopped or over, or the
 * patient has an order for it.
 */
export async function addSlot(
  kernel: Kernel,
  tx: Transaction,
  caller: Caller,
  slot: AddedSlot,
  now: Date,
): Promise<number> {
  const zone = kernel.config.timeZone
  const { scheduleId, patientId, slotType } = slot
  const person = await lockPatient(tx, patientId)
  if (!person) throw noSuchPatient()
  await lockSchedules(tx, [scheduleId])
  const facts = await foundFacts(tx, { scheduleId, patientId, userId: caller.userId, now, zone })
  const [refusal] = refusals(facts, 'add_slot', now, zone)
  if (refusal) throw refused(refusal, facts, now, zone)
  const price = await priceOfSlot(tx, facts, slotType)
  const { registration, schedule: rules } = facts.configuration
  const expiresAt = earlier(minutesAfter(now, registration.paymentTimeoutMinutes), closesAt(facts, 'add_slot', zone))
  const initiatorId = person.userId ?? caller.userId
  const number = await addNumber(tx, scheduleId)
  const orderId = await insertAddedOrder(tx, facts, { initiatorId, slotType, number, price, expiresAt, now })
  await raiseRevision(tx, patientId)
  const type = price > 0 ? 'clinic.order.pending' : 'clinic.order.confirmed'
  const pay_until = price > 0 ? plainMoment(expiresAt, zone) : ''
  await tellOrders(tx, await lockOrders(tx, [orderId]), type, { rules, zone, now }, () => ({ pay_until }))
  await record(tx, now, {
    ...originOf(caller),
    action: 'clinic.order.add_slot',
    resource: 'clinic_order',
    resourceId: orderId,
  })
  return orderId
}

/** The price of an added number after the patient's discount, in fen. */
async function priceOfSlot(tx: Transaction, facts: Facts, slotType: SlotType): Promise<number> {
  const { schedule } = facts
  if (slotType === schedule.slotType) return priceOf(facts)
  const price = resolvedPrice(await pricesFor(tx, schedule), slotType)
  return priceOf({ ...facts, schedule: { ...schedule, price } })
}
