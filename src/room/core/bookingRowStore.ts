import { sql } from 'kysely'
import { overlaps } from '../../booking/interval.ts'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { gathered, inOrderOf } from '../../kernel/database/gather.ts'
import { Stale } from '../../kernel/database/transaction.ts'
import { banOf } from './factsStore.ts'
import type { Order } from './rules.ts'
import type { BookingStatus } from './states.ts'

/** A booking to be written, with the facts of its decision. */
export interface BookingRow {
  readonly order: Order
  /** The room's revision when the facts were read. */
  readonly revision: number
  readonly purpose: string
  readonly status: BookingStatus
  readonly seriesId: string | null
  readonly now: Date
  /** jsonb texts for the outbox; the statement adds the booking's id and a key. */
  readonly message: string
  readonly operation: string
}

/**
 * Writes a booking, its participants and its outbox row in ONE statement, which concurrent bookings share. Returns its
 * id.
 * Locks people before rooms, each by id. The lock of the room serializes its bookings: without it two that exclude each
 * other could wait for each other. Guards: the room's revision, every account, no new ban, and the overlap constraint.
 * A ban that commits while the statement runs counts as made after the booking; `settleBookings` then cancels the
 * booking if the ban cancels future bookings.
 * @throws Stale if a guard does not hold: nothing is written, and the caller reads fresh facts and decides again.
 */
export async function insertBooking(db: Database, row: BookingRow): Promise<number> {
  const id = await insertRow(db, row)
  if (id === undefined) throw new Stale()
  return id
}

const insertRow = gathered(async (db, items: readonly BookingRow[]): Promise<readonly (number | undefined)[]> => {
  const orders = withoutRivals(items.map(({ order, ...row }, nth) => ({ nth, ...row, ...order })))
  const { rows } = await sql<{ nth: number; id: number }>`
    WITH asked AS MATERIALIZED (
      SELECT *
      FROM jsonb_to_recordset(${JSON.stringify(orders)}::text::jsonb) AS o (
        nth int,
        "roomId" bigint,
        "applicantId" bigint,
        "userIds" bigint[],
        start timestamptz,
        "end" timestamptz,
        revision int,
        purpose text,
        status text,
        "seriesId" uuid,
        now timestamptz,
        message text,
        operation text
      )
    ), person AS MATERIALIZED (
      SELECT u.id
      FROM (SELECT DISTINCT unnest("userIds") AS id FROM asked ORDER BY id) w
      CROSS JOIN LATERAL (SELECT u.id FROM users u WHERE u.id = w.id AND u.status = 'active' FOR KEY SHARE) u
    ), room AS MATERIALIZED (
      SELECT r.*
      FROM (SELECT DISTINCT "roomId" AS id FROM asked WHERE (SELECT count(*) FROM person) > 0 ORDER BY id) w
      CROSS JOIN LATERAL (
        SELECT r.id, r.revision FROM tb_facility_room r WHERE r.id = w.id AND r.del_flag = '0' FOR NO KEY UPDATE
      ) r
    ), fit AS MATERIALIZED (
      SELECT o.*
      FROM asked o
      JOIN room r ON r.id = o."roomId" AND r.revision = o.revision
      WHERE NOT EXISTS (SELECT FROM unnest(o."userIds") AS u (id) WHERE u.id NOT IN (SELECT id FROM person))
        AND NOT EXISTS (
          SELECT FROM unnest(o."userIds") AS u (id) CROSS JOIN LATERAL (${banOf(sql`u.id`, sql`o.now`)}) n
        )
    ), booked AS (
      INSERT INTO tb_facility_booking
        (room_id, applicant_id, purpose, start_time, end_time, status, series_id, create_by, create_time)
      SELECT "roomId", "applicantId", purpose, start, "end", status, "seriesId", "applicantId", now
      FROM fit
      ORDER BY nth
      ON CONFLICT ON CONSTRAINT tb_facility_booking_overlap DO NOTHING
      RETURNING id, room_id, start_time
    ), made AS MATERIALIZED (
      SELECT b.id AS made, f.*
      FROM fit f
      JOIN booked b ON b.room_id = f."roomId" AND b.start_time = f.start
    ), joined AS (
      INSERT INTO tb_facility_booking_user (booking_id, user_id, is_applicant, ends_by, create_by, create_time)
      SELECT made, person, CASE WHEN person = "applicantId" THEN '1' ELSE '0' END, "end", "applicantId", now
      FROM made, unnest("userIds") AS person
      ORDER BY made, person
    ), told AS (
      INSERT INTO outbox (message, operation, created_at)
      SELECT
        jsonb_set(message::jsonb, '{data,booking_id}', to_jsonb(made))
          || jsonb_build_object('key', 'room.booking.made:' || made),
        operation::jsonb || jsonb_build_object('resourceId', made::text),
        now
      FROM made
      ORDER BY made
    )
    SELECT nth, made AS id FROM made`.execute(db)
  return inOrderOf(items, rows).map((row) => row?.id)
})

/** Keeps the first of several orders for one room at one time: the others would find it taken. */
function withoutRivals<T extends Pick<Order, 'roomId' | 'start' | 'end'>>(orders: readonly T[]): readonly T[] {
  const kept: T[] = []
  for (const order of orders) {
    if (!kept.some((other) => other.roomId === order.roomId && overlaps(other, order))) kept.push(order)
  }
  return kept
}

/** Updates a booking. The booking, its people and its room are locked. */
export async function updateBooking(
  tx: Transaction,
  change: {
    readonly id: number
    readonly order: Order
    readonly purpose: string
    readonly status: BookingStatus
    readonly now: Date
    readonly by: number
  },
): Promise<void> {
  const { id, order, purpose, status, now, by } = change
  await tx
    .updateTable('tb_facility_booking')
    .set({
      room_id: order.roomId,
      purpose,
      start_time: order.start,
      end_time: order.end,
      status,
      reject_reason: null,
      update_by: by,
      update_time: now,
    })
    .where('id', '=', id)
    .execute()
  await tx
    .deleteFrom('tb_facility_booking_user')
    .where('booking_id', '=', id)
    .where('user_id', '<>', sql<number>`ALL (${order.userIds}::bigint[])`)
    .execute()
  await sql`
    INSERT INTO tb_facility_booking_user (booking_id, user_id, ends_by, create_by, create_time)
    SELECT ${id}::bigint, w.id, ${order.end}::timestamptz, ${by}::bigint, ${now}::timestamptz
    FROM unnest(${order.userIds}::bigint[]) AS w (id)
    ORDER BY w.id
    ON CONFLICT (booking_id, user_id) DO UPDATE SET ends_by = excluded.ends_by`.execute(tx)
}

/** Removes a participant from a booking and returns their name. */
export async function deleteParticipant(tx: Transaction, bookingId: number, userId: number): Promise<string> {
  const deleted = await tx
    .deleteFrom('tb_facility_booking_user as j')
    .using('users as u')
    .whereRef('u.id', '=', 'j.user_id')
    .where('j.booking_id', '=', bookingId)
    .where('j.user_id', '=', userId)
    .returning('u.display_name as name')
    .executeTakeFirst()
  return deleted?.name ?? ''
}
