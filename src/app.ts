import { setTimeout } from 'node:timers/promises'
import type { Logger } from 'pino'
import packageJson from '../package.json' with { type: 'json' }
import type { Config } from './config.ts'
import { ensurePartitions } from './kernel/audit/partitions.ts'
import { dropOldLogs } from './kernel/audit/retention.ts'
import type { Clock } from './kernel/clock.ts'
import type { OpenDatabase } from './kernel/database/database.ts'
import { MIGRATIONS, migrationNames, pendingMigrations } from './kernel/database/migrate.ts'
import { attempt, transaction } from './kernel/database/transaction.ts'
import { exportJobs } from './kernel/exports/jobs/jobs.ts'
import { sweepFiles } from './kernel/files/service.ts'
import type { App } from './kernel/http/app.ts'
import { registerHealth } from './kernel/http/health.ts'
import { forgetOldKeys } from './kernel/http/request/idempotency.ts'
import { connectRedis } from './kernel/http/request/limits.ts'
import { openScope } from './kernel/http/scope.ts'
import { createServer } from './kernel/http/server.ts'
import { closeServer } from './kernel/http/stop.ts'
import { identityJobs } from './kernel/identity/jobs.ts'
import { identityNotificationTypes } from './kernel/identity/notificationTypes.ts'
import { createIdentity } from './kernel/identity/sessions/sessions.ts'
import type { JobDefinition } from './kernel/jobs/jobs.ts'
import { createJobs, type Jobs } from './kernel/jobs/queues.ts'
import type { Kernel } from './kernel/kernel.ts'
import { createDispatcher } from './kernel/notifications/broadcasts.ts'
import { createCourier } from './kernel/notifications/delivery/deliver.ts'
import { forgetOldPaces } from './kernel/notifications/delivery/pace.ts'
import { createRelay } from './kernel/notifications/delivery/relay.ts'
import { installEngine } from './kernel/notifications/engine.ts'
import { createProviders } from './kernel/notifications/providers/providers.ts'
import { sendDirectlyBy } from './kernel/notifications/secretCodes.ts'
import { noticeNotificationTypes } from './kernel/notifications/texts/builtInTypes.ts'
import { createCatalogue, followChanges } from './kernel/notifications/texts/catalogue.ts'
import { privacyJobs } from './kernel/privacy/jobs.ts'
import { privacyNotificationTypes } from './kernel/privacy/notificationTypes.ts'
import type { Product } from './kernel/product.ts'
import { registerRealtime } from './kernel/realtime/realtime.ts'
import { room } from './room/product.ts'
import { clockRoutes } from './site/development/clockRoutes.ts'
import { exportFileRoutes } from './site/exports/fileRoutes.ts'
import { fileRoutes } from './site/files/routes.ts'
import { linkRoutes } from './site/notifications/linkRoutes.ts'
import { receiptRoutes } from './site/notifications/receiptRoutes.ts'
import { dataExportRoutes } from './site/privacy/fileRoutes.ts'
import { identityRoutes } from './site/setUp/routes.ts'
import { venue } from './venue/product.ts'

/** Every product this program has; PRODUCTS says which are switched on. A new product is one line here. */
const PRODUCTS: readonly Product[] = [venue, room]

/** What one process does: answer requests, do background work, or both. */
export interface Duties {
  readonly serve: boolean
  readonly work: boolean
}

/** A process put together: nothing runs before `start`. */
export interface System {
  readonly kernel: Kernel
  readonly jobs: Jobs
  /** Only when the process serves. */
  readonly app: App | undefined
  /** Starts background work; listening is the caller's. */
  start(): Promise<void>
  /** Hands on, sends and runs everything that waits, here and now (tests, demo). */
  drain(): Promise<void>
  /** Finishes what is in flight (SHUTDOWN_GRACE_SECONDS), then closes everything but the database. */
  stop(): Promise<void>
}

