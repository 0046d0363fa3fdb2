import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { NotFound, Unauthenticated } from '../../errors.ts'
import type { Kernel } from '../../kernel.ts'
import type { FieldCipher } from '../../secrets/fields.ts'
import type { DeliveryChannel } from '../channels.ts'
import { maskAddress } from '../channels.ts'
import { objectOf, textOf } from '../providers/http.ts'
import { recordable, withoutContacts } from '../providers/provider.ts'
import { type Moved, noteReceipt, type Receipt } from './receiptStore.ts'
import { suppress } from './suppressions.ts'

/** Records receipts. Repeated receipts and receipts for unknown messages change nothing. */
export async function takeReceipts(kernel: Kernel, receipts: readonly Receipt[]): Promise<void> {
  const at = kernel.clock.now()
  const { channels } = kernel.notifications.catalogue
  const cipher = kernel.secrets.cipher
  for (const given of receipts) {
    const receipt = { ...given, reason: recordable(withoutContacts(given.reason)) }
    await kernel.transaction(async (tx) => {
      const moved = await noteReceipt(tx, channels, receipt, at)
      const channel = channels.delivery(receipt.channel)
      if (!moved || !channel || !receipt.permanent || receipt.outcome !== 'failed') return
      const address = readable(cipher, channel, moved)
      const key = channel.keyOf(cipher, receipt.to)
      // If the person has changed their address since, the receipt is about the old one.
      if (address === null || channel.keyOf(cipher, address) !== key) return
      const entry = { channel: receipt.channel, key, masked: maskAddress(address), userId: moved.user_id }
      await suppress(tx, { ...entry, reason: receipt.reason }, at)
    })
  }
}

function readable(cipher: FieldCipher, channel: DeliveryChannel, moved: Moved): string | null {
  const { address_encrypted: bare, address: own } = moved
  if (bare !== null) return cipher.decrypt(bare)
  return own !== null && channel.address.encrypted ? cipher.decrypt(own) : own
}

/** Aliyun's codes for numbers that will never work: https://help.aliyun.com/zh/sms/developer-reference/smsreport-2 */
const DEAD_AT_ALIYUN = /^(INVALID_NUMBER|MOBILE_NOT_ON_SERVICE|MOBILE_IN_BLACK)$/

/** Reads Aliyun's `SmsReport`. `biz_id` is its own id, `out_id` ours. */
export function aliyunReceipt(report: unknown): Receipt {
  const { biz_id, out_id, success, err_code, err_msg, phone_number } = objectOf(report)
  const code = textOf(err_code)
  return {
    channel: 'sms',
    ids: [textOf(biz_id), textOf(out_id)].filter(Boolean),
    outcome: success === true || success === 'true' ? 'delivered' : 'failed',
    permanent: DEAD_AT_ALIYUN.test(code),
    to: chinese(textOf(phone_number)),
    reason: `${code} ${textOf(err_msg)}`.trim(),
  }
}

/** Reads Tencent's status report. `sid` is the id of the message. A number that does not exist (空号) will never work. */
export function tencentReceipt(report: unknown): Receipt {
  const { sid, report_status, errmsg, description, nationcode, mobile } = objectOf(report)
  const said = `${textOf(errmsg)} ${textOf(description)}`.trim()
  return {
    channel: 'sms',
    ids: [textOf(sid)].filter(Boolean),
    outcome: report_status === 'SUCCESS' ? 'delivered' : 'failed',
    permanent: /空号/.test(said),
    to: textOf(nationcode) === '' ? chinese(textOf(mobile)) : `+${textOf(nationcode)}${textOf(mobile)}`,
    reason: said,
  }
}

/** A phone number in E.164; eleven digits are a Chinese number without its country code. */
function chinese(number: string): string {
  return number.startsWith('+') ? number : number.length === 11 ? `+86${number}` : `+${number}`
}

/** Refuses a token that is not RECEIPT_TOKEN. @throws NotFound, also when no token is configured */
export function requireToken({ config }: Pick<Kernel, 'config'>, token: string): void {
  if (config.receiptToken === undefined || !sameSecret(token, config.receiptToken)) {
    throw new NotFound('not_found', 'There is nothing at this path.')
  }
}

/** Largest accepted difference between the sender's clock and ours. */
const SKEW_MS = 5 * 60_000

/**
 * Refuses a request that is not signed with RECEIPT_SECRET. `signature`: `sha256=<hex>`, the HMAC-SHA256 of
 * `<timestamp>.<body>`. `timestamp`: seconds since 1970.
 * @throws NotFound when no secret is configured; Unauthenticated `bad_signature`
 */
export function requireSignature(
  { config, clock }: Pick<Kernel, 'config' | 'clock'>,
  { timestamp, signature }: { readonly timestamp: string; readonly signature: string },
  body: Buffer,
): void {
  if (config.receiptSecret === undefined) throw new NotFound('not_found', 'There is nothing at this path.')
  const mac = createHmac('sha256', config.receiptSecret).update(`${timestamp}.`).update(body).digest('hex')
  const late = Math.abs(Number(timestamp) * 1000 - clock.now().getTime())
  if (sameSecret(signature, `sha256=${mac}`) && late <= SKEW_MS) return
  throw new Unauthenticated('bad_signature', 'The signature is wrong, or more than 5 minutes old.')
}

/** Compares digests in constant time; they have the same length, so the timing reveals nothing. */
function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
