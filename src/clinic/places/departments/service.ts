import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { type Differences, differences } from '../../core/differences.ts'
import { initialsOf } from '../../core/initials.ts'
import { NO_PRICES, type Prices } from '../../core/prices/rules.ts'
import { deletePrices, pricesOf, setPrices } from '../../core/prices/store.ts'
import { CODES, missing, refusal } from '../../sentences.ts'
import * as store from './store.ts'

const noMajor = () => missing('大科室')
const noMinor = () => missing('小科室')

/** A minor department with its prices. */
export interface PricedDepartment extends store.MinorDepartment {
  readonly prices: Prices
}

/** Adds a major department. @throws Invalid `name_taken`. */
export async function addMajor(
  kernel: Kernel,
  caller: Caller,
  department: { readonly name: string; readonly description: string | null },
): Promise<number> {
  const now = kernel.clock.now()
  const id = await kernel.transaction(async (tx) => {
    const id = await store.insertMajor(tx, department, now)
    await note(tx, caller, 'add', 'clinic_major_department', id, now)
    return id
  })
  kernel.nudge()
  return id
}

/** Changes a major department. @throws Invalid 106, `name_taken`. */
export async function changeMajor(
  kernel: Kernel,
  caller: Caller,
  id: number,
  change: { readonly name?: string; readonly description?: string | null },
): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await store.lockMajor(tx, id))) throw noMajor()
    await store.updateMajor(tx, id, change)
    await note(tx, caller, 'change', 'clinic_major_department', id, now)
  })
  kernel.nudge()
}

/** Deletes a major department. @throws Invalid 106; `has_children` while it has minor departments. */
export async function removeMajor(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await store.lockMajor(tx, id))) throw noMajor()
    const minors = await store.countMinors(tx, id)
    if (minors > 0)
      throw refusal(CODES.request, 'has_children', `该大科室下还有 ${minors} 个小科室，请先删除或转移小科室`)
    await store.deleteMajor(tx, id, now)
    await note(tx, caller, 'remove', 'clinic_major_department', id, now)
  })
  kernel.nudge()
}

/** Minor departments with their prices. */
export async function listMinors(
  kernel: Kernel,
  query: { readonly majorId?: number | undefined; readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly PricedDepartment[]; readonly total: number }> {
  return await kernel.withRetries(async (db) => {
    const { items, total } = await store.listMinors(db, query)
    const ids = items.map(({ id }) => id)
    const prices = await pricesOf(db, 'MINOR_DEPT', ids)
    return { items: items.map((item) => ({ ...item, prices: prices.get(item.id) ?? NO_PRICES })), total }
  })
}

/** The content of a minor department. */
export interface DepartmentContent {
  readonly majorId: number
  readonly name: string
  readonly description: string | null
}

/** Adds a minor department with its prices. @throws Invalid 106 for the major department, `name_taken`. */
export async function addMinor(
  kernel: Kernel,
  caller: Caller,
  content: DepartmentContent,
  prices: Partial<Prices>,
): Promise<PricedDepartment> {
  const now = kernel.clock.now()
  const made = await kernel.transaction(async (tx) => {
    if (!(await store.lockMajor(tx, content.majorId, { shared: true }))) throw noMajor()
    const id = await store.insertMinor(tx, { ...content, initials: initialsOf(content.name) }, now)
    const set = await setPrices(tx, { level: 'MINOR_DEPT', id }, prices, now)
    const changes = { ...differences({}, content), ...differences(set.before, set.after) }
    await note(tx, caller, 'add', 'clinic_minor_department', id, now, changes)
    return { ...content, id, createTime: now, prices: set.after }
  })
  kernel.nudge()
  return made
}

/** Changes a minor department and its prices. @throws Invalid 106, `name_taken`. */
export async function changeMinor(
  kernel: Kernel,
  caller: Caller,
  id: number,
  change: Partial<DepartmentContent>,
  prices: Partial<Prices>,
): Promise<PricedDepartment> {
  const now = kernel.clock.now()
  const changed = await kernel.transaction(async (tx) => {
    if (change.majorId !== undefined && !(await store.lockMajor(tx, change.majorId, { shared: true }))) throw noMajor()
    const before = await store.lockMinor(tx, id)
    if (!before) throw noMinor()
    const initials = change.name === undefined ? {} : { initials: initialsOf(change.name) }
    await store.updateMinor(tx, id, { ...change, ...initials })
    const set = await setPrices(tx, { level: 'MINOR_DEPT', id }, prices, now)
    const changes = { ...differences(before, change), ...differences(set.before, set.after) }
    await note(tx, caller, 'change', 'clinic_minor_department', id, now, changes)
    return { ...before, ...change, prices: set.after }
  })
  kernel.nudge()
  return changed
}

/**
 * Deletes a minor department with its prices. Returns its name.
 * @throws Invalid 106; `has_children` while it has doctors or clinics.
 */
export async function removeMinor(kernel: Kernel, caller: Caller, id: number): Promise<string> {
  const now = kernel.clock.now()
  const name = await kernel.transaction(async (tx) => {
    const minor = await store.lockMinor(tx, id)
    if (!minor) throw noMinor()
    const { doctors, clinics } = await store.countInMinor(tx, id)
    if (doctors > 0) throw refusal(CODES.request, 'has_children', `该小科室下还有 ${doctors} 名医生，请先将医生调离`)
    if (clinics > 0) throw refusal(CODES.request, 'has_children', `该小科室下还有 ${clinics} 个门诊，请先删除门诊`)
    await store.deleteMinor(tx, id, now)
    await deletePrices(tx, { level: 'MINOR_DEPT', id })
    await note(tx, caller, 'remove', 'clinic_minor_department', id, now)
    return minor.name
  })
  kernel.nudge()
  return name
}

async function note(
  tx: Transaction,
  caller: Caller,
  verb: 'add' | 'change' | 'remove',
  resource: 'clinic_major_department' | 'clinic_minor_department',
  resourceId: number,
  now: Date,
  changes: Differences = {},
): Promise<void> {
  await record(tx, now, { ...originOf(caller), action: `clinic.department.${verb}`, resource, resourceId, changes })
}
