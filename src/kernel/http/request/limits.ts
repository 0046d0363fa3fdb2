import { isIP } from 'node:net'
import rateLimit from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { App } from '../app.ts'
import '../fastifyTypes.ts'
import { TooMany } from '../../errors.ts'
import { late } from '../../late.ts'

const ioredis = late<typeof import('ioredis')>('ioredis')

/** The connection to Redis and its state. */
export interface SharedCounts {
  readonly redis: Redis
  /** Whether Redis answers, as far as this process knows. While it does not, no commands are sent. */
  readonly there: boolean
  /** Reports a failed command: no more commands are sent until Redis answers again. */
  failed(reason: unknown): void
  close(): void
}

const lookEveryMs = 1000

/**
 * Connects to Redis for `limitRates`. The start does not wait for the connection, and a lost connection is retried
 * without end; each change of its state is logged. A command without an answer within `patienceMs` counts as failed, so
 * that requests never wait for a rate limit.
 */
export function connectRedis(url: string, log: Pick<Logger, 'info' | 'warn'>, patienceMs = 250): SharedCounts {
  const redis = new (ioredis().Redis)(url, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: patienceMs,
    connectTimeout: 2000,
    retryStrategy: (attempt) => Math.min(attempt * 200, lookEveryMs),
  })
  let there: boolean | undefined
  const lost = (reason: unknown) => {
    if (there === false) return
    there = false
    const text = reason instanceof Error ? reason.message || String(Reflect.get(reason, 'code')) : String(reason)
    log.warn({ reason: text }, 'Redis cannot be reached: each process counts calls for itself')
  }
  const back = () => {
    if (there) return
    there = true
    log.info('rate limits are shared through Redis')
  }
  redis.on('ready', back)
  redis.on('error', lost)
  redis.on('close', () => lost('the connection was closed'))
  // Redis may be connected and yet silent: it must answer a ping before it is used again.
  const looking = setInterval(() => {
    if (there === false && redis.status === 'ready') redis.ping().then(back, () => redis.disconnect(true))
  }, lookEveryMs)
  looking.unref()
  return {
    redis,
    get there() {
      return there === true
    },
    failed: lost,
    close() {
      there = false
      clearInterval(looking)
      redis.disconnect()
    },
  }
}

/** Calls per minute, per signed-in user or else per address. Each kind counts the calls of all its routes. */
export interface RateLimits {
  readonly general: number
  readonly login: number
  readonly message: number
}

const minute = 60_000
/** Number of callers a process counts at once; the least recently seen one is forgotten first. */
const rememberedCallers = 100_000

/** Counts a call of one kind; answers the caller's state. */
type Count = (kind: keyof RateLimits, request: FastifyRequest) => ReturnType<ReturnType<App['createRateLimit']>>

/**
 * Counts calls and refuses those over the limit. With Redis all processes count together; while it cannot be reached,
 * each process counts for itself. Log-ins are always counted per address.
 * @throws TooMany `rate_limited` with the seconds to wait.
 */
export async function limitRates(app: App, limits: RateLimits, shared?: SharedCounts): Promise<void> {
  const countHere = await counter(app, limits)
  const countTogether = shared && (await counter(app, limits, shared.redis))
  const count: Count = async (kind, request) => {
    if (!shared?.there || !countTogether) return countHere(kind, request)
    try {
      return await countTogether(kind, request)
    } catch (error) {
      shared.failed(error)
      return countHere(kind, request)
    }
  }

  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const kind = request.routeOptions.config.limit ?? 'general'
    if (kind === 'none') return
    const counted = await count(kind, request)
    if (counted.isAllowed) return
    reply.header('x-ratelimit-limit', counted.max)
    reply.header('x-ratelimit-remaining', counted.remaining)
    reply.header('x-ratelimit-reset', counted.ttlInSeconds)
    if (!counted.isExceeded) return
    throw new TooMany('rate_limited', 'Too many requests. Try again later.', { retryAfter: counted.ttlInSeconds })
  })
}

/** Registers the plugin in a scope of its own, because an application may need it twice. */
async function counter(app: App, limits: RateLimits, redis?: Redis): Promise<Count> {
  let count: Count | undefined
  await app.register(async (scope) => {
    await scope.register(rateLimit, {
      global: false,
      timeWindow: minute,
      cache: rememberedCallers,
      nameSpace: 'yuyue:rate:',
      ...(redis && { redis }),
    })
    const limiter = (kind: keyof RateLimits) =>
      scope.createRateLimit({ max: limits[kind], keyGenerator: (request) => `${kind}:${callerOf(request, kind)}` })
    const limiters = { general: limiter('general'), login: limiter('login'), message: limiter('message') }
    count = (kind, request) => limiters[kind](request)
  })
  if (!count) throw new Error('the rate limits were not registered')
  return count
}

function callerOf(request: FastifyRequest, kind: keyof RateLimits): string {
  if (request.actor && kind !== 'login') return `user:${request.actor.userId}`
  return rateLimit.normalizeIP(addressOf(request))
}

/**
 * The caller's address: as a trusted proxy gives it, if that is an address; otherwise the other end of the connection.
 */
export function addressOf(request: FastifyRequest): string {
  if (isIP(request.ip)) return request.ip
  return request.socket.remoteAddress ?? '0.0.0.0'
}
