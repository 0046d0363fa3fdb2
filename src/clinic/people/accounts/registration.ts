import { randomBytes } from 'node:crypto'
import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict, Invalid } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { newUserRow } from '../../../kernel/identity/accounts/accounts.ts'
import { isSetupToken } from '../../../kernel/identity/accounts/firstAdministrator.ts'
import { normalizePhone } from '../../../kernel/identity/accounts/phones.ts'
import * as users from '../../../kernel/identity/accounts/store.ts'
import type { Visitor } from '../../../kernel/identity/logIn/visitor.ts'
import { ADMIN } from '../../../kernel/identity/roles.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import { consentAtRegistration } from '../../../kernel/privacy/consent.ts'
import { useProof } from '../../core/proofs/service.ts'
import type { Gender } from '../../core/types.ts'
import { ADMIN_ROLE, PATIENT_ROLE } from '../../permissions.ts'
import { CODES, refusal, sentenceOf } from '../../sentences.ts'
import { clinicSettings } from '../../settings.ts'
import * as store from './store.ts'
import { askToVerify } from './verification.ts'

/** A registration of a patient: with a username, or with a phone number that was proved by a code. */
export interface PatientRegistration {
  readonly username?: string | undefined
  readonly phone?: string | undefined
  readonly email?: string | undefined
  readonly password: string
  readonly name?: string | undefined
  readonly gender: Gender
  readonly birthDate: string | null
}

/**
 * Opens an account with a patient record, in one transaction. Without a username the phone number must have been proved
 * by a code, and the account gets a generated username. Returns the user's id.
 * @throws Invalid 100 with the reason.
 */
export async function registerPatient(
  kernel: Kernel,
  registration: PatientRegistration,
  visitor: Visitor,
): Promise<number> {
  const { username, phone, email, password, name, gender, birthDate } = registration
  const proved = username === undefined ? provablePhone(phone) : undefined
  return await asRegistration(async () => {
    const row = await newUserRow(kernel, {
      username: username ?? `u${randomBytes(6).toString('hex')}`,
      password,
      // With mail, an address counts once it is verified.
      email: kernel.secretCodes.email ? undefined : email,
      phone,
      displayName: name ?? username,
    })
    const now = kernel.clock.now()
    const userId = await kernel.transaction(async (tx) => {
      if (proved !== undefined && !(await useProof(kernel, tx, 'sms', proved)))
        throw refusal(CODES.registration, 'phone_not_proved', '请先完成手机验证码验证')
      const id = await users.insertUser(tx, row, now)
      await consentAtRegistration(tx, id, { consentLater: true }, visitor.address, now)
      await users.grantRole(tx, id, PATIENT_ROLE, null, now)
      await store.insertPatient(tx, { userId: id, name: name ?? row.display_name, gender, birthDate }, now)
      if (email !== undefined && kernel.secretCodes.email) await askToVerify(kernel, tx, id, email)
      const origin = { actorId: id, address: visitor.address, requestId: visitor.requestId }
      await record(tx, now, { ...origin, action: 'user.register', resource: 'user', resourceId: id })
      await notify(tx, now, {
        type: 'account.welcome',
        userIds: [id],
        data: { username: row.username, display_name: row.display_name },
        key: `account.welcome:${id}`,
      })
      return id
    })
    kernel.nudge()
    return userId
  })
}

function provablePhone(phone: string | undefined): string {
  const normal = phone === undefined ? undefined : normalizePhone(phone)
  if (normal === undefined) throw refusal(CODES.registration, 'phone_missing', '请填写有效的手机号')
  return normal
}

/** A registration of an administrator of the hospital. */
export interface AdministratorRegistration {
  readonly identifier: string
  readonly password: string
  readonly name: string
  readonly email?: string | undefined
  readonly setupToken?: string | undefined
}

/**
 * Opens the account of an administrator. While nobody administers the hospital, the holder of the set-up token may do
 * this once, or anybody if CLINIC_OPEN_BOOTSTRAP is on; of two at once one wins.
 * @throws Invalid 102 (HTTP 403) for callers who are no administrators; 100 (HTTP 400) for a number or address in use.
 */
export async function registerAdministrator(
  kernel: Kernel,
  caller: Caller | null,
  registration: AdministratorRegistration,
): Promise<void> {
  const mayAdd = caller?.permissions.has('clinic:manage') ?? false
  const { openBootstrap } = clinicSettings.of(kernel.config)
  const mayBegin = openBootstrap || (await isSetupToken(kernel.db, registration.setupToken ?? ''))
  const row = await asRegistration(
    () =>
      newUserRow(kernel, {
        username: registration.identifier,
        password: registration.password,
        email: registration.email,
        displayName: registration.name,
      }),
    400,
  )
  const now = kernel.clock.now()
  await asRegistration(
    () =>
      kernel.transaction(async (tx) => {
        await users.lockAdministrators(tx)
        if (!mayAdd && (await store.countAdministrators(tx, [ADMIN, ADMIN_ROLE])) > 0)
          throw refusal(CODES.authority, 'not_allowed', '仅管理员可创建新管理员', { http: 403 })
        if (!mayAdd && !mayBegin)
          throw refusal(CODES.authority, 'bad_setup_token', '首次创建管理员需提供启动日志中的初始化令牌(setup_token)', {
            http: 403,
          })
        const id = await users.insertUser(tx, row, now)
        await users.grantRole(tx, id, ADMIN_ROLE, caller?.userId ?? null, now)
        await record(tx, now, {
          ...(caller ? originOf(caller) : { actorId: id }),
          action: 'clinic.administrator.create',
          resource: 'user',
          resourceId: id,
        })
      }),
    400,
  )
  kernel.nudge()
}

/** Turns the errors of an account's registration into refusals with the code 100. */
async function asRegistration<T>(work: () => Promise<T>, http: 200 | 400 = 200): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isOurs = (error instanceof Conflict || error instanceof Invalid) && error.facts?.code === undefined
    throw isOurs ? refusal(CODES.registration, error.code, sentenceOf(error), { http }) : error
  }
}
