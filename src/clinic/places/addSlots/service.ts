import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { addSlot } from '../../core/addSlot.ts'
import { foundFacts } from '../../core/booking.ts'
import { alreadyDecided, decisionChanges, tellDecision, tellRequest } from '../../core/decisions/decisions.ts'
import type { Verdict } from '../../core/decisions/fields.ts'
import type { Differences } from '../../core/differences.ts'
import { lockPatient } from '../../core/ordersStore.ts'
import { callingDoctor } from '../../core/people.ts'
import { noSuchSchedule, refused } from '../../core/refusals.ts'
import { refusals } from '../../core/rules.ts'
import { findSchedule } from '../../core/schedulesStore.ts'
import type { SlotType } from '../../core/types.ts'
import { isAdministrator } from '../../permissions.ts'
import { missing, notAllowed } from '../../sentences.ts'
import * as store from './store.ts'

/** A wish for an additional number; without a kind it has that of the schedule. */
export interface Wish {
  readonly scheduleId: number
  readonly patientId: number
  readonly slotType?: SlotType | undefined
  readonly reason: string
}

/**
 * Adds a number for a patient at once (administrators), or asks for it (the schedule's doctor).
 * @throws Invalid 102 for other people; 106; refusals like `addSlot`; `already_submitted` while a request is pending.
 */
export async function requestSlot(
  kernel: Kernel,
  caller: Caller,
  wish: Wish,
): Promise<{ readonly orderId: number } | { readonly auditId: number }> {
  const doctor = isAdministrator(caller) ? null : await callingDoctor(kernel, caller)
  const now = kernel.clock.now()
  const made = await kernel.transaction(async (tx) => {
    const schedule = await findSchedule(tx, wish.scheduleId)
    if (!schedule) throw noSuchSchedule()
    const slotType = wish.slotType ?? schedule.slotType
    if (!doctor) return { orderId: await addSlot(kernel, tx, caller, { ...wish, slotType }, now) }
    if (schedule.doctorId !== doctor.doctorId) throw notAllowed('只能在本人的排班上加号')
    const zone = kernel.config.timeZone
    await lockPatient(tx, wish.patientId)
    const facts = await foundFacts(tx, { ...wish, userId: caller.userId, now, zone })
    const [refusal] = refusals(facts, 'add_slot', now, zone)
    if (refusal) throw refused(refusal, facts, now, zone)
    const row = { ...wish, slotType, doctorId: doctor.doctorId, applicantId: caller.userId }
    const auditId = await store.insertRequest(tx, row, now)
    const what = `${facts.patient.name} ${schedule.date} ${schedule.timeSection}`
    await tellRequest(kernel, tx, doctor, { kind: '加号', id: auditId, what }, now)
    const { scheduleId, patientId } = wish
    const asked = {
      schedule_id: [null, scheduleId],
      patient_id: [null, patientId],
      slot_type: [null, slotType],
    } as const
    await note(tx, caller, 'request', auditId, now, { status: [null, 'pending'], ...asked })
    return { auditId }
  })
  kernel.nudge()
  return made
}

/** All requests, or those of a state. */
export async function listRequests(kernel: Kernel, status?: string): Promise<readonly store.AddSlotRequest[]> {
  return await kernel.withRetries((db) => store.listRequests(db, { status }))
}

/** The caller's own requests. @throws Invalid 102 if the caller is no doctor. */
export async function listMine(kernel: Kernel, caller: Caller): Promise<readonly store.AddSlotRequest[]> {
  await callingDoctor(kernel, caller)
  return await kernel.withRetries((db) => store.listRequests(db, { applicantId: caller.userId }))
}

/** Takes back a pending request of the caller. @throws Invalid 106 for other people's; `already_decided`. */
export async function cancelMine(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const request = await store.lockRequest(tx, id)
    if (request?.applicantId !== caller.userId) throw missing('加号申请')
    if (request.status !== 'pending') throw alreadyDecided()
    await store.deleteRequest(tx, id)
    await note(tx, caller, 'cancel', id, now, { status: ['pending', null] })
  })
  kernel.nudge()
}

/**
 * Decides about a request. An approval makes the order. Returns the order's id.
 * @throws Invalid 106; `already_decided`; refusals like `addSlot`, which leave the request pending.
 */
export async function decide(kernel: Kernel, caller: Caller, id: number, verdict: Verdict): Promise<number | null> {
  const orderId = await kernel.transaction(async (tx) => {
    const request = await store.lockRequest(tx, id)
    if (!request) throw missing('加号申请')
    if (request.status !== 'pending') throw alreadyDecided()
    if (request.applicantId === caller.userId) throw notAllowed('不能审核自己的申请')
    const made = verdict.approves ? await addSlot(kernel, tx, caller, request, verdict.now) : null
    await store.writeDecision(tx, id, verdict, made)
    const { patientName: what, applicantId: userId } = request
    await tellDecision(tx, verdict, { kind: '加号', id, what, userId })
    const changes = { ...decisionChanges(verdict), ...(made !== null && { order_id: [null, made] as const }) }
    await note(tx, caller, verdict.approves ? 'approve' : 'reject', id, verdict.now, changes)
    return made
  })
  kernel.nudge()
  return orderId
}

async function note(
  tx: Transaction,
  caller: Caller,
  verb: string,
  resourceId: number,
  now: Date,
  changes: Differences,
): Promise<void> {
  const action = `clinic.add_slot.${verb}`
  await record(tx, now, { ...originOf(caller), action, resource: 'clinic_add_slot', resourceId, changes })
}
