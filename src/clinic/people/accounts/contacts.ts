import { originOf } from '../../../kernel/audit/origin.ts'
import { DomainError } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { changeFor, me, present, updateMe } from '../../../kernel/identity/accounts/accounts.ts'
import { changesOf } from '../../../kernel/identity/accounts/changes.ts'
import { afterContactChange } from '../../../kernel/identity/accounts/contactChange.ts'
import { checkOwner, checkPassword, type Proof, passwordRequired } from '../../../kernel/identity/accounts/owner.ts'
import { normalizePhone } from '../../../kernel/identity/accounts/phones.ts'
import * as users from '../../../kernel/identity/accounts/store.ts'
import type { User } from '../../../kernel/identity/accounts/users.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { sendCode, useProof } from '../../core/proofs/service.ts'
import { CODES, refusal, sentenceOf } from '../../sentences.ts'
import { askToVerify } from './verification.ts'

// Codes for a lost password are sent to the account's address and number. Replacing one of them needs the password: a
// stolen token must not be enough. An account without an address sets its first one by proving it.

const sameAddress = (one: string | null, other: string) => one?.toLowerCase() === other.toLowerCase()

/**
 * Sends a code to an address that is to be the caller's. If the account has another address, the password is needed.
 * @throws Invalid 104 `password_required`, `bad_password`; 98 `locked_out`; and like `sendCode`.
 */
export async function sendEmailCode(kernel: Kernel, caller: Caller, email: string, proof: Proof): Promise<void> {
  await asProfileChange(async () => {
    const user = await me(kernel, caller)
    if (user.email !== null && !sameAddress(user.email, email)) await requirePassword(kernel, caller, proof)
  })
  await sendCode(kernel, 'email', email, caller.userId)
}

async function requirePassword(kernel: Kernel, caller: Caller, { password, visitor }: Proof): Promise<void> {
  if (password === undefined) throw passwordRequired()
  await checkPassword(kernel, caller, password, visitor)
}

/**
 * Sets the caller's e-mail address, which they have just proved by a code of their own. The old address is told. Codes
 * from before an earlier change of the address are void.
 * @throws Invalid `bad_code` if it was not proved; Conflict `email_taken`.
 */
export async function setProvedEmail(kernel: Kernel, caller: Caller, email: string): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = present(await users.lockUser(tx, kernel.secrets.cipher, caller.userId))
    if (!(await useProof(kernel, tx, 'email', email, caller.userId)))
      throw refusal(CODES.request, 'bad_code', '验证码错误或已过期，请重新获取')
    await users.updateUser(tx, caller.userId, changeFor(kernel, { email }), now)
    const after = present(await users.findUser(tx, kernel.secrets.cipher, caller.userId))
    await afterContactChange(tx, kernel, before, after, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'user.update',
      resource: 'user',
      resourceId: caller.userId,
      changes: changesOf(before, after),
    })
  })
  kernel.nudge()
}

/**
 * Changes the caller's own address and number. Replacing one needs the password; a first one needs the password or a
 * log-in within the last ten minutes. Where mail is set up, a new address counts once the link that is sent there is
 * opened.
 * @throws Invalid `password_required`, `bad_password`, `too_many_codes`; TooMany `locked_out`; Conflict `email_taken`,
 * `phone_taken`.
 */
export async function changeOwnContacts(
  kernel: Kernel,
  caller: Caller,
  { email, phone }: { readonly email?: string | undefined; readonly phone?: string | undefined },
  proof: Proof,
): Promise<void> {
  const before = await me(kernel, caller)
  if (proof.password === undefined && replaces(before, email, phone)) throw passwordRequired()
  const isLinked = email !== undefined && kernel.secretCodes.email !== undefined && !sameAddress(before.email, email)
  if (isLinked) {
    await checkOwner(kernel, caller, proof)
    await kernel.transaction((tx) => askToVerify(kernel, tx, caller.userId, email))
    kernel.nudge()
  }
  const direct = { ...(!isLinked && email !== undefined && { email }), ...(phone !== undefined && { phone }) }
  if (Object.keys(direct).length > 0) await updateMe(kernel, caller, direct, proof)
}

/** Whether a change replaces an address or number that the account has. */
function replaces(before: User, email: string | undefined, phone: string | undefined): boolean {
  if (email !== undefined && before.email !== null && !sameAddress(before.email, email)) return true
  return phone !== undefined && before.phone !== null && normalizePhone(phone) !== before.phone
}

/** Turns the errors of a change of one's own account into refusals with the code 104. */
export async function asProfileChange<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DomainError && error.facts?.code === undefined && error.status < 429)
      throw refusal(CODES.profile, error.code, profileSentence(error))
    throw error
  }
}

function profileSentence(error: DomainError): string {
  if (error.code === 'password_required') return '修改邮箱或手机号需要在 password 中提供当前密码'
  return sentenceOf(error)
}
