import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { normalizePhone } from '../../../kernel/identity/accounts/phones.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { deleteOrphans, lockPatientsForRemoval } from '../../core/orphansStore.ts'
import { patientPhoneIndex, phoneIndexes } from '../../core/phones.ts'
import type { Gender } from '../../core/types.ts'
import { CODES, missing, refusal } from '../../sentences.ts'
import { readIdCard } from './rules.ts'
import * as store from './store.ts'

/** Most patients of one user, besides themself: families have no more, scalpers would. */
const MOST_PATIENTS = 10

const ID_CARD = 'clinic.patient.id-card'

/** A patient to add. */
export interface PatientContent {
  readonly name: string
  readonly idCard: string | undefined
  readonly phone: string | undefined
  readonly identifier: string | undefined
  readonly gender: Gender | undefined
  readonly birthDate: string | undefined
  readonly relationType: string
  readonly isDefault: boolean
  readonly remark: string | null
}

/** The patients for whom the caller may register. */
export async function myPatients(kernel: Kernel, caller: Caller): Promise<readonly store.Relation[]> {
  return await kernel.withRetries((db) => store.listRelations(db, caller.userId))
}

/**
 * Adds a patient to the caller's. A patient whose id card is known is linked if the name is the same: the caller may
 * then register for them, but sees nothing else of theirs. The caller keeps a patient whom they enter as new: they read
 * this patient's medical records, as long as the patient has no account.
 * @throws Invalid `bad_id_card`, `bad_phone`, `name_differs`, `too_many_patients`, `name_taken` for a patient who is on
 * the list already.
 */
export async function addPatient(
  kernel: Kernel,
  caller: Caller,
  content: PatientContent,
): Promise<{ readonly relationId: number; readonly patientId: number }> {
  const row = newPatient(kernel, content)
  const now = kernel.clock.now()
  const { userId } = caller
  const added = await kernel.transaction(async (tx) => {
    await store.lockUserPatients(tx, userId)
    if ((await store.listRelations(tx, userId)).length >= MOST_PATIENTS)
      throw refusal(CODES.request, 'too_many_patients', `最多添加 ${MOST_PATIENTS} 名就诊人，请先删除不再使用的就诊人`)
    const known = row.id_card_index === null ? undefined : await store.patientWithIdCard(tx, row.id_card_index)
    if (known && known.name !== row.name)
      throw refusal(CODES.request, 'name_differs', '该身份证号已登记，但姓名不一致，请核对')
    const patientId = known?.patientId ?? (await store.insertPatient(tx, row, now))
    const { relationType: relation_type, remark } = content
    const relation = { userId, patientId, isKeeper: !known, relation_type, remark }
    const relationId = await store.insertRelation(tx, relation, now)
    if (content.isDefault) await store.setDefault(tx, userId, patientId)
    await note(tx, caller, 'add', patientId, now)
    return { relationId, patientId }
  })
  kernel.nudge()
  return added
}

/** The row of a new patient, with phone and id card encrypted. */
function newPatient(kernel: Pick<Kernel, 'secrets'>, content: PatientContent): store.NewPatient {
  const { cipher } = kernel.secrets
  const idCard = content.idCard === undefined ? undefined : readIdCard(content.idCard)
  if (content.idCard !== undefined && !idCard) throw refusal(CODES.request, 'bad_id_card', '身份证号有误，请核对')
  const phone = content.phone === undefined ? undefined : normalizePhone(content.phone)
  if (content.phone !== undefined && phone === undefined)
    throw refusal(CODES.request, 'bad_phone', '手机号有误，请核对')
  return {
    name: content.name,
    gender: content.gender ?? idCard?.gender ?? '未知',
    birth_date: content.birthDate ?? idCard?.birthDate ?? null,
    identifier: content.identifier ?? null,
    phone_encrypted: phone === undefined ? null : cipher.encrypt(phone),
    phone_index: phone === undefined ? null : patientPhoneIndex(kernel, phone),
    id_card_encrypted: idCard ? cipher.encrypt(idCard.number) : null,
    id_card_index: idCard ? cipher.blindIndex(idCard.number, ID_CARD) : null,
  }
}

/** Changes the relation to one of the caller's patients. @throws Invalid 106. */
export async function changeRelation(
  kernel: Kernel,
  caller: Caller,
  patientId: number,
  { isDefault, ...change }: Partial<store.RelationContent> & { readonly isDefault?: boolean },
): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    await store.lockUserPatients(tx, caller.userId)
    if (!(await store.updateRelation(tx, caller.userId, patientId, change, now))) throw missing('就诊人')
    if (isDefault) await store.setDefault(tx, caller.userId, patientId)
    await note(tx, caller, 'change', patientId, now)
  })
  kernel.nudge()
}

/**
 * Takes a patient off the caller's list; their orders stay. A patient without an account and without orders, for whom
 * nobody else registers, is deleted.
 * @throws Invalid 106.
 */
export async function removePatient(kernel: Kernel, caller: Caller, patientId: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    await store.lockUserPatients(tx, caller.userId)
    await lockPatientsForRemoval(tx, [patientId])
    if (!(await store.deleteRelation(tx, caller.userId, patientId))) throw missing('就诊人')
    await deleteOrphans(tx, [patientId])
    await store.outdatePatient(tx, patientId)
    await note(tx, caller, 'remove', patientId, now)
  })
  kernel.nudge()
}

/** Patients for staff, by id, name or phone number. A phone number that is none finds nobody. */
export async function findPatients(
  kernel: Kernel,
  query: {
    readonly patientId?: number | undefined
    readonly name?: string | undefined
    readonly phone?: string | undefined
    readonly limit: number
    readonly offset: number
  },
): Promise<{ readonly items: readonly store.ListedPatient[]; readonly total: number }> {
  const { phone: text, ...filter } = query
  if (text === undefined || text === '') return await kernel.withRetries((db) => store.listPatients(db, filter))
  const phone = phoneIndexes(kernel, text)
  if (phone === undefined) return { items: [], total: 0 }
  return await kernel.withRetries((db) => store.listPatients(db, { ...filter, phone }))
}

/** At most 20 patients with exactly this name or phone number, by id. */
export async function findExactly(kernel: Kernel, keyword: string): Promise<readonly store.ListedPatient[]> {
  const phone = phoneIndexes(kernel, keyword)
  const filter = { ...(phone ? { phone } : { exactName: keyword }), limit: 20, offset: 0 }
  return (await kernel.withRetries((db) => store.listPatients(db, filter))).items
}

async function note(tx: Transaction, caller: Caller, verb: string, resourceId: number, now: Date): Promise<void> {
  await record(tx, now, {
    ...originOf(caller),
    action: `clinic.relation.${verb}`,
    resource: 'clinic_patient',
    resourceId,
  })
}
