import { createHash, createHmac, randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { PHONE } from '../channels.ts'
import { callProvider, objectOf, textOf } from './http.ts'
import { type Provider, type ProviderMessage, type RefusalKind, Refused } from './provider.ts'

/** An account at an SMS provider. */
export interface SmsAccount {
  readonly baseUrl: string
  readonly keyId: string
  readonly secret: string
  readonly signName: string
  /** The registered template for texts without one of their own; its only variable is the text. */
  readonly template: string
  /** Tencent: SmsSdkAppId. */
  readonly appId: string
  readonly region: string
}

const SMS = { lane: 'sms', channel: 'sms', rings: true, address: PHONE, close: async () => {} } as const

/**
 * Aliyun SMS (`SendSms`, version 2017-05-25), RPC signature HMAC-SHA1. It has no idempotency keys, so a message that
 * may have been sent before is first looked up in the receipts (`QuerySendDetails` by our OutId).
 */
export function aliyunSms(account: SmsAccount, clock: Clock): Provider {
  const call = async (action: string, own: Readonly<Record<string, string>>) => {
    const query = aliyunQuery(account, clock.now(), { Action: action, ...own })
    const { body } = await callProvider(`${account.baseUrl}/?${query}`, { method: 'POST' })
    const code = textOf(body.Code)
    if (code === 'OK') return body
    throw new Refused(`${code || 'no code'} ${textOf(body.Message)}`, kindOf(code, ALIYUN))
  }

  /**
   * Whether an earlier try succeeded without our knowing: looks for a receipt of the day of the message and of today.
   */
  const wasSent = async (message: ProviderMessage, number: string): Promise<boolean> => {
    for (const day of new Set([chineseDay(message.at), chineseDay(clock.now())])) {
      const page = { PhoneNumber: number, SendDate: day, PageSize: '50', CurrentPage: '1' }
      const found = objectOf((await call('QuerySendDetails', page)).SmsSendDetailDTOs).SmsSendDetailDTO
      const rows = Array.isArray(found) ? found.map(objectOf) : []
      // SendStatus 2: failed.
      if (rows.some((row) => textOf(row.OutId) === outId(message) && textOf(row.SendStatus) !== '2')) return true
    }
    return false
  }

  return {
    ...SMS,
    name: 'aliyun',
    knowsRepeats: true,
    async send(message, again = false) {
      const number = message.to.startsWith('+86') ? message.to.slice(3) : message.to.slice(1)
      if (again && (await wasSent(message, number))) return { providerId: outId(message) }
      const { code, params } = templateOf(message, account)
      const body = await call('SendSms', {
        PhoneNumbers: number,
        SignName: account.signName,
        TemplateCode: code,
        TemplateParam: JSON.stringify(Object.fromEntries(params)),
        OutId: outId(message),
      })
      return { providerId: textOf(body.BizId) }
    },
  }
}

/** The date in China, by which the provider files receipts: YYYYMMDD. */
function chineseDay(at: Date): string {
  return new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 10).replaceAll('-', '')
}

function outId(message: ProviderMessage): string {
  return `yuyue-${message.id}-${message.at.getTime()}`
}

/** The signed query of a call: parameters sorted by name, encoded as in RFC 3986, signed with HMAC-SHA1. */
function aliyunQuery(
  { keyId, secret }: Pick<SmsAccount, 'keyId' | 'secret'>,
  at: Date,
  own: Readonly<Record<string, string>>,
): string {
  const all: Readonly<Record<string, string>> = {
    Format: 'JSON',
    Version: '2017-05-25',
    AccessKeyId: keyId,
    SignatureMethod: 'HMAC-SHA1',
    SignatureVersion: '1.0',
    SignatureNonce: randomUUID(),
    Timestamp: at.toISOString().replace(/\.\d+/, ''),
    RegionId: 'cn-hangzhou',
    ...own,
  }
  return `Signature=${encode(aliyunSignature(all, secret))}&${canonical(all)}`
}

/** The signature of a call's parameters (without `Signature`), as the provider computes it. */
function aliyunSignature(params: Readonly<Record<string, string>>, secret: string): string {
  const text = `POST&${encode('/')}&${encode(canonical(params))}`
  return createHmac('sha1', `${secret}&`).update(text).digest('base64')
}

