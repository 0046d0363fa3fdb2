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

/** A booking that was just moved. `startTime` and `endTime` are the new ones, `from` is its state before the move. */
export interface MovedBooking {
  readonly id: number
  readonly roomId: number
  readonly roomName: string
  readonly buildingName: string
  readonly applicantId: number
  /** All participants, including the applicant. */
  readonly userIds: readonly number[]
  readonly startTime: Date
  readonly endTime: Date
  readonly from: BookingStatus
}

/** A change of state. */
export interface Move {
  /** Every state except pending: only an edit leads there. */
  readonly to: Exclude<BookingStatus, typeof PENDING>
  readonly now: Date
  /** The person who moves it; null for the system itself. */
  readonly by: number | null
  /** The reason for a rejection or cancellation, shown to its people. */
  readonly reason?: string | null
  /** True if staff cancels another person's booking, which is noted. */
  readonly staff?: boolean
}

/** A booking's state at an instant. */
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

/** Locks bookings by id and returns the state of each. */
export async function lockBookings(tx: Transaction, ids: readonly number[], now: Date): Promise<readonly State[]> {
  return states(tx, now).where('b.id', '=', anyOf(ids)).forUpdate().execute()
}

/**
 * Locks up to `limit` bookings whose stored state is overdue, skipping locked ones. Returns the state that each must
 * get.
 */
export async function lockOverdue(
  tx: Transaction,
  now: Date,
  { roomId, limit }: { readonly roomId?: number; readonly limit: number },
): Promise<readonly State[]> {
  const overdue = states(tx, now).where('b.due_time', '<=', now).limit(limit).forUpdate().skipLocked()
  return (roomId === undefined ? overdue : overdue.where('b.room_id', '=', roomId)).execute()
}

/** Writes a move of locked bookings whose states allow it. Returns those that moved, by id. */
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

/** Writes an earlier end of locked bookings that are ongoing. */
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

/** Runs an UPDATE of bookings `b`. Returns the bookings it changed, with the data for messages. */
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
