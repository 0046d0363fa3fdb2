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

/** Values of query parameters that open something. */
const secretParameters = /([?&](?:[\w.-]*(?:token|password|secret|signature|code|state|key|sig))=)[^&#]*/gi

/** Links that open something by themselves (unsubscribing, tracking, calendar feeds) carry their secret in the path. */
const secretInPath = /:(?:token|code|signature|secret)\b/

/** A URL that may be logged: what tokens, passwords, codes and signatures in its query say is hidden. */
function loggableUrl(url: string): string {
  return url.replace(secretParameters, `$1${censor}`)
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
    if (reply.statusCode >= 500) log.warn(line, 'request')
    else log.info(line, 'request')
  }
}

/** The caller's X-Request-Id when it has a sane form, else a new one. */
export function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w-]{8,64}$/.test(given) ? given : randomUUID()
}
