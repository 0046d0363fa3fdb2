import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from '../../kernel/database/database.ts'
import { allOf, contains, type PageOf } from '../../kernel/database/lists.ts'
import type { Window } from '../window.ts'
import { decidesAbout } from './approversStore.ts'
import { type Booking, bookingsAt } from './bookingsStore.ts'
import { currentStatus, exists, touches } from './conditionsStore.ts'
import { type BookingStatus, HOLDING, PENDING } from './states.ts'

/** Filters of a list of bookings. */
export interface BookingFilter extends Window {
  /** Their state at the instant of the query. */
  readonly status?: BookingStatus | undefined
  readonly buildingId?: number | undefined
  readonly roomId?: number | undefined
  readonly applicantId?: number | undefined
  /** Part of the applicant's user name. */
  readonly applicantUserName?: string | undefined
  /** Part of the purpose. */
  readonly purpose?: string | undefined
  readonly noShow?: boolean | undefined
  /** A person who takes part without being the applicant. */
  readonly joinedBy?: number | undefined
  readonly bookingId?: number | undefined
  /** An approver who decides about the booking, which waits for a decision. */
  readonly waitsFor?: number | undefined
}

/** Conditions on `b` alone, so that counting needs no join. */
function conditionsOf(filter: BookingFilter, now: Date): RawBuilder<SqlBool> {
  const { status, buildingId, roomId, applicantId, applicantUserName, purpose, noShow, joinedBy, bookingId, waitsFor } =
    filter
  const building = sql`(SELECT building_id FROM tb_facility_room WHERE id = b.room_id)`
  return allOf([
    exists('b'),
    touches(filter),
    status !== undefined && sql`${currentStatus(now)} = ${status}`,
    // Redundant for the result: a booking that keeps its room is not over. The planner needs it for the index.
    status !== undefined && HOLDING.includes(status) && touches({ from: now, to: null }),
    roomId !== undefined && sql`b.room_id = ${roomId}`,
    applicantId !== undefined && sql`b.applicant_id = ${applicantId}`,
    noShow !== undefined && (noShow ? sql`b.no_show_at IS NOT NULL` : sql`b.no_show_at IS NULL`),
    purpose !== undefined && contains(purpose, sql`b.purpose`),
    buildingId !== undefined && sql`b.room_id IN (SELECT id FROM tb_facility_room WHERE building_id = ${buildingId})`,
    applicantUserName !== undefined &&
      sql`
        b.applicant_id IN (
          SELECT id FROM users WHERE ${contains(applicantUserName, sql`username`)} AND status <> 'deleted'
        )`,
    joinedBy !== undefined &&
      sql`
        b.id IN (
          SELECT booking_id
          FROM tb_facility_booking_user
          WHERE user_id = ${joinedBy} AND is_applicant = '0' AND del_flag = '0'
        )`,
    bookingId !== undefined && sql`b.id = ${bookingId}`,
    waitsFor !== undefined &&
      sql`b.status = ${PENDING} AND b.start_time > ${now} AND ${decidesAbout(waitsFor, building)}`,
  ])
}

/** Columns a list can be sorted by. */
const SORTS = {
  startTime: 'b.start_time',
  endTime: 'b.end_time',
  createTime: 'b.create_time',
  durationMinutes: 'b.duration_minutes',
  id: 'b.id',
} as const

/** One page of the bookings a filter finds, as they are at an instant, and how many there are in all. */
export async function listBookings(
  db: Database,
  filter: BookingFilter,
  { sort, descending, limit, offset }: PageOf<keyof typeof SORTS>,
  now: Date,
): Promise<{ readonly items: readonly Booking[]; readonly total: number }> {
  const found = db.selectFrom('tb_facility_booking as b').where(conditionsOf(filter, now))
  // Without NULLS LAST, which would prevent the use of the index on the start. None of these columns is null.
  const direction = descending ? 'desc' : 'asc'
  const page = found
    .select('b.id')
    .orderBy(SORTS[sort], direction)
    .orderBy('b.id', direction)
    .limit(limit)
    .offset(offset)
  // Cuts the page before the joins, as an array, so that only its few bookings are looked up.
  const items = await bookingsAt(db, now)
    .where('b.id', '=', sql<number>`ANY (ARRAY (${page}))`)
    .orderBy(SORTS[sort], direction)
    .orderBy('b.id', direction)
    .execute()
  const { total } = await found.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  return { items, total }
}

/** A booking with the names of all participants. */
export interface BookingRecord extends Booking {
  readonly participants: string
}

const participants = sql<string>`
  (
    SELECT string_agg(p.display_name, '、' ORDER BY j.is_applicant DESC, p.id)
    FROM tb_facility_booking_user j
    JOIN users p ON p.id = j.user_id
    WHERE j.booking_id = b.id AND j.del_flag = '0'
  )`

/** The next bookings a filter finds, latest first, after one of them (undefined: from the start). */
export async function bookingsAfter(
  db: Database,
  filter: BookingFilter,
  { after, limit, now }: { readonly after: Booking | undefined; readonly limit: number; readonly now: Date },
): Promise<readonly BookingRecord[]> {
  const bookings = bookingsAt(db, now)
    .select(participants.as('participants'))
    .where(conditionsOf(filter, now))
    .orderBy('b.id', 'desc')
    .limit(limit)
  return (after ? bookings.where('b.id', '<', after.id) : bookings).execute()
}
