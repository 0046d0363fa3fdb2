import { Refused } from './provider.ts'

/** The answer of a provider over HTTP. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  /** The JSON object; empty when the answer was something else. */
  readonly body: Readonly<Record<string, unknown>>
}

export interface ProviderCall {
  readonly method: 'GET' | 'POST'
  readonly headers?: Record<string, string>
  readonly body?: string
  /** The call only queries something: no message is sent by it. */
  readonly asks?: boolean
}

const TIMEOUT_MS = 15_000
const LONGEST_ANSWER = 100_000

/**
 * Calls a provider, without following redirects and without retries.
 * @throws Refused `busy` for 429; `temporary` for 503 and when there was no connection; for a missing answer or another
 * 5xx `unheard`, as the call may have been carried out, or `temporary` when the call only `asks`.
 */
export async function callProvider(
  url: string,
  { asks = false, ...init }: ProviderCall,
  timeoutMs: number = TIMEOUT_MS,
): Promise<HttpAnswer> {
  const unsure = asks ? 'temporary' : 'unheard'
  let answer: Response
  let text: string
  try {
    answer = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    text = (await answer.text()).slice(0, LONGEST_ANSWER)
  } catch (error) {
    throw new Refused(`no answer: ${reasonOf(error)}`, neverLeft(error) ? 'temporary' : unsure)
  }
  if (answer.status === 429) {
    const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN)
    throw new Refused(
      `429 too many requests ${text.slice(0, 200)}`.trim(),
      'busy',
      Number.isFinite(seconds) ? seconds : undefined,
    )
  }
  if (answer.status >= 500) {
    throw new Refused(`${answer.status} ${text.slice(0, 200)}`, answer.status === 503 ? 'temporary' : unsure)
  }
  return { status: answer.status, headers: answer.headers, body: objectIn(text) }
}

/** A field of an answer as text; '' when it is neither text nor a number. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** A value as an object; empty when it is not one. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {}
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return {}
  }
}

/** Whether the call was certainly not sent, because there was no connection: refused, unknown host, untrusted TLS. */
function neverLeft(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  if (!(cause instanceof Error)) return false
  const code = 'code' in cause ? String(cause.code) : ''
  const step = 'syscall' in cause ? String(cause.syscall) : ''
  return NO_CONNECTION.test(code) || step === 'connect' || step === 'getaddrinfo'
}

const NO_CONNECTION =
  /^(ECONNREFUSED|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${error.name} ${error.message}${cause}`
}
