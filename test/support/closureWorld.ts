import { sql } from 'kysely'
import { pino } from 'pino'
import { loadConfig } from '../../src/config.ts'
import { ManualClock } from '../../src/kernel/clock.ts'
import { attempt, transaction } from '../../src/kernel/database/transaction.ts'
import type { Caller } from '../../src/kernel/http/caller.ts'
import { Unauthenticated } from '../../src/kernel/http/errors.ts'
import { onUnexpected } from '../../src/kernel/http/failures.ts'
import { problemContract } from '../../src/kernel/http/problem.ts'
import { openScope } from '../../src/kernel/http/scope.ts'
import { createServer } from '../../src/kernel/http/server.ts'
import type { Kernel } from '../../src/kernel/kernel.ts'
import { catalogueRoutes } from '../../src/venue/catalogue.ts'
import { closureRoutes } from '../../src/venue/closures/routes.ts'
import { verifyClosures } from '../../src/venue/closures/store.ts'
import { permissions, roles } from '../../src/venue/permissions.ts'
import { book } from '../../src/venue/reservations/service.ts'
import type { Reservation } from '../../src/venue/reservations/store.ts'
import { openTestDatabase } from './database.ts'

/** Monday, 2 March 2026, 08:00 in Shanghai. */
export const MONDAY = new Date('2026-03-02T00:00:00Z')

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  // biome-ignore lint/suspicious/noExplicitAny: what the wire carries is what the tests look at
  readonly body: any
}

/**
 * Venues, slots, bookings and closures on a database of its own, for one test file; the clock stands at `MONDAY`. Over HTTP the token of a person is
 * their name; `staff` may do everything.
 */
