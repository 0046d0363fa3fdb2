import { sql } from 'kysely'
import { pino } from 'pino'
import { loadConfig } from '../../src/config.ts'
import { ManualClock } from '../../src/kernel/clock.ts'
import { attempt, transaction } from '../../src/kernel/database/transaction.ts'
import { Unauthenticated } from '../../src/kernel/http/errors.ts'
import { problemContract } from '../../src/kernel/http/problem.ts'
import { openScope } from '../../src/kernel/http/scope.ts'
import { createServer } from '../../src/kernel/http/server.ts'
import type { Actor } from '../../src/kernel/identity/actor.ts'
import type { Kernel } from '../../src/kernel/kernel.ts'
import { catalogueRoutes } from '../../src/venue/catalogue.ts'
import { permissions } from '../../src/venue/permissions.ts'
import { openTestDatabase } from './database.ts'

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: what the wire carries is what the tests look at
  readonly body: any
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Monday, 2 March 2026, 08:00 in Shanghai. */
export const MONDAY = new Date('2026-03-02T00:00:00Z')

/**
 * The catalogue over HTTP on a database of its own, for one test file; the clock stands at `MONDAY`. The token `staff` may write, `person` is
 * somebody who may not, and without a token one is a visitor.
 */
export async function openCatalogueWorld() {
  const database = await openTestDatabase()
  const clock = new ManualClock(MONDAY)
  const log = pino({ level: 'warn' })
  const kernel: Kernel = {
    config: {
      ...loadConfig({ TIME_ZONE: 'Asia/Shanghai' }),
      secretKey: 'catalogue tests only, catalogue tests only',
      fieldKeys: [{ id: 'k1', key: Buffer.alloc(32) }],
    },
    clock,
    log,
    products: [],
    db: database.db,
    reads: database.reads,
    transaction: (work) => transaction(database.db, work),
    attempt: (work) => attempt(database.db, work),
    nudge: () => {},
  }
  const staff = await insertUser(kernel, 'staff')
  const person = await insertUser(kernel, 'person')
  const actorOf = (userId: number, allowed: readonly string[]): Actor => ({
    userId,
    sessionId: 's',
    roles: new Set(),
    permissions: new Set(allowed),
    isAdmin: false,
    scope: 'full',
  })
  const actors = new Map([
    ['staff', actorOf(staff, Object.keys(permissions))],
    ['person', actorOf(person, ['venue:reservations.book'])],
  ])
  const app = await createServer(
    {
      trustProxy: false,
      corsOrigins: [],
      rateLimits: false,
      permissions: Object.keys(permissions),
      documentation: { title: 'Venue', description: '', version: '1', products: [] },
      authenticate: async (token) => {
        const actor = actors.get(token)
        if (!actor) throw new Unauthenticated('unauthenticated', 'No such token.')
        return actor
      },
    },
    log,
  )
  await openScope(app, { product: 'venue', contract: problemContract }, (inside) => catalogueRoutes(inside, kernel))
  await app.ready()

  /** Calls the API as staff unless said; `null` is a visitor. */
  async function call(method: Method, url: string, body?: unknown, token: string | null = 'staff'): Promise<Answer> {
    const answer = await app.inject({
      method,
      url,
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      ...(body !== undefined && { payload: JSON.stringify(body), headers: headersOf(token) }),
    })
    return { status: answer.statusCode, body: answer.body === '' ? null : JSON.parse(answer.body) }
  }

  let count = 0
  return {
    kernel,
    clock,
    database,
    call,
    personId: person,
    /** Adds a venue and answers its id. */
    async venue(fields: object = {}): Promise<number> {
      count += 1
      const { status, body } = await call('POST', '/api/v1/venues', { name: `Court ${count}`, capacity: 4, ...fields })
      if (status !== 201) throw new Error(`the venue was refused: ${JSON.stringify(body)}`)
      return body.id
    },
    /** Adds a sport venue and answers its id. */
    async sportVenue(fields: object = {}): Promise<number> {
      count += 1
      const { body } = await call('POST', '/api/v1/sport-venues', { name: `Hall ${count}`, ...fields })
      return body.id
    },
    /** Adds a slot on a local day, as `['2026-03-03', '10:00', '11:00']`, and answers it. */
    async slot(venueId: number, [date, start_time, end_time]: readonly [string, string, string], fields: object = {}) {
      const path = `/api/v1/venues/${venueId}/reservation-time-slots`
      const { status, body } = await call('POST', path, { date, start_time, end_time, ...fields })
      if (status !== 201) throw new Error(`the slot was refused: ${JSON.stringify(body)}`)
      return body
    },
    /** Adds one more person. */
    user: () => insertUser(kernel, `user${++count}`),
    /** Puts the person (or another one) into a slot, as the rows of a booking would. */
    async booked(slotId: number, status = 'confirmed', userId = person): Promise<number> {
      await sql`UPDATE time_slots SET taken = taken + 1 WHERE id = ${slotId}`.execute(database.db)
      const { rows } = await sql<{ id: number }>`
        INSERT INTO reservations (user_id, slot_id, venue_id, start_at, end_at, party_size, status, by_leader, points_paid, created_at, updated_at)
        SELECT ${userId}, id, venue_id, start_at, end_at, 1, ${status}, false, 0, ${MONDAY}, ${MONDAY} FROM time_slots WHERE id = ${slotId}
        RETURNING id`.execute(database.db)
      return rows[0]?.id ?? 0
    },
    /** Puts a venue, a sport venue or a facility out of use, as the row of a closure would. */
    async closed(
      owner: { venue_id?: number; sport_venue_id?: number; facility_id?: number },
      closure: { kind: 'closed' | 'maintenance'; start: string; end?: string; reason?: string },
    ): Promise<void> {
      await sql`INSERT INTO closures (venue_id, sport_venue_id, facility_id, kind, start_at, end_at, reason, created_at, updated_at)
        VALUES (${owner.venue_id ?? null}, ${owner.sport_venue_id ?? null}, ${owner.facility_id ?? null}, ${closure.kind},
          ${closure.start}, ${closure.end ?? null}, ${closure.reason ?? null}, ${MONDAY}, ${MONDAY})`.execute(
        database.db,
      )
    },
    /** The last entry for the operation log. */
    async lastOperation(): Promise<unknown> {
      const { rows } = await sql<{ operation: unknown }>`
        SELECT operation FROM outbox WHERE operation IS NOT NULL ORDER BY id DESC LIMIT 1`.execute(database.db)
      return rows[0]?.operation
    },
    async close(): Promise<void> {
      await app.close()
      await database.close()
    },
  }
}

export type CatalogueWorld = Awaited<ReturnType<typeof openCatalogueWorld>>

function headersOf(token: string | null): Record<string, string> {
  const json = { 'content-type': 'application/json' }
  return token === null ? json : { ...json, authorization: `Bearer ${token}` }
}

async function insertUser(kernel: Kernel, username: string): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO users (username, display_name, created_at, updated_at) VALUES (${username}, ${username}, ${MONDAY}, ${MONDAY})
    RETURNING id`.execute(kernel.db)
  const id = rows[0]?.id ?? 0
  await sql`INSERT INTO venue_members (user_id, created_at) VALUES (${id}, ${MONDAY})`.execute(kernel.db)
  return id
}
