import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { changeFor, newUserRow, present } from '../../../kernel/identity/accounts/accounts.ts'
import { afterContactChange } from '../../../kernel/identity/accounts/contactChange.ts'
import { checkStrength, hashCost, hashPassword } from '../../../kernel/identity/accounts/passwords.ts'
import * as users from '../../../kernel/identity/accounts/store.ts'
import { setPassword } from '../../../kernel/identity/logIn/passwordReset/store.ts'
import { endSessions } from '../../../kernel/identity/sessions/sessionStore.ts'
import { revoking } from '../../../kernel/identity/sessions/sessions.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { DOCTOR_ROLE } from '../../permissions.ts'
import { missing } from '../../sentences.ts'
import * as store from './store.ts'

/** The account of a doctor. The number (工号) is the username. */
export interface AccountContent {
  readonly identifier: string
  readonly password: string
  readonly email?: string | null | undefined
  readonly phone?: string | null | undefined
}

/** A new account of a doctor, checked, with its password hashed. @throws Invalid `validation`, `weak_password`. */
export async function prepareAccount(
  kernel: Kernel,
  name: string,
  { identifier, password, email, phone }: AccountContent,
): Promise<users.NewUser> {
  return await newUserRow(kernel, { username: identifier, password, email, phone, displayName: name })
}

/** Adds a prepared account with the role of doctors. Returns its id. @throws Conflict `username_taken` and the like. */
export async function addAccount(tx: Transaction, row: users.NewUser, by: number, now: Date): Promise<number> {
  const userId = await users.insertUser(tx, row, now)
  await users.grantRole(tx, userId, DOCTOR_ROLE, by, now)
  return userId
}

/**
 * Gives a doctor an account, or changes the one they have: number, password and contacts; its sessions end then. Returns
 * the user's id.
 * @throws Invalid 106; Conflict and Invalid like `prepareAccount` and `addAccount`.
 */
export async function giveAccount(
  kernel: Kernel,
  caller: Caller,
  doctorId: number,
  content: AccountContent,
): Promise<number> {
  const doctor = await kernel.withRetries((db) => store.findDoctor(db, doctorId))
  if (!doctor) throw missing('医生')
  const userId = doctor.isRegistered && doctor.userId !== null ? doctor.userId : undefined
  return userId === undefined
    ? await addAccountTo(kernel, caller, doctor, content)
    : await changeAccount(kernel, caller, doctor, userId, content)
}

async function addAccountTo(
  kernel: Kernel,
  caller: Caller,
  { id, name }: store.DoctorRecord,
  content: AccountContent,
): Promise<number> {
  const row = await prepareAccount(kernel, name, content)
  const now = kernel.clock.now()
  const userId = await kernel.transaction(async (tx) => {
    if (!(await store.lockDoctor(tx, id))) throw missing('医生')
    const userId = await addAccount(tx, row, caller.userId, now)
    await store.updateDoctor(tx, id, { user_id: userId })
    await note(tx, caller, 'clinic.doctor.add_account', id, now)
    return userId
  })
  kernel.nudge()
  return userId
}

async function changeAccount(
  kernel: Kernel,
  caller: Caller,
  { id, name }: store.DoctorRecord,
  userId: number,
  { identifier, password, email, phone }: AccountContent,
): Promise<number> {
  await checkStrength(password, { username: identifier, email, phone, displayName: name })
  const change = changeFor(kernel, {
    username: identifier,
    ...(email !== undefined && { email }),
    ...(phone !== undefined && { phone }),
  })
  const hash = await hashPassword(password, hashCost(kernel.config))
  const now = kernel.clock.now()
  await revoking(kernel, userId, async (tx) => {
    const before = await users.lockUser(tx, kernel.secrets.cipher, userId)
    if (!before) throw missing('医生账号')
    await users.updateUser(tx, userId, change, now)
    const after = present(await users.findUser(tx, kernel.secrets.cipher, userId))
    await afterContactChange(tx, kernel, before, after, now)
    await setPassword(tx, userId, hash, now)
    await endSessions(tx, userId, now)
    await note(tx, caller, 'clinic.doctor.change_account', id, now)
  })
  kernel.nudge()
  return userId
}

async function note(tx: Transaction, caller: Caller, action: string, resourceId: number, now: Date): Promise<void> {
  await record(tx, now, { ...originOf(caller), action, resource: 'clinic_doctor', resourceId })
}
