import { type RawBuilder, sql } from 'kysely'
import { overlaps } from '../../booking/interval.ts'
import type { WeeklyHours } from '../../booking/openingHours.ts'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { gathered, inOrderOf } from '../../kernel/database/gather.ts'
import { among } from '../../kernel/database/literals.ts'
import { Stale } from '../../kernel/database/transaction.ts'
import type { Move, MovedBooking } from './moves.ts'
import type { BookingFacts, Setting, Wish } from './rules.ts'
import {
  APPROVED,
  type BookingStatus,
  CANCELLED,
  COMPLETED,
  HOLDING,
  lifecycle,
  ONGOING,
  PENDING,
  REJECTED,
  TIMED_OUT,
} from './states.ts'

/** A booking with what lists show of its room and applicant. `status` and `rejectReason` are those of the instant it was read for. */
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

/** SQL for `statusAt` (states.ts): the state of booking `b` at an instant. */
export function currentStatus(now: Date): RawBuilder<BookingStatus> {
  return sql`CASE WHEN b.status = '0' AND b.start_time <= ${now} THEN '2'
    WHEN b.status IN ('1', '4') AND b.end_time <= ${now} THEN '5'
    WHEN b.status = '1' AND b.start_time <= ${now} THEN '4' ELSE b.status END`
}

/** Columns of a Booking, from `bookingTables`. */
export function bookingColumns(now: Date): RawBuilder<unknown> {
  return sql`
    b.id, b.room_id AS "roomId", r.room_name AS "roomName", r.floor_no AS "floorNo", r.building_id AS "buildingId",
    g.building_name AS "buildingName", b.applicant_id AS "applicantId", u.username AS "applicantUserName",
    u.display_name AS "applicantNickName", b.purpose, b.start_time AS "startTime", b.end_time AS "endTime",
    b.duration_minutes AS "durationMinutes", ${currentStatus(now)} AS status,
    CASE WHEN b.status = '0' AND b.start_time <= ${now} THEN ${TIMED_OUT} ELSE b.reject_reason END AS "rejectReason",
    b.cancel_reason AS "cancelReason", b.no_show_at AS "noShowAt", b.series_id AS "seriesId",
    b.create_time AS "createTime", b.update_time AS "updateTime"`
}

/** Where bookings are read from. */
export const bookingTables = sql`
  tb_facility_booking b
  JOIN tb_facility_room r ON r.id = b.room_id
  JOIN tb_facility_building g ON g.id = r.building_id
  JOIN users u ON u.id = b.applicant_id`

/** One booking as it stands at an instant, or null. */
export async function findBooking(db: Database, id: number, now: Date): Promise<Booking | null> {
  const { rows } =
    await sql<Booking>`SELECT ${bookingColumns(now)} FROM ${bookingTables} WHERE b.id = ${id} AND b.del_flag = '0'`.execute(
      db,
    )
  return rows[0] ?? null
}

/** Who uses the room, by id, the applicant among them. */
export async function participantsOf(db: Database, bookingId: number): Promise<readonly number[]> {
  const { rows } = await sql<{ userId: number }>`
    SELECT user_id AS "userId" FROM tb_facility_booking_user
    WHERE booking_id = ${bookingId} AND del_flag = '0' ORDER BY user_id`.execute(db)
  return rows.map(({ userId }) => userId)
}

/** True for a booking `b` that keeps its room at an instant, whatever the job has settled yet. */
export const holds = (now: Date | RawBuilder<Date>) =>
  sql`(b.end_time > ${now} AND (b.status <> '0' OR b.start_time > ${now}))`

/** No booking is longer (constraint tb_facility_booking_length). */
export const LONGEST = sql`interval '168 hours'`

interface FactsRow extends Setting {
  readonly id: number
  readonly name: string
  readonly buildingName: string
  readonly inUse: boolean
  readonly buildingInUse: boolean
  readonly capacity: number
  readonly openHours: readonly WeeklyHours[] | null
  readonly revision: number
  readonly closedFrom: Date | null
  readonly closedTo: Date | null
  readonly closedFor: string | null
  readonly occupiedFrom: Date | null
  readonly occupiedTo: Date | null
  readonly overdue: boolean | null
  readonly people: readonly {
    readonly userId: number
    readonly name: string
    readonly valid: boolean
    readonly reason: string | null
    /** Milliseconds since 1970. */
    readonly until: number | null
    readonly busy: boolean
  }[]
}

export interface FactsOf {
  readonly wish: Wish
  readonly now: Date
  /** A booking that does not stand in its own way. */
  readonly except?: number | undefined
}

