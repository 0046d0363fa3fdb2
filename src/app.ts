import { setTimeout } from 'node:timers/promises'
import type { Logger } from 'pino'
import packageJson from '../package.json' with { type: 'json' }
import { switchesOf } from './config.ts'
import { operationConsumer } from './kernel/audit/operations.ts'
import { ensurePartitions } from './kernel/audit/partitions.ts'
import type { Clock } from './kernel/clock.ts'
import type { OpenDatabase } from './kernel/database/database.ts'
import { readinessChecks } from './kernel/database/readiness.ts'
import { transaction, withRetries } from './kernel/database/transaction.ts'
import { openStorage } from './kernel/files/place.ts'
import type { App } from './kernel/http/app.ts'
import { registerHealth } from './kernel/http/health.ts'
import { connectRedis } from './kernel/http/request/limits.ts'
import type { PathRoots } from './kernel/http/routeTable.ts'
import { openScope } from './kernel/http/scope.ts'
import { createServer } from './kernel/http/server.ts'
import { closeServer } from './kernel/http/stop.ts'
import { createThirdParties } from './kernel/identity/logIn/thirdParty/providers.ts'
import { createSessionCache } from './kernel/identity/sessions/sessionCache.ts'
import { createIdentity } from './kernel/identity/sessions/sessions.ts'
import { accessTokens } from './kernel/identity/sessions/tokens.ts'
import { boundTo } from './kernel/jobs/jobs.ts'
import { createJobs, type Jobs } from './kernel/jobs/queues.ts'
import type { Kernel } from './kernel/kernel.ts'
import { createDispatcher } from './kernel/notifications/broadcasts.ts'
import { createCourier } from './kernel/notifications/delivery/deliver.ts'
import { messageConsumer } from './kernel/notifications/delivery/messages.ts'
import { createProviders } from './kernel/notifications/providers/providers.ts'
import { secretCodeSenders } from './kernel/notifications/secretCodes.ts'
import { createCatalogue, followChanges } from './kernel/notifications/texts/catalogue.ts'
import { createRelay } from './kernel/outbox/relay.ts'
import { collect, permissionsOfParts } from './kernel/parts.ts'
import type { Live, Part } from './kernel/product.ts'
import { registerRealtime } from './kernel/realtime/realtime.ts'
import { createSecrets } from './kernel/secrets/secrets.ts'
import type { Config } from './kernel/settings.ts'
import { reached } from './kernel/startTimes.ts'
import { upkeep } from './kernel/upkeep.ts'
import { PRODUCTS } from './products.ts'
import { site } from './site/product.ts'
import { support } from './support/product.ts'

/** The parts that are switched on, always including the site. Products that are switched off are not even loaded. */
async function partsOf(config: Config): Promise<readonly Part[]> {
  const on = switchesOf(config)
  const products = PRODUCTS.filter(({ name }) => on.products.includes(name)).map(({ load }) => load())
  return [site, ...(on.support ? [support] : []), ...(await Promise.all(products))]
}

/** Duties of a process: to answer requests, to do background work, or both. */
export interface Duties {
  readonly serve: boolean
  readonly work: boolean
}

/** An assembled process; nothing runs before `start`. */
export interface System {
  readonly kernel: Kernel
  /** The parts that are switched on. */
  readonly parts: readonly Part[]
  readonly jobs: Jobs
  /** Only set if the process serves. */
  readonly app: App | undefined
  /** Starts background work. The caller starts to listen. */
  start(): Promise<void>
  /** Processes everything that is waiting: outbox, jobs and deliveries (for tests and the demo). */
  drain(): Promise<void>
  /** Finishes work in flight (SHUTDOWN_GRACE_SECONDS), then closes everything but the database. */
  stop(): Promise<void>
}

/**
 * Assembles a process from a configuration, an open and migrated database, and the parts that are switched on.
 * `replaced` lets tests replace members of the kernel.
 */
