import { sql } from 'kysely'
import { NotFound } from '../http/errors.ts'
import { fieldCipher } from '../identity/users.ts'
import type { Kernel } from '../kernel.ts'
import { switchOffMail } from './preferences.ts'
import { maskAddress, suppress, suppressionKey } from './suppressions.ts'
import { readUnsubscribe } from './tracking.ts'

interface Addressed {
  readonly type: string
  readonly user_id: number | null
  readonly address_encrypted: string | null
}

const notOurs = () => new NotFound('not_found', 'This link is not one of ours.')

/** What an unsubscribe link is about. @throws NotFound for a token that is not ours. */
export async function subscriptionOf(kernel: Kernel, token: string): Promise<Addressed & { readonly id: number }> {
  const id = readUnsubscribe(kernel.config, token)
  if (id === undefined) throw notOurs()
  const { rows } = await sql<Addressed>`
    SELECT type, user_id, address_encrypted FROM deliveries WHERE id = ${id}`.execute(kernel.db)
  const [delivery] = rows
  if (!delivery) throw notOurs()
  return { id, ...delivery }
}

/**
 * Ends mails of the type the link came with, or of every type that can be switched off. A bare address is not written to any more at all. Any
 * number of times. @throws NotFound for a token that is not ours.
 */
export async function unsubscribe(kernel: Kernel, token: string, scope: 'type' | 'all'): Promise<void> {
  const { id, type, user_id: userId, address_encrypted: bare } = await subscriptionOf(kernel, token)
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (userId !== null) await switchOffMail(tx, userId, scope === 'all' ? 'all' : type, now)
    else if (bare !== null) {
      const address = fieldCipher(kernel.config).decrypt(bare)
      const key = suppressionKey(kernel.config, 'email', address)
      const entry = {
        channel: 'email',
        key,
        masked: maskAddress(address),
        reason: 'unsubscribed',
        userId: null,
      } as const
      await suppress(tx, entry, now)
    }
    await sql`UPDATE deliveries SET unsubscribed_at = coalesce(unsubscribed_at, ${now}) WHERE id = ${id}`.execute(tx)
  })
}
