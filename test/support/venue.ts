import { sql } from 'kysely'
import { inserted } from '../../src/kernel/database/inserted.ts'
import type { Caller } from '../../src/kernel/http/request/caller.ts'
import type { Difference } from '../../src/kernel/product.ts'
import { addDays, instantAt, localDate } from '../../src/kernel/time.ts'
import { book } from '../../src/venue/visits/reservations/service.ts'
import type { Call, Person, World } from './world.ts'

// Builders of the venue product. `add…` writes rows without checking rules; `create…` calls the API.

let count = 0

/** Adds a person with points and a credit score. With the default values their row is made at the first booking. */
export async function addMember(
  world: World,
  { role, points = 0, credit = 100 }: { readonly role?: string; readonly points?: number; readonly credit?: number },
): Promise<Person> {
  const person = await world.person(role)
  const { db } = world.database
  const at = world.clock.now()
  if (points === 0 && credit === 100) return person
  await sql`INSERT INTO venue_members (user_id, points, credit, created_at)
    VALUES (${person.id}, ${points}, ${credit}, ${at})`.execute(db)
  if (points > 0) {
    await sql`INSERT INTO points_ledger (user_id, delta, balance, reason, created_at)
      VALUES (${person.id}, ${points}, ${points}, 'grant', ${at})`.execute(db)
  }
  if (credit < 100) {
    await sql`INSERT INTO credit_ledger (user_id, delta, score, reason, created_at)
      VALUES (${person.id}, ${credit - 100}, ${credit}, 'adjustment', ${at})`.execute(db)
  }
  return person
}

/** A person who can call the API and the services directly. */
export type Customer = Caller & Person

/** Adds a customer with 100 points. */
export async function addCaller(world: World, role?: string): Promise<Customer> {
  const person = await addMember(world, { ...(role !== undefined && { role }), points: 100 })
  const held = world.kernel.roles.find(({ name }) => name === (role ?? world.kernel.registerRole))
  return {
    ...person,
    userId: person.id,
    sessionId: 's',
    roles: new Set(held && [held.name]),
    permissions: new Set(held?.permissions),
    isAdmin: false,
    scope: 'full',
    address: '192.0.2.1',
    requestId: 'r',
  }
}

export interface VenueOptions {
  readonly capacity?: number
  /** Columns of its booking rules. */
  readonly rules?: Readonly<Record<string, unknown>>
  readonly sportVenueId?: number
  readonly type?: string
}

/** Adds a venue that is always open. */
export async function addVenue(world: World, options: VenueOptions = {}): Promise<number> {
  const { capacity = 1, rules = {}, sportVenueId, type } = options
  const at = world.clock.now()
  const { rows } = await sql<{ id: number }>`
    INSERT INTO venues (name, capacity, sport_venue_id, type, check_in_secret, created_at, updated_at)
    VALUES (${`venue ${++count}`}, ${capacity}, ${sportVenueId ?? null}, ${type ?? null}, 'door', ${at}, ${at})
    RETURNING id`.execute(world.database.db)
  const { id } = inserted(rows)
  const names = ['venue_id', 'updated_at', ...Object.keys(rules)].map((name) => sql.ref(name))
  const values = [id, at, ...Object.values(rules)].map((value) => sql.val(value))
  await sql`INSERT INTO booking_rules (${sql.join(names)}) VALUES (${sql.join(values)})`.execute(world.database.db)
  return id
}

/** Adds a badminton court for four people, where one person may have up to 1,000 reservations. */
export function addCourt(world: World, { rules, ...options }: Omit<VenueOptions, 'capacity'> = {}): Promise<number> {
  const own = { max_reservations_per_user: 1000, ...rules }
  return addVenue(world, { type: 'badminton', ...options, capacity: 4, rules: own })
}

export async function addSportVenue(world: World): Promise<number> {
  const at = world.clock.now()
  const { rows } = await sql<{ id: number }>`
    INSERT INTO sport_venues (name, created_at, updated_at) VALUES (${`Hall ${++count}`}, ${at}, ${at})
    RETURNING id`.execute(world.database.db)
  return inserted(rows).id
}

export interface SlotOptions {
  /** Days after today by the clock, and the local hour on that day. */
  readonly day?: number
  readonly hour?: number
  readonly hours?: number
  /** The local start time, as `2026-03-03 10:00`; replaces `day` and `hour`. */
  readonly start?: string
  /** The default is the capacity of the venue. */
  readonly capacity?: number
}

