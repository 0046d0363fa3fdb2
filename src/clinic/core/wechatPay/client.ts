import type { IncomingHttpHeaders } from 'node:http'
import { PlatformFault } from '../platform/port.ts'
import {
  authorization,
  faultOfSignature,
  type MerchantKey,
  type PlatformKey,
  type SignatureHeaders,
  signatureHeaders,
} from './signature.ts'

/** An account at WeChat Pay. */
export interface WeChatPayAccount extends MerchantKey {
  readonly appId: string
  /** Decrypts notifications. */
  readonly apiKey: string
  readonly platformKey: PlatformKey
  /** Address of the API. */
  readonly baseUrl: string
  /** Address to which notifications are sent. */
  readonly notifyUrl: string
  readonly now: () => Date
}

const TIMEOUT_MS = 10_000
const LONGEST_ANSWER = 100_000

export type Fields = Readonly<Record<string, unknown>>

/**
 * Calls WeChat Pay: signs the request and checks the signature of the answer. Not repeated, redirects are not followed.
 * @throws PlatformFault `unreachable` for no answer, 429 and 5xx; `refused` for other errors, with their code;
 * `untrusted` for an answer that isn't signed by WeChat Pay.
 */
export async function callWeChatPay(
  account: WeChatPayAccount,
  method: 'GET' | 'POST',
  target: string,
  content?: object,
): Promise<Fields> {
  const body = content === undefined ? '' : JSON.stringify(content)
  const { status, headers, bytes } = await ask(account, method, target, body)
  const fault = faultOfSignature(headers, bytes, account.platformKey, account.now())
  const isGood = status >= 200 && status < 300
  // Errors that come from a proxy, or for a wrong signature of ours, are not signed.
  if (fault !== null && (isGood || headers.signature !== '')) throw new PlatformFault('untrusted', fault)
  const fields = fieldsIn(bytes.toString('utf8'))
  if (isGood) return fields
  const code = textOf(fields.code).slice(0, 64)
  const message = `${status} ${code} ${textOf(fields.message).slice(0, 200)}`.trim()
  throw new PlatformFault(status === 429 || status >= 500 ? 'unreachable' : 'refused', message, code)
}

interface RawAnswer {
  readonly status: number
  readonly headers: SignatureHeaders
  readonly bytes: Buffer
}

async function ask(account: WeChatPayAccount, method: string, target: string, body: string): Promise<RawAnswer> {
  try {
    const answer = await fetch(`${account.baseUrl}${target}`, {
      method,
      headers: {
        accept: 'application/json',
        'user-agent': 'yuyue',
        'wechatpay-serial': account.platformKey.id,
        authorization: authorization({ method, target, body }, account, account.now()),
        ...(body !== '' && { 'content-type': 'application/json' }),
      },
      ...(body !== '' && { body }),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    if (bytes.length > LONGEST_ANSWER) throw new Error('the answer is too long')
    return { status: answer.status, headers: signatureHeaders(Object.fromEntries(answer.headers)), bytes }
  } catch (error) {
    throw new PlatformFault('unreachable', `no answer: ${reasonOf(error)}`)
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return error.cause instanceof Error ? error.cause.message : error.message
}

/** The fields of a JSON object; none if the text is something else. */
export function fieldsIn(text: string): Fields {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return {}
  }
}

/** A value as an object; empty if it is none. */
export function objectOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}

/** A text; '' if the value is none. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Checks the signature of a notification. @throws PlatformFault `untrusted` */
export function expectSigned(account: WeChatPayAccount, headers: IncomingHttpHeaders, body: Buffer): void {
  const fault = faultOfSignature(signatureHeaders(headers), body, account.platformKey, account.now())
  if (fault !== null) throw new PlatformFault('untrusted', fault)
}
