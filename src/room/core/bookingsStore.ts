import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { among, anyOf } from '../../kernel/database/literals.ts'
import { currentStatus, exists, isAhead, isInForce } from './conditionsStore.ts'
import { APPROVED, type BookingStatus, PENDING, REJECTED, TIMED_OUT } from './states.ts'

/**
 * A booking with columns of its room and applicant. `status` and `rejectReason` are those at the instant of the query.
 */
export interface Booking {
  readonly id: number
  readonly roomId: number
  readonly roomName: string
  readonly floorNo: number
  readonly buildingId: number
  readonly buildingName: string
  readonly applicantId: number
  readonly applicantUserName: string
  readonly applicantNickName: string
  readonly purpose: string
  readonly startTime: Date
  readonly endTime: Date
  readonly durationMinutes: number
  readonly status: BookingStatus
  readonly rejectReason: string | null
  readonly cancelReason: string | null
  readonly noShowAt: Date | null
  readonly seriesId: string | null
  readonly createTime: Date
  readonly updateTime: Date | null
}

const rejectReason = (now: Date) => sql<string | null>`
  CASE WHEN b.status = '0' AND b.start_time <= ${now} THEN ${TIMED_OUT} ELSE b.reject_reason END`

/** Bookings `b` as they are at an instant, deleted ones too. */
export function bookingsAt(db: Database, now: Date) {
  return db
    .selectFrom('tb_facility_booking as b')
    .innerJoin('tb_facility_room as r', 'r.id', 'b.room_id')
    .innerJoin('tb_facility_building as g', 'g.id', 'r.building_id')
    .innerJoin('users as u', 'u.id', 'b.applicant_id')
    .select(['b.id', 'b.room_id as roomId', 'r.room_name as roomName', 'r.floor_no as floorNo'])
    .select(['r.building_id as buildingId', 'g.building_name as buildingName', 'b.applicant_id as applicantId'])
    .select(['u.username as applicantUserName', 'u.display_name as applicantNickName', 'b.purpose'])
    .select(['b.start_time as startTime', 'b.end_time as endTime', 'b.duration_minutes as durationMinutes'])
    .select([currentStatus(now).as('status'), rejectReason(now).as('rejectReason'), 'b.cancel_reason as cancelReason'])
    .select(['b.no_show_at as noShowAt', 'b.series_id as seriesId'])
    .select(['b.create_time as createTime', 'b.update_time as updateTime'])
}

/** One booking as it is at an instant, or null. */
export async function findBooking(db: Database, id: number, now: Date): Promise<Booking | null> {
  const booking = await bookingsAt(db, now).where('b.id', '=', id).where(exists('b')).executeTakeFirst()
  return booking ?? null
}

/** The ids of the bookings that a person takes part in, as applicant or not. */
export const bookingsOf = (db: Database, userId: number) =>
  db
    .selectFrom('tb_facility_booking_user as j')
    .select('j.booking_id')
    .where('j.user_id', '=', userId)
    .where(exists('j'))

/** The people who use the room, by id, the applicant among them. */
export async function participantsOf(db: Database, bookingId: number): Promise<readonly number[]> {
  const people = await db
    .selectFrom('tb_facility_booking_user as j')
    .select('j.user_id')
    .where('j.booking_id', '=', bookingId)
    .where(exists('j'))
    .orderBy('j.user_id')
    .execute()
  return people.map(({ user_id }) => user_id)
}

/**
 * Locks people until the end of the transaction, by id, so that two bookings can't both find them free. Call it before
 * locking rooms and bookings.
 */
export async function lockPeople(tx: Transaction, ids: readonly number[]): Promise<void> {
  await tx
    .selectFrom('users')
    .select('id')
    .where('id', '=', anyOf(ids))
    .where('status', '=', 'active')
    .orderBy('id')
    .forNoKeyUpdate()
    .execute()
}

/** Locks a room, as booking it does. Call it after locking people, before locking bookings. */
export async function lockRoom(tx: Transaction, id: number): Promise<void> {
  await tx.selectFrom('tb_facility_room').select('id').where('id', '=', id).forNoKeyUpdate().execute()
}

/**
 * The ids of bookings that a person applied for and that have not begun and are not cancelled. A ban or a closed
 * account ends them.
 */
export async function aheadOf(db: Database, userId: number, now: Date): Promise<readonly number[]> {
  const ahead = await db
    .selectFrom('tb_facility_booking as b')
    .select('b.id')
    .where('b.applicant_id', '=', userId)
    .where(isAhead(now))
    .orderBy('b.id')
    .execute()
  return ahead.map(({ id }) => id)
}

/** The ids of others' bookings that a person takes part in and that have not begun. */
export async function joinedAheadOf(db: Database, userId: number, now: Date): Promise<readonly number[]> {
  const joined = await db
    .selectFrom('tb_facility_booking_user as j')
    .innerJoin('tb_facility_booking as b', 'b.id', 'j.booking_id')
    .select('b.id')
    .where('j.user_id', '=', userId)
    .where('j.is_applicant', '=', '0')
    .where(exists('j'))
    .where('b.start_time', '>', now)
    .where(sql<boolean>`b.status IN ${among([PENDING, APPROVED, REJECTED])}`)
    .where(exists('b'))
    .orderBy('b.id')
    .execute()
  return joined.map(({ id }) => id)
}

/** People with future bookings under a ban that cancels them: the booking was made while the ban was written. */
export async function bannedWithBookings(
  db: Database,
  now: Date,
): Promise<readonly { readonly userId: number; readonly reason: string }[]> {
  return db
    .selectFrom('tb_facility_ban as n')
    .select(['n.user_id as userId', 'n.reason'])
    .where('n.cancel_future', '=', sql.lit(true))
    .where(isInForce(now))
    .where(({ exists: some, selectFrom }) =>
      some(
        selectFrom('tb_facility_booking as b')
          .select('b.id')
          .whereRef('b.applicant_id', '=', 'n.user_id')
          .where(isAhead(now)),
      ),
    )
    .execute()
}
