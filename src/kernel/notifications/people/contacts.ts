import { sql } from 'kysely'
import { originOf } from '../../audit/origin.ts'
import { NotFound } from '../../errors.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { record } from '../../outbox/outbox.ts'

const noSuchUser = () => new NotFound('not_found', 'There is no such user.')

/** Identifies a person's address outside the account, as at a messenger. `kind`: see `user_contacts.kind`. */
interface Contact {
  readonly userId: number
  readonly kind: string
}

/** Sets a person's address, and removes it from the suppression list. @throws NotFound */
export async function setContact(
  kernel: Kernel,
  caller: Caller,
  { userId, kind }: Contact,
  address: string,
): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const { numAffectedRows } = await sql`
      INSERT INTO user_contacts (user_id, kind, address, updated_at)
      SELECT id, ${kind}, ${address}, ${now} FROM users WHERE id = ${userId} AND status <> 'deleted'
      ON CONFLICT (user_id, kind) DO UPDATE SET address = excluded.address, updated_at = excluded.updated_at`.execute(
      tx,
    )
    if ((numAffectedRows ?? 0n) === 0n) throw noSuchUser()
    const channel = kernel.notifications.catalogue.channels.ofContact(kind)
    const key = channel.keyOf(kernel.secrets.cipher, address)
    await sql`DELETE FROM suppressions WHERE channel = ${channel.key} AND address_key = ${key}`.execute(tx)
    await record(tx, now, { ...originOf(caller), action: 'contact.set', resource: 'user', resourceId: userId })
  })
  kernel.nudge()
}

/** Deletes a person's address. @throws NotFound when there is none */
export async function removeContact(kernel: Kernel, caller: Caller, { userId, kind }: Contact): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const { numAffectedRows } =
      await sql`DELETE FROM user_contacts WHERE user_id = ${userId} AND kind = ${kind}`.execute(tx)
    if ((numAffectedRows ?? 0n) === 0n) throw new NotFound('not_found', 'There is no such contact.')
    await record(tx, now, { ...originOf(caller), action: 'contact.remove', resource: 'user', resourceId: userId })
  })
  kernel.nudge()
}