/** Puts a process together out of a configuration, an open and migrated database, and the products that are switched on. */
export async function createSystem(
  config: Config,
  clock: Clock,
  log: Logger,
  database: OpenDatabase,
  duties: Duties,
): Promise<System> {
  const products = PRODUCTS.filter((product) => config.products.includes(product.name))
  const kernel: Kernel = {
    config,
    clock,
    log,
    products,
    db: database.db,
    reads: database.reads,
    transaction: (work) => transaction(database.db, work),
    attempt: (work) => attempt(database.db, work),
    nudge() {
      relay.nudge()
      dispatcher.nudge()
      courier.nudge()
    },
  }
  const catalogue = createCatalogue([
    ...identityNotificationTypes,
    ...privacyNotificationTypes,
    ...noticeNotificationTypes,
    ...products.flatMap((product) => product.notificationTypes),
  ])
  const providers = createProviders(config, clock)
  installEngine(config, { catalogue, providers })
  const ways = (lane: 'email' | 'sms') => providers.find((provider) => provider.lane === lane)
  const [byMail, bySms] = [ways('email'), ways('sms')]
  sendDirectlyBy(config, { ...(byMail && { email: byMail }), ...(bySms && { sms: bySms }) })
  const courier = createCourier(kernel, { catalogue, providers })
  const relay = createRelay(kernel, { catalogue, providers, onDeliveries: courier.nudge })
  const dispatcher = createDispatcher(kernel, relay.nudge)
  const definitions = [...upkeep, ...products.flatMap((product) => product.jobs)]
  const jobs = createJobs(kernel, database, definitions, { work: duties.work })
  const drain = async () => {
    for (let more = true; more; ) {
      const handedOn = (await dispatcher.drain()) + (await relay.drain())
      const done = handedOn + (await jobs.drain()) + (await courier.drain())
      more = done > 0
    }
  }
  /** After somebody has moved the clock by hand: everything that time drives, here and now. */
  const catchUp = async () => {
    const timed = definitions.filter(({ cron }) => cron !== undefined)
    // Twice, because one takes up what another leaves: a no-show's place goes to the waiting list.
    for (const { name } of [...timed, ...timed]) await jobs.runNow(name)
    await drain()
  }
  await ensurePartitions(database.db, clock.now())
  await catalogue.reload(database.db)
  const server = duties.serve ? await createApp(kernel, database, catchUp) : undefined
  let stopFollowing = async () => {}

  return {
    kernel,
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
      // A mail server may think for minutes. What is cut off then counts as unheard, and is recorded as that.
      await Promise.race([sent, setTimeout(config.shutdownGraceSeconds * 1000, undefined, { ref: false })])
      for (const provider of providers) await provider.close()
      await sent
    },
  }
}

/** What the kernel itself does in the background. */
const upkeep: readonly JobDefinition[] = [
  {
    name: 'kernel.partitions',
    cron: '17 3 * * *',
    run: async (kernel) => void (await ensurePartitions(kernel.db, kernel.clock.now())),
  },
  { name: 'kernel.log-retention', cron: '32 3 * * *', run: dropOldLogs },
  ...identityJobs,
  ...privacyJobs,
  ...exportJobs,
  { name: 'kernel.files', cron: '7 * * * *', run: sweepFiles },
  {
    name: 'kernel.notification-pace',
    cron: '47 3 * * *',
    run: async (kernel) => void (await forgetOldPaces(kernel.db, kernel.clock.now())),
  },
  {
    name: 'kernel.idempotency-keys',
    cron: '37 * * * *',
    run: async (kernel) => void (await forgetOldKeys(kernel.db, kernel.clock.now())),
  },
]

/** What the kernel's own tags in the API reference are about. */
const kernelTags: Readonly<Record<string, string>> = {
  'Set-up': 'The first administrator.',
  Files: 'Pictures and other stored files.',
  Receipts: 'What providers tell of what they were given to deliver.',
  'Links in mails': 'Unsubscribing, and what tells that a mail was read.',
  Development: 'Moving the clock by hand, where it is manual.',
  operations: 'Whether the process is alive and ready.',
}

async function createApp(kernel: Kernel, database: OpenDatabase, afterMove: () => Promise<void>) {
  const { config, products } = kernel
  const identity = await createIdentity(kernel, database)
  const sharedCounts = config.redisUrl === undefined ? undefined : connectRedis(config.redisUrl, kernel.log)
  const app = await createServer(
    {
      trustProxy: config.trustProxy,
      corsOrigins: config.corsOrigins,
      rateLimits: config.rateLimit && {
        general: config.rateLimitGeneral,
        login: config.rateLimitLogin,
        message: config.rateLimitMessage,
      },
      ...(sharedCounts && { sharedCounts }),
      authenticate: identity.authenticate,
      permissions: products.flatMap((product) => Object.keys(product.permissions)),
      documentation: {
        title: 'Yuyue 预约',
        description: 'Reservations for places and people.',
        version: packageJson.version,
        products,
        tags: Object.assign({}, kernelTags, ...products.map((product) => product.tags)),
      },
    },
    kernel.log,
  )
  const migrations = await migrationNames(MIGRATIONS)
  registerHealth(app, [
    { name: 'database', check: async () => void (await database.pool.query('SELECT 1')) },
    { name: 'jobs', check: async () => void (await database.pool.query('SELECT 1 FROM pgboss.queue LIMIT 1')) },
    {
      name: 'migrations',
      check: async () => {
        const pending = await pendingMigrations(database.pool, migrations)
        if (pending.length > 0) throw new Error(`pending: ${pending.join(', ')}`)
      },
    },
  ])
  identityRoutes(app, kernel)
  fileRoutes(app, kernel)
  dataExportRoutes(app, kernel)
  exportFileRoutes(app, kernel)
  linkRoutes(app, kernel)
  receiptRoutes(app, kernel)
  clockRoutes(app, kernel, afterMove)
  const realtime = await registerRealtime(app, kernel, identity, database)
  for (const product of products) {
    for (const prefix of ['', ...(product.basePrefixes?.(config) ?? [])]) {
      await openScope(app, { product: product.name, contract: product.contract, prefix }, (scope) =>
        product.routes(scope, kernel, { sockets: realtime.sockets, database }),
      )
    }
  }
  await app.ready()
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
