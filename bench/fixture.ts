import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { accessTokens } from '../src/kernel/identity/sessions/tokens.ts'
import type { Ask } from './load.ts'
import { written } from './written.ts'

const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

/** The data for requests. */
export interface Fixture {
  readonly tokens: readonly string[]
  readonly slots: readonly number[]
  /** Number of venues; their ids start at 1. */
  readonly venues: number
}

export interface Size {
  readonly people: number
  readonly venues: number
  /** Number of days, from tomorrow. */
  readonly days: number
  readonly slotsPerDay: number
}

/** Places of each slot, enough that a random slot is hardly ever full. */
const CAPACITY = 100

/** Secrets of a run, which all its processes share. */
export function makeSecrets(): { readonly SECRET_KEY: string; readonly FIELD_KEYS: string } {
  return { SECRET_KEY: randomBytes(32).toString('hex'), FIELD_KEYS: `k1:${randomBytes(32).toString('base64')}` }
}

/**
 * Fills a database with logged-in employees and bookable slots. Every venue has rules of its own, which refuse hardly
 * anybody. People have a row in `venue_members`, as after their first booking.
 */
export async function fill(pool: pg.Pool, secretKey: string, size: Size): Promise<Fixture> {
  const now = new Date()
  const expiresAt = new Date(now.getTime() + DAY_MS)
  await pool.query(
    `INSERT INTO users (username, display_name, created_at, updated_at)
     SELECT 'employee' || n, 'Employee ' || n, $2::timestamptz, $2::timestamptz FROM generate_series(1, $1::int) n`,
    [size.people, now],
  )
  await pool.query(`INSERT INTO user_roles SELECT id, 'venue:employee', NULL, created_at FROM users`)
  await pool.query('INSERT INTO venue_members (user_id, created_at) SELECT id, created_at FROM users')
  const sessions = await pool.query<{ id: string; user_id: string }>(
    `INSERT INTO sessions (id, user_id, address, user_agent, created_at, expires_at)
     SELECT gen_random_uuid(), id, '127.0.0.1', 'bench', created_at, $1 FROM users RETURNING id, user_id`,
    [expiresAt],
  )
  await fillVenues(pool, size.venues, now)
  const slots = await fillSlots(pool, tomorrow(now), size.days, size.slotsPerDay, { taken: 0, now })
  // Not the empty tables: a plan made for an empty table reads all of it, and nothing would renew the statistics in so
  // short a run.
  await pool.query('ANALYZE users, sessions, user_roles, venues, booking_rules, time_slots, venue_members')
  const { sign } = accessTokens({ secretKey })
  return {
    tokens: sessions.rows.map(({ id, user_id }) => sign({ sessionId: id, userId: Number(user_id), expiresAt }, now)),
    slots,
    venues: size.venues,
  }
}

/** A request that introduces a person to a process. */
export const WHO_AM_I = '/api/v1/users/me'

/** Bookings of random people in random slots. */
export function slotBookings({ tokens, slots }: Fixture): (count: number) => Ask[] {
  const random = (below: number) => Math.floor(Math.random() * below)
  return (count) =>
    Array.from({ length: count }, () => ({
      token: random(tokens.length),
      line: 'POST /api/v1/reservations',
      body: `{"time_slot_id":${slots[random(slots.length)]}}`,
    }))
}

/** Midnight (UTC) after today. The time zone does not matter: it only has to be in the future. */
export function tomorrow(now: Date): Date {
  return new Date((Math.floor(now.getTime() / DAY_MS) + 2) * DAY_MS)
}

async function fillVenues(pool: pg.Pool, count: number, now: Date): Promise<void> {
  await pool.query(
    `INSERT INTO venues (name, capacity, check_in_secret, created_at, updated_at)
     SELECT 'Venue ' || n, $2::int, 'door', $3::timestamptz, $3::timestamptz FROM generate_series(1, $1::int) n`,
    [count, CAPACITY, now],
  )
  await pool.query(
    `INSERT INTO booking_rules (venue_id, max_reservations_per_user, advance_booking_days, updated_at)
     SELECT id, 10000, 3650, created_at FROM venues`,
  )
}

/** Adds one-hour slots in every venue, one after the other from a day's midnight. Returns their ids. */
async function fillSlots(
  pool: pg.Pool,
  from: Date,
  days: number,
  perDay: number,
  { taken, now }: { readonly taken: number; readonly now: Date },
): Promise<number[]> {
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO time_slots (venue_id, start_at, end_at, capacity, taken, created_at, updated_at)
     SELECT v.id, hour, hour + interval '1 hour', v.capacity, $4::int, $5::timestamptz, $5::timestamptz
     FROM venues v, generate_series(0, $2::int - 1) day, generate_series(0, $3::int - 1) n,
       LATERAL (SELECT $1::timestamptz + day * interval '1 day' + n * interval '1 hour' AS hour) start
     RETURNING id`,
    [from, days, perDay, taken, now],
  )
  return rows.map(({ id }) => Number(id))
}

/** Number of reservations in each old slot. */
const PER_OLD_SLOT = 20
const OLD_PER_DAY = 12

/**
 * Adds `count` completed reservations before all existing slots, over all venues: first their slots, then the
 * reservations in one statement. The counters match the reservations. Returns the number of reservations.
 */
export async function fillPast(pool: pg.Pool, count: number): Promise<number> {
  const { rows } = await pool.query<{ venues: number; people: number; first: Date }>(
    `SELECT (SELECT count(*) FROM venues)::int AS venues, (SELECT count(*) FROM users)::int AS people,
       (SELECT min(start_at) FROM time_slots) AS first`,
  )
  const { venues = 0, people = 0, first: earliest = new Date() } = rows[0] ?? {}
  const days = Math.ceil(count / (venues * OLD_PER_DAY * PER_OLD_SLOT))
  const before = Math.min(earliest.getTime(), Math.floor(Date.now() / DAY_MS) * DAY_MS)
  const from = new Date(before - days * DAY_MS)
  const slots = await fillSlots(pool, from, days, OLD_PER_DAY, { taken: PER_OLD_SLOT, now: from })
  const first = slots[0] ?? 0
  let filled = 0
  await written(pool, count, ['reservations', 'time_slots'], async (client) => {
    // The people of a slot have neighbouring numbers, so everybody gets the same number of reservations.
    const { rowCount } = await client.query(
      `INSERT INTO reservations (user_id, slot_id, venue_id, start_at, end_at, party_size, status, by_leader,
         points_paid, created_at, updated_at)
       SELECT 1 + ((s.id - $1) * $2 + n) % $3, s.id, s.venue_id, s.start_at, s.end_at, 1, 'completed', false,
         0, s.created_at, s.end_at
       FROM time_slots s, generate_series(0, $2::int - 1) n WHERE s.id >= $1 AND s.taken = $2`,
      [first, PER_OLD_SLOT, people],
    )
    filled = rowCount ?? 0
  })
  return filled
}
