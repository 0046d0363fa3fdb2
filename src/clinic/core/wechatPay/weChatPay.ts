import type { IncomingHttpHeaders } from 'node:http'
import {
  type NewPayment,
  type NewRefund,
  type Notification,
  type PaymentPlatform,
  type PaymentReport,
  PlatformFault,
  type RefundReport,
} from '../platform/port.ts'
import {
  callWeChatPay as call,
  expectSigned,
  type Fields,
  fieldsIn,
  objectOf,
  textOf,
  type WeChatPayAccount,
} from './client.ts'
import { decrypt } from './signature.ts'

const CURRENCY = 'CNY'
const UNKNOWN = ['ORDER_NOT_EXIST', 'ORDERNOTEXIST', 'RESOURCE_NOT_EXISTS']

/**
 * WeChat Pay, API v3, native payments: people scan a code. See https://pay.weixin.qq.com/doc/v3/merchant/4012791832.
 */
export function createWeChatPay(account: WeChatPayAccount): PaymentPlatform {
  const { appId, merchantId, notifyUrl } = account
  return {
    async open({ number, amount, description, expiresAt }: NewPayment) {
      const answer = await call(account, 'POST', '/v3/pay/transactions/native', {
        appid: appId,
        mchid: merchantId,
        description: cut(description, 127),
        out_trade_no: number,
        time_expire: beijingTime(expiresAt),
        notify_url: notifyUrl,
        amount: { total: amount, currency: CURRENCY },
      })
      const code = textOf(answer.code_url)
      if (code === '' || code.length > 512) throw new PlatformFault('untrusted', 'an answer without a code')
      return code
    },
    async find(number) {
      const path = `/v3/pay/transactions/out-trade-no/${encodeURIComponent(number)}?mchid=${merchantId}`
      return await nullIfUnknown(async () => expectNumber(paymentOf(account, await call(account, 'GET', path)), number))
    },
    async close(number) {
      const path = `/v3/pay/transactions/out-trade-no/${encodeURIComponent(number)}/close`
      await call(account, 'POST', path, { mchid: merchantId })
    },
    async refund({ refundNumber, number, total, amount, reason }: NewRefund) {
      const answer = await call(account, 'POST', '/v3/refund/domestic/refunds', {
        out_trade_no: number,
        out_refund_no: refundNumber,
        ...(reason !== '' && { reason: cut(reason, 80) }),
        notify_url: notifyUrl,
        amount: { refund: amount, total, currency: CURRENCY },
      })
      return expectRefund(refundOf(answer), refundNumber)
    },
    async findRefund(refundNumber) {
      const path = `/v3/refund/domestic/refunds/${encodeURIComponent(refundNumber)}`
      return await nullIfUnknown(async () => expectRefund(refundOf(await call(account, 'GET', path)), refundNumber))
    },
    read(headers: IncomingHttpHeaders, body: Buffer): Notification {
      expectSigned(account, headers, body)
      return notificationOf(account, fieldsIn(body.toString('utf8')))
    },
  }
}

function notificationOf(account: WeChatPayAccount, fields: Fields): Notification {
  const kind = textOf(fields.event_type)
  if (!kind.startsWith('TRANSACTION.') && !kind.startsWith('REFUND.')) return null
  const content = openResource(objectOf(fields.resource), account.apiKey)
  if (kind.startsWith('TRANSACTION.')) return { payment: paymentOf(account, content) }
  if (textOf(content.mchid) !== account.merchantId) throw untrusted('a refund of another merchant')
  return { refund: refundOf(content) }
}

function openResource(resource: Fields, key: string): Fields {
  try {
    const { algorithm, ciphertext, nonce, associated_data: associatedData } = resource
    const encrypted = {
      algorithm: textOf(algorithm),
      ciphertext: textOf(ciphertext),
      nonce: textOf(nonce),
      associatedData: textOf(associatedData),
    }
    return fieldsIn(decrypt(encrypted, key))
  } catch {
    throw untrusted('the content can’t be decrypted')
  }
}

/** The states of a payment. REFUND: it was paid and money was given back. */
const PAYMENT_STATES: ReadonlyMap<string, PaymentReport['state']> = new Map([
  ['SUCCESS', 'paid'],
  ['REFUND', 'paid'],
  ['NOTPAY', 'open'],
  ['USERPAYING', 'open'],
  ['PAYERROR', 'open'],
  ['CLOSED', 'closed'],
  ['REVOKED', 'closed'],
])

/** A payment of ours. @throws PlatformFault `untrusted` for another merchant, app or currency */
function paymentOf({ appId, merchantId }: WeChatPayAccount, fields: Fields): PaymentReport {
  const state = PAYMENT_STATES.get(textOf(fields.trade_state))
  const { total, currency } = objectOf(fields.amount)
  const transactionId = textOf(fields.transaction_id)
  if (textOf(fields.mchid) !== merchantId) throw untrusted('a payment of another merchant')
  if (textOf(fields.appid) !== appId) throw untrusted('a payment of another app')
  if (state === undefined) throw untrusted('an unknown state of a payment')
  if (currency !== undefined && currency !== CURRENCY) throw untrusted('a payment in another currency')
  if (state === 'paid' && (!Number.isSafeInteger(total) || !/^[\w-]{1,64}$/.test(transactionId)))
    throw untrusted('an incomplete payment')
  return {
    number: textOf(fields.out_trade_no),
    state,
    transactionId: state === 'paid' ? transactionId : null,
    amount: typeof total === 'number' ? total : null,
  }
}

const REFUND_STATES: ReadonlyMap<string, RefundReport['state']> = new Map([
  ['PROCESSING', 'accepted'],
  ['SUCCESS', 'done'],
  ['CLOSED', 'failed'],
  ['ABNORMAL', 'failed'],
])

/** A refund; the field of its state has another name in notifications. */
function refundOf(fields: Fields): RefundReport {
  const word = textOf(fields.status) || textOf(fields.refund_status)
  const state = REFUND_STATES.get(word)
  const { refund, currency } = objectOf(fields.amount)
  if (state === undefined || typeof refund !== 'number') throw untrusted('an incomplete refund')
  if (currency !== undefined && currency !== CURRENCY) throw untrusted('a refund in another currency')
  return {
    refundNumber: textOf(fields.out_refund_no),
    number: textOf(fields.out_trade_no),
    state,
    amount: refund,
    word,
  }
}

async function nullIfUnknown<T>(question: () => Promise<T>): Promise<T | null> {
  try {
    return await question()
  } catch (error) {
    if (error instanceof PlatformFault && error.code !== null && UNKNOWN.includes(error.code)) return null
    throw error
  }
}

function expectNumber(report: PaymentReport, number: string): PaymentReport {
  if (report.number !== number) throw untrusted('an answer about another payment')
  return report
}

function expectRefund(report: RefundReport, refundNumber: string): RefundReport {
  if (report.refundNumber !== refundNumber) throw untrusted('an answer about another refund')
  return report
}

const untrusted = (message: string) => new PlatformFault('untrusted', message)

/** RFC 3339 in the time of Beijing, as the documentation shows it. */
function beijingTime(instant: Date): string {
  return `${new Date(instant.getTime() + 8 * 3_600_000).toISOString().slice(0, 19)}+08:00`
}

/** The text cut to a number of bytes, at a whole character. */
function cut(text: string, bytes: number): string {
  let short = ''
  let used = 0
  for (const character of text) {
    used += Buffer.byteLength(character)
    if (used > bytes) break
    short += character
  }
  return short
}
