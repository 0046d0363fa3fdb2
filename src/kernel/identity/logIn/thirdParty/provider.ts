import { Unauthenticated, Unavailable } from '../../../errors.ts'
import { cutText } from '../../../text.ts'

/** The values that connect the start of a log-in at a third party to its end. */
export interface Handshake {
  readonly state: string
  readonly nonce: string
  /** PKCE (RFC 7636). */
  readonly verifier: string
  /** Address to which the third party sends the browser back. */
  readonly redirectUri: string
}

/** A person as the third party identifies them. */
export interface ThirdPartyPerson {
  /** The third party's id of the person; it is never reused for another person. */
  readonly subject: string
  readonly displayName: string | null
  /** Null unless the third party has verified it. */
  readonly email: string | null
}

/** A third party at which people can log in. */
export interface ThirdParty {
  /** Name in paths and in the database: `wechat`. */
  readonly name: string
  /** Name shown to people. */
  readonly title: string
  /** The page to which a browser is sent. @throws Unavailable */
  authorizeUrl(handshake: Handshake): Promise<string>
  /**
   * Exchanges the parameters of the callback for the person's identity.
   * @throws Unauthenticated `third_party_refused`; Unavailable `third_party_unavailable`
   */
  identify(handshake: Handshake, answer: Readonly<Record<string, string>>): Promise<ThirdPartyPerson>
}

/** The error for a log-in that the third party did not confirm. The caller logs the reason; it is not shown. */
export function refused(title: string, cause?: unknown): Unauthenticated {
  const error = new Unauthenticated('third_party_refused', `${title} did not confirm the log-in. Begin again.`)
  error.cause = cause
  return error
}

/** The error for a third party that cannot be reached. */
export function unavailable(title: string, cause?: unknown): Unavailable {
  const error = new Unavailable('third_party_unavailable', `${title} cannot be reached. Try again later.`, {
    retryAfter: 30,
  })
  error.cause = cause
  return error
}

const TIMEOUT_MS = 10_000
const LONGEST_ANSWER = 100_000

/**
 * Fetches JSON from a third party, whatever its content type (WeChat sends text/plain). The URL is never logged,
 * because its query contains secrets.
 * @throws Unavailable if there is no valid answer in time.
 */
export async function getJson(title: string, url: URL): Promise<Readonly<Record<string, unknown>>> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' })
    const text = await answer.text()
    if (!answer.ok || text.length > LONGEST_ANSWER) throw new Error(`status ${answer.status}`)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) throw new Error('an answer that is no object')
    return Object.fromEntries(Object.entries(value))
  } catch (error) {
    throw unavailable(title, new Error(error instanceof Error ? error.message : 'no answer'))
  }
}

/** The trimmed text without control characters, cut at 200 characters; null if it is empty or not a string. */
export function text(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const plain = value.replaceAll(/\p{Cc}+/gu, ' ').trim()
  return plain === '' ? null : cutText(plain, 200)
}

/** A valid e-mail address; null for anything else. */
export function emailIn(value: unknown): string | null {
  const address = typeof value === 'string' ? value.trim() : ''
  return address.length <= 254 && /^[^\s@,;<>"]+@[^\s@,;<>"]+\.[^\s@,;<>"]+$/.test(address) ? address : null
}
