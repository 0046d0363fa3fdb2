import { type RawBuilder, sql } from 'kysely'
import type { Interval } from '../../../booking/interval.ts'
import { isWithinHours, type WeeklyHours } from '../../../booking/openingHours.ts'
import type { Database } from '../../../kernel/database/database.ts'
import { type PageOf, pageClause } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import { localDate, localTime } from '../../../kernel/time.ts'
import { HOLDING } from '../../core/states.ts'
import { holds } from '../../core/store.ts'
import { columns, matching, ROOM_SORTS, type Room, type RoomFilter, tables } from '../rooms/store.ts'
import type { RoomTimes } from './rules.ts'

/** A room as whoever books sees it. */
export interface PortalRoom extends Room {
  /** Whether it and its building are in use. */
  readonly bookable: boolean
}

/** What is looked for: rooms, and when they are to be neither booked nor closed, and open. */
export interface Wanted {
  readonly filter: RoomFilter
  readonly free: Interval | null
}

const bookable = sql`(r.status = '0' AND g.status = '0' AND g.del_flag = '0')`
const portalColumns = sql`${columns}, ${bookable} AS bookable`

const spanOf = ({ start, end }: Interval) => sql`tstzrange(${start}::timestamptz, ${end}::timestamptz)`

/** Bookings `b` that keep room `r` from others in a span, and closures `c` of it or its building. */
const bookingsIn = (span: Interval, now: Date) => sql`tb_facility_booking b
  WHERE b.room_id = r.id AND b.during && ${spanOf(span)} AND b.status IN ${among(HOLDING)} AND ${holds(now)} AND b.del_flag = '0'`
const closuresIn = (span: Interval) => sql`tb_facility_closure c
  WHERE (c.room_id = r.id OR c.building_id = r.building_id) AND c.during && ${spanOf(span)} AND c.del_flag = '0'`

/** One page of the rooms in use that are wanted, and how many there are in all. */
export async function listBookableRooms(
  db: Database,
  wanted: Wanted,
  page: PageOf<keyof typeof ROOM_SORTS>,
  { now, zone }: { readonly now: Date; readonly zone: string },
): Promise<{ readonly items: readonly PortalRoom[]; readonly total: number }> {
  const found = bookableRooms(wanted, now, await shutRooms(db, wanted, zone))
  const { rows } = await sql<PortalRoom>`
    SELECT ${portalColumns} FROM ${found} ${pageClause(page, ROOM_SORTS, sql`r.id`)}`.execute(db)
  const counted = await sql<{ total: number }>`SELECT count(*) AS total FROM ${found}`.execute(db)
  return { items: rows, total: counted.rows[0]?.total ?? 0 }
}

/** The rooms that are wanted, for FROM; `shut` are those that aren't open all that time. */
function bookableRooms({ filter, free }: Wanted, now: Date, shut: readonly number[]): RawBuilder<unknown> {
  const isFree = free
    ? sql`AND r.id <> ALL (${shut}::bigint[]) AND NOT EXISTS (SELECT FROM ${bookingsIn(free, now)})
      AND NOT EXISTS (SELECT FROM ${closuresIn(free)})`
    : sql``
  return sql`${tables} WHERE ${matching(filter)} AND ${bookable} ${isFree}`
}

/** Which of the rooms that are wanted are not open all that time. */
async function shutRooms(db: Database, { filter, free }: Wanted, zone: string): Promise<readonly number[]> {
  if (!free) return []
  const { rows } = await sql<{ id: number; weekly: readonly WeeklyHours[] }>`
    SELECT r.id, r.open_hours AS weekly FROM ${bookableRooms({ filter, free: null }, free.start, [])} AND r.open_hours IS NOT NULL`.execute(
    db,
  )
  const wallClock = (instant: Date) => ({ date: localDate(instant, zone), time: localTime(instant, zone) })
  const [from, to] = [wallClock(free.start), wallClock(free.end)]
  return rows.filter(({ weekly }) => !isWithinHours({ weekly, exceptions: [] }, from, to)).map(({ id }) => id)
}

/** A room that is not deleted, in use or not; or null. */
export async function findPortalRoom(db: Database, id: number): Promise<PortalRoom | null> {
  const { rows } = await sql<PortalRoom>`
    SELECT ${portalColumns} FROM ${tables} WHERE r.id = ${id} AND r.del_flag = '0'`.execute(db)
  return rows[0] ?? null
}

/** A room with when it is taken. */
export interface Candidate extends RoomTimes {
  readonly room: PortalRoom
}

/** The smallest of the rooms in use that a filter finds, each with when it is booked or closed within a span. */
export async function candidates(
  db: Database,
  filter: RoomFilter,
  span: Interval,
  { now, limit }: { readonly now: Date; readonly limit: number },
): Promise<readonly Candidate[]> {
  const milliseconds = (of: string) => sql`extract(epoch FROM ${sql.raw(of)}(t.during)) * 1000`
  const { rows } = await sql<
    PortalRoom & { readonly taken: readonly { readonly start: number; readonly end: number }[] }
  >`
    SELECT ${portalColumns}, (
      SELECT coalesce(json_agg(json_build_object('start', ${milliseconds('lower')}, 'end', ${milliseconds('upper')})), '[]')
      FROM (SELECT b.during FROM ${bookingsIn(span, now)} UNION ALL SELECT c.during FROM ${closuresIn(span)}) t) AS taken
    FROM ${bookableRooms({ filter, free: null }, now, [])} ORDER BY r.capacity, r.id LIMIT ${limit}`.execute(db)
  return rows.map(({ taken, ...room }) => ({
    room,
    openHours: room.openHours ?? [],
    taken: taken.map(({ start, end }) => ({ start: new Date(start), end: new Date(end) })),
  }))
}

/** Somebody to be picked as a participant: no more of a person than that. */
export interface FoundUser {
  readonly userId: number
  readonly userName: string
  readonly nickName: string
}

/** People with an account in use whose name or user name starts with a text, whatever its case. */
export async function searchUsers(db: Database, text: string, limit: number): Promise<readonly FoundUser[]> {
  const prefix = `${text.replace(/[\\%_]/g, '\\$&')}%`
  const { rows } = await sql<FoundUser>`
    SELECT id AS "userId", username AS "userName", display_name AS "nickName" FROM users
    WHERE (username ILIKE ${prefix} OR display_name ILIKE ${prefix}) AND status = 'active'
    ORDER BY username, id LIMIT ${limit}`.execute(db)
  return rows
}