/**
 * Reads all that the decision about a booking rests on, in one statement, which those who ask at the same time share; null when there is no
 * such room.
 */
export async function bookingFacts(db: Database, of: FactsOf): Promise<BookingFacts | null> {
  const row = await readRow(db, of)
  if (!row) return null
  const { closedFrom, closedTo, occupiedFrom, occupiedTo } = row
  return {
    room: { ...row, openHours: row.openHours ?? [] },
    setting: row,
    closure: closedFrom && closedTo && { start: closedFrom, end: closedTo, reason: row.closedFor ?? '' },
    occupied: occupiedFrom && occupiedTo && { start: occupiedFrom, end: occupiedTo },
    overdue: row.overdue ?? false,
    participants: row.people.map(({ reason, until, ...person }) => ({
      ...person,
      ban: reason === null ? null : { reason, until: until === null ? null : new Date(until) },
    })),
  }
}

/** SQL: the ban that is in force for somebody at an instant, if there is one. */
const banOf = (userId: RawBuilder<number>, now: RawBuilder<Date>) => sql`
  SELECT n.reason, n.expire_time FROM tb_facility_ban n
  WHERE n.user_id = ${userId} AND n.status = '0' AND n.del_flag = '0' AND (n.expire_time IS NULL OR n.expire_time > ${now}) LIMIT 1`

/** Each LIMIT binds a look-up to the row before it: the planner, which doesn't know how few wishes there are, would read whole tables. */
const readRow = gathered(async (db, wishes: readonly FactsOf[]): Promise<readonly (FactsRow | undefined)[]> => {
  const now = sql<Date>`wish.now`
  // Empty where the times are out of order, which the rules say.
  const span = sql`tstzrange(wish.start, greatest(wish.start, wish."end"))`
  const { rows } = await sql<FactsRow & { readonly nth: number }>`
    SELECT wish.nth, f.*
    FROM jsonb_to_recordset(${JSON.stringify(wishes.map(({ wish, now, except = 0 }, nth) => ({ nth, now, except, ...wish })))}::text::jsonb) AS wish
      (nth int, now timestamptz, "except" bigint, "roomId" bigint, start timestamptz, "end" timestamptz, "userIds" bigint[])
    CROSS JOIN LATERAL (
      SELECT r.id, r.room_name AS name, g.building_name AS "buildingName", r.status = '0' AS "inUse",
        g.status = '0' AND g.del_flag = '0' AS "buildingInUse", r.capacity, r.open_hours AS "openHours", r.revision,
        s.audit_required AS "auditRequired", s.max_duration_minutes AS "maxDurationMinutes", s.advance_days AS "advanceDays",
        s.grid_minutes AS "gridMinutes", s.participant_overlap AS "participantOverlap",
        c.start_time AS "closedFrom", c.end_time AS "closedTo", c.reason AS "closedFor",
        o."from" AS "occupiedFrom", o."to" AS "occupiedTo", o.overdue, p.people
      FROM tb_facility_room r
      JOIN tb_facility_building g ON g.id = r.building_id
      JOIN tb_facility_setting s ON s.id = 1
      LEFT JOIN LATERAL (
        SELECT c.start_time, c.end_time, c.reason FROM tb_facility_closure c
        WHERE (c.room_id = r.id OR c.building_id = r.building_id) AND c.during && ${span} AND c.del_flag = '0'
        ORDER BY c.start_time LIMIT 1
      ) c ON true
      CROSS JOIN LATERAL (
        SELECT (array_agg(b.start_time ORDER BY b.start_time) FILTER (WHERE ${holds(now)}))[1] AS "from",
          (array_agg(b.end_time ORDER BY b.start_time) FILTER (WHERE ${holds(now)}))[1] AS "to",
          bool_or(NOT ${holds(now)}) AS overdue
        FROM tb_facility_booking b
        WHERE b.room_id = r.id AND b.during && ${span} AND b.status IN ${among(HOLDING)} AND b.id <> wish."except"
      ) o
      CROSS JOIN LATERAL (
        SELECT json_agg(json_build_object('userId', w.id, 'name', coalesce(u.display_name, ''), 'valid', u.id IS NOT NULL,
          'reason', n.reason, 'until', floor(extract(epoch FROM n.expire_time) * 1000), 'busy', EXISTS (
            SELECT FROM tb_facility_booking_user j
            WHERE j.user_id = w.id AND j.ends_by > wish.start AND j.ends_by < wish."end" + ${LONGEST}
              AND j.booking_id <> wish."except" AND j.del_flag = '0'
              AND (SELECT b.during && ${span} AND b.status IN ${among(HOLDING)} AND ${holds(now)}
                FROM tb_facility_booking b WHERE b.id = j.booking_id))) ORDER BY w.id) AS people
        FROM unnest(wish."userIds") AS w (id)
        LEFT JOIN LATERAL (
          SELECT u.id, u.display_name FROM users u WHERE u.id = w.id AND u.status = 'active' LIMIT 1
        ) u ON true
        LEFT JOIN LATERAL (
          ${banOf(sql`w.id`, now)}
        ) n ON true
      ) p
      WHERE r.id = wish."roomId" AND r.del_flag = '0'
      LIMIT 1
    ) f`.execute(db)
  return inOrderOf(wishes, rows)
})

