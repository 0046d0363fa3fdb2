import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import type { PatientType } from '../../core/types.ts'
import { CODES, missing, refusal } from '../../sentences.ts'
import { askCampus, requireCampus } from './campus.ts'
import * as store from './store.ts'

/** Most tries of an account, and for one number, within these minutes. */
const TRIES = { most: 5, minutes: 15 } as const
const MINUTE = 60_000

/** A confirmed identity. `discount`: the factor of prices. */
export interface Confirmed {
  readonly identifier: string | null
  readonly type: PatientType
  readonly discount: number
}

/**
 * Confirms the caller's identity by their account at the campus system. Tries of which the campus system said nothing
 * don't count.
 * @throws Invalid `not_configured`, `no_patient`, `too_many_tries`, `bad_campus_password`, `campus_unavailable`;
 * `name_taken` if another patient was confirmed with this number.
 */
export async function verifyIdentity(
  kernel: Kernel,
  caller: Caller,
  credentials: { readonly identifier: string; readonly password: string },
): Promise<Confirmed> {
  requireCampus(kernel)
  const { userId } = caller
  if (!(await kernel.withRetries((db) => store.hasOwnPatient(db, userId)))) throw noPatient()
  const tryId = await takeTry(kernel, userId, credentials.identifier)
  const identity = await askCampus(kernel, credentials).catch(async (error: unknown) => {
    await kernel.withRetries((db) => store.returnTry(db, tryId))
    throw error
  })
  if (!identity) throw refusal(CODES.request, 'bad_campus_password', '学工号或密码错误，请核对后重试')
  return await confirm(kernel, caller, { userId }, identity, 'clinic.identity.verify')
}

async function takeTry(kernel: Kernel, userId: number, identifier: string): Promise<number> {
  const now = kernel.clock.now()
  const since = new Date(now.getTime() - TRIES.minutes * MINUTE)
  const identifierIndex = kernel.secrets.cipher.blindIndex(identifier.toLowerCase(), 'clinic.identity.identifier')
  const of = { userId, identifierIndex }
  const id = await kernel.transaction((tx) => store.takeTry(tx, of, { since, most: TRIES.most, now }))
  if (id === null) throw refusal(CODES.request, 'too_many_tries', `认证尝试次数过多，请 ${TRIES.minutes} 分钟后再试`)
  return id
}

/**
 * Sets the identity of a patient whose card staff have seen. 校外 needs no number.
 * @throws Invalid 106; `identifier_missing`; `name_taken` if another patient was confirmed with this number.
 */
export async function verifyByCard(
  kernel: Kernel,
  caller: Caller,
  patientId: number,
  { identifier, type }: { readonly identifier: string | null; readonly type: PatientType },
): Promise<Confirmed> {
  if (identifier === null && type !== '校外')
    throw refusal(CODES.request, 'identifier_missing', '请填写学工号 identifier')
  return await confirm(kernel, caller, { patientId }, { identifier, type }, 'clinic.identity.verify_by_card')
}

async function confirm(
  kernel: Kernel,
  caller: Caller,
  who: { readonly userId: number } | { readonly patientId: number },
  identity: { readonly identifier: string | null; readonly type: PatientType },
  action: string,
): Promise<Confirmed> {
  const now = kernel.clock.now()
  const confirmed = await kernel.transaction(async (tx) => {
    const before = await store.lockIdentified(tx, who, identity.identifier)
    if (!before) throw 'userId' in who ? noPatient() : missing('患者')
    await store.writeIdentity(tx, before.patientId, identity)
    await record(tx, now, {
      ...originOf(caller),
      action,
      resource: 'clinic_patient',
      resourceId: before.patientId,
      changes: {
        patient_type: [before.type, identity.type],
        is_verified: [before.isVerified, true],
        identifier: ['***', '***'],
      },
    })
    const { patientIdentityDiscounts: discounts } = await readConfiguration(tx)
    return { ...identity, discount: discounts[identity.type] }
  })
  kernel.nudge()
  return confirmed
}

const noPatient = () => refusal(CODES.request, 'no_patient', '当前账号没有患者档案')

/** Job: deletes tries that no limit counts any more. */
export async function sweepTries(kernel: Kernel): Promise<void> {
  await store.deleteTries(kernel.db, new Date(kernel.clock.now().getTime() - TRIES.minutes * MINUTE))
}
