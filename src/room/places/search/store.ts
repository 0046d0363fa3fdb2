import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Interval } from '../../../booking/interval.ts'
import { isWithinHours, type WeeklyHours } from '../../../booking/openingHours.ts'
import type { Database } from '../../../kernel/database/database.ts'
import { allOf, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { localDate, localTime } from '../../../kernel/time.ts'
import { closes, exists, keepsRoom, spanOf } from '../../core/conditionsStore.ts'
import { matching, ROOM_SORTS, type Room, type RoomFilter, rooms } from '../../core/places/roomsStore.ts'
import type { RoomTimes } from './rules.ts'

/** A room as the portal shows it. */
export interface PortalRoom extends Room {
  /** True if the room and its building are in use. */
  readonly bookable: boolean
}

/** A search for rooms. `free`: the time at which they must be open and neither booked nor closed. */
export interface Search {
  readonly filter: RoomFilter
  readonly free: Interval | null
}

const isBookable = sql<boolean>`(r.status = '0' AND g.status = '0' AND g.del_flag = '0')`

const portalRooms = (db: Database) => rooms(db).select(isBookable.as('bookable'))

/** Bookings `b` that keep room `r` in a span. */
const bookingsIn = (span: Interval, now: Date) => sql`
  tb_facility_booking b
  WHERE b.room_id = r.id AND b.during && ${spanOf(span)} AND ${keepsRoom(now)} AND b.del_flag = '0'`

/** Closures `c` of room `r` or its building in a span. */
const closuresIn = (span: Interval) => sql`tb_facility_closure c WHERE ${closes(spanOf(span))}`

/** One page of the rooms in use that a search finds, and the total. */
export async function listBookableRooms(
  db: Database,
  search: Search,
  page: PageOf<keyof typeof ROOM_SORTS>,
  { now, zone }: { readonly now: Date; readonly zone: string },
): Promise<{ readonly items: readonly PortalRoom[]; readonly total: number }> {
  const { filter, free } = search
  const shut = await shutRooms(db, search, zone)
  return await readPage<PortalRoom>(db, {
    select: portalRooms(db),
    counted: sql`tb_facility_room r JOIN tb_facility_building g ON g.id = r.building_id`,
    conditions: [isFound(filter), free !== null && isFree(free, now, shut)],
    page: pageClause(page, ROOM_SORTS, sql`r.id`),
  })
}

/** True for a room `r` in use that a filter finds. */
const isFound = (filter: RoomFilter): RawBuilder<SqlBool> => allOf([matching(filter), isBookable])

/**
 * True for a room `r` that is neither booked nor closed in a span; `shut` are rooms that are not open all that time.
 */
const isFree = (span: Interval, now: Date, shut: readonly number[]): RawBuilder<SqlBool> =>
  allOf([
    sql`r.id <> ALL (${shut}::bigint[])`,
    sql`NOT EXISTS (SELECT FROM ${bookingsIn(span, now)})`,
    sql`NOT EXISTS (SELECT FROM ${closuresIn(span)})`,
  ])

/** The rooms of a search that are not open all that time. */
async function shutRooms(db: Database, { filter, free }: Search, zone: string): Promise<readonly number[]> {
  if (!free) return []
  const found = await db
    .selectFrom('tb_facility_room as r')
    .innerJoin('tb_facility_building as g', 'g.id', 'r.building_id')
    .select(['r.id', sql<readonly WeeklyHours[]>`r.open_hours`.as('weekly')])
    .where(isFound(filter))
    .where('r.open_hours', 'is not', null)
    .execute()
  const wallClock = (instant: Date) => ({ date: localDate(instant, zone), time: localTime(instant, zone) })
  const [from, to] = [wallClock(free.start), wallClock(free.end)]
  return found.filter(({ weekly }) => !isWithinHours({ weekly, exceptions: [] }, from, to)).map(({ id }) => id)
}

/** A room that is not deleted, in use or not; or null. */
export async function findPortalRoom(db: Database, id: number): Promise<PortalRoom | null> {
  return (await portalRooms(db).where('r.id', '=', id).where(exists('r')).executeTakeFirst()) ?? null
}

/** A room and the times at which it is taken. */
export interface Candidate extends RoomTimes {
  readonly room: PortalRoom
}

/** The times at which room `r` is booked or closed within a span, in milliseconds since 1970. */
const takenIn = (span: Interval, now: Date) => sql<readonly { readonly start: number; readonly end: number }[]>`
  (
    SELECT coalesce(
      json_agg(
        json_build_object(
          'start', extract(epoch FROM lower(t.during)) * 1000,
          'end', extract(epoch FROM upper(t.during)) * 1000
        )
      ),
      '[]'
    )
    FROM (
      SELECT b.during FROM ${bookingsIn(span, now)}
      UNION ALL
      SELECT c.during FROM ${closuresIn(span)}
    ) t
  )`

/** The smallest rooms in use that a filter finds, each with the times at which it is booked or closed within a span. */
export async function candidates(
  db: Database,
  filter: RoomFilter,
  span: Interval,
  { now, limit }: { readonly now: Date; readonly limit: number },
): Promise<readonly Candidate[]> {
  const found = await portalRooms(db)
    .select(takenIn(span, now).as('taken'))
    .where(isFound(filter))
    .orderBy('r.capacity')
    .orderBy('r.id')
    .limit(limit)
    .execute()
  return found.map(({ taken, ...room }) => ({
    room,
    openHours: room.openHours ?? [],
    taken: taken.map(({ start, end }) => ({ start: new Date(start), end: new Date(end) })),
  }))
}

/** A person who can be chosen as a participant, with the only fields that others may see. */
export interface FoundUser {
  readonly userId: number
  readonly userName: string
  readonly nickName: string
}

/** Active people whose name or user name starts with a text, whatever its case. */
export async function searchUsers(db: Database, text: string, limit: number): Promise<readonly FoundUser[]> {
  const prefix = `${text.replace(/[\\%_]/g, '\\$&')}%`
  return db
    .selectFrom('users')
    .select(['id as userId', 'username as userName', 'display_name as nickName'])
    .where(({ eb, or }) => or([eb('username', 'ilike', prefix), eb('display_name', 'ilike', prefix)]))
    .where('status', '=', sql.lit('active'))
    .orderBy('username')
    .orderBy('id')
    .limit(limit)
    .execute()
}
