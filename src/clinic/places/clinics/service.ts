import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { localDate } from '../../../kernel/time.ts'
import { type Differences, differences } from '../../core/differences.ts'
import { keepArea, keepDepartment } from '../../core/parentsStore.ts'
import { NO_PRICES, type Prices } from '../../core/prices/rules.ts'
import { deletePrices, pricesOf, setPrices } from '../../core/prices/store.ts'
import { CODES, missing, refusal } from '../../sentences.ts'
import * as store from './store.ts'

/** A clinic with its prices. */
export interface PricedClinic extends store.Clinic {
  readonly prices: Prices
}

/** Clinics with their prices. */
export async function listClinics(
  kernel: Kernel,
  filter: store.ClinicFilter,
): Promise<{ readonly items: readonly PricedClinic[]; readonly total: number }> {
  return await kernel.withRetries(async (db) => {
    const { items, total } = await store.listClinics(db, filter)
    const clinicIds = items.map(({ id }) => id)
    const prices = await pricesOf(db, 'CLINIC', clinicIds)
    return { items: items.map((item) => ({ ...item, prices: prices.get(item.id) ?? NO_PRICES })), total }
  })
}

/** A new clinic. Without an area it lies in the only one of the hospital. */
export interface ClinicContent extends Omit<store.NewClinic, 'areaId'> {
  readonly areaId?: number | undefined
}

/** Adds a clinic with its prices. @throws Invalid 106 for department and area, `area_needed`, `name_taken`. */
export async function addClinic(
  kernel: Kernel,
  caller: Caller,
  content: ClinicContent,
  prices: Partial<Prices>,
): Promise<PricedClinic> {
  const now = kernel.clock.now()
  const made = await kernel.transaction(async (tx) => {
    await keepDepartment(tx, content.deptId)
    const areaId = content.areaId ?? (await onlyArea(tx))
    await keepArea(tx, areaId)
    const id = await store.insertClinic(tx, { ...content, areaId }, now)
    const set = await setPrices(tx, { level: 'CLINIC', id }, prices, now)
    const changes = { ...differences({}, { ...content, areaId }), ...differences(set.before, set.after) }
    await note(tx, caller, 'add', id, now, changes)
    return { ...content, areaId, id, createTime: now, prices: set.after }
  })
  kernel.nudge()
  return made
}

async function onlyArea(tx: Transaction): Promise<number> {
  const [first, ...others] = await store.areaIds(tx)
  if (first === undefined) throw refusal(CODES.request, 'area_needed', '请先创建院区')
  if (others.length > 0) throw refusal(CODES.request, 'area_needed', '医院有多个院区，请用 area_id 指定门诊所在院区')
  return first
}

/** Changes a clinic and its prices. @throws Invalid 106, `name_taken`. */
export async function changeClinic(
  kernel: Kernel,
  caller: Caller,
  id: number,
  change: Partial<Omit<store.NewClinic, 'deptId'>>,
  prices: Partial<Prices>,
): Promise<PricedClinic> {
  const now = kernel.clock.now()
  const changed = await kernel.transaction(async (tx) => {
    if (change.areaId !== undefined) await keepArea(tx, change.areaId)
    const before = await store.lockClinic(tx, id)
    if (!before) throw missing('门诊')
    await store.updateClinic(tx, id, change)
    const set = await setPrices(tx, { level: 'CLINIC', id }, prices, now)
    await note(tx, caller, 'change', id, now, { ...differences(before, change), ...differences(set.before, set.after) })
    return { ...before, ...change, prices: set.after }
  })
  kernel.nudge()
  return changed
}

/** Deletes a clinic with its prices. @throws Invalid 106; `has_children` while it has schedules ahead. */
export async function removeClinic(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await store.lockClinic(tx, id))) throw missing('门诊')
    const ahead = await store.countSchedules(tx, id, localDate(now, kernel.config.timeZone))
    if (ahead > 0) throw refusal(CODES.request, 'has_children', `该门诊还有 ${ahead} 个未结束的排班，请先删除排班`)
    await store.updateClinic(tx, id, { deleted_at: now })
    await deletePrices(tx, { level: 'CLINIC', id })
    await note(tx, caller, 'remove', id, now)
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
  const operation = { action: `clinic.clinic.${verb}`, resource: 'clinic_clinic', resourceId, changes }
  await record(tx, now, { ...originOf(caller), ...operation })
}
