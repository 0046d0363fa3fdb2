import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Interval } from '../../booking/interval.ts'
import { allOf } from '../../kernel/database/lists.ts'
import { among } from '../../kernel/database/literals.ts'
import type { Window } from '../window.ts'
import { APPROVED, type BookingStatus, COMPLETED, HOLDING, ONGOING, PENDING } from './states.ts'

// Named fragments of SQL. Tables have the same alias everywhere: `b` is a booking, `j` a participant of a booking, `r`
// a room, `g` a building, `c` a closure, `n` a ban.

/**
 * True for a row that is not deleted. A constant in the statement, so that prepared statements can use partial indexes.
 */
export const exists = (alias: 'b' | 'c' | 'g' | 'j' | 'n' | 'r') => sql<SqlBool>`${sql.ref(`${alias}.del_flag`)} = '0'`

/** SQL for `statusAt` (states.ts): the state of booking `b` at an instant. */
export const currentStatus = (now: Date) => sql<BookingStatus>`
  CASE
    WHEN b.status = '0' AND b.start_time <= ${now} THEN '2'
    WHEN b.status IN ('1', '4') AND b.end_time <= ${now} THEN '5'
    WHEN b.status = '1' AND b.start_time <= ${now} THEN '4'
    ELSE b.status
  END`

/**
 * True for a booking `b` in a holding state that still keeps its room at an instant, whatever is stored: its time is
 * not over, and if it is pending, it has not begun.
 */
export const isCurrent = (now: Date | RawBuilder<Date>) =>
  sql<SqlBool>`(b.end_time > ${now} AND (b.status <> '0' OR b.start_time > ${now}))`

/** True for a booking `b` whose stored state keeps its room. */
export const isHolding = sql<SqlBool>`b.status IN ${among(HOLDING)}`

/** True for a booking `b` that keeps its room at an instant. */
export const keepsRoom = (now: Date) => sql<SqlBool>`${isHolding} AND ${isCurrent(now)}`

/** True for a booking `b` that has not begun at an instant and is waiting or approved. */
export const isAhead = (now: Date) => sql<SqlBool>`
  b.start_time > ${now} AND b.status IN ${among([PENDING, APPROVED])} AND b.del_flag = '0'`

/** The greatest length of a booking (constraint tb_facility_booking_length). */
export const LONGEST = sql`interval '168 hours'`

/**
 * True for a booking `b` that shares time with a window. The lower bound of its start follows from the greatest length.
 */
export function touches({ from, to }: Window): RawBuilder<SqlBool> {
  return allOf([
    from !== null && sql`b.start_time > ${from}::timestamptz - ${LONGEST} AND b.end_time > ${from}`,
    to !== null && sql`b.start_time < ${to}`,
  ])
}

/** True for a booking `b` that is not rejected or cancelled at an instant: shown on timelines. */
export const isShown = (now: Date) => sql<SqlBool>`
  (b.status IN ${among([PENDING, APPROVED, ONGOING, COMPLETED])} AND (b.status <> '0' OR b.start_time > ${now}))`

/** A span of time as a range. */
export const spanOf = ({ start, end }: Interval) => sql<string>`tstzrange(${start}::timestamptz, ${end}::timestamptz)`

/** True for a closure `c` of room `r`, or of its building, that shares time with a span. */
export const closes = (span: RawBuilder<unknown>) => sql<SqlBool>`
  (c.room_id = r.id OR c.building_id = r.building_id) AND c.during && ${span} AND c.del_flag = '0'`

/** True for a ban `n` that is in force at an instant. */
export const isInForce = (now: Date | RawBuilder<Date>) => sql<SqlBool>`
  n.status = '0' AND n.del_flag = '0' AND (n.expire_time IS NULL OR n.expire_time > ${now})`
