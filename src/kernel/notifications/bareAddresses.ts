import { sql } from 'kysely'
import { originOf } from '../audit/origin.ts'
import type { Transaction } from '../database/database.ts'
import { Invalid } from '../errors.ts'
import type { Caller } from '../http/request/caller.ts'
import type { Kernel } from '../kernel.ts'
import { record } from '../outbox/outbox.ts'
import { type DeliveryChannel, maskAddress } from './channels.ts'

/** A message to bare addresses, which are given by the sender and not taken from an account. */
export interface BareMessage {
  /** Key of a channel that delivers. */
  readonly channel: string
  readonly type: string
  readonly addresses: readonly string[]
  readonly subject: string
  readonly body: string
}

/** The origin of a message to bare addresses. */
interface BareMessageOrigin {
  /** The person that the message is about. */
  readonly userId?: number
  /** The author; absent when the system wrote it. */
  readonly createdBy?: number
  readonly urgent?: boolean
  readonly at: Date
}

/**
 * Queues a message to bare addresses and records it in the operation log. Returns the number of deliveries to make.
 * @throws Invalid `bad_address` that names the first wrong address, masked.
 */
export async function sendToAddresses(kernel: Kernel, caller: Caller, send: BareMessage): Promise<number> {
  const { key: channel, typed } = channelOf(kernel, send)
  const addresses = [...new Set(send.addresses)]
  const wrong = addresses.find((address) => !typed.pattern.test(address))
  if (wrong !== undefined) {
    throw new Invalid('bad_address', `${maskAddress(wrong)} is not a valid address for ${channel}.`)
  }
  const at = kernel.clock.now()
  const queued = await kernel.transaction(async (tx) => {
    const operation = { action: `notification.send_${channel}`, resource: 'notification' }
    await record(tx, at, { ...originOf(caller), ...operation, changes: { addresses: [null, addresses.length] } })
    return await queueForAddresses(tx, kernel, { ...send, addresses }, { createdBy: caller.userId, at })
  })
  kernel.nudge()
  return queued
}

/**
 * Queues a message to bare addresses in the caller's transaction; the addresses are stored encrypted. Returns the
 * number of deliveries to make. A delivery without a configured provider is recorded as skipped.
 */
export async function queueForAddresses(
  tx: Transaction,
  kernel: Kernel,
  send: BareMessage,
  { userId, createdBy, urgent = false, at }: BareMessageOrigin,
): Promise<number> {
  const lanes = new Set(kernel.notifications.providers.map(({ lane }) => lane))
  const { cipher } = kernel.secrets
  const channel = channelOf(kernel, send)
  const { type, subject, body } = send
  const rows = send.addresses.map((typed) => {
    const { lane, address } = channel.typed.read(typed)
    return {
      lane,
      address: cipher.encrypt(address),
      address_key: channel.keyOf(cipher, address),
      state: lanes.has(lane) ? 'queued' : 'skipped',
    }
  })
  await sql`
    INSERT INTO deliveries (
      user_id, type, urgent, channel, lane, state, reason, next_try_at,
      address_encrypted, address_key, content, created_by, created_at, updated_at
    )
    SELECT ${userId ?? null}::bigint, ${type}, ${urgent}::boolean, ${channel.key}, r.lane, r.state,
      CASE WHEN r.state = 'skipped' THEN 'not_configured' END,
      CASE WHEN r.state = 'queued' THEN ${at}::timestamptz END,
      r.address, r.address_key, ${JSON.stringify({ subject, body })}::text::jsonb,
      ${createdBy ?? null}::bigint, ${at}::timestamptz, ${at}::timestamptz
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      AS r(lane text, address text, address_key text, state text)`.execute(tx)
  return rows.filter((row) => row.state === 'queued').length
}

function channelOf(kernel: Kernel, { channel }: BareMessage): DeliveryChannel {
  const found = kernel.notifications.catalogue.channels.delivery(channel)
  if (!found) throw new Error(`the channel ${channel} delivers nothing`)
  return found
}
