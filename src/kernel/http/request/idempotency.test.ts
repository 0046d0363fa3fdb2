import { sql } from 'kysely'
import { Type } from 'typebox'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { as, createSampleServer, type SampleServer } from '../../../../test/support/sampleServer.ts'
import { ManualClock } from '../../clock.ts'
import { Stale, transaction, withRetries } from '../../database/transaction.ts'
import { Conflict } from '../../errors.ts'
import type { Kernel } from '../../kernel.ts'
import { route } from '../route.ts'
import { forgetOldKeys, idempotent } from './idempotency.ts'

let database: TestDatabase
let server: SampleServer
const clock = new ManualClock(new Date('2026-03-14T01:00:00Z'))
let nudges = 0
/** The body of `work`; each test sets it. */
let work: (kernel: Kernel, name: string) => Promise<unknown>

beforeAll(async () => {
  database = await openTestDatabase()
  const { db, reads } = database
  await sql`CREATE TABLE bookings (id bigint GENERATED ALWAYS AS IDENTITY, name text UNIQUE)`.execute(db)
  await sql`INSERT INTO users (id, username, display_name, created_at, updated_at) OVERRIDING SYSTEM VALUE
    SELECT n, 'user' || n, 'User', ${clock.now()}, ${clock.now()} FROM generate_series(1, 3) n`.execute(db)
  const parts: Pick<Kernel, 'clock' | 'db' | 'reads' | 'transaction' | 'withRetries' | 'nudge'> = {
    clock,
    db,
    reads,
    transaction: (use) => transaction(db, use),
    withRetries: (use) => withRetries(db, use),
    nudge: () => {
      nudges += 1
    },
  }
  // `idempotent` does not use the rest of a kernel (configuration, log).
  const kernel = parts as Kernel
  server = await createSampleServer()
  route(server.app, {
    method: 'POST',
    paths: ['/api/v1/rooms/{room}/bookings', '/api/rooms/{room}/bookings'],
    permission: 'signed-in',
    tag: 'bookings',
    summary: 'Book',
    idempotent: true,
    schema: {
      params: Type.Object({ room: Type.String() }),
      body: Type.Object({ name: Type.String(), note: Type.Optional(Type.String()) }),
      response: { 201: Type.Unknown(), 202: Type.Unknown() },
    },
    handler: (request, reply) => {
      reply.code(201)
      return idempotent(kernel, request, reply, (inner) => work(inner, request.body.name))
    },
  })
  await server.app.ready()
})

afterAll(async () => {
  await server.app.close()
  await database.close()
})

beforeEach(async () => {
  nudges = 0
  await sql`TRUNCATE bookings, idempotency_keys`.execute(database.db)
  work = async (kernel, name) => {
    const { rows } = await sql<{ id: number }>`INSERT INTO bookings (name) VALUES (${name}) RETURNING id`.execute(
      kernel.db,
    )
    return { id: rows[0]?.id, name, at: kernel.clock.now() }
  }
})

async function book(
  key: string | undefined,
  payload: object = { name: 'a' },
  token = 'plain',
  url = '/api/v1/rooms/1/bookings',
) {
  const headers = { ...as(token), ...(key !== undefined && { 'idempotency-key': key }) }
  const answer = await server.app.inject({ method: 'POST', url, headers, payload })
  return { status: answer.statusCode, body: answer.json(), replayed: answer.headers['idempotent-replayed'] }
}

