import { isIP } from 'node:net'
import rateLimit from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { App } from './app.ts'
import './config.ts'
import { TooMany } from './errors.ts'

/**
 * Connects to Redis for `limitRates`. A command that can't be answered at once fails, as a rate limit must never be what people wait for;
 * the connection is tried again for ever. Close it with `disconnect()`.
 */
export function connectRedis(url: string, log: Logger): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: 250 })
  redis.on('ready', () => log.info('rate limits are shared through Redis'))
  redis.on('error', ({ message }: Error) =>
    log.warn({ reason: message }, 'Redis cannot be reached: calls are not counted'),
  )
  return redis
}

/** Calls a minute, per signed-in user or else per address; each kind counts for itself over all its routes. */
export interface RateLimits {
  readonly general: number
  readonly login: number
  readonly message: number
}

const minute = 60_000
/** Callers a process remembers at once; the one that was quiet longest is forgotten first. */
const rememberedCallers = 100_000

/**
 * Counts calls and refuses what is too much: throws TooMany `rate_limited` with the seconds to wait. With Redis all processes count
 * together; while Redis can't be reached nothing is refused. Log-ins are counted per address whoever is signed in.
 */
export async function limitRates(app: App, limits: RateLimits, redis?: Redis): Promise<void> {
  await app.register(rateLimit, {
    global: false,
    timeWindow: minute,
    skipOnError: true,
    cache: rememberedCallers,
    nameSpace: 'yuyue:rate:',
    ...(redis && { redis }),
  })
  const limiter = (kind: keyof RateLimits) =>
    app.createRateLimit({ max: limits[kind], keyGenerator: (request) => `${kind}:${callerOf(request, kind)}` })
  const limiters = { general: limiter('general'), login: limiter('login'), message: limiter('message') }

  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const kind = request.routeOptions.config.limit ?? 'general'
    if (kind === 'none') return
    const count = await limiters[kind](request)
    if (count.isAllowed) return
    reply.header('x-ratelimit-limit', count.max)
    reply.header('x-ratelimit-remaining', count.remaining)
    reply.header('x-ratelimit-reset', count.ttlInSeconds)
    if (!count.isExceeded) return
    throw new TooMany('rate_limited', 'Too many requests. Try again later.', { retryAfter: count.ttlInSeconds })
  })
}

function callerOf(request: FastifyRequest, kind: keyof RateLimits): string {
  if (request.actor && kind !== 'login') return `user:${request.actor.userId}`
  return rateLimit.normalizeIP(addressOf(request))
}

/** The caller's address: what a trusted proxy says if that is an address at all, else the other end of the connection. */
export function addressOf(request: FastifyRequest): string {
  if (isIP(request.ip)) return request.ip
  return request.socket.remoteAddress ?? '0.0.0.0'
}
