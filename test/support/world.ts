import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { pino } from 'pino'
import { createSystem, type System } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { ManualClock } from '../../src/kernel/clock.ts'
import { type OpenDatabase, openDatabase } from '../../src/kernel/database/database.ts'
import { inserted } from '../../src/kernel/database/inserted.ts'
import { onUnexpected } from '../../src/kernel/http/answer/failures.ts'
import type { App } from '../../src/kernel/http/app.ts'
import type { Kernel } from '../../src/kernel/kernel.ts'
import type { Difference } from '../../src/kernel/product.ts'
import type { Config } from '../../src/kernel/settings.ts'
import { openTestDatabase, type TestDatabase } from './database.ts'

/** A person with an account and a token that is valid for a year. */
export interface Person {
  readonly id: number
  readonly token: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  /** The body as it was sent. */
  readonly text: string
  // Answers have no static type: tests state what they expect.
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly body: any
}

export interface CallOptions {
  /** A person or a token. Without it the caller is a visitor. */
  readonly as?: Person | string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly payload?: unknown
  /** Sent as a URL-encoded form. */
  readonly form?: Readonly<Record<string, string>>
  /** The address that the call comes from. */
  readonly address?: string | undefined
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One process of the program. No background work runs by itself: tests move the clock and call `drain`. */
export interface Process {
  readonly system: System
  readonly app: App
  readonly kernel: Kernel
  readonly config: Config
  call(method: Method, path: string, options?: CallOptions): Promise<Answer>
  /** Listens on a free port of this machine; returns the address, such as `http://127.0.0.1:40123`. */
  listen(): Promise<string>
}

/** An entry of an inbox. */
export interface InboxEntry {
  readonly type: string
  readonly subject: string
  readonly body: string
  readonly key: string | null
}

/** The whole program over its own database, for one test file. The files beside this one have builders of each part. */
export interface World extends Process {
  readonly database: TestDatabase
  readonly clock: ManualClock
  /** Unexpected faults (500s); `close` fails if there are any. */
  readonly faults: unknown[]
  /** The logged lines, as JSON; empty unless the options name a level. */
  readonly lines: string[]
  /** Adds a signed-in person, with the role of newly registered people unless another is named. */
  person(role?: string, options?: { readonly email?: string }): Promise<Person>
  /**
   * Starts another process over the same database and clock; `config` overrides settings. It ends with the world.
   * `apart`: with connections and memory of its own, on a server.
   */
  anotherProcess(config?: Partial<Config>, options?: { readonly apart?: boolean }): Promise<Process>
  /** Runs a query and returns its rows. */
  rows<T>(query: string): Promise<readonly T[]>
  /** Drains the outbox, and returns the inbox of a person, oldest first. */
  inbox(person: Person): Promise<readonly InboxEntry[]>
  drain(): Promise<void>
  verify(): Promise<readonly Difference[]>
  close(): Promise<void>
}

export interface WorldOptions {
  /** Members of the kernel that the test replaces. */
  readonly replaced?: Parameters<typeof createSystem>[5]
  readonly now?: Date
  readonly logLevel?: 'debug' | 'silent'
}

/** Monday, 2 March 2026, 08:00 in Shanghai: the start of the clock of a world unless the options name another. */
export const MONDAY = new Date('2026-03-02T00:00:00Z')

/** Saturday, 14 March 2026, 09:00 in Shanghai. */
export const SATURDAY = new Date('2026-03-14T01:00:00Z')

const DUTIES = { serve: true, work: false }

/** Opens a world. `env` holds environment variables of the program. */
export async function openWorld(
  env: Readonly<Record<string, string>> = {},
  { replaced, now = MONDAY, logLevel = 'silent' }: WorldOptions = {},
): Promise<World> {
  const database = await openTestDatabase()
  const { db } = database
  const dataDir = await mkdtemp(join(tmpdir(), 'yuyue-world-'))
  const clock = new ManualClock(now)
  const config: Config = {
    ...loadConfig({ NODE_ENV: 'test', RATE_LIMIT: 'off', DATA_DIR: dataDir, ...env }),
    secretKey: 'a secret of the tests, a secret of the tests',
    fieldKeys: [{ id: 'k1', key: Buffer.alloc(32, 1) }],
  }
  const faults: unknown[] = []
  const unwatch = onUnexpected((error) => faults.push(error))
  const lines: string[] = []
  const log = pino({ level: logLevel }, { write: (line: string) => void lines.push(line) })
  const others: Process[] = []
  const pools: OpenDatabase[] = []
  const start = async (own: Config, over: OpenDatabase = database) =>
    processOf(await createSystem(own, clock, log, over, DUTIES, replaced), own)
  const main = await start(config)
  const { system, kernel } = main
  let count = 0

  return {
    ...main,
    database,
    clock,
    faults,
    lines,
    async person(role = kernel.registerRole, { email } = {}) {
      count += 1
      const at = clock.now()
      const id = await addUser({ database, clock }, `person${count}`, email)
      await sql`INSERT INTO user_roles (user_id, role, granted_at) VALUES (${id}, ${role}, ${at})`.execute(db)
      const session = { sessionId: randomUUID(), userId: id, expiresAt: new Date(at.getTime() + 365 * 86_400_000) }
      await sql`INSERT INTO sessions (id, user_id, address, user_agent, created_at, expires_at)
        VALUES (${session.sessionId}, ${id}, '127.0.0.1', 'test', ${at}, ${session.expiresAt})`.execute(db)
      return { id, token: kernel.accessTokens.sign(session, at) }
    },
    async anotherProcess(own = {}, { apart = false } = {}) {
      const { url } = database
      const pool = apart && url !== undefined ? await openDatabase({ url, dataDir, poolSize: 5, log }) : undefined
      if (pool) pools.push(pool)
      const other = await start({ ...config, ...own }, pool)
      others.push(other)
      return other
    },
    rows: async <T>(query: string) => (await sql.raw<T>(query).execute(db)).rows,
    async inbox(person) {
      await system.drain()
      const { rows } = await sql<InboxEntry>`
        SELECT type, subject, body, key FROM notification_messages WHERE user_id = ${person.id} ORDER BY id`.execute(db)
      return rows
    },
    drain: system.drain,
    async verify() {
      await system.drain()
      const found = await Promise.all(system.parts.map((part) => part.verify?.(kernel) ?? []))
      return found.flat()
    },
    async close() {
      unwatch()
      for (const other of others) await other.system.stop()
      await system.stop()
      for (const pool of pools) await pool.close()
      await database.close()
      await rm(dataDir, { recursive: true, force: true })
      if (faults.length > 0) throw new Error(`${faults.length} unexpected faults`, { cause: faults[0] })
    },
  }
}

/** Starts a process that tests can call. */
async function processOf(system: System, config: Config): Promise<Process> {
  const { app, kernel } = system
  if (!app) throw new Error('a world serves')
  await system.start()
  return {
    system,
    app,
    kernel,
    config,
    listen: () => app.listen({ port: 0, host: '127.0.0.1' }),
    async call(method, path, { as, headers, payload, form, address } = {}) {
      const token = typeof as === 'string' ? as : as?.token
      const answer = await app.inject({
        method,
        url: path,
        ...(address !== undefined && { remoteAddress: address }),
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
          ...headers,
        },
        ...(payload !== undefined && { payload: payload as object }),
        ...(form && { payload: new URLSearchParams(form).toString() }),
      })
      const { body: text, statusCode: status } = answer
      const isJson = String(answer.headers['content-type'] ?? '').includes('json') && text !== ''
      return { status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : text }
    },
  }
}

