import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { deleteUserWithin } from '../../../kernel/identity/accounts/administration.ts'
import { revoking } from '../../../kernel/identity/sessions/sessions.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { localDate } from '../../../kernel/time.ts'
import { type Differences, differences } from '../../core/differences.ts'
import { initialsOf } from '../../core/initials.ts'
import { keepDepartment, lockDepartment } from '../../core/parentsStore.ts'
import { deletePassLimit } from '../../core/passes/store.ts'
import { NO_PRICES, type Prices } from '../../core/prices/rules.ts'
import { deletePrices, pricesOf, setPrices } from '../../core/prices/store.ts'
import { stopSchedules } from '../../core/stopping.ts'
import { CODES, missing, refusal } from '../../sentences.ts'
import { type AccountContent, addAccount, prepareAccount } from './accounts.ts'
import * as store from './store.ts'

/** A doctor with their prices. */
export interface PricedDoctor extends store.DoctorRecord {
  readonly prices: Prices
}

/** Doctors with their prices. */
export async function listDoctors(
  kernel: Kernel,
  filter: store.DoctorFilter,
): Promise<{ readonly items: readonly PricedDoctor[]; readonly total: number }> {
  return await kernel.withRetries(async (db) => {
    const { items, total } = await store.listDoctors(db, filter)
    const doctorIds = items.map(({ id }) => id)
    const prices = await pricesOf(db, 'DOCTOR', doctorIds)
    return { items: items.map((item) => ({ ...item, prices: prices.get(item.id) ?? NO_PRICES })), total }
  })
}

/** A doctor. @throws Invalid 106. */
export async function getDoctor(kernel: Kernel, id: number): Promise<PricedDoctor> {
  return await kernel.withRetries(async (db) => {
    const doctor = await store.findDoctor(db, id)
    if (!doctor) throw missing('医生')
    return { ...doctor, prices: (await pricesOf(db, 'DOCTOR', [id])).get(id) ?? NO_PRICES }
  })
}

/** The content of a doctor's record. */
export type DoctorContent = Pick<store.NewDoctor, 'deptId' | 'name' | 'title' | 'specialty' | 'introduction'>

/**
 * Adds a doctor with their prices, and their account if it is given, in one transaction. Returns the id.
 * @throws Invalid 106 for the department; Conflict and Invalid like an account's registration.
 */
export async function addDoctor(
  kernel: Kernel,
  caller: Caller,
  content: DoctorContent,
  prices: Partial<Prices>,
  account: AccountContent | undefined,
): Promise<PricedDoctor> {
  const row = account && (await prepareAccount(kernel, content.name, account))
  const now = kernel.clock.now()
  const id = await kernel.transaction(async (tx) => {
    await keepDepartment(tx, content.deptId)
    const userId = row ? await addAccount(tx, row, caller.userId, now) : null
    const id = await store.insertDoctor(tx, { ...content, userId, initials: initialsOf(content.name) }, now)
    const { before, after } = await setPrices(tx, { level: 'DOCTOR', id }, prices, now)
    await note(tx, caller, 'add', id, now, { ...differences({}, content), ...differences(before, after) })
    return id
  })
  kernel.nudge()
  return await getDoctor(kernel, id)
}

/** Changes a doctor's record and prices. @throws Invalid 106. */
export async function changeDoctor(
  kernel: Kernel,
  caller: Caller,
  id: number,
  change: Partial<Omit<DoctorContent, 'deptId'>>,
  prices: Partial<Prices>,
): Promise<PricedDoctor> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const doctor = await store.lockDoctor(tx, id)
    if (!doctor) throw missing('医生')
    const initials = change.name === undefined ? {} : { initials: initialsOf(change.name) }
    await store.updateDoctor(tx, id, { ...change, ...initials })
    const { before, after } = await setPrices(tx, { level: 'DOCTOR', id }, prices, now)
    await note(tx, caller, 'change', id, now, { ...differences(doctor, change), ...differences(before, after) })
  })
  kernel.nudge()
  return await getDoctor(kernel, id)
}

/**
 * Deletes a doctor, their prices, configuration and account, and their schedules ahead. With `force` open orders are
 * stopped and refunded. Returns the name.
 * @throws Invalid 106; `has_orders` while there are open orders, unless forced; Conflict like `deleteUser`.
 */
