import { type CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely'
import type { PoolClient } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database, Transaction } from '../../src/kernel/database/database.ts'
import type { DB } from '../../src/kernel/database/tables.ts'
import { listBookings } from '../../src/room/core/bookingListStore.ts'
import { bookingFacts } from '../../src/room/core/factsStore.ts'
import { topRooms, topUsers } from '../../src/room/figures/statistics/store.ts'
import { candidates, listBookableRooms } from '../../src/room/places/search/store.ts'
import { segmentsOf } from '../../src/room/places/timeline/store.ts'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'

/**
 * The cost of reads over a year of room bookings at the database; ROOM_BOOKINGS=300000 sets the long version. It runs
 * only on a server, which should be idle. The reads are measured first with recent and future bookings, then with the
 * year before as well: old rows must not be read.
 */
const BOOKINGS = Number(process.env.ROOM_BOOKINGS ?? 20_000)
const TIMES = 7

const NOW = new Date('2026-03-02T00:00:00Z')
const ZONE = 'Asia/Shanghai'
const ROOMS = 500
const PEOPLE = 3000
const DAYS_BACK = 365
const DAYS_AHEAD = 30
const days = (n: number) => new Date(NOW.getTime() + n * 86_400_000)
const hours = (n: number) => new Date(NOW.getTime() + n * 3_600_000)

let database: TestDatabase

async function fillPlaces(tx: Transaction): Promise<void> {
  await sql`INSERT INTO users (username, display_name, created_at, updated_at)
    SELECT 'student' || n, 'Student ' || n, ${NOW}::timestamptz, ${NOW}::timestamptz FROM generate_series(1, ${PEOPLE}::int) n`.execute(
    tx,
  )
  await sql`INSERT INTO tb_facility_building (building_name, create_time)
    SELECT '楼 ' || n, ${NOW}::timestamptz FROM generate_series(1, 20) n`.execute(tx)
  await sql`INSERT INTO tb_facility_room (building_id, floor_no, room_name, capacity, equipment_tags, open_hours, create_time)
    SELECT 1 + n % 20, n % 7, '房 ' || n, 5 + n % 60, '白板,电视', CASE WHEN n % 2 = 0 THEN (
      SELECT jsonb_agg(jsonb_build_object('weekday', d, 'opens', '07:00', 'closes', '23:00')) FROM generate_series(1, 7) d) END,
      ${NOW}::timestamptz
    FROM generate_series(1, ${ROOMS}::int) n`.execute(tx)
  await sql`INSERT INTO tb_facility_closure (room_id, start_time, end_time, reason, create_time)
    SELECT id, start, start + interval '3 hours', '维修', start
    FROM tb_facility_room, generate_series(${days(-DAYS_BACK)}::timestamptz, ${days(DAYS_AHEAD)}::timestamptz, interval '30 days') start
    WHERE id % 5 = 0`.execute(tx)
}

/** Adds bookings for a range of days, spread over the rooms and stored by day, as in real use. */
async function fill(tx: Transaction, from: number, to: number): Promise<void> {
  const perDay = Math.ceil(BOOKINGS / (DAYS_BACK + DAYS_AHEAD))
  // Skips the checks of foreign keys, which are correct by construction: for this many rows they take the most time,
  // and on a busy machine more than the statement timeout.
  await sql`SELECT set_config('session_replication_role', 'replica', true), set_config('statement_timeout', '0', true)`.execute(
    tx,
  )
  await sql`WITH b AS (
      INSERT INTO tb_facility_booking (room_id, applicant_id, purpose, start_time, end_time, status, create_time)
      SELECT 1 + (i + day * 7) % ${ROOMS}::int, 1 + (i * 7919 + day * 104729) % ${PEOPLE}::int, '会议 ' || i, start,
        start + (1 + i % 3) * interval '1 hour', CASE WHEN start > ${NOW} THEN (ARRAY['1', '1', '1', '0', '3'])[1 + i % 5]
          ELSE (ARRAY['5', '5', '5', '5', '3', '2'])[1 + i % 6] END, start
      FROM generate_series(${from}::int, ${to}::int) day, generate_series(0, ${perDay - 1}::int) i,
        LATERAL (SELECT ${NOW}::timestamptz + day * interval '1 day' + (i / ${ROOMS}::int) * interval '4 hours' AS start) x
      RETURNING id, applicant_id, end_time, create_time)
    INSERT INTO tb_facility_booking_user (booking_id, user_id, is_applicant, ends_by, create_time)
    SELECT id, (applicant_id + p) % ${PEOPLE}::int + 1, CASE p WHEN ${PEOPLE}::int - 1 THEN '1' ELSE '0' END, end_time, create_time
    FROM b, unnest(ARRAY[${PEOPLE}::int - 1, 1, 2]) p`.execute(tx)
}

/** The statements that a function of a store runs. */
async function statementsOf(work: (db: Database) => Promise<unknown>): Promise<readonly CompiledQuery[]> {
  const asked: CompiledQuery[] = []
  const db: Database = new Kysely<DB>({
    dialect: new PostgresDialect({ pool: database.pool }),
    log: ({ query }) => void asked.push(query),
  })
  await work(db)
  return asked
}

/** A value as a literal for EXECUTE. */
function literal(value: unknown): string {
  if (value === null) return 'NULL'
  if (typeof value === 'number') return String(value)
  const text =
    value instanceof Date ? value.toISOString() : Array.isArray(value) ? `{${value.join(',')}}` : String(value)
  return `'${text.replaceAll("'", "''")}'`
}

interface Cost {
  readonly milliseconds: number
  readonly blocks: number
}

