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

/** Query parameters whose values are secrets. */
const secretParameter = /(?:token|password|secret|signature|code|state|key|sig)$/i
/** Query parameters with free text, which may be personal data. */
const freeParameter = /^q$|(?:name|mail|phone|phone_?number|mobile|contact|address|keywords?|search|reason)$/i
/**
 * An e-mail address (also doubly encoded), a Chinese mobile number, or a number with its country code. Every repetition
 * is bounded: otherwise the time could grow with the square of a long query.
 */
const personalValue = /@|%40|(?:^|\D)(?:00)?(?:86)?[\s-]{0,3}1[3-9]\d(?:[\s.-]?\d{4}){2}(?!\d)|^\s*\+[\d\s().-]{7,}$/

/** Routes with a secret in the path: links that need no log-in (unsubscribing, tracking, calendar feeds). */
const secretInPath = /:(?:token|code|signature|secret)\b/

/** A URL that may be logged: secrets and personal data in its query are hidden. */
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

/** Decodes a part of the query and normalises full-width characters. A text that cannot be decoded stays as it is. */
function decoded(text: string): string {
  if (!/[%+]/.test(text)) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' ')).normalize('NFKC')
  } catch {
    return text
  }
}

/** The logger of the HTTP layer: a child of the program's logger that hides credentials at any of the usual depths. */
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

/**
 * A request's own logger, created when it first writes a line: few requests do, and creating one is costly at thousands
 * of requests per second.
 */
export function loggerWhenNeeded(
  log: FastifyBaseLogger,
  ...bindings: Parameters<FastifyBaseLogger['child']>
): FastifyBaseLogger {
  let own: FastifyBaseLogger | undefined
  return new Proxy(log, {
    get(_, name) {
      const found: unknown = Reflect.get(log, name)
      if (typeof found !== 'function') return found
      // Fastify only checks that the methods exist: that must not create the logger.
      return (...words: unknown[]) => {
        own ??= log.child(...bindings)
        return Reflect.get(own, name).apply(own, words)
      }
    },
  })
}

/** Silences Fastify's own lines about each request: `logRequests` writes the only one. */
export class QuietLogController extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'request_id' })
  }

  override incomingRequest(): void {}
  override requestCompleted(): void {}
  override routeNotFound(): void {}
}

/**
 * An onResponse hook that logs one line per answered request. The line holds nothing that needs hiding, so it goes to
 * the program's logger, which saves the search for secrets.
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
    // 503 is not a fault of the program, and its cause has its own line.
    if (reply.statusCode >= 500 && reply.statusCode !== 503) log.warn(line, 'request')
    else log.info(line, 'request')
  }
}

/** The caller's X-Request-Id if it has a valid form, else a new one. */
export function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w-]{8,64}$/.test(given) ? given : randomUUID()
}