/** A booking that is about to be made, on the facts that were read. */
export interface Placing {
  readonly wish: Wish
  readonly revision: number
  readonly purpose: string
  readonly status: BookingStatus
  readonly seriesId: string | null
  readonly now: Date
  /** jsonb texts for the outbox; the booking's id and a key are put in here. */
  readonly message: string
  readonly operation: string
}

/**
 * Makes the booking, its participants and its outbox row in ONE statement, which those who book at the same time share; answers its id. People
 * are locked before rooms, each by id, and the room's lock lets the bookings of a room come one after the other: without it two that exclude
 * each other could wait for each other. Guards: the room's revision, every account, that nobody was banned meanwhile, and the overlap
 * constraint. A ban that commits while the statement runs counts as made after the booking, and ends it where it is one that ends what
 * lies ahead (`settleBookings`).
 * @throws Stale when a guard does not hold: nothing of this booking has happened, the caller reads fresh facts and decides anew.
 */
export async function placeBooking(db: Database, placing: Placing): Promise<number> {
  const id = await placeRow(db, placing)
  if (id === undefined) throw new Stale()
  return id
}

const placeRow = gathered(async (db, placings: readonly Placing[]): Promise<readonly (number | undefined)[]> => {
  const wishes = withoutRivals(placings.map(({ wish, ...placing }, nth) => ({ nth, ...placing, ...wish })))
  const { rows } = await sql<{ nth: number; id: number }>`
    WITH wish AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(wishes)}::text::jsonb) AS w
        (nth int, "roomId" bigint, "applicantId" bigint, "userIds" bigint[], start timestamptz, "end" timestamptz, revision int, purpose text,
         status text, "seriesId" uuid, now timestamptz, message text, operation text)
    ), person AS MATERIALIZED (
      SELECT u.id FROM (SELECT DISTINCT unnest("userIds") AS id FROM wish ORDER BY id) w
      CROSS JOIN LATERAL (SELECT u.id FROM users u WHERE u.id = w.id AND u.status = 'active' FOR KEY SHARE) u
    ), room AS MATERIALIZED (
      SELECT r.* FROM (SELECT DISTINCT "roomId" AS id FROM wish WHERE (SELECT count(*) FROM person) > 0 ORDER BY id) w
      CROSS JOIN LATERAL (
        SELECT r.id, r.revision FROM tb_facility_room r WHERE r.id = w.id AND r.del_flag = '0' FOR NO KEY UPDATE
      ) r
    ), fit AS MATERIALIZED (
      SELECT w.* FROM wish w JOIN room r ON r.id = w."roomId" AND r.revision = w.revision
      WHERE NOT EXISTS (SELECT FROM unnest(w."userIds") AS u (id) WHERE u.id NOT IN (SELECT id FROM person))
        AND NOT EXISTS (SELECT FROM unnest(w."userIds") AS u (id) CROSS JOIN LATERAL (${banOf(sql`u.id`, sql`w.now`)}) n)
    ), booked AS (
      INSERT INTO tb_facility_booking (room_id, applicant_id, purpose, start_time, end_time, status, series_id, create_by, create_time)
      SELECT "roomId", "applicantId", purpose, start, "end", status, "seriesId", "applicantId", now FROM fit ORDER BY nth
      ON CONFLICT ON CONSTRAINT tb_facility_booking_overlap DO NOTHING
      RETURNING id, room_id, start_time
    ), made AS MATERIALIZED (
      SELECT b.id AS made, f.* FROM fit f JOIN booked b ON b.room_id = f."roomId" AND b.start_time = f.start
    ), joined AS (
      INSERT INTO tb_facility_booking_user (booking_id, user_id, is_applicant, ends_by, create_by, create_time)
      SELECT made, person, CASE WHEN person = "applicantId" THEN '1' ELSE '0' END, "end", "applicantId", now
      FROM made, unnest("userIds") AS person ORDER BY made, person
    ), told AS (
      INSERT INTO outbox (message, operation, created_at)
      SELECT jsonb_set(message::jsonb, '{data,booking_id}', to_jsonb(made)) || jsonb_build_object('key', 'room.booking.made:' || made),
        operation::jsonb || jsonb_build_object('resourceId', made::text), now
      FROM made ORDER BY made
    )
    SELECT nth, made AS id FROM made`.execute(db)
  return inOrderOf(placings, rows).map((row) => row?.id)
})

