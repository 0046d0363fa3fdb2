import { sql } from 'kysely'
import { originOf } from '../../audit/origin.ts'
import { NotFound } from '../../errors.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { record } from '../../outbox/outbox.ts'
import { suppressionKey } from '../delivery/suppressions.ts'

const noSuchUser = () => new NotFound('not_found', 'There is no such user.')

/** Says under which name somebody is a member of WeCom; a name that proved wrong before is tried again. @throws NotFound */
export async function setContact(kernel: Kernel, caller: Caller, userId: number, memberId: string): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const { numAffectedRows } = await sql`
      INSERT INTO user_contacts (user_id, kind, address, updated_at)
      SELECT id, 'wecom', ${memberId}, ${now} FROM users WHERE id = ${userId} AND status <> 'deleted'
      ON CONFLICT (user_id, kind) DO UPDATE SET address = excluded.address, updated_at = excluded.updated_at`.execute(
      tx,
    )
    if ((numAffectedRows ?? 0n) === 0n) throw noSuchUser()
    const key = suppressionKey(kernel.secrets.cipher, 'im', memberId)
    await sql`DELETE FROM suppressions WHERE channel = 'im' AND address_key = ${key}`.execute(tx)
    await record(tx, now, { ...originOf(caller), action: 'contact.set', resource: 'user', resourceId: userId })
  })
  kernel.nudge()
}

/** Forgets it. @throws NotFound when there was none. */
export async function removeContact(kernel: Kernel, caller: Caller, userId: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const { numAffectedRows } =
      await sql`DELETE FROM user_contacts WHERE user_id = ${userId} AND kind = 'wecom'`.execute(tx)
    if ((numAffectedRows ?? 0n) === 0n) throw new NotFound('not_found', 'There is no such contact.')
    await record(tx, now, { ...originOf(caller), action: 'contact.remove', resource: 'user', resourceId: userId })
  })
  kernel.nudge()
}
