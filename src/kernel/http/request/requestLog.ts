import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { LogController } from 'fastify'
import type { Logger } from 'pino'
import { addressOf } from './limits.ts'

const censor = '[hidden]'
const secretFields = [
  'authorization',
  'cookie',
  'password',
  'new_password',
  'old_password',
  'current_password',
  'token',
]

/** Query parameters whose values open something. */
const secretParameter = /(?:token|password|secret|signature|code|state|key|sig)$/i
/** Query parameters that take any text, which people are searched by too. */
const freeParameter = /^q$|(?:name|mail|phone|phone_?number|mobile|contact|address|keywords?|search|reason)$/i
/** An e-mail address (also encoded twice), a Chinese mobile number, or a number with its country. No part is endless: a long query would take its square. */
const personalValue = /@|%40|(?:^|\D)(?:00)?(?:86)?[\s-]{0,3}1[3-9]\d(?:[\s.-]?\d{4}){2}(?!\d)|^\s*\+[\d\s().-]{7,}$/

/** Links that open something by themselves (unsubscribing, tracking, calendar feeds) carry their secret in the path. */
const secretInPath = /:(?:token|code|signature|secret)\b/

/** A URL that may be logged: what opens something and what tells of a person is hidden in its query. */
function loggableUrl(url: string): string {
  const start = url.indexOf('?')
  if (start < 0) return url
  return url.slice(0, start) + url.slice(start).replace(/[^?&#]+/g, loggableParameter)
}

function loggableParameter(parameter: string): string {
  const at = parameter.indexOf('=')
  const name = parameter.slice(0, Math.max(at, 0))
  const plainName = decoded(name)
  if (personalValue.test(plainName)) return censor
  const isHidden =
    secretParameter.test(plainName) ||
    freeParameter.test(plainName) ||
    personalValue.test(decoded(parameter.slice(at + 1)))
  if (!isHidden) return parameter
  return at < 0 ? censor : `${name}=${censor}`
}

/** As the query is read, with full-width digits as plain ones. What can't be decoded stays as it is. */
function decoded(text: string): string {
  if (!/[%+]/.test(text)) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' ')).normalize('NFKC')
  } catch {
    return text
  }
}

/** The logger of the HTTP layer: a child of the program's that never writes credentials, wherever in an object they stand. */
export function createRequestLogger(log: Logger): FastifyBaseLogger {
  const paths = secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])
  paths.push('*["set-cookie"]', '*.*["set-cookie"]')
  return log.child(
    {},
    {
      redact: { paths, censor },
      serializers: {
        req: (request: FastifyRequest) => ({ method: request.method, url: loggableUrl(request.url) }),
        res: (reply: FastifyReply) => ({ status: reply.statusCode }),
      },
    },
  )
}

/** A request's own logger, made when something is logged by it: hardly ever, and making one is felt at thousands of requests a second. */
export function loggerWhenNeeded(
  log: FastifyBaseLogger,
  ...bindings: Parameters<FastifyBaseLogger['child']>
): FastifyBaseLogger {
  let own: FastifyBaseLogger | undefined
  return new Proxy(log, {
    get(_, name) {
      const found: unknown = Reflect.get(log, name)
      if (typeof found !== 'function') return found
      // Fastify looks at every logger whether it has its methods: looking makes none.
      return (...words: unknown[]) => {
        own ??= log.child(...bindings)
        return Reflect.get(own, name).apply(own, words)
      }
    },
  })
}

/** Silences Fastify's own lines about each request: `logRequest` writes the one line there is. */
export class QuietLogController extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'request_id' })
  }

  override incomingRequest(): void {}
  override requestCompleted(): void {}
  override routeNotFound(): void {}
}

/**
 * An onResponse hook: one line a request, when it is answered. It holds nothing that needs hiding, so it goes to the program's logger and
 * saves the search for secrets, which is felt at thousands of requests a second.
 */
export function logRequests(log: Logger): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    const route = request.routeOptions.url
    const line = {
      request_id: request.id,
      method: request.method,
      url: route && secretInPath.test(route) ? route : loggableUrl(request.url),
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      address: addressOf(request),
      user_id: request.actor?.userId,
    }
    // 503 is no fault of the program, and why it comes has its own line.
    if (reply.statusCode >= 500 && reply.statusCode !== 503) log.warn(line, 'request')
    else log.info(line, 'request')
  }
}

/** The caller's X-Request-Id when it has a sane form, else a new one. */
export function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w-]{8,64}$/.test(given) ? given : randomUUID()
}
