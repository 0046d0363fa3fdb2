import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { allOf, contains, type PageOf } from '../../../kernel/database/lists.ts'
import { type BookingStatus, HOLDING, PENDING } from '../../core/states.ts'
import { type Booking, bookingColumns, bookingTables, currentStatus } from '../../core/store.ts'
import { decidesAbout } from '../../people/approvers/store.ts'
import { touches } from '../../places/timeline/store.ts'
import type { Window } from '../../window.ts'

/** By what bookings are searched. */
export interface BookingFilter extends Window {
  /** The state they are in by the clock. */
  readonly status?: BookingStatus | undefined
  readonly buildingId?: number | undefined
  readonly roomId?: number | undefined
  readonly applicantId?: number | undefined
  /** Part of it. */
  readonly applicantUserName?: string | undefined
  /** Part of it. */
  readonly purpose?: string | undefined
  readonly noShow?: boolean | undefined
  /** Somebody who takes part without having applied. */
  readonly joinedBy?: number | undefined
  readonly bookingId?: number | undefined
  /** Whoever decides about it, while it waits for a decision. */
  readonly waitsFor?: number | undefined
}

/** Conditions on `b` alone, so that counting needs no join. */
function conditionsOf(filter: BookingFilter, now: Date): RawBuilder<unknown> {
  const { status, buildingId, roomId, applicantId, applicantUserName, purpose, noShow, joinedBy, bookingId, waitsFor } =
    filter
  const building = sql`(SELECT building_id FROM tb_facility_room WHERE id = b.room_id)`
  return allOf([
    sql`b.del_flag = '0'`,
    touches(filter),
    status !== undefined && sql`${currentStatus(now)} = ${status}`,
    // What keeps its room is not over: said once more, for the index.
    status !== undefined && HOLDING.includes(status) && touches({ from: now, to: null }),
    roomId !== undefined && sql`b.room_id = ${roomId}`,
    applicantId !== undefined && sql`b.applicant_id = ${applicantId}`,
    noShow !== undefined && (noShow ? sql`b.no_show_at IS NOT NULL` : sql`b.no_show_at IS NULL`),
    purpose !== undefined && contains(purpose, sql`b.purpose`),
    buildingId !== undefined && sql`b.room_id IN (SELECT id FROM tb_facility_room WHERE building_id = ${buildingId})`,
    applicantUserName !== undefined &&
      sql`b.applicant_id IN (
        SELECT id FROM users WHERE ${contains(applicantUserName, sql`username`)} AND status <> 'deleted')`,
    joinedBy !== undefined &&
      sql`b.id IN (SELECT booking_id FROM tb_facility_booking_user
        WHERE user_id = ${joinedBy} AND is_applicant = '0' AND del_flag = '0')`,
    bookingId !== undefined && sql`b.id = ${bookingId}`,
    waitsFor !== undefined &&
      sql`b.status = ${PENDING} AND b.start_time > ${now} AND ${decidesAbout(waitsFor, building)}`,
  ])
}

/** By what a list can be ordered. */
const SORTS = {
  startTime: sql`b.start_time`,
  endTime: sql`b.end_time`,
  createTime: sql`b.create_time`,
  durationMinutes: sql`b.duration_minutes`,
  id: sql`b.id`,
} as const

/** One page of the bookings a filter finds, as they are at an instant, and how many there are in all. */
export async function listBookings(
  db: Database,
  filter: BookingFilter,
  page: PageOf<keyof typeof SORTS>,
  now: Date,
): Promise<{ items: readonly Booking[]; total: number }> {
  const found = conditionsOf(filter, now)
  // No NULLS LAST, which the index on the start could not give: none of these columns can be null.
  const direction = page.descending ? sql`DESC` : sql`ASC`
  const order = sql`ORDER BY ${SORTS[page.sort]} ${direction}, b.id ${direction}`
  // The page is cut before anything is joined: an array, so that its few bookings are looked up one by one.
  const { rows } = await sql<Booking>`
    SELECT ${bookingColumns(now)} FROM ${bookingTables} WHERE b.id = ANY (ARRAY (
      SELECT b.id FROM tb_facility_booking b WHERE ${found} ${order} LIMIT ${page.limit} OFFSET ${page.offset}))
    ${order}`.execute(db)
  const counted = await sql<{ total: number }>`
    SELECT count(*) AS total FROM tb_facility_booking b WHERE ${found}`.execute(db)
  return { items: rows, total: counted.rows[0]?.total ?? 0 }
}

/** A booking with the names of all who take part. */
export interface BookingRecord extends Booking {
  readonly participants: string
}

/** The next bookings a filter finds, latest made first, after one of them (undefined: from the start). */
export async function bookingsAfter(
  db: Database,
  filter: BookingFilter,
  { after, limit, now }: { readonly after: Booking | undefined; readonly limit: number; readonly now: Date },
): Promise<readonly BookingRecord[]> {
  const later = after ? sql`AND b.id < ${after.id}` : sql``
  const { rows } = await sql<BookingRecord>`
    SELECT ${bookingColumns(now)}, (
      SELECT string_agg(p.display_name, '、' ORDER BY j.is_applicant DESC, p.id) FROM tb_facility_booking_user j
      JOIN users p ON p.id = j.user_id WHERE j.booking_id = b.id AND j.del_flag = '0') AS participants
    FROM ${bookingTables} WHERE ${conditionsOf(filter, now)} ${later} ORDER BY b.id DESC LIMIT ${limit}`.execute(db)
  return rows
}

/** Somebody who takes part in a booking: `id` is that of their part in it. */
export interface BookingPerson {
  readonly id: number
  readonly bookingId: number
  readonly userId: number
  readonly userName: string
  readonly nickName: string
  /** `1` for whoever applied. */
  readonly isApplicant: '0' | '1'
}

/** Who takes part in a booking, the applicant first. */
export async function peopleOf(db: Database, bookingId: number): Promise<readonly BookingPerson[]> {
  const { rows } = await sql<BookingPerson>`
    SELECT j.id, j.booking_id AS "bookingId", u.id AS "userId", u.username AS "userName", u.display_name AS "nickName", j.is_applicant AS "isApplicant"
    FROM tb_facility_booking_user j JOIN users u ON u.id = j.user_id
    WHERE j.booking_id = ${bookingId} AND j.del_flag = '0' ORDER BY j.is_applicant DESC, u.id`.execute(db)
  return rows
}
