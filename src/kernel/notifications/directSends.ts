import { sql } from 'kysely'
import { by, type Caller } from '../http/caller.ts'
import { Invalid } from '../http/errors.ts'
import { fieldCipher } from '../identity/users.ts'
import type { Kernel } from '../kernel.ts'
import { engineOf } from './engine.ts'
import { record } from './outbox.ts'
import { maskAddress, suppressionKey } from './suppressions.ts'
import type { Delivered } from './types.ts'

/** A message to bare addresses. */
export interface DirectSend {
  readonly channel: Delivered
  readonly type: string
  readonly addresses: readonly string[]
  readonly subject: string
  readonly body: string
}

/** What an address of a channel looks like: mail, phone in E.164, a member of WeCom or one of the robots. */
const FORMS: Readonly<Record<Delivered, RegExp>> = {
  email: /^[^\s@,;<>"]+@[^\s@,;<>"]+\.[^\s@,;<>"]+$/,
  sms: /^\+[1-9]\d{6,14}$/,
  im: /^(wecom:[\w.@-]{1,64}|wecom_robot|dingtalk_robot|feishu_robot)$/,
}

/**
 * Leaves a message for addresses that belong to nobody here; each is kept encrypted. Answers how many deliveries there are to make.
 * @throws Invalid `bad_address` that names the first wrong one, masked.
 */
export async function sendToAddresses(kernel: Kernel, caller: Caller, send: DirectSend): Promise<number> {
  const { channel, type, subject, body } = send
  const addresses = [...new Set(send.addresses)]
  const wrong = addresses.find((address) => !FORMS[channel].test(address))
  if (wrong !== undefined) throw new Invalid('bad_address', `${maskAddress(wrong)} is no address for ${channel}.`)
  const now = kernel.clock.now()
  const lanes = new Set(engineOf(kernel).providers.map(({ lane }) => lane))
  const cipher = fieldCipher(kernel.config)
  const rows = addresses.map((address) => {
    const lane = channel === 'im' ? address.replace(/:.*/, '') : channel
    const to = address.replace(/^wecom:/, '')
    return {
      lane,
      address: cipher.encrypt(to),
      address_key: suppressionKey(kernel.config, channel, to),
      state: lanes.has(lane) ? 'queued' : 'skipped',
    }
  })
  await kernel.transaction(async (tx) => {
    await sql`
      INSERT INTO deliveries (type, urgent, channel, lane, state, reason, next_try_at, address_encrypted, address_key, content, created_by, created_at, updated_at)
      SELECT ${type}, false, ${channel}, r.lane, r.state, CASE WHEN r.state = 'skipped' THEN 'not_configured' END,
        CASE WHEN r.state = 'queued' THEN ${now}::timestamptz END, r.address, r.address_key, ${JSON.stringify({ subject, body })}::text::jsonb,
        ${caller.userId}::bigint, ${now}::timestamptz, ${now}::timestamptz
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS r(lane text, address text, address_key text, state text)`.execute(
      tx,
    )
    const operation = { action: `notification.send_${channel}`, resource: 'notification' }
    await record(tx, now, { ...by(caller), ...operation, changes: { addresses: [null, addresses.length] } })
  })
  kernel.nudge()
  return rows.filter((row) => row.state === 'queued').length
}
