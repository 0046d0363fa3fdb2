import { pino } from 'pino'
import { loadConfig } from '../../src/config.ts'
import { operationConsumer } from '../../src/kernel/audit/operations.ts'
import { ManualClock } from '../../src/kernel/clock.ts'
import { onUnexpected } from '../../src/kernel/http/answer/failures.ts'
import { problemContract } from '../../src/kernel/http/answer/problem.ts'
import type { App } from '../../src/kernel/http/app.ts'
import { createServer } from '../../src/kernel/http/server.ts'
import { identityNotificationTypes } from '../../src/kernel/identity/notificationTypes.ts'
import { createIdentity, type Identity } from '../../src/kernel/identity/sessions/sessions.ts'
import type { Kernel } from '../../src/kernel/kernel.ts'
import { messageConsumer } from '../../src/kernel/notifications/delivery/relay.ts'
import { createCatalogue } from '../../src/kernel/notifications/texts/catalogue.ts'
import { createRelay, type Relay } from '../../src/kernel/outbox/relay.ts'
import { collect } from '../../src/kernel/parts.ts'
import type { Product } from '../../src/kernel/product.ts'
import type { Config } from '../../src/kernel/settings.ts'
import { userRoutes } from '../../src/site/accounts/routes.ts'
import { permissions as sitePermissions } from '../../src/site/permissions.ts'
import { identityRoutes } from '../../src/site/setUp/routes.ts'
import { permissions as supportPermissions } from '../../src/support/permissions.ts'
import { EMPLOYEE, permissions, roles } from '../../src/venue/permissions.ts'
import { bareKernel } from './bareKernel.ts'
import { openTestDatabase, type TestDatabase } from './database.ts'

/** One process of a site that has accounts and nothing else. */
export interface Process {
  readonly kernel: Kernel
  readonly identity: Identity
  readonly app: App
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, options?: CallOptions): Promise<Answer>
}

export interface CallOptions {
  readonly token?: string | undefined
  readonly body?: unknown
  /** Sent as a URL-encoded form. */
  readonly form?: Readonly<Record<string, string>>
  readonly address?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  // What is on the wire has no type: tests say what they expect of it.
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly body: any
}

export interface AccountWorld extends Process {
  readonly database: TestDatabase
  readonly clock: ManualClock
  readonly relay: Relay
  /** Faults that became a 500. */
  readonly faults: unknown[]
  /** Another process over the same database. */
  anotherProcess(): Promise<Process>
  /** Registers somebody with the password `PASSWORD`; answers id and token. */
  person(username: string): Promise<{ readonly id: number; readonly token: string }>
  /** An administrator, made the way the first one is. */
  administrator(): Promise<{ readonly id: number; readonly token: string }>
  logIn(username: string, password?: string, address?: string): Promise<Answer>
  close(): Promise<void>
}

export const PASSWORD = 'violet-harbour-42'

const product: Product = {
  name: 'venue',
  title: 'Venue',
  description: '',
  tags: {},
  permissions: { ...permissions, ...sitePermissions, ...supportPermissions },
  roles,
  registerRole: EMPLOYEE,
  notificationTypes: [],
  jobs: [],
  contract: problemContract,
  tokenUrl: '/api/v1/users/login',
  routes: userRoutes,
  verify: async () => [],
  demo: async () => [],
}

/** A database of its own, and one process over it whose clock stands at 2026-03-14 09:00 in Shanghai. */
export async function openAccountWorld(
  env: Record<string, string> = {},
  hooks: Partial<Product> = {},
): Promise<AccountWorld> {
  const database = await openTestDatabase()
  const clock = new ManualClock(new Date('2026-03-14T01:00:00Z'))
  const faults: unknown[] = []
  const stopWatching = onUnexpected((error) => faults.push(error))
  const key = Buffer.alloc(32, 7)
  const config: Config = {
    ...loadConfig({ NODE_ENV: 'test', ...env }),
    secretKey: 'k'.repeat(48),
    fieldKeys: [{ id: 'k1', key }],
  }
  const processes: Process[] = []
  const start = async () => {
    const started = await startProcess(database, clock, config, { ...product, ...hooks })
    processes.push(started)
    return started
  }
  const first = await start()
  const catalogue = createCatalogue([...identityNotificationTypes])

  const logIn = (username: string, password = PASSWORD, address?: string) =>
    first.call('POST', '/api/v1/users/login', { body: { username, password }, ...(address && { address }) })

  return {
    ...first,
    database,
    clock,
    faults,
    relay: createRelay(first.kernel, {
      message: messageConsumer(first.kernel, { catalogue, providers: [] }),
      operation: operationConsumer,
    }),
    anotherProcess: start,
    logIn,
    async person(username) {
      const made = await first.call('POST', '/api/v1/users/register', { body: { username, password: PASSWORD } })
      return { id: made.body.id, token: (await logIn(username)).body.access_token }
    },
    async administrator() {
      const { issueSetupToken } = await import('../../src/kernel/identity/accounts/firstAdministrator.ts')
      const token = await issueSetupToken(first.kernel)
      const made = await first.call('POST', '/api/v1/setup', { body: { token, username: 'root', password: PASSWORD } })
      return { id: made.body.id, token: (await logIn('root')).body.access_token }
    },
    async close() {
      stopWatching()
      for (const { app, identity } of processes) {
        await app.close()
        await identity.close()
      }
      await database.close()
    },
  }
}

async function startProcess(
  database: TestDatabase,
  clock: ManualClock,
  config: Config,
  site: Product,
): Promise<Process> {
  const log = pino({ level: 'silent' })
  const catalogue = createCatalogue([...identityNotificationTypes])
  const kernel = await bareKernel({ config, clock, log }, database, catalogue, collect([site]))
  const identity = await createIdentity(kernel, database)
  const app = await createServer(
    {
      trustProxy: false,
      corsOrigins: [],
      rateLimits: false,
      authenticate: identity.authenticate,
      permissions: Object.keys(site.permissions),
      documentation: { title: 'Test', description: '', version: '0', products: [] },
    },
    log,
  )
  identityRoutes(app, kernel)
  site.routes(app, kernel, { sockets: { accept() {}, async close() {} }, database, async catchUp() {} })
  await app.ready()
  return {
    kernel,
    identity,
    app,
    async call(method, path, { token, body, form, address } = {}) {
      const answer = await app.inject({
        method,
        url: path,
        remoteAddress: address ?? '192.0.2.10',
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        ...(form && { payload: new URLSearchParams(form).toString() }),
        ...(body !== undefined && { payload: body as object }),
      })
      const text = answer.body
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text,
        body: text === '' ? undefined : JSON.parse(text),
      }
    },
  }
}

export { roles as venueRoles } from '../../src/venue/permissions.ts'