function canonical(params: Readonly<Record<string, string>>): string {
  const names = Object.keys(params).sort()
  return names.map((name) => `${encode(name)}=${encode(params[name] ?? '')}`).join('&')
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}

/**
 * Tencent Cloud SMS (`SendSms`, version 2021-01-11), signature TC3-HMAC-SHA256. It has no idempotency keys. A message
 * that may have been sent before is looked up in the receipts (`PullSmsSendStatusByPhoneNumber` by our SessionContext),
 * which lack messages that the carrier has not reported yet.
 */
export function tencentSms(account: SmsAccount, clock: Clock): Provider {
  const call = async (action: string, own: object, asks = false) => {
    const payload = JSON.stringify({ SmsSdkAppId: account.appId, ...own })
    const headers = tencentHeaders(account, clock.now(), action, payload)
    const { body } = await callProvider(`${account.baseUrl}/`, { method: 'POST', headers, body: payload, asks })
    const response = objectOf(body.Response)
    if (body.Response === undefined || response.Error !== undefined) throw tencentRefusal(objectOf(response.Error))
    return response
  }

  /** Whether an earlier try succeeded without our knowing: looks for its receipt. */
  const wasSent = async (message: ProviderMessage): Promise<boolean> => {
    const since = Math.max(message.at.getTime(), clock.now().getTime() - TENCENT_KEEPS_MS)
    const own = { PhoneNumber: message.to, BeginTime: Math.floor(since / 1000), Offset: 0, Limit: 100 }
    const found = (await call('PullSmsSendStatusByPhoneNumber', own, true)).PullSmsSendStatusSet
    const rows = Array.isArray(found) ? found.map(objectOf) : []
    return rows.some((row) => textOf(row.SessionContext) === outId(message) && textOf(row.ReportStatus) !== 'FAIL')
  }

  return {
    ...SMS,
    name: 'tencent',
    async send(message, again = false) {
      if (again && (await wasSent(message))) return { providerId: outId(message) }
      const { code, params } = templateOf(message, account)
      const response = await call('SendSms', {
        SignName: account.signName,
        TemplateId: code,
        TemplateParamSet: params.map(([, value]) => value),
        PhoneNumberSet: [message.to],
        SessionContext: outId(message),
      })
      const status = objectOf(Array.isArray(response.SendStatusSet) ? response.SendStatusSet[0] : undefined)
      if (textOf(status.Code) !== 'Ok') throw tencentRefusal(status)
      return { providerId: textOf(status.SerialNo) }
    },
  }
}

/** Receipts can be queried for 7 days. */
const TENCENT_KEEPS_MS = 7 * 24 * 3_600_000

function tencentRefusal({ Code, Message }: Readonly<Record<string, unknown>>): Refused {
  const code = textOf(Code)
  return new Refused(`${code || 'no code'} ${textOf(Message)}`, kindOf(code, TENCENT))
}

/** The headers of a signed call. */
function tencentHeaders(
  account: Pick<SmsAccount, 'baseUrl' | 'keyId' | 'secret' | 'region'>,
  at: Date,
  action: string,
  payload: string,
): Record<string, string> {
  const seconds = String(Math.floor(at.getTime() / 1000))
  const { host } = new URL(account.baseUrl)
  return {
    'content-type': 'application/json; charset=utf-8',
    'x-tc-action': action,
    'x-tc-version': '2021-01-11',
    'x-tc-timestamp': seconds,
    'x-tc-region': account.region,
    authorization: tencentAuthorization(account, host, seconds, action, payload),
  }
}

