import type { FastifyReply, FastifyRequest } from 'fastify'
import { isConnectionFailure, isDatabaseAway, mapDatabaseError } from '../../database/constraints.ts'
import '../fastifyTypes.ts'
import { DomainError, Invalid, NotFound, TooMany, Unauthenticated, Unavailable } from '../../errors.ts'
import { problemContract } from './problem.ts'

/** An unexpected error: 500, with no details but the request id. Never thrown on purpose. */
class Unexpected extends DomainError {
  readonly status = 500
}

type Witness = (error: unknown, request: FastifyRequest) => void
const witnesses = new Set<Witness>()

/**
 * Calls `witness` for every unexpected error that becomes a 500, so that a test run can fail on one. Answers a function
 * that removes the witness.
 */
export function onUnexpected(witness: Witness): () => void {
  witnesses.add(witness)
  return () => witnesses.delete(witness)
}

const frameworkErrors: Readonly<Record<string, () => DomainError>> = {
  FST_ERR_BAD_URL: () => new Invalid('bad_url', 'The path is not a valid URL.'),
  FST_ERR_MAX_PARAM_LENGTH: () => new Invalid('path_too_long', 'A part of the path is too long.', { status: 414 }),
  FST_ERR_CTP_BODY_TOO_LARGE: () => new Invalid('body_too_large', 'The body is too large.', { status: 413 }),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new Invalid('unsupported_media_type', 'This content type is not supported here.', { status: 415 }),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Invalid('bad_request', 'The body is not as long as its Content-Length says.'),
  FST_ERR_NOT_FOUND: () => new NotFound('not_found', 'There is nothing at this path.'),
}

/**
 * The domain error for an error of Fastify, a plugin, the connection, or the database (a plain query, outside of
 * `transaction` and `withRetries`). Undefined for any other error, which is then an unexpected one.
 */
function understand(error: unknown, { raw }: FastifyRequest): DomainError | undefined {
  if (error instanceof DomainError) return error
  if (!(error instanceof Error)) return undefined
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'ERR_STREAM_PREMATURE_CLOSE' || (code === 'ECONNRESET' && raw.readableAborted)) {
    return new Invalid('request_aborted', 'The request ended before its body was complete.')
  }
  // Our code reports a lost database connection as a domain error; a bare connection failure comes from elsewhere.
  const mapped = isConnectionFailure(error) ? error : mapDatabaseError(error)
  if (mapped instanceof DomainError) return mapped
  if (!code.startsWith('FST_') || !('statusCode' in error) || typeof error.statusCode !== 'number') return undefined
  const known = frameworkErrors[code]
  if (known) return known()
  const { statusCode, message } = error
  if (statusCode === 404) return new NotFound('not_found', 'There is nothing at this path.')
  if (statusCode === 429) return new TooMany('rate_limited', message)
  if (statusCode === 503) return new Unavailable('unavailable', 'The service is not available now.')
  if (statusCode >= 400 && statusCode < 500) return new Invalid('bad_request', message, { status: statusCode })
  return undefined
}

/**
 * Answers any error by the contract of the request's scope; the default is a problem document. Sets Retry-After and
 * WWW-Authenticate, logs where useful, and tells the witnesses of `onUnexpected` about unexpected errors.
 */
export function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
  const refusal = understand(error, request) ?? reportFault(error, request)
  if (refusal instanceof Unavailable) logRarely(refusal, request)
  reply.header('x-request-id', request.id)
  reply.removeHeader('etag').removeHeader('cache-control')
  if (refusal.retryAfter !== undefined) reply.header('retry-after', Math.max(1, Math.ceil(refusal.retryAfter)))
  if (refusal instanceof Unauthenticated) {
    const challenge = request.headers.authorization ? 'Bearer error="invalid_token"' : 'Bearer'
    reply.header('www-authenticate', challenge)
  }
  const contract = request.contract ?? request.routeOptions.config?.contract ?? problemContract
  reply.code(refusal.status)
  return contract.refuse(refusal, request, reply)
}

const quietMs = 10_000
const lastSaid = new Map<string, number>()

/**
 * Logs an outage at most once every ten seconds per code, because it makes many requests fail. A lost database is
 * logged elsewhere, where it is noticed.
 */
function logRarely(refusal: Unavailable, request: FastifyRequest): void {
  const now = performance.now()
  if (isDatabaseAway(refusal) || now - (lastSaid.get(refusal.code) ?? -quietMs) < quietMs) return
  lastSaid.set(refusal.code, now)
  request.log.warn({ err: refusal, code: refusal.code }, 'unavailable: not logged again for ten seconds')
}

function reportFault(error: unknown, request: FastifyRequest): DomainError {
  request.log.error({ err: error, route: request.routeOptions.url }, 'unexpected error')
  for (const witness of witnesses) witness(error, request)
  return new Unexpected('internal', 'Something went wrong on the server. The request id helps to find the cause.')
}
