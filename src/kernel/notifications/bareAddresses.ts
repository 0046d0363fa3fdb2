import { sql } from 'kysely'
import { originOf } from '../audit/origin.ts'
import type { Transaction } from '../database/database.ts'
import { Invalid } from '../errors.ts'
import type { Caller } from '../http/request/caller.ts'
import type { Kernel } from '../kernel.ts'
import { record } from '../outbox/outbox.ts'
import { maskAddress, suppressionKey } from './delivery/suppressions.ts'
import type { Delivered } from './texts/types.ts'

/** A message to bare addresses. */
export interface DirectSend {
  readonly channel: Delivered
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

/** What an address of a channel looks like: mail, phone in E.164, a member of WeCom or one of the robots. */
const FORMS: Readonly<Record<Delivered, RegExp>> = {
  email: /^[^\s@,;<>"]+@[^\s@,;<>"]+\.[^\s@,;<>"]+$/,
  sms: /^\+[1-9]\d{6,14}$/,
  im: /^(wecom:[\w.@-]{1,64}|wecom_robot|dingtalk_robot|feishu_robot)$/,
}

/**
 * Leaves a message for addresses that belong to nobody here. Answers how many deliveries there are to make.
 * @throws Invalid `bad_address` that names the first wrong one, masked.
 */
export async function sendToAddresses(kernel: Kernel, caller: Caller, send: DirectSend): Promise<number> {
  const { channel } = send
  const addresses = [...new Set(send.addresses)]
  const wrong = addresses.find((address) => !FORMS[channel].test(address))
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
  { channel, type, addresses, subject, body }: DirectSend,
  { userId, createdBy, urgent = false, at }: DirectOrigin,
): Promise<number> {
  const lanes = new Set(kernel.notifications.providers.map(({ lane }) => lane))
  const { cipher } = kernel.secrets
  const rows = addresses.map((address) => {
    const lane = channel === 'im' ? address.replace(/:.*/, '') : channel
    const to = address.replace(/^wecom:/, '')
    return {
      lane,
      address: cipher.encrypt(to),
      address_key: suppressionKey(cipher, channel, to),
      state: lanes.has(lane) ? 'queued' : 'skipped',
    }
  })
  await sql`
    INSERT INTO deliveries (user_id, type, urgent, channel, lane, state, reason, next_try_at, address_encrypted, address_key, content, created_by, created_at, updated_at)
    SELECT ${userId ?? null}::bigint, ${type}, ${urgent}::boolean, ${channel}, r.lane, r.state, CASE WHEN r.state = 'skipped' THEN 'not_configured' END,
      CASE WHEN r.state = 'queued' THEN ${at}::timestamptz END, r.address, r.address_key, ${JSON.stringify({ subject, body })}::text::jsonb,
      ${createdBy ?? null}::bigint, ${at}::timestamptz, ${at}::timestamptz
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS r(lane text, address text, address_key text, state text)`.execute(
    tx,
  )
  return rows.filter((row) => row.state === 'queued').length
}
