import { Unauthenticated, Unavailable } from '../../../errors.ts'

/** What a log-in at a third party begins and ends with. */
export interface Handshake {
  readonly state: string
  readonly nonce: string
  /** PKCE (RFC 7636). */
  readonly verifier: string
  /** Where the third party sends people back to. */
  readonly redirectUri: string
}

/** Who somebody is to a third party. */
export interface ThirdPartyPerson {
  /** Theirs, and never another's. */
  readonly subject: string
  readonly displayName: string | null
  /** Only when the third party has verified it. */
  readonly email: string | null
}

/** A third party by which people log in. */
export interface ThirdParty {
  /** In paths and in the database: `wechat`. */
  readonly name: string
  /** As people see it. */
  readonly title: string
  /** The page to which a browser is sent. @throws Unavailable */
  authorizeUrl(handshake: Handshake): Promise<string>
  /**
   * Exchanges what came back for who it is.
   * @throws Unauthenticated `third_party_refused`; Unavailable `third_party_unavailable`
   */
  identify(handshake: Handshake, answer: Readonly<Record<string, string>>): Promise<ThirdPartyPerson>
}

/** The third party says no. What it said is logged by the caller, not shown. */
export function refused(title: string, cause?: unknown): Unauthenticated {
  const error = new Unauthenticated('third_party_refused', `${title} did not confirm the log-in. Begin again.`)
  error.cause = cause
  return error
}

/** The third party can't be asked. */
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
 * A JSON answer of a third party. @throws Unavailable when there is none in time.
 * WeChat names JSON text/plain; what is sent is never logged, as secrets stand in the query.
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

/** A text of at most 200 characters, or null. */
export function text(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const plain = value.replaceAll('\0', '').toWellFormed().trim()
  return plain === '' ? null : plain.slice(0, 200)
}
