import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { changeFor, present } from '../../../kernel/identity/accounts/accounts.ts'
import { changesOf } from '../../../kernel/identity/accounts/changes.ts'
import { afterContactChange } from '../../../kernel/identity/accounts/contactChange.ts'
import * as users from '../../../kernel/identity/accounts/store.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { useProof } from '../../core/proofs/service.ts'
import { CODES, refusal } from '../../sentences.ts'

/**
 * Sets the caller's e-mail address, which they have just proved. The old address is told.
 * @throws Invalid `bad_code` if it was not proved; Conflict `email_taken`.
 */
export async function setProvedEmail(kernel: Kernel, caller: Caller, email: string): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await useProof(kernel, tx, 'email', email)))
      throw refusal(CODES.request, 'bad_code', '验证码错误或已过期，请重新获取')
    const before = present(await users.lockUser(tx, kernel.secrets.cipher, caller.userId))
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