/** Of several for one room at one time only the first stays: the others would find it taken. */
function withoutRivals<T extends Pick<Wish, 'roomId' | 'start' | 'end'>>(wishes: readonly T[]): readonly T[] {
  const kept: T[] = []
  for (const wish of wishes) {
    if (!kept.some((other) => other.roomId === wish.roomId && overlaps(other, wish))) kept.push(wish)
  }
  return kept
}

const activePeople = (ids: readonly number[]) =>
  sql`SELECT id FROM users WHERE id = ANY (${ids}::bigint[]) AND status = 'active' ORDER BY id`

/**
 * Keeps these people to oneself until the end of the transaction, by id, so that two bookings can't both find them free. Before rooms
 * and bookings.
 */
export async function lockPeople(tx: Transaction, ids: readonly number[]): Promise<void> {
  await sql`${activePeople(ids)} FOR NO KEY UPDATE`.execute(tx)
}

/** Keeps a room to oneself, as making a booking in it does. After people, before bookings. */
export async function lockRoom(tx: Transaction, id: number): Promise<void> {
  await sql`SELECT id FROM tb_facility_room WHERE id = ${id} FOR NO KEY UPDATE`.execute(tx)
}

/** Writes an edit of a booking that is locked, as are its people and its room. */
export async function changeBooking(
  tx: Transaction,
  change: {
    readonly id: number
    readonly wish: Wish
    readonly purpose: string
    readonly status: BookingStatus
    readonly now: Date
    readonly by: number
  },
): Promise<void> {
  const { id, wish, now } = change
  await sql`
    UPDATE tb_facility_booking SET room_id = ${wish.roomId}, purpose = ${change.purpose}, start_time = ${wish.start}, end_time = ${wish.end},
      status = ${change.status}, reject_reason = NULL, update_by = ${change.by}, update_time = ${now}
    WHERE id = ${id}`.execute(tx)
  await sql`DELETE FROM tb_facility_booking_user WHERE booking_id = ${id} AND user_id <> ALL (${wish.userIds}::bigint[])`.execute(
    tx,
  )
  await sql`
    INSERT INTO tb_facility_booking_user (booking_id, user_id, ends_by, create_by, create_time)
    SELECT ${id}::bigint, w.id, ${wish.end}::timestamptz, ${change.by}::bigint, ${now}::timestamptz FROM unnest(${wish.userIds}::bigint[]) AS w (id) ORDER BY w.id
    ON CONFLICT (booking_id, user_id) DO UPDATE SET ends_by = excluded.ends_by`.execute(tx)
}

/** A participant is no longer one; answers their name. */
export async function dropParticipant(tx: Transaction, bookingId: number, userId: number): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    DELETE FROM tb_facility_booking_user j USING users u
    WHERE j.booking_id = ${bookingId} AND j.user_id = ${userId} AND u.id = j.user_id RETURNING u.display_name AS name`.execute(
    tx,
  )
  return rows[0]?.name ?? ''
}

/** A booking's state by the clock. */
export interface State {
  readonly id: number
  readonly status: BookingStatus
}

/** Locks bookings by id, and answers the state each is in. */
export async function lockBookings(tx: Transaction, ids: readonly number[], now: Date): Promise<readonly State[]> {
  const { rows } = await sql<State>`
    SELECT b.id, ${currentStatus(now)} AS status FROM tb_facility_booking b
    WHERE b.id = ANY (${ids}::bigint[]) AND b.del_flag = '0' ORDER BY b.id FOR UPDATE`.execute(tx)
  return rows
}

/** Locks bookings whose stored state is behind the clock, as many as are free and at most `limit`; answers the state each is to be in. */
export async function lockOverdue(
  tx: Transaction,
  now: Date,
  { roomId, limit }: { readonly roomId?: number; readonly limit: number },
): Promise<readonly State[]> {
  const { rows } = await sql<State>`
    SELECT b.id, ${currentStatus(now)} AS status FROM tb_facility_booking b
    WHERE b.due_time <= ${now} AND b.del_flag = '0' ${roomId === undefined ? sql`` : sql`AND b.room_id = ${roomId}`}
    ORDER BY b.id LIMIT ${limit} FOR UPDATE SKIP LOCKED`.execute(tx)
  return rows
}

/** Writes a move of locked bookings whose states allow it; answers those that moved, by id. */
export async function writeMove(
  tx: Transaction,
  bookings: readonly State[],
  { to, now, by, reason = null, staff = false }: Move,
): Promise<readonly MovedBooking[]> {
  return moving(
    tx,
    bookings,
    sql`
      UPDATE tb_facility_booking b SET status = ${to}, update_by = ${by}, update_time = ${now},
        reject_reason = ${to === REJECTED ? reason : null},
        cancel_reason = ${to === CANCELLED ? reason : null}, cancelled_by = ${to === CANCELLED && staff ? by : null},
        end_time = ${to === COMPLETED ? sql`least(b.end_time, greatest(b.start_time, ${now}::timestamptz))` : sql`b.end_time`}
      WHERE b.id = ANY (${bookings.map(({ id }) => id)}::bigint[]) AND b.status IN ${among(lifecycle.sourcesOf(to))}`,
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
      UPDATE tb_facility_booking b SET end_time = least(b.end_time, greatest(${end}::timestamptz, ${now}::timestamptz)),
        status = ${end <= now ? COMPLETED : ONGOING}, update_by = ${by}, update_time = ${now}
      WHERE b.id = ANY (${bookings.map(({ id }) => id)}::bigint[]) AND b.status IN ${among([APPROVED, ONGOING])}`,
  )
}