export async function openClosureWorld() {
  const database = await openTestDatabase()
  const { db } = database
  const clock = new ManualClock(MONDAY)
  const faults: unknown[] = []
  const stopWatching = onUnexpected((error) => faults.push(error))
  const kernel: Kernel = {
    config: {
      ...loadConfig({ TIME_ZONE: 'Asia/Shanghai' }),
      secretKey: 'closure tests only, closure tests only..',
      fieldKeys: [{ id: 'k1', key: Buffer.alloc(32) }],
    },
    clock,
    log: pino({ level: 'silent' }),
    products: [],
    db,
    reads: database.reads,
    transaction: (work) => transaction(db, work),
    attempt: (work) => attempt(db, work),
    nudge: () => {},
  }
  const callers = new Map<string, Caller>()

  /** Adds somebody with points; answers them as a caller. */
  async function person(name: string, role = 'venue:employee', points = 100): Promise<Caller> {
    const { rows } = await sql<{ id: number }>`
      INSERT INTO users (username, display_name, created_at, updated_at) VALUES (${name}, ${name}, ${MONDAY}, ${MONDAY})
      RETURNING id`.execute(db)
    const userId = rows[0]?.id ?? 0
    await sql`INSERT INTO venue_members (user_id, points, created_at) VALUES (${userId}, ${points}, ${MONDAY})`.execute(
      db,
    )
    await sql`INSERT INTO user_roles (user_id, role, granted_at) VALUES (${userId}, ${role}, ${MONDAY})`.execute(db)
    const allowed = roles.find((one) => one.name === role)?.permissions ?? []
    const caller: Caller = {
      userId,
      sessionId: 's',
      roles: new Set([role]),
      permissions: new Set(allowed),
      isAdmin: false,
      scope: 'full',
      address: '192.0.2.1',
      requestId: 'r',
    }
    callers.set(name, caller)
    return caller
  }

  const staff = await person('staff', 'venue:admin')
  const app = await createServer(
    {
      trustProxy: false,
      corsOrigins: [],
      rateLimits: false,
      permissions: Object.keys(permissions),
      documentation: { title: 'Venue', description: '', version: '1', products: [] },
      authenticate: async (token) => {
        const caller = callers.get(token)
        if (!caller) throw new Unauthenticated('unauthenticated', 'No such token.')
        return caller
      },
    },
    kernel.log,
  )
  await openScope(app, { product: 'venue', contract: problemContract }, (inside) => {
    catalogueRoutes(inside, kernel)
    closureRoutes(inside, kernel)
  })
  await app.ready()

  /** Rows of a query. */
  const rows = async <T>(query: string): Promise<readonly T[]> => (await sql.raw<T>(query).execute(db)).rows

  let count = 0
  const nextId = async (query: string): Promise<number> => (await rows<{ id: number }>(query))[0]?.id ?? 0
  const at = MONDAY.toISOString()

  return {
    kernel,
    clock,
    database,
    staff,
    faults,
    person,
    rows,
    /** Calls the API; `null` is a visitor. */
    async call(
      method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
      url: string,
      body?: object,
      token: string | null = 'staff',
      headers: Record<string, string> = {},
    ): Promise<Answer> {
      const answer = await app.inject({
        method,
        url,
        headers: { ...headers, ...(token !== null && { authorization: `Bearer ${token}` }) },
        ...(body !== undefined && { payload: body }),
      })
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: answer.body === '' ? null : JSON.parse(answer.body),
      }
    },
    sportVenue(): Promise<number> {
      count += 1
      return nextId(
        `INSERT INTO sport_venues (name, created_at, updated_at) VALUES ('Hall ${count}', '${at}', '${at}') RETURNING id`,
      )
    },
    async venue({
      sportVenue = null as number | null,
      type = 'badminton',
      rules = {} as Record<string, unknown>,
    } = {}) {
      count += 1
      const id =
        await nextId(`INSERT INTO venues (name, sport_venue_id, type, capacity, check_in_secret, created_at, updated_at)
        VALUES ('Court ${count}', ${sportVenue}, '${type}', 4, 'secret', '${at}', '${at}') RETURNING id`)
      const names = Object.keys(rules)
      await rows(`INSERT INTO booking_rules (venue_id, max_reservations_per_user, updated_at ${names.map((name) => `, ${name}`).join('')})
        VALUES (${id}, 1000, '${at}' ${names.map((name) => `, ${String(rules[name])}`).join('')})`)
      return id
    },
    /** Adds a slot from a local time, as '2026-03-03 10:00', for an hour unless said. */
    slot(venueId: number, start: string, { minutes = 60, capacity = 4 } = {}): Promise<number> {
      return nextId(`INSERT INTO time_slots (venue_id, start_at, end_at, capacity, created_at, updated_at)
        VALUES (${venueId}, '${start}+08', timestamptz '${start}+08' + interval '${minutes} minutes', ${capacity}, '${at}', '${at}')
        RETURNING id`)
    },
    book(caller: Caller, slotId: number, partySize = 1): Promise<Reservation> {
      return book(kernel, caller, { slotId, partySize })
    },
    async reservation(id: number) {
      const [row] = await rows<{
        status: string
        end_reason: string
        ended_by: number
        rebook_until: Date
        rebooked_as: number
      }>(`SELECT * FROM reservations WHERE id = ${id}`)
      return row
    },
    async slotRow(id: number) {
      const [row] = await rows<{ open: boolean; taken: number; held: number }>(
        `SELECT open, taken, held FROM time_slots WHERE id = ${id}`,
      )
      return row
    },
    async points(caller: Caller): Promise<number> {
      return (
        (await rows<{ points: number }>(`SELECT points FROM venue_members WHERE user_id = ${caller.userId}`))[0]
          ?.points ?? 0
      )
    },
    /** The messages of a type that are on their way, the oldest first. */
    async messages(type: string) {
      const found = await rows<{ message: { userIds: number[]; data: Record<string, unknown>; key: string } }>(
        `SELECT message FROM outbox WHERE message ->> 'type' = '${type}' ORDER BY id`,
      )
      return found.map(({ message }) => message)
    },
    /** Everything that does not agree: openness, places, holds, points. */
    async differences(): Promise<readonly unknown[]> {
      return [
        ...(await verifyClosures(db, clock.now())),
        ...(await rows(`SELECT s.id, s.taken, s.held FROM time_slots s WHERE
          s.taken <> (SELECT coalesce(sum(party_size), 0) FROM reservations r WHERE r.slot_id = s.id
            AND r.status IN ('pending', 'confirmed', 'checked_in', 'completed'))
          OR s.held <> (SELECT coalesce(sum(party_size), 0) FROM waiting_list w WHERE w.slot_id = s.id AND w.state = 'offered')`)),
        ...(await rows(`SELECT m.user_id, m.points, l.balance FROM venue_members m
          JOIN LATERAL (SELECT balance FROM points_ledger l WHERE l.user_id = m.user_id ORDER BY id DESC LIMIT 1) l ON true
          WHERE l.balance <> m.points`)),
        ...(await rows(`SELECT r.id, r.status, sum(l.delta) FROM reservations r JOIN points_ledger l ON l.reservation_id = r.id
          GROUP BY r.id HAVING sum(l.delta) <> CASE WHEN r.status IN ('displaced') THEN 0 ELSE -r.points_paid END`)),
      ]
    },
    async close(): Promise<void> {
      stopWatching()
      await app.close()
      await database.close()
    },
  }
}

export type ClosureWorld = Awaited<ReturnType<typeof openClosureWorld>>
