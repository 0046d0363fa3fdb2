import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signatureOf } from '../../core/line/signature.ts'
import { ONLY_HTTPS } from './limitKinds.ts'
import { faultsOf } from './limits.ts'

// A server that speaks LINE's protocol as far as this program uses it: for tests, and for the demo.

/**
 * What happens to a call that sends. `refused`: 400 for a wrong user. `busy`: 429 for the rate. `quota`: 429 for the messages of the month. `error`: 500,
 * and nothing is sent. `cut`: it is accepted, and the connection ends without an answer. `lost`: the connection ends
 * before anything is accepted.
 */
export type Fault = 'busy' | 'quota' | 'error' | 'refused' | 'cut' | 'lost'

/** A call that sends. */
export interface SendingCall {
  readonly kind: 'push' | 'multicast' | 'reply'
  readonly to: readonly string[]
  readonly retryKey: string | undefined
}

/** A message that a user's phone received. */
export interface Received {
  readonly to: string
  readonly message: Readonly<Record<string, unknown>>
  readonly via: SendingCall['kind']
  readonly retryKey: string | undefined
}

/** A user of LINE. Only friends of the official account have a profile; messages to users who blocked it vanish. */
export interface LineUser {
  readonly displayName: string
  readonly pictureUrl?: string
  readonly blocked?: boolean
}

export interface LineServer {
  readonly url: string
  readonly token: string
  readonly secret: string
  readonly users: Map<string, LineUser>
  /** Everything that phones received, in order. */
  readonly received: Received[]
  /** Number of calls that send, by kind. */
  readonly calls: Record<SendingCall['kind'], number>
  /** Pictures that users sent, by message id. */
  readonly contents: Map<string, Buffer>
  /** Decides about each call that sends; undefined: it is answered as usual. */
  fault: (call: SendingCall) => Fault | undefined
  /** Messages of the month, null without a limit, and the used ones. */
  limit: number | null
  used: number
  /** Whether `received` keeps messages; without it only `used` counts them, for loads. */
  keeps: boolean
  /** A reply token that can be used once, for a minute. */
  replyToken(userId: string): string
  /** A webhook call with its signature, as LINE posts it. */
  webhook(events: readonly object[]): { readonly body: string; readonly headers: Record<string, string> }
  close(): Promise<void>
}

export interface LineServerOptions {
  readonly token?: string
  readonly secret?: string
  readonly port?: number
  /** Takes pictures over http too: for a demo on this machine, which has no https. */
  readonly takesHttp?: boolean
  /** The time by which retry keys and reply tokens end, in milliseconds. */
  readonly now?: () => number
}

const DAY_MS = 86_400_000
const REPLY_MS = 60_000
const MOST_BYTES = 2 * 1024 * 1024
const MOST_USERS = 500

interface Accepted {
  readonly text: string
  readonly requestId: string
  readonly at: number
}