/** Adds a slot; by default it lasts one hour and begins tomorrow at 09:00. */
export async function addSlot(world: World, venueId: number, options: SlotOptions = {}): Promise<number> {
  const { day = 1, hour = 9, hours = 1, start, capacity } = options
  const at = world.clock.now()
  const { timeZone } = world.config
  const [date = '', time = ''] = start?.split(' ') ?? [addDays(localDate(at, timeZone), day), `${hour}:00`]
  const from = instantAt(date, time.padStart(5, '0'), timeZone)
  const to = new Date(from.getTime() + hours * 3_600_000)
  const { rows } = await sql<{ id: number }>`
    INSERT INTO time_slots (venue_id, start_at, end_at, capacity, created_at, updated_at)
    SELECT id, ${from}::timestamptz, ${to}::timestamptz, coalesce(${capacity ?? null}::int, capacity),
      ${at}::timestamptz, ${at}::timestamptz
    FROM venues WHERE id = ${venueId} RETURNING id`.execute(world.database.db)
  return inserted(rows).id
}

/** Adds a reservation of a person in a slot, in any state. */
export async function addReservation(
  world: World,
  slotId: number,
  { id: userId }: Pick<Person, 'id'>,
  status = 'confirmed',
): Promise<number> {
  const { db } = world.database
  const at = world.clock.now()
  await sql`INSERT INTO venue_members (user_id, created_at) VALUES (${userId}, ${at}) ON CONFLICT DO NOTHING`.execute(
    db,
  )
  await sql`UPDATE time_slots SET taken = taken + 1 WHERE id = ${slotId}`.execute(db)
  const { rows } = await sql<{ id: number }>`
    INSERT INTO reservations (user_id, slot_id, venue_id, start_at, end_at, party_size, status, by_leader, points_paid,
      created_at, updated_at)
    SELECT ${userId}, id, venue_id, start_at, end_at, 1, ${status}, false, 0, ${at}, ${at}
    FROM time_slots WHERE id = ${slotId} RETURNING id`.execute(db)
  return inserted(rows).id
}

/** Adds a closure of a venue, a sport venue or a facility; slots stay as they are. */
export async function addClosure(
  world: World,
  of: { readonly venue_id?: number; readonly sport_venue_id?: number; readonly facility_id?: number },
  closure: {
    readonly kind: 'closed' | 'maintenance'
    readonly start: string
    readonly end?: string
    readonly reason?: string
  },
): Promise<void> {
  const at = world.clock.now()
  await sql`INSERT INTO closures (venue_id, sport_venue_id, facility_id, kind, start_at, end_at, reason, created_at, updated_at)
    VALUES (${of.venue_id ?? null}, ${of.sport_venue_id ?? null}, ${of.facility_id ?? null}, ${closure.kind},
      ${closure.start}, ${closure.end ?? null}, ${closure.reason ?? null}, ${at}, ${at})`.execute(world.database.db)
}

/** Books places through the service; returns the reservation. */
export function bookSlot(world: World, caller: Caller, slotId: number, partySize = 1) {
  return book(world.kernel, caller, { slotId, partySize })
}

/** The row of a reservation. */
export async function reservationRow(world: World, id: number) {
  const [row] = await world.rows<{
    status: string
    end_reason: string
    ended_by: number
    rebook_until: Date
    rebooked_as: number
  }>(`SELECT * FROM reservations WHERE id = ${id}`)
  return row
}

/** The places of a slot. */
export async function slotRow(world: World, id: number) {
  const [row] = await world.rows<{ open: boolean; taken: number; held: number }>(
    `SELECT open, taken, held FROM time_slots WHERE id = ${id}`,
  )
  return row
}

export async function pointsOf(world: World, { id }: Pick<Person, 'id'>): Promise<number> {
  const [row] = await world.rows<{ points: number }>(`SELECT points FROM venue_members WHERE user_id = ${id}`)
  return row?.points ?? 0
}

/** All differences except those of confirmations, for tests that delete messages. */
export async function differences(world: World): Promise<readonly Difference[]> {
  return (await world.verify()).filter(({ check }) => check !== 'confirmations of reservations')
}

/** Creates a venue for four people through the API; returns its id. */
export async function createVenue(call: Call, fields: object = {}): Promise<number> {
  return (await created(call, '/api/v1/venues', { name: `Court ${++count}`, capacity: 4, ...fields })).id
}

export async function createSportVenue(call: Call, fields: object = {}): Promise<number> {
  return (await created(call, '/api/v1/sport-venues', { name: `Hall ${++count}`, ...fields })).id
}

/** Creates a slot at a local time, such as `['2026-03-03', '10:00', '11:00']`, and returns it. */
export async function createSlot(
  call: Call,
  venueId: number,
  [date, start_time, end_time]: readonly [string, string, string],
  fields: object = {},
) {
  const path = `/api/v1/venues/${venueId}/reservation-time-slots`
  return await created(call, path, { date, start_time, end_time, ...fields })
}

async function created(call: Call, path: string, payload: object) {
  const { status, body } = await call('POST', path, payload)
  if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`)
  return body
}
