import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { pino } from 'pino'
import { createSystem, type System } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { ManualClock } from '../../src/kernel/clock.ts'
import { onUnexpected } from '../../src/kernel/http/answer/failures.ts'
import type { App } from '../../src/kernel/http/app.ts'
import { accessTokens } from '../../src/kernel/identity/sessions/tokens.ts'
import type { Kernel } from '../../src/kernel/kernel.ts'
import type { Difference } from '../../src/kernel/product.ts'
import type { Config } from '../../src/kernel/settings.ts'
import { addDays, instantAt, localDate } from '../../src/kernel/time.ts'
import { openTestDatabase, type TestDatabase } from './database.ts'

/** Somebody with an account and a token that lasts for a year. */
export interface Person {
  readonly id: number
  readonly token: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  // What is on the wire has no type: tests say what they expect of it.
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly body: any
}

export interface CallOptions {
  readonly as?: Person
  readonly headers?: Readonly<Record<string, string>>
  readonly payload?: unknown
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** The whole program over a database of its own, for one test file. Nothing runs by itself: tests move the clock and `drain`. */
export interface World {
  readonly system: System
  readonly app: App
  readonly kernel: Kernel
  readonly database: TestDatabase
  readonly clock: ManualClock
  readonly config: Config
  /** Unexpected faults (500s) since the last `close`; `close` fails when there are any. */
  readonly faults: unknown[]
  call(method: Method, path: string, options?: CallOptions): Promise<Answer>
  person(
    role?: string,
    options?: { readonly points?: number; readonly credit?: number; readonly email?: string },
  ): Promise<Person>
  /** A venue that is always open; `rules` are its own. */
  venue(options?: {
    readonly capacity?: number
    readonly rules?: Readonly<Record<string, unknown>>
    readonly sportVenueId?: number
    readonly type?: string
  }): Promise<number>
  /** A slot on the day after the clock's today (or `day`), at a local hour. */
  slot(
    venueId: number,
    options?: { readonly hour?: number; readonly hours?: number; readonly capacity?: number; readonly day?: number },
  ): Promise<number>
  /** Rows of a query. */
  rows<T>(query: string): Promise<readonly T[]>
  /** The inbox of a person, oldest first, after everything was handed on. */
  inbox(
    person: Person,
  ): Promise<
    readonly { readonly type: string; readonly subject: string; readonly body: string; readonly key: string | null }[]
  >
  drain(): Promise<void>
  verify(): Promise<readonly Difference[]>
  close(): Promise<void>
}

/** Monday, 2 March 2026, 08:00 in Shanghai: where every world's clock starts. */
export const MONDAY = new Date('2026-03-02T00:00:00Z')

export async function openWorld(
  env: Readonly<Record<string, string>> = {},
  replaced: Parameters<typeof createSystem>[5] = {},
): Promise<World> {
  const database = await openTestDatabase()
  const dataDir = await mkdtemp(join(tmpdir(), 'yuyue-world-'))
  const clock = new ManualClock(MONDAY)
  const config: Config = {
    ...loadConfig({ NODE_ENV: 'test', RATE_LIMIT: 'off', DATA_DIR: dataDir, ...env }),
    secretKey: 'a secret of the tests, a secret of the tests',
    fieldKeys: [{ id: 'k1', key: Buffer.alloc(32, 1) }],
  }
  const faults: unknown[] = []
  const unwatch = onUnexpected((error) => faults.push(error))
  const duties = { serve: true, work: false }
  const system = await createSystem(config, clock, pino({ level: 'silent' }), database, duties, replaced)
  const { app, kernel } = system
  if (!app) throw new Error('a world serves')
  await system.start()
  let count = 0

  const world: World = {
    system,
    app,
    kernel,
    database,
    clock,
    config,
    faults,
    async call(method, path, { as, headers, payload } = {}) {
      const answer = await app.inject({
        method,
        url: path,
        headers: { ...(as && { authorization: `Bearer ${as.token}` }), ...headers },
        ...(payload !== undefined && { payload: payload as object }),
      })
      const type = String(answer.headers['content-type'] ?? '')
      const body: unknown = type.includes('json') && answer.body !== '' ? JSON.parse(answer.body) : answer.body
      return { status: answer.statusCode, headers: answer.headers, body }
    },
    async person(role = 'venue:employee', { points = 0, credit = 100, email } = {}) {
      count += 1
      const at = clock.now()
      const name = `person${count}`
      const [user] = await one<{ id: number }>(sql`
        INSERT INTO users (username, display_name, email, created_at, updated_at)
        VALUES (${name}, ${name}, ${email ?? null}, ${at}, ${at}) RETURNING id`)
      const id = user?.id ?? 0
      const sessionId = randomUUID()
      const expiresAt = new Date(at.getTime() + 365 * 86_400_000)
      await sql`INSERT INTO user_roles (user_id, role, granted_at) VALUES (${id}, ${role}, ${at})`.execute(database.db)
      await sql`INSERT INTO sessions (id, user_id, address, user_agent, created_at, expires_at)
        VALUES (${sessionId}, ${id}, '127.0.0.1', 'test', ${at}, ${expiresAt})`.execute(database.db)
      if (points > 0 || credit < 100) {
        await sql`INSERT INTO venue_members (user_id, points, credit, created_at) VALUES (${id}, ${points}, ${credit}, ${at})`.execute(
          database.db,
        )
        if (points > 0) {
          await sql`INSERT INTO points_ledger (user_id, delta, balance, reason, created_at)
            VALUES (${id}, ${points}, ${points}, 'grant', ${at})`.execute(database.db)
        }
        if (credit < 100) {
          await sql`INSERT INTO credit_ledger (user_id, delta, score, reason, created_at)
            VALUES (${id}, ${credit - 100}, ${credit}, 'adjustment', ${at})`.execute(database.db)
        }
      }
      return { id, token: accessTokens(config).sign({ sessionId, userId: id, expiresAt }, at) }
    },
    async venue({ capacity = 1, rules = {}, sportVenueId, type } = {}) {
      count += 1
      const at = clock.now()
      const [venue] = await one<{ id: number }>(sql`
        INSERT INTO venues (name, capacity, sport_venue_id, type, check_in_secret, created_at, updated_at)
        VALUES (${`venue ${count}`}, ${capacity}, ${sportVenueId ?? null}, ${type ?? null}, 'door', ${at}, ${at}) RETURNING id`)
      const id = venue?.id ?? 0
      const names = ['venue_id', 'updated_at', ...Object.keys(rules)].map((name) => sql.ref(name))
      const values = [id, at, ...Object.values(rules)].map((value) => sql.val(value))
      await sql`INSERT INTO booking_rules (${sql.join(names)}) VALUES (${sql.join(values)})`.execute(database.db)
      return id
    },
    async slot(venueId, { hour = 9, hours = 1, capacity, day = 1 } = {}) {
      const at = clock.now()
      const date = addDays(localDate(at, config.timeZone), day)
      const start = instantAt(date, `${String(hour).padStart(2, '0')}:00`, config.timeZone)
      const [slot] = await one<{ id: number }>(sql`
        INSERT INTO time_slots (venue_id, start_at, end_at, capacity, created_at, updated_at)
        SELECT id, ${start}::timestamptz, ${new Date(start.getTime() + hours * 3_600_000)}::timestamptz, coalesce(${capacity ?? null}::int, capacity), ${at}::timestamptz, ${at}::timestamptz
        FROM venues WHERE id = ${venueId} RETURNING id`)
      return slot?.id ?? 0
    },
    rows: async <T>(query: string) => (await sql.raw<T>(query).execute(database.db)).rows,
    async inbox(person) {
      await system.drain()
      const { rows } = await sql<{ type: string; subject: string; body: string; key: string | null }>`
        SELECT type, subject, body, key FROM messages WHERE user_id = ${person.id} ORDER BY id`.execute(database.db)
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
      await system.stop()
      await database.close()
      await rm(dataDir, { recursive: true, force: true })
      if (faults.length > 0) throw new Error(`${faults.length} unexpected faults`, { cause: faults[0] })
    },
  }

  async function one<T>(query: ReturnType<typeof sql<T>>): Promise<readonly T[]> {
    return (await query.execute(database.db)).rows
  }
  return world
}
