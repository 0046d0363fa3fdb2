import { Refused } from './provider.ts'

/** What a provider answered over HTTP. */
export interface HttpAnswer {
  readonly status: number
  /** The JSON object; empty when it was none. */
  readonly body: Readonly<Record<string, unknown>>
}

const TIMEOUT_MS = 15_000
const LONGEST_ANSWER = 100_000

/**
 * Calls a provider. No redirect is followed and nothing is tried twice: an unanswered call may have been heard.
 * @throws Refused `temporary` when nobody answers in time, `busy` for 429, `temporary` for 5xx.
 */
export async function callProvider(
  url: string,
  init: { readonly method: 'GET' | 'POST'; readonly headers?: Record<string, string>; readonly body?: string },
  timeoutMs: number = TIMEOUT_MS,
): Promise<HttpAnswer> {
  let answer: Response
  let text: string
  try {
    answer = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
    text = (await answer.text()).slice(0, LONGEST_ANSWER)
  } catch (error) {
    throw new Refused(`no answer: ${reasonOf(error)}`, 'temporary')
  }
  if (answer.status === 429) {
    const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN)
    throw new Refused('429 too many requests', 'busy', Number.isFinite(seconds) ? seconds : undefined)
  }
  if (answer.status >= 500) throw new Refused(`${answer.status} ${text.slice(0, 200)}`, 'temporary')
  return { status: answer.status, body: objectIn(text) }
}

/** A member of an answer as text, '' when there is none. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** A value as an object; empty when it is none. */
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

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${error.name} ${error.message}${cause}`
}