export async function createSystem(
  config: Config,
  clock: Clock,
  log: Logger,
  database: OpenDatabase,
  duties: Duties,
  replaced: Partial<Pick<Kernel, 'notifications' | 'secretCodes'>> = {},
): Promise<System> {
  const parts = await partsOf(config)
  const notifications = replaced.notifications ?? {
    catalogue: createCatalogue(parts.flatMap((part) => part.notificationTypes)),
    providers: createProviders(config, clock),
  }
  const { catalogue, providers } = notifications
  const definitions = [...upkeep, ...parts.flatMap((part) => part.jobs)]
  const jobs = createJobs(
    { config, clock, log },
    database,
    boundTo(() => kernel, definitions),
    { work: duties.work },
  )
  const kernel: Kernel = {
    ...collect(parts),
    config,
    clock,
    log,
    db: database.db,
    reads: database.reads,
    transaction: (work) => transaction(database.db, work),
    withRetries: (work) => withRetries(database.db, work),
    jobs,
    notifications,
    secretCodes: replaced.secretCodes ?? secretCodeSenders(providers),
    sessions: createSessionCache(),
    accessTokens: accessTokens(config),
    thirdParties: createThirdParties(config),
    files: await openStorage(config),
    secrets: createSecrets(config),
    nudge() {
      relay.nudge()
      dispatcher.nudge()
      courier.nudge()
    },
  }
  const courier = createCourier(kernel, { catalogue, providers })
  const relay = createRelay(kernel, {
    message: messageConsumer(kernel, { catalogue, providers, onDeliveries: courier.nudge }),
    operation: operationConsumer,
  })
  const dispatcher = createDispatcher(kernel, relay.nudge)
  const drain = async () => {
    for (let more = true; more; ) {
      const handedOn = (await dispatcher.drain()) + (await relay.drain())
      const done = handedOn + (await jobs.drain()) + (await courier.drain())
      more = done > 0
    }
  }
  /** Runs everything that is due, after the clock was moved by hand. */
  const catchUp = async () => {
    const timed = definitions.filter(({ cron }) => cron !== undefined)
    // Twice, because jobs depend on each other: the place of a no-show goes to the waiting list.
    for (const { name } of [...timed, ...timed]) await jobs.runNow(name)
    await drain()
  }
  await ensurePartitions(database.db, clock.now())
  await catalogue.reload(database.db)
  const server = duties.serve ? await createApp(kernel, parts, database, catchUp) : undefined
  let stopFollowing = async () => {}

  return {
    kernel,
    parts,
    jobs,
    app: server?.app,
    async start() {
      await jobs.start()
      stopFollowing = await followChanges(kernel, database, catalogue)
      if (!duties.work) return
      dispatcher.start()
      relay.start()
      courier.start()
    },
    drain,
    async stop() {
      await server?.stop()
      await jobs.stop()
      await stopFollowing()
      await dispatcher.stop()
      await relay.stop()
      const sent = courier.stop()
      // A mail server may take minutes. Deliveries that are cut off count as unheard and are recorded as such.
      await Promise.race([sent, setTimeout(config.shutdownGraceSeconds * 1000, undefined, { ref: false })])
      for (const provider of providers) await provider.close()
      await sent
    },
  }
}

/** The path roots and base prefixes of all parts, with their contracts. */
function pathRootsOf(parts: readonly Part[], config: Config): PathRoots {
  return new Map(
    parts.flatMap(({ name, pathRoots = [], basePrefixes, contract }) =>
      [...pathRoots, ...(basePrefixes?.(config) ?? [])].map((root) => [root, { part: name, contract }] as const),
    ),
  )
}

/** Descriptions of the kernel's own tags in the API reference. */
const kernelTags: Readonly<Record<string, string>> = {
  operations: 'Whether the process is alive and ready.',
}

/** Parts in the order of the API reference: products first, so that a product's log-in comes before the site's. */
function documented(parts: readonly Part[]): readonly Part[] {
  const isProduct = ({ name }: Part) => PRODUCTS.some((product) => product.name === name)
  return [...parts.filter(isProduct), ...parts.filter((part) => !isProduct(part))]
}

async function createApp(kernel: Kernel, parts: readonly Part[], database: OpenDatabase, catchUp: () => Promise<void>) {
  const { config } = kernel
  const identity = await createIdentity(kernel, database)
  const sharedCounts = config.redisUrl === undefined ? undefined : connectRedis(config.redisUrl, kernel.log)
  const app = await createServer(
    {
      trustProxy: config.trustProxy,
      corsOrigins: config.corsOrigins,
      rateLimits: config.rateLimit && {
        general: config.rateLimitGeneral,
        anonymous: config.rateLimitAnonymous,
        login: config.rateLimitLogin,
        loginAddress: config.rateLimitLoginAddress,
        register: config.rateLimitRegister,
        message: config.rateLimitMessage,
      },
      ...(sharedCounts && { sharedCounts }),
      authenticate: identity.authenticate,
      permissions: permissionsOfParts(parts),
      pathRoots: pathRootsOf(parts, config),
      documentation: {
        title: 'Yuyue 预约',
        description: 'Reservations for places and people.',
        version: packageJson.version,
        products: documented(parts),
        tags: Object.assign({}, kernelTags, ...parts.map((part) => part.tags)),
      },
    },
    kernel.log,
  )
  registerHealth(app, await readinessChecks(database.pool))
  const realtime = await registerRealtime(app, kernel, identity, database)
  const live: Live = { sockets: realtime.sockets, database, catchUp }
  for (const part of parts) {
    for (const prefix of ['', ...(part.basePrefixes?.(config) ?? [])]) {
      await openScope(app, { product: part.name, contract: part.contract, prefix }, (scope) =>
        part.routes(scope, kernel, live),
      )
    }
  }
  await app.ready()
  reached('routes registered')
  return {
    app,
    async stop() {
      await realtime.close()
      await closeServer(app, config.shutdownGraceSeconds * 1000)
      await identity.close()
      sharedCounts?.close()
    },
  }
}