/** Runs an UPDATE of bookings `b`, and answers what is to be told of those it changed. */
async function moving(
  tx: Transaction,
  before: readonly State[],
  update: RawBuilder<unknown>,
): Promise<readonly MovedBooking[]> {
  const { rows } = await sql<Omit<MovedBooking, 'from'>>`
    WITH b AS (${update} RETURNING b.id, b.room_id, b.applicant_id, b.start_time, b.end_time) SELECT ${movedColumns}
    ORDER BY b.id`.execute(tx)
  const states = new Map(before.map(({ id, status }) => [id, status]))
  return rows.flatMap((row) => {
    const from = states.get(row.id)
    return from === undefined ? [] : [{ ...row, from }]
  })
}

/** What is to be told of bookings `b`, with where it is read from. */
const movedColumns = sql`
  b.id, b.room_id AS "roomId", r.room_name AS "roomName", g.building_name AS "buildingName", b.applicant_id AS "applicantId",
  ARRAY (SELECT j.user_id FROM tb_facility_booking_user j WHERE j.booking_id = b.id AND j.del_flag = '0' ORDER BY j.user_id) AS "userIds",
  b.start_time AS "startTime", b.end_time AS "endTime"
  FROM b JOIN tb_facility_room r ON r.id = b.room_id JOIN tb_facility_building g ON g.id = r.building_id`

/** The bookings somebody applied for that have not begun, by id: what a ban or a closed account ends. */
export async function aheadOf(db: Database, userId: number, now: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM tb_facility_booking WHERE applicant_id = ${userId} AND start_time > ${now}
      AND status IN ${among([PENDING, APPROVED])} AND del_flag = '0' ORDER BY id`.execute(db)
  return rows.map(({ id }) => id)
}

/** The bookings of others that somebody takes part in and that have not begun, by id. */
export async function joinedAheadOf(db: Database, userId: number, now: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT b.id FROM tb_facility_booking_user j JOIN tb_facility_booking b ON b.id = j.booking_id
    WHERE j.user_id = ${userId} AND j.is_applicant = '0' AND j.del_flag = '0' AND b.start_time > ${now} AND b.del_flag = '0'
      AND b.status IN ${among([PENDING, APPROVED, REJECTED])} ORDER BY b.id`.execute(db)
  return rows.map(({ id }) => id)
}

/** Those under a ban that ends what lies ahead, who have something ahead all the same: it was made in the moment they were banned. */
export async function bannedWithBookings(
  db: Database,
  now: Date,
): Promise<readonly { readonly userId: number; readonly reason: string }[]> {
  const { rows } = await sql<{ userId: number; reason: string }>`
    SELECT n.user_id AS "userId", n.reason FROM tb_facility_ban n
    WHERE n.cancel_future AND n.status = '0' AND n.del_flag = '0' AND (n.expire_time IS NULL OR n.expire_time > ${now})
      AND EXISTS (SELECT FROM tb_facility_booking b WHERE b.applicant_id = n.user_id AND b.start_time > ${now}
        AND b.status IN ${among([PENDING, APPROVED])} AND b.del_flag = '0')`.execute(db)
  return rows
}