/** The Authorization header of a call: TC3-HMAC-SHA256 over content type, host and action. `seconds`: since 1970. */
function tencentAuthorization(
  { keyId, secret }: Pick<SmsAccount, 'keyId' | 'secret'>,
  host: string,
  seconds: string,
  action: string,
  payload: string,
) {
  const date = new Date(Number(seconds) * 1000).toISOString().slice(0, 10)
  const signed = 'content-type;host;x-tc-action'
  const head = `content-type:application/json; charset=utf-8\nhost:${host}\nx-tc-action:${action.toLowerCase()}\n`
  const request = ['POST', '/', '', head, signed, sha256(payload)].join('\n')
  const scope = `${date}/sms/tc3_request`
  const text = ['TC3-HMAC-SHA256', seconds, scope, sha256(request)].join('\n')
  const key = [date, 'sms', 'tc3_request'].reduce<Buffer>(
    (before, part) => createHmac('sha256', before).update(part).digest(),
    Buffer.from(`TC3${secret}`),
  )
  const signature = createHmac('sha256', key).update(text).digest('hex')
  return `TC3-HMAC-SHA256 Credential=${keyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * Any other provider, behind a small web service of the site: one JSON POST per message.
 * `X-Yuyue-Signature: sha256=<hex>` is the HMAC-SHA256 of `<X-Yuyue-Timestamp>.<body>`. `Idempotency-Key` is the same
 * for every try.
 */
export function webhookSms(account: Pick<SmsAccount, 'baseUrl' | 'secret'>, clock: Clock): Provider {
  return {
    ...SMS,
    name: 'webhook',
    knowsRepeats: true,
    async send(message) {
      const payload = JSON.stringify({
        id: outId(message),
        to: message.to,
        subject: message.subject,
        text: message.text,
        template: message.template?.code ?? null,
        params: Object.fromEntries(message.template?.params ?? []),
      })
      const seconds = String(Math.floor(clock.now().getTime() / 1000))
      const signature = createHmac('sha256', account.secret).update(`${seconds}.${payload}`).digest('hex')
      const { status, body } = await callProvider(account.baseUrl, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': outId(message),
          'x-yuyue-timestamp': seconds,
          'x-yuyue-signature': `sha256=${signature}`,
        },
        body: payload,
      })
      if (status >= 200 && status < 300) return { providerId: textOf(body.id) || outId(message) }
      const kind = status === 410 ? 'address' : status === 400 || status === 422 ? 'message' : 'ours'
      throw new Refused(`${status} ${textOf(body.message)}`, kind)
    },
  }
}

function templateOf(message: ProviderMessage, account: SmsAccount) {
  return message.template ?? { code: account.template, params: [['content', message.text] as const] }
}

type Table = readonly (readonly [RegExp, RefusalKind])[]

/** Kinds of refusal by error code: https://help.aliyun.com/zh/sms/developer-reference/api-error-codes */
const ALIYUN: Table = [
  [/^(isv\.BUSINESS_LIMIT_CONTROL|isv\.DAY_LIMIT_CONTROL|isv\.MONTH_LIMIT_CONTROL|Throttling.*)$/, 'busy'],
  [/^isv\.(MOBILE_NUMBER_ILLEGAL|MOBILE_COUNT_OVER_LIMIT)$/, 'address'],
  [/^isv\.(SMS_TEMPLATE_ILLEGAL|TEMPLATE_MISSING_PARAMETERS|TEMPLATE_PARAMS_ILLEGAL|INVALID_JSON_PARAM)$/, 'message'],
  [/^isv\.(INVALID_PARAMETERS|BLACK_KEY_CONTROL_LIMIT|PARAM_LENGTH_LIMIT|PARAM_NOT_SUPPORT_URL)$/, 'message'],
  [/^isv\.|^(Signature|InvalidAccessKeyId|Forbidden|InvalidTimeStamp|MissingAccessKeyId)/, 'ours'],
]

/** Kinds of refusal by error code: https://cloud.tencent.com/document/product/382/59177 */
const TENCENT: Table = [
  [/^(LimitExceeded|RequestLimitExceeded)/, 'busy'],
  [/^(InvalidParameterValue\.IncorrectPhoneNumber|FailedOperation\.PhoneNumberInBlacklist)$/, 'address'],
  [
    /^InvalidParameterValue\.(Template|ContentLengthLimit)|^FailedOperation\.(Template|ContainSensitiveWord)/,
    'message',
  ],
  [
    /^(UnauthorizedOperation|AuthFailure|FailedOperation|InvalidParameter|MissingParameter|UnsupportedOperation)/,
    'ours',
  ],
]

function kindOf(code: string, table: Table): RefusalKind {
  return table.find(([pattern]) => pattern.test(code))?.[1] ?? 'temporary'
}
