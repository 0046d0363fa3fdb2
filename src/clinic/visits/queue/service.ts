import { minutesAfter } from '../../../booking/interval.ts'
import { type Origin, originOf, SYSTEM } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { localDate } from '../../../kernel/time.ts'
import { isOwn } from '../../core/cancelling.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import { tellOrders } from '../../core/messages.ts'
import { noteNotice } from '../../core/noticesStore.ts'
import { lockSchedules } from '../../core/numbersStore.ts'
import { findOrder, lockOrder, lockOrders, type Order } from '../../core/ordersStore.ts'
import { passLimitOf } from '../../core/passes/store.ts'
import { callingDoctor } from '../../core/people.ts'
import type { RecordChange } from '../../core/records/rules.ts'
import { writeRecord } from '../../core/records/writing.ts'
import { noSuchOrder, noSuchSchedule } from '../../core/refusals.ts'
import { sessionOf } from '../../core/sections/rules.ts'
import { writeCall, writeCompletion, writeNoShow, writePass } from '../../core/visitMovesStore.ts'
import { CODES, refusal } from '../../sentences.ts'
import { clinicSettings } from '../../settings.ts'
import { findSession, ordersOf, type Session } from './lineStore.ts'
import { type Line, lineOf, type Place, placeOf } from './rules.ts'
import * as store from './store.ts'

/** Minutes after the end of a session at which patients who did not come are noted. */
const GRACE_MINUTES = 30

/** The queue of a session. */
export interface Queue {
  readonly session: Session
  readonly line: Line<Order>
}

/** Reads a queue. @throws Invalid 102 if the caller is no doctor; 106 for other doctors' schedules. */
export async function readQueue(kernel: Kernel, caller: Caller, scheduleId: number): Promise<Queue> {
  const { doctorId } = await callingDoctor(kernel, caller)
  return await kernel.withRetries(async (db) => {
    const session = await findSession(db, scheduleId)
    if (session?.doctorId !== doctorId) throw noSuchSchedule()
    return { session, line: lineOf(await ordersOf(db, [scheduleId])) }
  })
}

/** Reads the place of one of the caller's orders in its queue. @throws Invalid 106 for other people's orders. */
export async function readPlace(
  kernel: Kernel,
  caller: Pick<Caller, 'userId'>,
  orderId: number,
): Promise<{ readonly order: Order; readonly place: Place }> {
  return await kernel.withRetries(async (db) => {
    const order = await findOrder(db, orderId)
    if (!order || !isOwn(order, caller)) throw noSuchOrder()
    const line = lineOf(await ordersOf(db, [order.scheduleId]))
    const { schedule: rules } = await readConfiguration(db)
    return { order, place: placeOf(order, line, rules, kernel.clock.now(), kernel.config.timeZone) }
  })
}

/**
 * Calls the next patient: by passes, priority and number.
 * @throws Invalid 102, 106; `not_today` unless the session is today; `still_calling`; `nobody_waits`.
 */
export async function callNext(kernel: Kernel, caller: Caller, scheduleId: number): Promise<Order> {
  const { doctorId } = await callingDoctor(kernel, caller)
  const now = kernel.clock.now()
  const called = await kernel.transaction(async (tx) => {
    const session = await findSession(tx, scheduleId)
    if (session?.doctorId !== doctorId) throw noSuchSchedule()
    checkDay(kernel, session.date, now)
    await lockSchedules(tx, [scheduleId])
    if (await store.isCalling(tx, scheduleId))
      throw refusal(CODES.request, 'still_calling', '当前患者就诊尚未结束，请先完成或过号')
    const next = await store.nextOrder(tx, scheduleId)
    if (next === undefined) throw refusal(CODES.request, 'nobody_waits', '当前没有候诊患者')
    await writeCall(tx, next, now)
    const [order] = await lockOrders(tx, [next])
    if (!order) throw noSuchOrder()
    await tell(kernel, tx, order, 'clinic.order.called', now)
    await tellNear(kernel, tx, scheduleId, now)
    await note(tx, originOf(caller), 'call', next, now)
    return order
  })
  kernel.nudge()
  return called
}