/** Starts a LINE server on a free port, or on `port`. */
export async function startLineServer({
  token = 'line-channel-access-token',
  secret = 'line-channel-secret',
  port = 0,
  takesHttp = false,
  now = Date.now,
}: LineServerOptions = {}): Promise<LineServer> {
  const accepted = new Map<string, Accepted>()
  const replyTokens = new Map<string, { readonly userId: string; readonly at: number }>()
  let count = 0
  const nextId = (kind: string) => {
    count += 1
    return `${kind}-${count}`
  }

  const answer = (response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }

  const read = (response: ServerResponse, path: string) => {
    const [, userId] = /^\/v2\/bot\/profile\/([^/]+)$/.exec(path) ?? []
    const user = userId === undefined ? undefined : line.users.get(decodeURIComponent(userId))
    if (user && !user.blocked) return answer(response, 200, { userId, language: 'zh-TW', ...user })
    const [, messageId = ''] = /^\/v2\/bot\/message\/([^/]+)\/content$/.exec(path) ?? []
    const content = line.contents.get(messageId)
    if (content) {
      response.writeHead(200, { 'content-type': 'image/jpeg' })
      return response.end(content)
    }
    if (path === '/v2/bot/message/quota')
      return answer(response, 200, line.limit === null ? { type: 'none' } : { type: 'limited', value: line.limit })
    if (path === '/v2/bot/message/quota/consumption') return answer(response, 200, { totalUsage: line.used })
    if (path === '/v2/bot/info')
      return answer(response, 200, { userId: 'Ubot', basicId: '@hotel', displayName: '力麗飯店', chatMode: 'bot' })
    return answer(response, 404, { message: 'Not found' })
  }

  /** The users of a sending call, or why it is refused. */
  const recipientsOf = (kind: SendingCall['kind'], body: Record<string, unknown>): readonly string[] | string => {
    if (kind === 'push') return typeof body.to === 'string' ? [body.to] : 'The property, to, must be a string'
    if (kind === 'multicast') {
      const to = Array.isArray(body.to) ? body.to.map(String) : []
      return to.length >= 1 && to.length <= MOST_USERS ? to : 'The property, to, must have 1 to 500 users'
    }
    const reply = replyTokens.get(String(body.replyToken))
    replyTokens.delete(String(body.replyToken))
    return reply && now() - reply.at <= REPLY_MS ? [reply.userId] : 'Invalid reply token'
  }

  const deliver = (call: SendingCall, messages: readonly Record<string, unknown>[]) => {
    for (const to of call.to) {
      // Unknown and blocked users get nothing, and LINE says nothing about it.
      if (!line.users.has(to) || line.users.get(to)?.blocked) continue
      if (call.kind !== 'reply') line.used += 1
      if (!line.keeps) continue
      for (const message of messages) line.received.push({ to, message, via: call.kind, retryKey: call.retryKey })
    }
  }

  const send = (
    request: IncomingMessage,
    response: ServerResponse,
    { kind, body, text }: { kind: SendingCall['kind']; body: Record<string, unknown>; text: string },
  ) => {
    const retryKey = request.headers['x-line-retry-key']?.toString()
    if (retryKey !== undefined && kind === 'reply')
      return answer(response, 400, { message: 'The retry key can’t be used with this endpoint' })
    if (retryKey !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(retryKey))
      return answer(response, 400, { message: 'The retry key is invalid' })
    const before = retryKey === undefined ? undefined : accepted.get(retryKey)
    if (before && now() - before.at <= DAY_MS) {
      if (before.text !== text) return answer(response, 400, { message: 'The retry key was used with another request' })
      const headers = { 'x-line-accepted-request-id': before.requestId, 'x-line-request-id': nextId('request') }
      return answer(response, 409, { message: 'The retry key is already accepted' }, headers)
    }
    const to = recipientsOf(kind, body)
    if (typeof to === 'string') return answer(response, 400, { message: to })
    const call: SendingCall = { kind, to, retryKey }
    line.calls[kind] += 1
    const fault = line.fault(call)
    if (fault === 'lost') return request.socket.destroy()
    if (fault === 'error') return answer(response, 500, { message: 'Internal server error' })
    if (fault === 'refused')
      return answer(response, 400, { message: 'The property, to, in the request body is invalid' })
    if (fault === 'busy')
      return answer(response, 429, { message: 'The API rate limit has been exceeded. Try again later.' })
    const isOver = line.limit !== null && kind !== 'reply' && line.used + to.length > line.limit
    if (fault === 'quota' || isOver) return answer(response, 429, { message: 'You have reached your monthly limit.' })
    const messages = body.messages as readonly Record<string, unknown>[]
    const requestId = nextId('request')
    deliver(call, messages)
    if (retryKey !== undefined) accepted.set(retryKey, { text, requestId, at: now() })
    if (fault === 'cut') return request.socket.destroy()
    const sentMessages = messages.map(() => ({ id: nextId('message'), quoteToken: nextId('quote') }))
    return answer(response, 200, kind === 'multicast' ? {} : { sentMessages }, { 'x-line-request-id': requestId })
  }

  const receive = (request: IncomingMessage, response: ServerResponse, bytes: Buffer) => {
    const path = new URL(request.url ?? '/', 'http://line').pathname
    if (request.headers.authorization !== `Bearer ${token}`)
      return answer(response, 401, { message: 'Authentication failed. Confirm that the access token is valid.' })
    if (request.method === 'GET') return read(response, path)
    if (bytes.length > MOST_BYTES) return answer(response, 413, { message: 'Request Entity Too Large' })
    const [, checks, kind] = /^\/v2\/bot\/message\/(validate\/)?(push|multicast|reply)$/.exec(path) ?? []
    if (kind !== 'push' && kind !== 'multicast' && kind !== 'reply')
      return answer(response, 404, { message: 'Not found' })
    const text = bytes.toString()
    let body: Record<string, unknown>
    try {
      body = JSON.parse(text)
    } catch {
      return answer(response, 400, { message: 'The request body could not be parsed as JSON' })
    }
    const details = faultsOf(body.messages).filter(({ message }) => !takesHttp || message !== ONLY_HTTPS)
    if (details.length > 0)
      return answer(response, 400, { message: `The request body has ${details.length} error(s)`, details })
    return checks === undefined ? send(request, response, { kind, body, text }) : answer(response, 200, {})
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => receive(request, response, Buffer.concat(chunks)))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const { port: bound } = server.address() as AddressInfo

  const line: LineServer = {
    url: `http://127.0.0.1:${bound}`,
    token,
    secret,
    users: new Map(),
    received: [],
    calls: { push: 0, multicast: 0, reply: 0 },
    contents: new Map(),
    fault: () => undefined,
    limit: null,
    used: 0,
    keeps: true,
    replyToken(userId) {
      const replyToken = nextId('reply')
      replyTokens.set(replyToken, { userId, at: now() })
      return replyToken
    },
    webhook(events) {
      const body = JSON.stringify({ destination: 'Ubot', events })
      return { body, headers: { 'content-type': 'application/json', 'x-line-signature': signatureOf(secret, body) } }
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  return line
}