/** Adds an account without a session; returns its id. */
export async function addUser(
  { database, clock }: Pick<World, 'clock' | 'database'>,
  name: string,
  email?: string,
): Promise<number> {
  const at = clock.now()
  const { rows } = await sql<{ id: number }>`
    INSERT INTO users (username, display_name, email, created_at, updated_at)
    VALUES (${name}, ${name}, ${email ?? null}, ${at}, ${at}) RETURNING id`.execute(database.db)
  return inserted(rows).id
}

/** A call by a default person unless another is named; null is a visitor. Returns only status and body. */
export type Call = (
  method: Method,
  path: string,
  payload?: unknown,
  as?: Person | null,
) => Promise<Pick<Answer, 'status' | 'body'>>

/** Makes a `Call` whose default caller is `usual`. */
export function callsBy(world: World, usual: Person): Call {
  return async (method, path, payload, as = usual) => {
    const { status, body } = await world.call(method, path, { payload, ...(as && { as }) })
    return { status, body }
  }
}

/** Breaks rows by one statement, returns the differences that verify reports, and repairs the rows by the other. */
export async function foundWhenBroken(world: World, breakIt: string, mendIt: string): Promise<string[]> {
  await world.rows(breakIt)
  const found = await world.verify()
  await world.rows(mendIt)
  return found.map(({ check, subject, stored, computed }) => `${check}: ${subject}: ${stored} ≠ ${computed}`)
}