/** The cost of the prepared statement. */
async function costOfAsked(client: PoolClient, parameters: readonly unknown[]): Promise<Cost> {
  const values = parameters.length === 0 ? '' : `(${parameters.map(literal).join(', ')})`
  const { rows } = await client.query(`EXPLAIN (ANALYZE, TIMING OFF, BUFFERS, FORMAT JSON) EXECUTE asked${values}`)
  const [{ Plan: plan, 'Execution Time': milliseconds }] = rows[0]['QUERY PLAN']
  return { milliseconds, blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'] }
}

/**
 * The cost of a function of a store at the database, with prepared statements as the program uses them: the median of
 * several runs, with the blocks that were read.
 */
async function costOf(work: (db: Database) => Promise<unknown>): Promise<Cost> {
  const statements = await statementsOf(work)
  const client = await database.pool.connect()
  try {
    const costs: Cost[] = []
    for (let n = 0; n < TIMES; n += 1) {
      let [milliseconds, blocks] = [0, 0]
      for (const { sql: text, parameters } of statements) {
        await client.query(`PREPARE asked AS ${text}`)
        const cost = await costOfAsked(client, parameters)
        await client.query('DEALLOCATE asked')
        milliseconds += cost.milliseconds
        blocks += cost.blocks
      }
      costs.push({ milliseconds, blocks })
    }
    costs.sort((a, b) => a.milliseconds - b.milliseconds)
    return costs[Math.floor(TIMES / 2)] ?? { milliseconds: Number.NaN, blocks: Number.NaN }
  } finally {
    client.release()
  }
}

const firstPage = { offset: 0, limit: 10, descending: false, sort: 'id' } as const
const wanted = { start: hours(50), end: hours(52) }

const facts = (db: Database) =>
  bookingFacts(db, { order: { ...wanted, roomId: 42, applicantId: 7, userIds: [7, 8, 9] }, now: NOW })

/** Name, time limit in milliseconds, and the read itself. */
const READS: readonly [string, number, (db: Database) => Promise<unknown>][] = [
  ['the facts for a decision', 10, facts],
  [
    'the timeline of a week',
    10,
    (db) => segmentsOf(db, [42], { from: days(-3), to: days(4) }, { now: NOW, viewerId: 7 }),
  ],
  [
    'the timeline without a window',
    10,
    (db) => segmentsOf(db, [42], { from: days(-30), to: null }, { now: NOW, viewerId: 7 }),
  ],
  [
    'the free rooms',
    30,
    (db) => listBookableRooms(db, { filter: {}, free: wanted }, firstPage, { now: NOW, zone: ZONE }),
  ],
  [
    'the other times of a hundred rooms',
    30,
    (db) => candidates(db, {}, { start: NOW, end: days(9) }, { now: NOW, limit: 100 }),
  ],
  ['the top rooms of a month', 50, (db) => topRooms(db, { start: days(-30), end: NOW }, 20)],
  ['the top users of a month', 50, (db) => topUsers(db, { start: days(-30), end: NOW }, 20)],
  [
    'all approved bookings, a page',
    50,
    (db) =>
      listBookings(
        db,
        { status: '1', from: null, to: null },
        { ...firstPage, sort: 'startTime', descending: true },
        NOW,
      ),
  ],
  [
    'the bookings of one person',
    10,
    (db) =>
      listBookings(
        db,
        { applicantId: 5, from: days(-3), to: null },
        { ...firstPage, sort: 'startTime', descending: true },
        NOW,
      ),
  ],
]

describe.skipIf(!onServer)(`A read of rooms with ${BOOKINGS} bookings`, () => {
  const before = new Map<string, Cost>()

  beforeAll(
    async () => {
      database = await openTestDatabase()
      await database.db.transaction().execute(async (tx) => {
        await fillPlaces(tx)
        await fill(tx, -40, DAYS_AHEAD - 1)
      })
      await sql`VACUUM ANALYZE`.execute(database.db)
      for (const [name, , work] of READS) before.set(name, await costOf(work))
      await database.db.transaction().execute((tx) => fill(tx, -DAYS_BACK, -41))
      await sql`VACUUM ANALYZE`.execute(database.db)
    },
    Math.max(60_000, BOOKINGS),
  )
  afterAll(() => database.close())

  it.each(READS)('takes less than the limit and reads no old rows: %s, %d ms', async (name, most, work) => {
    const [few, many] = [before.get(name), await costOf(work)]
    console.info(
      `${name}: ${few?.milliseconds} ms, ${few?.blocks} blocks; a year: ${many.milliseconds} ms, ${many.blocks} blocks`,
    )
    expect(many.milliseconds).toBeLessThan(most)
    // An index may have one more level, and the plan may use an index instead of a sequential scan.
    expect(many.blocks).toBeLessThan((few?.blocks ?? 0) * 2 + 100)
  })
})

describe.skipIf(!onServer)('A plan that was made with only old bookings', () => {
  beforeAll(async () => {
    database = await openTestDatabase()
    await database.db.transaction().execute(async (tx) => {
      await fillPlaces(tx)
      await fill(tx, -DAYS_BACK, -1)
    })
    await sql`VACUUM ANALYZE`.execute(database.db)
  }, 60_000)
  afterAll(() => database.close())

  it('does not read all current bookings to decide about one', async () => {
    const [statement] = await statementsOf(facts)
    const client = await database.pool.connect()
    try {
      await client.query(`PREPARE asked AS ${statement?.sql}`)
      const before = await costOfAsked(client, statement?.parameters ?? [])
      await database.db.transaction().execute((tx) => fill(tx, 0, DAYS_AHEAD - 1))
      const after = await costOfAsked(client, statement?.parameters ?? [])
      expect(after.blocks).toBeLessThan(before.blocks + 10)
    } finally {
      client.release()
    }
  })
})
