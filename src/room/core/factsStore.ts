import { type RawBuilder, sql } from 'kysely'
import type { WeeklyHours } from '../../booking/openingHours.ts'
import type { Database } from '../../kernel/database/database.ts'
import { gathered, inOrderOf } from '../../kernel/database/gather.ts'
import { closes, isCurrent, isHolding, isInForce, LONGEST } from './conditionsStore.ts'
import type { BookingFacts, Order, Setting } from './rules.ts'

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
  readonly order: Order
  readonly now: Date
  /** A booking to ignore: the one that is changed. */
  readonly except?: number | undefined
}

/**
 * Reads all facts for the decision about a booking in one statement, which concurrent requests share. Null if there is
 * no such room.
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

/** SQL: the ban that is in force for a person at an instant, if there is one. */
export const banOf = (userId: RawBuilder<number>, now: RawBuilder<Date>) => sql`
  SELECT n.reason, n.expire_time
  FROM tb_facility_ban n
  WHERE n.user_id = ${userId} AND ${isInForce(now)}
  LIMIT 1`

/** The orders as a table `o`; `nth` is the position of an order. */
function ordersTable(items: readonly FactsOf[]): RawBuilder<unknown> {
  const rows = items.map(({ order, now, except = 0 }, nth) => ({ nth, now, except, ...order }))
  return sql`
    jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS o (
      nth int,
      now timestamptz,
      "except" bigint,
      "roomId" bigint,
      start timestamptz,
      "end" timestamptz,
      "userIds" bigint[]
    )`
}

const NOW = sql<Date>`o.now`
/** The time of order `o`. Empty if the times are in the wrong order, which the rules refuse. */
const SPAN = sql`tstzrange(o.start, greatest(o.start, o."end"))`

/** The first closure of room `r` in the time of order `o`. */
const firstClosure = sql`
  SELECT c.start_time, c.end_time, c.reason
  FROM tb_facility_closure c
  WHERE ${closes(SPAN)}
  ORDER BY c.start_time
  LIMIT 1`

/**
 * The first booking that keeps room `r` in the time of order `o`, and whether the stored state of another is overdue.
 */
const obstacles = sql`
  SELECT
    (array_agg(b.start_time ORDER BY b.start_time) FILTER (WHERE ${isCurrent(NOW)}))[1] AS "from",
    (array_agg(b.end_time ORDER BY b.start_time) FILTER (WHERE ${isCurrent(NOW)}))[1] AS "to",
    bool_or(NOT ${isCurrent(NOW)}) AS overdue
  FROM tb_facility_booking b
  WHERE b.room_id = r.id AND b.during && ${SPAN} AND ${isHolding} AND b.id <> o."except"`

/** True for a person `w` who takes part in another booking in the time of order `o`. */
const isBusy = sql`
  EXISTS (
    SELECT FROM tb_facility_booking_user j
    WHERE j.user_id = w.id
      AND j.ends_by > o.start
      AND j.ends_by < o."end" + ${LONGEST}
      AND j.booking_id <> o."except"
      AND j.del_flag = '0'
      AND (
        SELECT b.during && ${SPAN} AND ${isHolding} AND ${isCurrent(NOW)}
        FROM tb_facility_booking b
        WHERE b.id = j.booking_id
      )
  )`

/** The people of order `o`: account, ban, and whether they are busy. */
const people = sql`
  SELECT json_agg(
    json_build_object(
      'userId', w.id,
      'name', coalesce(u.display_name, ''),
      'valid', u.id IS NOT NULL,
      'reason', n.reason,
      'until', floor(extract(epoch FROM n.expire_time) * 1000),
      'busy', ${isBusy}
    )
    ORDER BY w.id
  ) AS people
  FROM unnest(o."userIds") AS w (id)
  LEFT JOIN LATERAL (
    SELECT u.id, u.display_name FROM users u WHERE u.id = w.id AND u.status = 'active' LIMIT 1
  ) u ON true
  LEFT JOIN LATERAL (${banOf(sql`w.id`, NOW)}) n ON true`

/**
 * The LIMITs keep each look-up behind the row before it. Otherwise the planner, which does not know how few orders
 * there are, would read whole tables.
 */
const readRow = gathered(async (db, items: readonly FactsOf[]): Promise<readonly (FactsRow | undefined)[]> => {
  const { rows } = await sql<FactsRow & { readonly nth: number }>`
    SELECT o.nth, f.*
    FROM ${ordersTable(items)}
    CROSS JOIN LATERAL (
      SELECT
        r.id,
        r.room_name AS name,
        g.building_name AS "buildingName",
        r.status = '0' AS "inUse",
        g.status = '0' AND g.del_flag = '0' AS "buildingInUse",
        r.capacity,
        r.open_hours AS "openHours",
        r.revision,
        s.audit_required AS "auditRequired",
        s.max_duration_minutes AS "maxDurationMinutes",
        s.advance_days AS "advanceDays",
        s.grid_minutes AS "gridMinutes",
        s.participant_overlap AS "participantOverlap",
        closure.start_time AS "closedFrom",
        closure.end_time AS "closedTo",
        closure.reason AS "closedFor",
        obstacle."from" AS "occupiedFrom",
        obstacle."to" AS "occupiedTo",
        obstacle.overdue,
        p.people
      FROM tb_facility_room r
      JOIN tb_facility_building g ON g.id = r.building_id
      JOIN tb_facility_setting s ON s.id = 1
      LEFT JOIN LATERAL (${firstClosure}) closure ON true
      CROSS JOIN LATERAL (${obstacles}) obstacle
      CROSS JOIN LATERAL (${people}) p
      WHERE r.id = o."roomId" AND r.del_flag = '0'
      LIMIT 1
    ) f`.execute(db)
  return inOrderOf(items, rows)
})