/** Tells those who are next in a locked schedule that their turn is near, once each. */
async function tellNear(kernel: Kernel, tx: Transaction, scheduleId: number, now: Date): Promise<void> {
  const { waiting } = lineOf(await ordersOf(tx, [scheduleId]))
  const near = waiting.slice(0, clinicSettings.of(kernel.config).nearAhead + 1)
  const ids = near.map(({ orderId }) => orderId)
  const fresh = await noteNotice(tx, ids, 'near', now)
  const { schedule: rules } = await readConfiguration(tx)
  await tellOrders(
    tx,
    near.filter(({ orderId }) => fresh.has(orderId)),
    'clinic.order.near',
    { rules, zone: kernel.config.timeZone, now },
    ({ orderId }) => ({ ahead: ids.indexOf(orderId) }),
  )
}

/**
 * Ends the visit of the patient who is being called, and writes its record if there is one.
 * @throws Invalid 102, 106; `not_calling`; as `writeRecord`.
 */
export async function completeVisit(
  kernel: Kernel,
  caller: Caller,
  orderId: number,
  change: RecordChange | undefined,
): Promise<Order> {
  const zone = kernel.config.timeZone
  return await moveCalled(kernel, caller, orderId, async (tx, order, now) => {
    if (!(await writeCompletion(tx, order, now))) throw notCalling()
    if (change) await writeRecord(tx, order, { change, caller, now, zone })
    await note(tx, originOf(caller), 'complete', orderId, now)
  })
}

/**
 * Passes the patient who is being called: they go behind the others, and count as absent after the last pass. The number
 * of passes is configured, unless `mostPasses` names it.
 * @throws Invalid 102, 106; `not_calling`.
 */
export async function passPatient(
  kernel: Kernel,
  caller: Caller,
  orderId: number,
  mostPasses: number | undefined,
): Promise<Order> {
  return await moveCalled(kernel, caller, orderId, async (tx, order, now) => {
    if (!(await writePass(tx, orderId, now))) throw notCalling()
    const most = mostPasses ?? (await passLimitOf(tx, { level: 'DOCTOR', id: order.doctorId })).most
    const isAbsent = order.passCount + 1 >= most
    if (isAbsent) await writeNoShow(tx, order, now)
    await tell(kernel, tx, order, isAbsent ? 'clinic.order.no_show' : 'clinic.order.passed', now)
    await note(tx, originOf(caller), 'pass', orderId, now)
  })
}

async function moveCalled(
  kernel: Kernel,
  caller: Caller,
  orderId: number,
  move: (tx: Transaction, order: Order, now: Date) => Promise<void>,
): Promise<Order> {
  const { doctorId } = await callingDoctor(kernel, caller)
  const now = kernel.clock.now()
  const moved = await kernel.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId)
    if (order?.doctorId !== doctorId) throw noSuchOrder()
    await move(tx, order, now)
    const [after] = await lockOrders(tx, [orderId])
    return after ?? order
  })
  kernel.nudge()
  return moved
}

function notCalling() {
  return refusal(CODES.request, 'not_calling', '该患者当前未在就诊，请先叫号')
}

function checkDay(kernel: Kernel, date: string, now: Date): void {
  if (date !== localDate(now, kernel.config.timeZone)) throw refusal(CODES.request, 'not_today', '只能在出诊当天叫号')
}

const BATCH = 200

/** The job that notes patients who did not come, half an hour after the end of their session. */
export async function noteNoShows(kernel: Kernel): Promise<void> {
  const now = kernel.clock.now()
  const zone = kernel.config.timeZone
  const { schedule: rules } = await readConfiguration(kernel.db)
  for (let after = 0; ; ) {
    const found = await store.unattended(kernel.db, localDate(now, zone), after, BATCH)
    for (const one of found) {
      after = one.orderId
      if (minutesAfter(sessionOf(rules, one, zone).endAt, GRACE_MINUTES) > now) continue
      await kernel.transaction(async (tx) => {
        const order = await lockOrder(tx, one.orderId)
        if (!order || !(await writeNoShow(tx, order, now))) return
        await tell(kernel, tx, order, 'clinic.order.no_show', now)
        await note(tx, SYSTEM, 'no_show', one.orderId, now)
      })
    }
    kernel.nudge()
    if (found.length < BATCH) return
  }
}

async function tell(kernel: Kernel, tx: Transaction, order: Order, type: string, now: Date): Promise<void> {
  const { schedule: rules } = await readConfiguration(tx)
  await tellOrders(tx, [order], type, { rules, zone: kernel.config.timeZone, now })
}

async function note(tx: Transaction, origin: Origin, verb: string, resourceId: number, now: Date): Promise<void> {
  await record(tx, now, { ...origin, action: `clinic.visit.${verb}`, resource: 'clinic_order', resourceId })
}
