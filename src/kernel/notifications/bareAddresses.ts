import { sql } from 'kysely'
import { originOf } from '../audit/origin.ts'
import type { Transaction } from '../database/database.ts'
import { Invalid } from '../errors.ts'
import type { Caller } from '../http/request/caller.ts'
import type { Kernel } from '../kernel.ts'
import { record } from '../outbox/outbox.ts'
import { type DeliveryChannel, maskAddress } from './channels.ts'

/** A message to bare addresses. */
export interface DirectSend {
  /** Key of a channel that delivers. */
  readonly channel: string
  readonly type: string
  readonly addresses: readonly string[]
  readonly subject: string
  readonly body: string
}

/** Whom a message to bare addresses is about, and who wrote it: nobody, when the system did. */
interface DirectOrigin {
  readonly userId?: number
  readonly createdBy?: number
  readonly urgent?: boolean
  readonly at: Date
}

/**
 * Leaves a message for addresses that belong to nobody here. Answers how many deliveries there are to make.
 * @throws Invalid `bad_address` that names the first wrong one, masked.
 */
export async function sendToAddresses(kernel: Kernel, caller: Caller, send: DirectSend): Promise<number> {
  const { key: channel, typed } = channelOf(kernel, send)
  const addresses = [...new Set(send.addresses)]
  const wrong = addresses.find((address) => !typed.pattern.test(address))
  if (wrong !== undefined) throw new Invalid('bad_address', `${maskAddress(wrong)} is no address for ${channel}.`)
  const at = kernel.clock.now()
  const queued = await kernel.transaction(async (tx) => {
    const operation = { action: `notification.send_${channel}`, resource: 'notification' }
    await record(tx, at, { ...originOf(caller), ...operation, changes: { addresses: [null, addresses.length] } })
    return await queueForAddresses(tx, kernel, { ...send, addresses }, { createdBy: caller.userId, at })
  })
  kernel.nudge()
  return queued
}

/** Queues a message to bare addresses, each kept encrypted, in the caller's transaction. Answers how many deliveries there are to make. */
export async function queueForAddresses(
  tx: Transaction,
  kernel: Kernel,
  send: DirectSend,
  { userId, createdBy, urgent = false, at }: DirectOrigin,
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
    INSERT INTO deliveries (user_id, type, urgent, channel, lane, state, reason, next_try_at, address_encrypted, address_key, content, created_by, created_at, updated_at)
    SELECT ${userId ?? null}::bigint, ${type}, ${urgent}::boolean, ${channel.key}, r.lane, r.state, CASE WHEN r.state = 'skipped' THEN 'not_configured' END,
      CASE WHEN r.state = 'queued' THEN ${at}::timestamptz END, r.address, r.address_key, ${JSON.stringify({ subject, body })}::text::jsonb,
      ${createdBy ?? null}::bigint, ${at}::timestamptz, ${at}::timestamptz
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS r(lane text, address text, address_key text, state text)`.execute(
    tx,
  )
  return rows.filter((row) => row.state === 'queued').length
}

function channelOf(kernel: Kernel, { channel }: DirectSend): DeliveryChannel {
  const found = kernel.notifications.catalogue.channels.delivery(channel)
  if (!found) throw new Error(`${channel} is no channel that delivers`)
  return found
}
