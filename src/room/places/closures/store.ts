import { sql } from 'kysely'
import type { Interval } from '../../../booking/interval.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import { HOLDING } from '../../core/states.ts'
import { holds } from '../../core/store.ts'

/** What is closed: a room, or a building with all its rooms. */
export type Target = { readonly roomId: number } | { readonly buildingId: number }

export interface ClosureFields extends Interval {
  readonly reason: string
}

/** A time at which a room, or all rooms of a building, can't be booked. */
export interface Closure {
  readonly id: number
  /** The building that is closed, or that of the room. */
  readonly buildingId: number
  readonly buildingName: string
  /** Null: all rooms of the building. */
  readonly roomId: number | null
  readonly roomName: string | null
  readonly startTime: Date
  readonly endTime: Date
  readonly reason: string
  readonly createTime: Date
  readonly updateTime: Date | null
}

const columns = sql`c.id, g.id AS "buildingId", g.building_name AS "buildingName", c.room_id AS "roomId",
  r.room_name AS "roomName", c.start_time AS "startTime", c.end_time AS "endTime", c.reason,
  c.create_time AS "createTime", c.update_time AS "updateTime"`

const tables = sql`tb_facility_closure c LEFT JOIN tb_facility_room r ON r.id = c.room_id
  JOIN tb_facility_building g ON g.id = coalesce(c.building_id, r.building_id)`

const CLOSURE_SORTS = {
  id: sql`c.id`,
  startTime: sql`c.start_time`,
  endTime: sql`c.end_time`,
  createTime: sql`c.create_time`,
} as const

export interface ClosureFilter {
  /** Also the closures of its rooms. */
  readonly buildingId?: number | undefined
  /** Also those of its building. */
  readonly roomId?: number | undefined
  /** What touches this time. */
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

/** One page of the closures, and how many there are in all. */
export async function listClosures(
  db: Database,
  { buildingId, roomId, from, to }: ClosureFilter,
  page: PageOf<keyof typeof CLOSURE_SORTS>,
): Promise<{ readonly items: readonly Closure[]; readonly total: number }> {
  const ofRoom = sql`(c.room_id = ${roomId} OR c.building_id = (SELECT building_id FROM tb_facility_room WHERE id = ${roomId}))`
  return await readPage<Closure>(db, {
    select: sql`SELECT ${columns} FROM ${tables}`,
    counted: tables,
    conditions: [
      sql`c.del_flag = '0'`,
      buildingId !== undefined && sql`g.id = ${buildingId}`,
      roomId !== undefined && ofRoom,
      from !== undefined && sql`c.end_time > ${from}`,
      to !== undefined && sql`c.start_time < ${to}`,
    ],
    page: pageClause(page, CLOSURE_SORTS, sql`c.id`),
  })
}

/** One closure, or null. */
export async function findClosure(db: Database, id: number): Promise<Closure | null> {
  const { rows } = await sql<Closure>`SELECT ${columns} FROM ${tables} WHERE c.id = ${id} AND c.del_flag = '0'`.execute(
    db,
  )
  return rows[0] ?? null
}

/** Those of some closures that there are, by id, locked to be changed: after what they close. */
export async function lockClosures(tx: Transaction, ids: readonly number[]): Promise<readonly Closure[]> {
  const { rows } = await sql<Closure>`
    SELECT ${columns} FROM ${tables} WHERE c.id = ANY (${ids}::bigint[]) AND c.del_flag = '0'
    ORDER BY c.id FOR UPDATE OF c`.execute(tx)
  return rows
}

export async function insertClosure(
  tx: Transaction,
  target: Target,
  { start, end, reason }: ClosureFields,
  by: number,
  now: Date,
): Promise<number> {
  const roomId = 'roomId' in target ? target.roomId : null
  const buildingId = 'buildingId' in target ? target.buildingId : null
  const { rows } = await sql<{ id: number }>`
    INSERT INTO tb_facility_closure (building_id, room_id, start_time, end_time, reason, create_by, create_time)
    VALUES (${buildingId}, ${roomId}, ${start}, ${end}, ${reason}, ${by}, ${now}) RETURNING id`.execute(tx)
  return inserted(rows).id
}

export async function updateClosure(
  tx: Transaction,
  id: number,
  { start, end, reason }: ClosureFields,
  by: number,
  now: Date,
): Promise<void> {
  await sql`UPDATE tb_facility_closure SET start_time = ${start}, end_time = ${end}, reason = ${reason},
    update_by = ${by}, update_time = ${now} WHERE id = ${id}`.execute(tx)
}

/** Takes closures out of the books. */
export async function deleteClosures(tx: Transaction, ids: readonly number[], by: number, now: Date): Promise<void> {
  await sql`UPDATE tb_facility_closure SET del_flag = '2', update_by = ${by}, update_time = ${now}
    WHERE id = ANY (${ids}::bigint[])`.execute(tx)
}

/** The bookings that keep some rooms in a span of time, from now on, by id. */
export async function bookingsIn(
  tx: Transaction,
  roomIds: readonly number[],
  { start, end }: Interval,
  now: Date,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT b.id FROM tb_facility_booking b
    WHERE b.room_id = ANY (${roomIds}::bigint[]) AND b.status IN ${among(HOLDING)} AND ${holds(now)}
      AND b.during && tstzrange(greatest(${start}::timestamptz, ${now}::timestamptz), ${end}::timestamptz)
    ORDER BY b.id`.execute(tx)
  return rows.map(({ id }) => id)
}
