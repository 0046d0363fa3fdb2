import { sql } from 'kysely'
import type { Transaction } from '../../database/database.ts'
import { NotFound } from '../../errors.ts'
import type { Kernel } from '../../kernel.ts'
import { contactKey, maskAddress } from '../channels.ts'
import { suppress } from '../delivery/suppressions.ts'
import { readUnsubscribe } from '../delivery/tracking.ts'
import { switchOffMail } from './preferences.ts'

interface Addressed {
  readonly type: string
  readonly user_id: number | null
  readonly address_encrypted: string | null
}

const notOurs = () => new NotFound('not_found', 'This link is not one of ours.')

/** Reads the delivery of an unsubscribe link. @throws NotFound for an invalid token */
export async function subscriptionOf(kernel: Kernel, token: string): Promise<Addressed & { readonly id: number }> {
  const id = readUnsubscribe(kernel, token)
  if (id === undefined) throw notOurs()
  const { rows } = await sql<Addressed>`
    SELECT type, user_id, address_encrypted FROM deliveries WHERE id = ${id}`.execute(kernel.db)
  const [delivery] = rows
  if (!delivery) throw notOurs()
  return { id, ...delivery }
}

/**
 * Switches off mails of the type of the link's mail, or of all types that can be switched off. A bare address is put on
 * the suppression list, and if it belongs to an account, that person's mails are switched off too. Idempotent.
 * @throws NotFound for an invalid token
 */
export async function unsubscribe(kernel: Kernel, token: string, scope: 'type' | 'all'): Promise<void> {
  const { id, type, user_id: userId, address_encrypted: bare } = await subscriptionOf(kernel, token)
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const address = bare === null ? null : kernel.secrets.cipher.decrypt(bare)
    if (address !== null) {
      const key = contactKey(address)
      const entry = {
        channel: 'email',
        key,
        masked: maskAddress(address),
        reason: 'unsubscribed',
        userId: null,
      } as const
      await suppress(tx, entry, now)
    }
    const person = address === null ? userId : await findByEmail(tx, address)
    if (person !== null) await switchOffMail(tx, person, scope === 'all' ? 'all' : type, now)
    await sql`UPDATE deliveries SET unsubscribed_at = coalesce(unsubscribed_at, ${now}) WHERE id = ${id}`.execute(tx)
  })
}

async function findByEmail(tx: Transaction, email: string): Promise<number | null> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM users WHERE lower(email) = lower(${email}) AND status <> 'deleted'`.execute(tx)
  return rows[0]?.id ?? null
}
