import compress from '@fastify/compress'
import cors from '@fastify/cors'
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import helmet from '@fastify/helmet'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import websocket from '@fastify/websocket'
import { fastify } from 'fastify'
import type { Logger } from 'pino'
import { answerClientError } from './answer/clientErrors.ts'
import type { App } from './app.ts'
import type { Authenticate } from './request/authorise.ts'
import { authorise, identify } from './request/authorise.ts'
import { readBodies } from './request/body.ts'
import './fastifyTypes.ts'
import { keepPrivate, tagAnswers } from './answer/etag.ts'
import { refuse } from './answer/failures.ts'
import { allowSparseAnswers } from './answer/sparse.ts'
import type { Documentation } from './reference/openapi.ts'
import { documentApi } from './reference/openapi.ts'
import { inspectRequest } from './request/inspection.ts'
import type { RateLimits, SharedCounts } from './request/limits.ts'
import { limitRates } from './request/limits.ts'
import {
  createRequestLogger,
  loggerWhenNeeded,
  logRequests,
  QuietLogController,
  requestId,
} from './request/requestLog.ts'
import { createValidatorCompiler } from './request/validation.ts'
import { type PathRoots, watchRoutes } from './routeTable.ts'
import { turnAwayWhileStopping } from './stop.ts'

/** Options of the HTTP layer. */
export interface HttpOptions {
  /**
   * Proxies whose X-Forwarded-* headers are trusted: none, all, a number of hops, or these addresses and networks.
   */
  readonly trustProxy: boolean | number | readonly string[]
  /** Origins whose pages may call the API; `*` for all. */
  readonly corsOrigins: readonly string[]
  /** False switches the limits off (load tests, closed networks). */
  readonly rateLimits: RateLimits | false
  /** Shares the counts of the rate limits between processes. */
  readonly sharedCounts?: SharedCounts
  readonly authenticate: Authenticate
  /** Every permission a route may declare. */
  readonly permissions: Iterable<string>
  readonly pathRoots?: PathRoots
  readonly documentation: Documentation
  /** Milliseconds a client may take to send a whole request; default 30,000. */
  readonly requestTimeout?: number
}

const bodyLimit = 1024 * 1024
const webSocketMessageLimit = 64 * 1024

/**
 * Creates the HTTP application without any product: it reads, validates, authenticates, limits, authorises, answers and
 * documents requests. Routes are declared on it afterwards with `route` and `openScope`; `app.ready()` throws if one is
 * declared wrongly.
 */
export async function createServer(options: HttpOptions, log: Logger): Promise<App> {
  const requestTimeout = options.requestTimeout ?? 30_000
  const app: App = fastify({
    // Node checks the timeouts only at this interval.
    http: {
      headersTimeout: Math.min(15_000, requestTimeout),
      connectionsCheckingInterval: Math.ceil(requestTimeout / 6),
    },
    loggerInstance: createRequestLogger(log),
    logController: new QuietLogController(),
    childLoggerFactory: loggerWhenNeeded,
    genReqId: requestId,
    bodyLimit,
    trustProxy: trusted(options.trustProxy),
    connectionTimeout: 120_000,
    requestTimeout,
    keepAliveTimeout: 72_000,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    schemaController: { compilersFactory: { buildSerializer: buildSerializerLater } },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 500 },
    frameworkErrors: (error, request, reply) => {
      request.contract = routes.contractAt(request.url)
      return void refuse(error, request, reply)
    },
    clientErrorHandler: answerClientError,
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.decorateRequest('actor', null)
  app.decorateRequest('tokenError', undefined)
  app.decorateRequest('contract', null)
  app.setErrorHandler(refuse)
  app.setValidatorCompiler(createValidatorCompiler())
  const routes = watchRoutes(app, new Set(options.permissions), options.pathRoots ?? new Map())
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  turnAwayWhileStopping(app)

  await secureAnswers(app)
  await allowOrigins(app, options.corsOrigins)
  await readBodies(app)
  await app.register(websocket, { options: { maxPayload: webSocketMessageLimit, handleProtocols: chooseProtocol } })

  app.addHook('onRequest', identify(options.authenticate))
  if (options.rateLimits) await limitRates(app, options.rateLimits, options.sharedCounts)
  app.addHook('onRequest', authorise)
  app.addHook('onRequest', routes.refuseUnknown)
  app.addHook('preValidation', inspectRequest)
  allowSparseAnswers(app)
  keepPrivate(app)
  tagAnswers(app)
  await app.register(compress, { threshold: 1024, encodings: ['br', 'gzip'], globalDecompression: false })
  app.addHook('onResponse', logRequests(log))
  await documentApi(app, options.documentation)
  return app
}

const buildSerializer = SerializerSelector()

/**
 * Fastify's serializers, each compiled at its first answer: compiling all of them would take much of the program's
 * start.
 */
const buildSerializerLater: typeof buildSerializer = (externalSchemas, options) => {
  const compile = buildSerializer(externalSchemas, options)
  return (route) => {
    let serialize: ReturnType<typeof compile> | undefined
    return (answer: unknown) => {
      serialize ??= compile(route)
      return serialize(answer)
    }
  }
}

/** The value in Fastify's form; a number counts the proxies in front of this server. */
function trusted(proxies: HttpOptions['trustProxy']) {
  if (typeof proxies === 'number') return (_address: string, hop: number) => hop < proxies
  return typeof proxies === 'boolean' ? proxies : [...proxies]
}

/**
 * Swagger UI sets style attributes and uses inline images; nothing needs another origin. Plain HTTP on a local network
 * must work.
 */
const contentSecurityPolicy = {
  'default-src': ["'self'"],
  'img-src': ["'self'", 'data:', 'blob:'],
  'style-src': ["'self'", "'unsafe-inline'"],
  'connect-src': ["'self'", 'ws:', 'wss:'],
  'frame-ancestors': ["'none'"],
  'upgrade-insecure-requests': null,
}

/**
 * Sets Helmet's headers. Helmet would compute them for every request although they never change, so those of the first
 * request are reused.
 */
async function secureAnswers(app: App): Promise<void> {
  await app.register(helmet, { global: false, contentSecurityPolicy: { directives: contentSecurityPolicy } })
  let known: readonly [string, string | number | readonly string[]][] | undefined
  app.addHook('onRequest', async (_request, reply) => {
    if (!known) {
      await reply.helmet()
      known = Object.entries(reply.raw.getHeaders()).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      )
    } else for (const [name, value] of known) reply.raw.setHeader(name, value)
  })
}

async function allowOrigins(app: App, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  await app.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['ETag', 'X-Request-Id', 'Retry-After', 'Idempotent-Replayed', 'Content-Disposition'],
    maxAge: 600,
    strictPreflight: false,
  })
}

/** A token offered as a subprotocol is never echoed: only `bearer`, the name that announces it. */
function chooseProtocol(offered: Set<string>): string | false {
  return offered.has('bearer') ? 'bearer' : false
}
