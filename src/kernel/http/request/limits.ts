import { createHash } from 'node:crypto'
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

/** Calls per minute. Each kind counts the calls of all its routes. */
export interface RateLimits {
  /** Of a signed-in user. */
  readonly general: number
  /** Of visitors at one address. */
  readonly anonymous: number
  /** Log-ins with one name at one address, or checks of a user's own password. */
  readonly login: number
  /** Log-ins at one address, whatever the names: many people may share it. */
  readonly loginAddress: number
  /** Registrations at one address. */
  readonly register: number
  /** Messages of a user. */
  readonly message: number
}

const minute = 60_000
/** Number of callers a process counts at once; the least recently seen one is forgotten first. */
const rememberedCallers = 100_000

/** Counts a call of one kind; answers the caller's state. */
type Count = (kind: keyof RateLimits, request: FastifyRequest) => ReturnType<ReturnType<App['createRateLimit']>>

/** The fields of bodies that name the person who logs in. */
const NAMES = ['username', 'identifier', 'phonenumber', 'phone', 'email', 'name']

/** The name in the body of a log-in; undefined if there is none. */
function nameIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const named = NAMES.map((field): unknown => Reflect.get(body, field)).find((value) => typeof value === 'string')
  return typeof named === 'string' ? named.normalize('NFKC').trim().toLowerCase() : undefined
}

/**
 * Counts calls and refuses those over the limit. With Redis all processes count together; while it cannot be reached,
 * each process counts for itself. Signed-in people are counted by person and visitors by address, so that an office
 * behind one address is not one person. Log-ins are counted twice: by address, and by address and name.
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

  const check = async (kind: keyof RateLimits, request: FastifyRequest, reply: FastifyReply) => {
    const counted = await count(kind, request)
    if (counted.isAllowed) return
    reply.header('x-ratelimit-limit', counted.max)
    reply.header('x-ratelimit-remaining', counted.remaining)
    reply.header('x-ratelimit-reset', counted.ttlInSeconds)
    if (!counted.isExceeded) return
    throw new TooMany('rate_limited', 'Too many requests. Try again later.', { retryAfter: counted.ttlInSeconds })
  }
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const kind = request.routeOptions.config.limit ?? 'general'
    if (kind === 'none') return
    if (kind === 'login') await check('loginAddress', request, reply)
    else await check(kind === 'general' && !request.actor ? 'anonymous' : kind, request, reply)
  })
  // The name is in the body.
  app.addHook('preHandler', async (request: FastifyRequest, reply: FastifyReply) => {
    if (request.routeOptions.config.limit !== 'login') return
    if (request.actor || nameIn(request.body) !== undefined) await check('login', request, reply)
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
    const limiters = {
      general: limiter('general'),
      anonymous: limiter('anonymous'),
      login: limiter('login'),
      loginAddress: limiter('loginAddress'),
      register: limiter('register'),
      message: limiter('message'),
    }
    count = (kind, request) => limiters[kind](request)
  })
  if (!count) throw new Error('the rate limits were not registered')
  return count
}

function callerOf(request: FastifyRequest, kind: keyof RateLimits): string {
  const address = rateLimit.normalizeIP(addressOf(request))
  if (kind === 'loginAddress' || kind === 'register') return address
  if (request.actor) return `user:${request.actor.userId}`
  if (kind !== 'login') return address
  // Names don't stand in Redis or in memory as they are.
  const name = createHash('sha256')
    .update(nameIn(request.body) ?? '')
    .digest('base64url')
  return `${address} ${name.slice(0, 22)}`
}

/**
 * The caller's address: as a trusted proxy gives it, if that is an address; otherwise the other end of the connection.
 */
export function addressOf(request: FastifyRequest): string {
  if (isIP(request.ip)) return request.ip
  return request.socket.remoteAddress ?? '0.0.0.0'
}
