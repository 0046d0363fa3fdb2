import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Database } from '../../src/kernel/database/database.ts'
import { accessTokens } from '../../src/kernel/identity/sessions/tokens.ts'
import { addDays, instantAt, localDate } from '../../src/kernel/time.ts'
import { SECRET_KEY } from '../support/processes.ts'

/** A signed-in person. */
export interface Person {
  readonly id: number
  readonly token: string
}

const ZONE = 'Asia/Shanghai'
const HOUR = 3_600_000
let names = 0

/** Adds signed-in people with `points` points each. */
export async function addPeople(db: Database, count: number, points = 0): Promise<readonly Person[]> {
  const at = new Date()
  const expiresAt = new Date(at.getTime() + 24 * HOUR)
  names += 1
  const prefix = `p${names}x`
  const users = await sql<{ id: number }>`
    INSERT INTO users (username, display_name, created_at, updated_at)
    SELECT ${prefix}::text || n, ${prefix}::text || n, ${at}::timestamptz, ${at}::timestamptz FROM generate_series(1, ${count}::int) n RETURNING id`.execute(
    db,
  )
  const people = users.rows.map(({ id }) => ({ id, sessionId: randomUUID() }))
  const ids = people.map(({ id }) => id)
  await sql`INSERT INTO user_roles (user_id, role, granted_at)
    SELECT unnest(${ids}::bigint[]), 'venue:employee', ${at}::timestamptz`.execute(db)
  await sql`INSERT INTO sessions (id, user_id, address, user_agent, created_at, expires_at)
    SELECT id, user_id, '127.0.0.1', 'proof', ${at}::timestamptz, ${expiresAt}::timestamptz
    FROM unnest(${people.map(({ sessionId }) => sessionId)}::uuid[], ${ids}::bigint[]) AS given(id, user_id)`.execute(
    db,
  )
  if (points > 0) {
    await sql`INSERT INTO venue_members (user_id, points, created_at)
      SELECT unnest(${ids}::bigint[]), ${points}::int, ${at}::timestamptz`.execute(db)
    await sql`INSERT INTO points_ledger (user_id, delta, balance, reason, created_at)
      SELECT unnest(${ids}::bigint[]), ${points}::int, ${points}::int, 'grant', ${at}::timestamptz`.execute(db)
  }
  const tokens = accessTokens({ secretKey: SECRET_KEY })
  return people.map(({ id, sessionId }) => ({ id, token: tokens.sign({ sessionId, userId: id, expiresAt }, at) }))
}

/** Adds a venue that is always open. */
export async function addVenue(db: Database, rules: Readonly<Record<string, unknown>> = {}): Promise<number> {
  const at = new Date()
  names += 1
  const { rows } = await sql<{ id: number }>`
    INSERT INTO venues (name, capacity, check_in_secret, created_at, updated_at)
    VALUES (${`venue ${names}`}, 1, 'door', ${at}, ${at}) RETURNING id`.execute(db)
  const id = only(rows).id
  const columns = ['venue_id', 'updated_at', ...Object.keys(rules)].map((name) => sql.ref(name))
  const values = [id, at, ...Object.values(rules)].map((value) => sql.val(value))
  await sql`INSERT INTO booking_rules (${sql.join(columns)}) VALUES (${sql.join(values)})`.execute(db)
  return id
}

/** Adds a slot of one hour, `day` local days after today. After 2 days no cancellation is late. */
export async function addSlot(
  db: Database,
  venueId: number,
  {
    capacity = 1,
    day = 2,
    hour = 9,
  }: { readonly capacity?: number; readonly day?: number; readonly hour?: number } = {},
): Promise<number> {
  const at = new Date()
  const start = instantAt(addDays(localDate(at, ZONE), day), `${String(hour).padStart(2, '0')}:00`, ZONE)
  const { rows } = await sql<{ id: number }>`
    INSERT INTO time_slots (venue_id, start_at, end_at, capacity, created_at, updated_at)
    VALUES (${venueId}, ${start}, ${new Date(start.getTime() + HOUR)}, ${capacity}, ${at}, ${at}) RETURNING id`.execute(
    db,
  )
  return only(rows).id
}

/** Adds a room that is always open, in a new building. */
export async function addRoom(db: Database): Promise<number> {
  names += 1
  const { rows } = await sql<{ id: number }>`
    WITH building AS (INSERT INTO tb_facility_building (building_name, create_time) VALUES (${`building ${names}`}, now()) RETURNING id)
    INSERT INTO tb_facility_room (building_id, floor_no, room_name, capacity, equipment_tags, create_time)
    SELECT id, 1, ${`room ${names}`}, 20, '', now() FROM building RETURNING id`.execute(db)
  return only(rows).id
}

/** Adds a signed-in site administrator. */
export async function addAdmin(db: Database): Promise<Person> {
  return await addSignedIn(db, 'admin')
}

/** Adds a signed-in person with a role. */
export async function addSignedIn(db: Database, role: string): Promise<Person> {
  const person = only(await addPeople(db, 1))
  await sql`UPDATE user_roles SET role = ${role} WHERE user_id = ${person.id}`.execute(db)
  return person
}

/** Switches off quiet hours and caps, so that a proof can run at any hour. */
export async function allowMessages(db: Database): Promise<void> {
  const caps = { reservation: null, account: null, notice: null, system: null }
  const policy = JSON.stringify({ quietHours: null, caps })
  await sql`INSERT INTO settings (key, value, updated_at) VALUES ('notifications.policy', ${policy}::text::jsonb, now())`.execute(
    db,
  )
}

/** The only element. @throws Error when there is none. */
export function only<T>(rows: readonly T[]): T {
  const [row] = rows
  if (row === undefined) throw new Error('there is no row')
  return row
}