async function count(table: 'bookings' | 'idempotency_keys'): Promise<number> {
  const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM ${sql.table(table)}`.execute(database.db)
  return rows[0]?.n ?? -1
}

test('without a key every request is a new one', async () => {
  await book(undefined, { name: 'a' })
  await book(undefined, { name: 'b' })
  expect([await count('bookings'), await count('idempotency_keys')]).toEqual([2, 0])
})

test('a repeat gets the first answer and status again without doing the work', async () => {
  const first = await book('k1', { name: 'a', note: 'x' })
  expect(first).toMatchObject({ status: 201, body: { name: 'a', at: '2026-03-14T01:00:00.000Z' }, replayed: undefined })
  clock.advance(60)
  const again = await book('k1', { note: 'x', name: 'a' })
  expect(again).toEqual({ ...first, replayed: 'true' })
  expect(await book('k1', { note: 'x', name: 'a' }, 'plain', '/api/rooms/1/bookings'), 'by an alias').toEqual(again)
  expect(await count('bookings')).toBe(1)
})

test('the same key with another body or another path is refused with 422', async () => {
  await book('k1')
  const refused = { status: 422, body: { code: 'idempotency_key_reused' } }
  expect(await book('k1', { name: 'b' })).toMatchObject(refused)
  expect(await book('k1', { name: 'a' }, 'plain', '/api/v1/rooms/2/bookings')).toMatchObject(refused)
  expect(await count('bookings')).toBe(1)
})

test('keys of different users are independent', async () => {
  await book('k1', { name: 'a' }, 'plain')
  expect(await book('k1', { name: 'b' }, 'other')).toMatchObject({ status: 201, body: { name: 'b' } })
})

test('after 24 hours a key can be used again, and can be deleted', async () => {
  await book('k1', { name: 'a' })
  clock.advance(24 * 60 - 1)
  expect((await book('k1', { name: 'b' })).status).toBe(422)
  clock.advance(1)
  expect(await book('k1', { name: 'b' })).toMatchObject({ status: 201, replayed: undefined })
  clock.advance(24 * 60 - 1)
  expect(await forgetOldKeys(database.db, clock.now())).toBe(0)
  clock.advance(1)
  expect(await forgetOldKeys(database.db, clock.now())).toBe(1)
})

test('a refusal stores neither key nor booking, so the next try starts afresh', async () => {
  const normal = work
  work = async (kernel, name) => {
    await normal(kernel, name)
    throw new Conflict('slot_full', 'The slot is full.')
  }
  expect(await book('k1')).toMatchObject({ status: 409, body: { code: 'slot_full' } })
  expect([await count('bookings'), await count('idempotency_keys')]).toEqual([0, 0])
  work = normal
  expect(await book('k1')).toMatchObject({ status: 201, replayed: undefined })
})

test('work is retried in a new transaction', async () => {
  const normal = work
  let tries = 0
  work = async (kernel, name) => {
    tries += 1
    const answer = await kernel.transaction(() => normal(kernel, name))
    if (tries < 3) throw new Stale()
    return answer
  }
  expect((await book('k1')).status).toBe(201)
  expect([tries, await count('bookings'), await count('idempotency_keys')]).toEqual([3, 1, 1])
})

test('an inner transaction that fails is rolled back, and the work may continue', async () => {
  const normal = work
  work = async (kernel, name) => {
    await normal(kernel, name)
    await kernel.transaction(() => normal(kernel, 'lost').then(() => normal(kernel, name))).catch(() => undefined)
    await kernel.withRetries(() => normal(kernel, name)).catch(() => undefined)
    return kernel.withRetries(() => normal(kernel, 'second'))
  }
  expect((await book('k1', { name: 'first' })).status).toBe(201)
  const { rows } = await sql<{ name: string }>`SELECT name FROM bookings ORDER BY name`.execute(database.db)
  expect(rows.map(({ name }) => name)).toEqual(['first', 'second'])
})

test('the relay is woken once after the commit, and not by a repeat', async () => {
  const normal = work
  work = async (kernel, name) => {
    kernel.nudge()
    kernel.nudge()
    expect(nudges, 'not before the commit').toBe(0)
    return normal(kernel, name)
  }
  await book('k1')
  expect(nudges).toBe(1)
  await book('k1')
  expect(nudges).toBe(1)
})

test.each(['', ' ', 'a b', 'ü', 'x'.repeat(256)])('refuses the key %j', async (key) => {
  expect(await book(key)).toMatchObject({ status: 400, body: { code: 'idempotency_key_invalid' } })
})

test('ten parallel requests with one key book once and get the same answer', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => book('k1')))
  expect(await count('bookings')).toBe(1)
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
  expect(answers.filter(({ replayed }) => replayed === 'true')).toHaveLength(9)
})

test.runIf(onServer)('a parallel repeat waits for the first, and does the work when the first fails', async () => {
  const normal = work
  let first = true
  work = async (kernel, name) => {
    const answer = await normal(kernel, name)
    if (!first) return answer
    first = false
    throw new Conflict('slot_full', 'The slot is full.')
  }
  const statuses = (await Promise.all([book('k1'), book('k1')])).map(({ status }) => status)
  expect(statuses.sort()).toEqual([201, 409])
  expect(await count('bookings')).toBe(1)
})
