import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'
import { among, anyOf } from '../../kernel/database/literals.ts'
import { currentStatus, exists } from './conditionsStore.ts'
import {
  APPROVED,
  type BookingStatus,
  CANCELLED,
  COMPLETED,
  lifecycle,
  ONGOING,
  type PENDING,
  REJECTED,
} from './states.ts'

/** A booking that was just moved. `startTime` and `endTime` are those it has now, `from` is the state it had by the clock. */
export interface MovedBooking {
  readonly id: number
  readonly roomId: number
  readonly roomName: string
  readonly buildingName: string
  readonly applicantId: number
  /** All participants, the applicant among them. */
  readonly userIds: readonly number[]
  readonly startTime: Date
  readonly endTime: Date
  readonly from: BookingStatus
}

/** A change of state. */
export interface Move {
  /** Not back to be decided: only an edit does that. */
  readonly to: Exclude<BookingStatus, typeof PENDING>
  readonly now: Date
  /** Who does it; null for the system itself. */
  readonly by: number | null
  /** Why it is rejected or cancelled, as its people read it. */
  readonly reason?: string | null
  /** Whether staff does it to somebody else's booking, which is noted when it is cancelled. */
  readonly staff?: boolean
}

/** A booking's state by the clock. */
export interface State {
  readonly id: number
  readonly status: BookingStatus
}

/** The states of bookings `b` that are not deleted, by id. */
const states = (tx: Transaction, now: Date) =>
  tx
    .selectFrom('tb_facility_booking as b')
    .select('b.id')
    .select(currentStatus(now).as('status'))
    .where(exists('b'))
    .orderBy('b.id')

/** Locks bookings by id, and answers the state each is in. */
export async function lockBookings(tx: Transaction, ids: readonly number[], now: Date): Promise<readonly State[]> {
  return states(tx, now).where('b.id', '=', anyOf(ids)).forUpdate().execute()
}

/** Locks bookings whose stored state is behind the clock, as many as are free and at most `limit`; answers the state each is to be in. */
export async function lockOverdue(
  tx: Transaction,
  now: Date,
  { roomId, limit }: { readonly roomId?: number; readonly limit: number },
): Promise<readonly State[]> {
  const overdue = states(tx, now).where('b.due_time', '<=', now).limit(limit).forUpdate().skipLocked()
  return (roomId === undefined ? overdue : overdue.where('b.room_id', '=', roomId)).execute()
}

/** Writes a move of locked bookings whose states allow it; answers those that moved, by id. */
export async function writeMove(
  tx: Transaction,
  bookings: readonly State[],
  { to, now, by, reason = null, staff = false }: Move,
): Promise<readonly MovedBooking[]> {
  const endTime =
    to === COMPLETED ? sql`least(b.end_time, greatest(b.start_time, ${now}::timestamptz))` : sql`b.end_time`
  return moving(
    tx,
    bookings,
    sql`
      UPDATE tb_facility_booking b
      SET
        status = ${to},
        update_by = ${by},
        update_time = ${now},
        reject_reason = ${to === REJECTED ? reason : null},
        cancel_reason = ${to === CANCELLED ? reason : null},
        cancelled_by = ${to === CANCELLED && staff ? by : null},
        end_time = ${endTime}
      WHERE b.id = ANY (${bookings.map(({ id }) => id)}::bigint[])
        AND b.status IN ${among(lifecycle.sourcesOf(to))}`,
  )
}

/** Writes an earlier end of locked bookings that run. */
export async function writeEnd(
  tx: Transaction,
  bookings: readonly State[],
  { end, now, by }: { readonly end: Date; readonly now: Date; readonly by: number | null },
): Promise<readonly MovedBooking[]> {
  return moving(
    tx,
    bookings,
    sql`
      UPDATE tb_facility_booking b
      SET
        end_time = least(b.end_time, greatest(${end}::timestamptz, ${now}::timestamptz)),
        status = ${end <= now ? COMPLETED : ONGOING},
        update_by = ${by},
        update_time = ${now}
      WHERE b.id = ANY (${bookings.map(({ id }) => id)}::bigint[])
        AND b.status IN ${among([APPROVED, ONGOING])}`,
  )
}

/** Runs an UPDATE of bookings `b`, and answers the bookings it changed with what messages say of them. */
async function moving(
  tx: Transaction,
  before: readonly State[],
  update: RawBuilder<unknown>,
): Promise<readonly MovedBooking[]> {
  const { rows } = await sql<Omit<MovedBooking, 'from'>>`
    WITH b AS (
      ${update}
      RETURNING b.id, b.room_id, b.applicant_id, b.start_time, b.end_time
    )
    SELECT
      b.id,
      b.room_id AS "roomId",
      r.room_name AS "roomName",
      g.building_name AS "buildingName",
      b.applicant_id AS "applicantId",
      ARRAY (
        SELECT j.user_id
        FROM tb_facility_booking_user j
        WHERE j.booking_id = b.id AND j.del_flag = '0'
        ORDER BY j.user_id
      ) AS "userIds",
      b.start_time AS "startTime",
      b.end_time AS "endTime"
    FROM b
    JOIN tb_facility_room r ON r.id = b.room_id
    JOIN tb_facility_building g ON g.id = r.building_id
    ORDER BY b.id`.execute(tx)
  const statuses = new Map(before.map(({ id, status }) => [id, status]))
  return rows.flatMap((row) => {
    const from = statuses.get(row.id)
    return from === undefined ? [] : [{ ...row, from }]
  })
}
