import { sql } from 'kysely'
import type { Transaction } from '../../database/database.ts'
import type { Channels } from '../channels.ts'
import { addressOf } from '../recipients.ts'

/** What a provider says became of something it took. */
export interface Receipt {
  /** Key of a channel. */
  readonly channel: string
  /** Names of it: the provider's, or ours that it was told. */
  readonly ids: readonly string[]
  readonly outcome: 'delivered' | 'failed'
  /** The address will never work. */
  readonly permanent: boolean
  /** Whom the provider means: mail address, or phone number in E.164. */
  readonly to: string
  readonly reason: string
}

/** A delivery that a receipt has moved, with where it went. */
export interface Moved {
  readonly id: number
  readonly user_id: number | null
  /** The person's address, as it is stored. */
  readonly address: string | null
  /** Of a delivery to a bare address. */
  readonly address_encrypted: string | null
}

/**
 * Notes a receipt: what was sent is delivered or failed; a failure may follow on a delivery (a mail server that took it sends it back), and is
 * the end. Undefined when it names nothing of ours, or nothing that it would change.
 */
export async function noteReceipt(
  tx: Transaction,
  channels: Channels,
  receipt: Receipt,
  at: Date,
): Promise<Moved | undefined> {
  const { channel, ids, outcome, reason } = receipt
  const address = addressOf(channels, sql`o.channel`, sql`u`)
  const own = ownName(ids)
  const from = outcome === 'delivered' ? ['sent'] : ['sent', 'delivered']
  const { rows } = await sql<Moved>`
    UPDATE deliveries d SET state = ${outcome}, updated_at = ${at},
      delivered_at = ${outcome === 'delivered' ? at : null}::timestamptz, reason = ${outcome === 'failed' ? reason : null}::text
    FROM (SELECT id FROM deliveries WHERE channel = ${channel}
      AND (provider_id = ANY (${ids}::text[]) OR id = ${own.id}::bigint AND date_trunc('milliseconds', created_at) = ${own.at}::timestamptz)
      ORDER BY id LIMIT 1) q
    LEFT JOIN LATERAL (SELECT ${address} AS address FROM deliveries o JOIN users u ON u.id = o.user_id WHERE o.id = q.id) p ON true
    WHERE d.id = q.id AND d.state = ANY (${from}::text[])
    RETURNING d.id, d.user_id, p.address, d.address_encrypted`.execute(tx)
  return rows[0]
}

/** What we call a delivery towards providers holds its id and when it was made: `yuyue-34-1772415000000`, `<yuyue.34.1772415000000@…>`. */
function ownName(ids: readonly string[]): { readonly id: number | null; readonly at: Date | null } {
  for (const name of ids) {
    const [, id, at] = /^<?yuyue[-.](\d{1,15})[-.](\d{1,14})(?:@|$)/.exec(name) ?? []
    if (id !== undefined && at !== undefined) return { id: Number(id), at: new Date(Number(at)) }
  }
  return { id: null, at: null }
}