export async function removeDoctor(kernel: Kernel, caller: Caller, id: number, force: boolean): Promise<string> {
  const now = kernel.clock.now()
  const userId = (await getDoctor(kernel, id)).userId
  const remove = async (tx: Transaction) => {
    if (userId !== null) await deleteUserWithin(tx, kernel, caller, userId, now)
    const doctor = await store.lockDoctor(tx, id)
    if (!doctor) throw missing('医生')
    const reason = `医生 ${doctor.name} 停止出诊`
    await endSchedulesAhead(kernel, tx, caller, { id, reason, force }, now)
    await store.updateDoctor(tx, id, { deleted_at: now, user_id: null, is_department_head: false })
    await deletePrices(tx, { level: 'DOCTOR', id })
    await deletePassLimit(tx, { level: 'DOCTOR', id })
    await note(tx, caller, 'remove', id, now)
    return doctor.name
  }
  const name = userId === null ? await kernel.transaction(remove) : await revoking(kernel, userId, remove)
  kernel.nudge()
  return name
}

/**
 * Deletes a locked doctor's schedules ahead. With `force` their open orders are stopped and refunded, and their patients
 * told.
 * @throws Invalid `has_orders` while there are open orders, unless forced.
 */
async function endSchedulesAhead(
  kernel: Kernel,
  tx: Transaction,
  caller: Caller,
  { id, reason, force }: { readonly id: number; readonly reason: string; readonly force: boolean },
  now: Date,
): Promise<void> {
  const ahead = await store.schedulesAhead(tx, id, localDate(now, kernel.config.timeZone))
  if (ahead.withOrders.length > 0 && !force)
    throw refusal(
      CODES.request,
      'has_orders',
      `该医生还有 ${ahead.withOrders.length} 个排班有未就诊的挂号，请先停诊，或以 force=true 强制执行并退款`,
    )
  await stopSchedules(kernel, tx, ahead.withOrders, { reason, by: caller.userId, now, origin: originOf(caller) })
  await store.deleteSchedules(tx, ahead.all, now)
}

/**
 * Moves a doctor to another department. Their schedules ahead, which are in clinics of the old one, end as when a doctor
 * is deleted. A head of the old department is none of the new one. Returns the old department.
 * @throws Invalid 106; `has_orders` while there are open orders, unless forced.
 */
export async function transferDoctor(
  kernel: Kernel,
  caller: Caller,
  { id, deptId, force }: { readonly id: number; readonly deptId: number; readonly force: boolean },
): Promise<{ readonly name: string; readonly oldDeptId: number }> {
  const now = kernel.clock.now()
  const moved = await kernel.transaction(async (tx) => {
    await keepDepartment(tx, deptId)
    const doctor = await store.lockDoctor(tx, id)
    if (!doctor) throw missing('医生')
    if (doctor.deptId === deptId) return { name: doctor.name, oldDeptId: deptId }
    const reason = `医生 ${doctor.name} 调往其他科室`
    await endSchedulesAhead(kernel, tx, caller, { id, reason, force }, now)
    await store.updateDoctor(tx, id, { dept_id: deptId, is_department_head: false })
    await note(tx, caller, 'transfer', id, now, { dept_id: [doctor.deptId, deptId] })
    return { name: doctor.name, oldDeptId: doctor.deptId }
  })
  kernel.nudge()
  return moved
}

/** Most heads of a department. */
export const MOST_HEADS = 2

/** Titles whose holders can head a department. */
const HEAD_TITLES = /^(主任|副主任)(医师)?$/

/**
 * Makes a doctor of a department one of its heads, or ends that.
 * @throws Invalid 106; `wrong_department`, `wrong_title`, `too_many_heads`.
 */
export async function setHead(
  kernel: Kernel,
  caller: Caller,
  { deptId, doctorId, isHead }: { readonly deptId: number; readonly doctorId: number; readonly isHead: boolean },
): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    await lockDepartment(tx, deptId)
    const doctor = await store.lockDoctor(tx, doctorId)
    if (!doctor) throw missing('医生')
    if (doctor.deptId !== deptId) throw refusal(CODES.request, 'wrong_department', '该医生不属于此科室')
    if (isHead && !HEAD_TITLES.test(doctor.title ?? ''))
      throw refusal(CODES.request, 'wrong_title', '只有主任或副主任医师可以担任科室长')
    await store.updateDoctor(tx, doctorId, { is_department_head: isHead })
    if ((await store.countHeads(tx, deptId)) > MOST_HEADS)
      throw refusal(CODES.request, 'too_many_heads', `一个科室最多 ${MOST_HEADS} 名科室长，请先取消其他科室长`)
    await note(tx, caller, 'set_head', doctorId, now, { is_department_head: [doctor.isHead, isHead] })
  })
  kernel.nudge()
}

async function note(
  tx: Transaction,
  caller: Caller,
  verb: string,
  resourceId: number,
  now: Date,
  changes: Differences = {},
): Promise<void> {
  await record(tx, now, {
    ...originOf(caller),
    action: `clinic.doctor.${verb}`,
    resource: 'clinic_doctor',
    resourceId,
    changes,
  })
}
