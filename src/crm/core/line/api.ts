import { callProvider, type HttpAnswer, objectOf, textOf } from '../../../kernel/notifications/providers/http.ts'
import { Refused, recordable } from '../../../kernel/notifications/providers/provider.ts'
import type { LineChannel } from './channelStore.ts'
import type { LineMessage, Outcome } from './types.ts'

// LINE's Messaging API (https://developers.line.biz/en/reference/messaging-api/). The official SDK has no time limit for
// calls and hides what is needed here of refused ones, so this is our own client of the few calls.

/** Most users of one multicast call. */
export const MOST_MULTICAST = 500
/** Milliseconds that a call may take. */
export const CALL_MS = 10_000

export interface Profile {
  readonly displayName: string
  readonly pictureUrl: string | null
  readonly language: string | null
}

/** LINE as this program uses it. Nothing throws but what is said. */
export interface LineApi {
  push(to: string, messages: readonly LineMessage[], retryKey: string): Promise<Outcome>
  /** @param to at most 500 users */
  multicast(to: readonly string[], messages: readonly LineMessage[], retryKey: string): Promise<Outcome>
  /** Answers an event, once, for about a minute. It is free. It takes no retry key: `unheard` must not be repeated. */
  reply(replyToken: string, messages: readonly LineMessage[]): Promise<Outcome>
  /** A friend's profile; undefined if there is none, or LINE can't be reached. */
  profile(userId: string): Promise<Profile | undefined>
  /** The bytes of a picture that a member sent. @throws Refused */
  content(messageId: string): Promise<Buffer>
  /** Checks messages as LINE would; answers LINE's words about each fault. @throws Refused */
  validate(kind: 'push' | 'multicast' | 'reply', messages: readonly LineMessage[]): Promise<readonly string[]>
  /** Messages of this month: the limit (null: none) and the used ones. @throws Refused */
  quota(): Promise<{ readonly limit: number | null; readonly used: number }>
  /** The official account of the token. @throws Refused */
  account(): Promise<{ readonly userId: string; readonly displayName: string; readonly basicId: string }>
}

const MOST_CONTENT = 10 * 1024 * 1024

/** LINE's API for a channel. */
export function lineApi(
  { token }: Pick<LineChannel, 'token'>,
  { baseUrl, dataBaseUrl }: { readonly baseUrl: string; readonly dataBaseUrl: string },
): LineApi {
  const authorization = `Bearer ${token}`
  const ask = async (path: string) =>
    understood(
      await callProvider(`${baseUrl}${path}`, { method: 'GET', headers: { authorization }, asks: true }, CALL_MS),
    )
  const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
    callProvider(
      `${baseUrl}${path}`,
      {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      },
      CALL_MS,
    )
  const send = async (path: string, body: object, retryKey?: string): Promise<Outcome> => {
    try {
      return outcomeOf(await post(path, body, retryKey === undefined ? {} : { 'x-line-retry-key': retryKey }))
    } catch (error) {
      if (error instanceof Refused) return outcomeOfFault(error)
      throw error
    }
  }
  return {
    push: (to, messages, retryKey) => send('/v2/bot/message/push', { to, messages }, retryKey),
    multicast: (to, messages, retryKey) => send('/v2/bot/message/multicast', { to, messages }, retryKey),
    reply: (replyToken, messages) => send('/v2/bot/message/reply', { replyToken, messages }),
    async profile(userId) {
      try {
        const { displayName, pictureUrl, language } = await ask(`/v2/bot/profile/${encodeURIComponent(userId)}`)
        return {
          displayName: textOf(displayName),
          pictureUrl: textOf(pictureUrl) || null,
          language: textOf(language) || null,
        }
      } catch (error) {
        if (error instanceof Refused) return undefined
        throw error
      }
    },
    async content(messageId) {
      return await bytesAt(`${dataBaseUrl}/v2/bot/message/${encodeURIComponent(messageId)}/content`, authorization)
    },
    async validate(kind, messages) {
      const { status, body } = await post(`/v2/bot/message/validate/${kind}`, { messages })
      if (status === 200) return []
      if (status !== 400) throw faultOf(status, body)
      return faultsIn(body)
    },
    async quota() {
      const [{ type, value }, { totalUsage }] = await Promise.all([
        ask('/v2/bot/message/quota'),
        ask('/v2/bot/message/quota/consumption'),
      ])
      return { limit: type === 'limited' ? Number(value) : null, used: Number(totalUsage) }
    },
    async account() {
      const { userId, displayName, basicId } = await ask('/v2/bot/info')
      return { userId: textOf(userId), displayName: textOf(displayName), basicId: textOf(basicId) }
    },
  }
}

function understood({ status, body }: HttpAnswer): HttpAnswer['body'] {
  if (status === 200) return body
  throw faultOf(status, body)
}

function faultOf(status: number, body: HttpAnswer['body']): Refused {
  return new Refused(`${status} ${textOf(body.message)}`.trim(), status === 401 || status === 403 ? 'ours' : 'message')
}

/** LINE's words about a refused request, a line for each fault. */
function faultsIn(body: HttpAnswer['body']): readonly string[] {
  const details = Array.isArray(body.details) ? body.details.map(objectOf) : []
  const lines = details.map(({ property, message }) => `${textOf(property)}: ${textOf(message)}`)
  return (lines.length > 0 ? lines : [textOf(body.message) || 'refused']).map(recordable)
}

function outcomeOf({ status, headers, body }: HttpAnswer): Outcome {
  if (status === 200) {
    const sent = Array.isArray(body.sentMessages) ? body.sentMessages.map(objectOf) : []
    return {
      kind: 'accepted',
      requestId: recordable(headers.get('x-line-request-id') ?? ''),
      messageIds: sent.map(({ id }) => textOf(id)),
    }
  }
  // The key was used before: the first call was accepted.
  const accepted = headers.get('x-line-accepted-request-id')
  if (status === 409 && accepted !== null) return { kind: 'accepted', requestId: recordable(accepted), messageIds: [] }
  const reason = recordable(`${status} ${faultsIn(body).join('; ')}`)
  return { kind: status === 401 || status === 403 ? 'ours' : 'refused', reason }
}

function outcomeOfFault({ kind, message: reason, retryAfter }: Refused): Outcome {
  // The text of a 429 tells the two apart: the rate, or the messages of the month.
  if (kind === 'busy') return /monthly limit/i.test(reason) ? { kind: 'quota', reason } : { kind, reason, retryAfter }
  return { kind: kind === 'unheard' ? 'unheard' : 'temporary', reason }
}

async function bytesAt(url: string, authorization: string): Promise<Buffer> {
  let answer: Response
  try {
    answer = await fetch(url, { headers: { authorization }, redirect: 'manual', signal: AbortSignal.timeout(30_000) })
  } catch {
    throw new Refused('no answer', 'temporary')
  }
  // 202: LINE is still preparing it.
  if (answer.status === 202 || answer.status === 429 || answer.status >= 500)
    throw new Refused(`${answer.status}`, 'temporary')
  if (answer.status !== 200 || !answer.body) throw new Refused(`${answer.status}`, 'message')
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of answer.body) {
      bytes += chunk.length
      if (bytes > MOST_CONTENT) throw new Refused('more than 10 MB', 'message')
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof Refused ? error : new Refused('the answer broke off', 'temporary')
  }
  return Buffer.concat(chunks)
}
