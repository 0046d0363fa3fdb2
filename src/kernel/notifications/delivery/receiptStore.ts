import { sql } from 'kysely'
import type { Transaction } from '../../database/database.ts'
import type { Channels } from '../channels.ts'
import { addressOf } from '../recipients.ts'

/** A delivery report of a provider about a message that it accepted. */
export interface Receipt {
  /** Key of a channel. */
  readonly channel: string
  /** Ids of the message: the provider's, or the one that we gave it. */
  readonly ids: readonly string[]
  readonly outcome: 'delivered' | 'failed'
  /** The address will never work. */
  readonly permanent: boolean
  /** The recipient: mail address, or phone number in E.164. */
  readonly to: string
  readonly reason: string
}

/** A delivery whose state a receipt has changed, with its address. */
export interface Moved {
  readonly id: number
  readonly user_id: number | null
  /** The person's address, as stored. */
  readonly address: string | null
  /** The bare address, encrypted; null when the delivery goes to a person. */
  readonly address_encrypted: string | null
}

/**
 * Records a receipt: a sent delivery becomes delivered or failed. A delivered one may still fail, as when a mail server
 * accepts a mail and bounces it later; failed is final. Returns undefined when the receipt matches no delivery or
 * changes nothing.
 */
export async function noteReceipt(
  tx: Transaction,
  channels: Channels,
  receipt: Receipt,
  at: Date,
): Promise<Moved | undefined> {
  const { channel, ids, outcome, reason } = receipt
  const address = addressOf(channels, sql`o.channel`, sql`u`)
  const own = ownId(ids)
  const from = outcome === 'delivered' ? ['sent'] : ['sent', 'delivered']
  const { rows } = await sql<Moved>`
    UPDATE deliveries d SET state = ${outcome}, updated_at = ${at},
      delivered_at = ${outcome === 'delivered' ? at : null}::timestamptz,
      reason = ${outcome === 'failed' ? reason : null}::text
    FROM (
      SELECT id
      FROM deliveries
      WHERE channel = ${channel}
        AND (provider_id = ANY (${ids}::text[])
          OR id = ${own.id}::bigint AND date_trunc('milliseconds', created_at) = ${own.at}::timestamptz)
      ORDER BY id
      LIMIT 1
    ) q
    LEFT JOIN LATERAL (
      SELECT ${address} AS address
      FROM deliveries o
      JOIN users u ON u.id = o.user_id
      WHERE o.id = q.id
    ) p ON true
    WHERE d.id = q.id AND d.state = ANY (${from}::text[])
    RETURNING d.id, d.user_id, p.address, d.address_encrypted`.execute(tx)
  return rows[0]
}

/**
 * Reads our own id of a message, made of id and creation time: `yuyue-34-1772415000000`, `<yuyue.34.1772415000000@…>`.
 */
function ownId(ids: readonly string[]): { readonly id: number | null; readonly at: Date | null } {
  for (const name of ids) {
    const [, id, at] = /^<?yuyue[-.](\d{1,15})[-.](\d{1,14})(?:@|$)/.exec(name) ?? []
    if (id !== undefined && at !== undefined) return { id: Number(id), at: new Date(Number(at)) }
  }
  return { id: null, at: null }
}
