import { sql } from 'kysely'
import type { Interval } from '../../../booking/interval.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { anyOf } from '../../../kernel/database/literals.ts'
import { exists, keepsRoom } from '../../core/conditionsStore.ts'

/** A room, or a building with all its rooms, that is closed. */
export type Target = { readonly roomId: number } | { readonly buildingId: number }

export interface ClosureFields extends Interval {
  readonly reason: string
}

/** A time at which a room, or all rooms of a building, can't be booked. */
export interface Closure {
  readonly id: number
  /** The building that is closed, or the building of the room. */
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

/** Closures `c` with their rooms `r` and buildings `g`, deleted ones too. */
const closures = (db: Database) =>
  db
    .selectFrom('tb_facility_closure as c')
    .leftJoin('tb_facility_room as r', 'r.id', 'c.room_id')
    .innerJoin('tb_facility_building as g', (join) =>
      join.on(({ eb, fn }) => eb('g.id', '=', fn.coalesce('c.building_id', 'r.building_id'))),
    )
    .select(['c.id', 'g.id as buildingId', 'g.building_name as buildingName', 'c.room_id as roomId'])
    .select(['r.room_name as roomName', 'c.start_time as startTime', 'c.end_time as endTime', 'c.reason'])
    .select(['c.create_time as createTime', 'c.update_time as updateTime'])

/** The same tables, for counting. */
const closureTables = sql`
  tb_facility_closure c
  LEFT JOIN tb_facility_room r ON r.id = c.room_id
  JOIN tb_facility_building g ON g.id = coalesce(c.building_id, r.building_id)`

const SORTS = {
  id: sql`c.id`,
  startTime: sql`c.start_time`,
  endTime: sql`c.end_time`,
  createTime: sql`c.create_time`,
} as const

export interface ClosureFilter {
  /** Includes the closures of its rooms. */
  readonly buildingId?: number | undefined
  /** Includes the closures of its building. */
  readonly roomId?: number | undefined
  /** Closures that share time with this span. */
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

/** One page of the closures, and how many there are in all. */
export async function listClosures(
  db: Database,
  { buildingId, roomId, from, to }: ClosureFilter,
  page: PageOf<keyof typeof SORTS>,
): Promise<{ readonly items: readonly Closure[]; readonly total: number }> {
  const building = sql`(SELECT building_id FROM tb_facility_room WHERE id = ${roomId})`
  return await readPage<Closure>(db, {
    select: closures(db),
    counted: closureTables,
    conditions: [
      exists('c'),
      buildingId !== undefined && sql`g.id = ${buildingId}`,
      roomId !== undefined && sql`(c.room_id = ${roomId} OR c.building_id = ${building})`,
      from !== undefined && sql`c.end_time > ${from}`,
      to !== undefined && sql`c.start_time < ${to}`,
    ],
    page: pageClause(page, SORTS, sql`c.id`),
  })
}

/** One closure, or null. */
export async function findClosure(db: Database, id: number): Promise<Closure | null> {
  return (await closures(db).where('c.id', '=', id).where(exists('c')).executeTakeFirst()) ?? null
}

/** Locks existing closures, by id, to change them. Call it after locking the rooms or buildings that they close. */
export async function lockClosures(tx: Transaction, ids: readonly number[]): Promise<readonly Closure[]> {
  return closures(tx).where('c.id', '=', anyOf(ids)).where(exists('c')).orderBy('c.id').forUpdate('c').execute()
}

export async function insertClosure(
  tx: Transaction,
  target: Target,
  { start, end, reason }: ClosureFields,
  by: number,
  now: Date,
): Promise<number> {
  const { id } = await tx
    .insertInto('tb_facility_closure')
    .values({
      building_id: 'buildingId' in target ? target.buildingId : null,
      room_id: 'roomId' in target ? target.roomId : null,
      start_time: start,
      end_time: end,
      reason,
      create_by: by,
      create_time: now,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export async function updateClosure(
  tx: Transaction,
  id: number,
  { start, end, reason }: ClosureFields,
  by: number,
  now: Date,
): Promise<void> {
  await tx
    .updateTable('tb_facility_closure')
    .set({ start_time: start, end_time: end, reason, update_by: by, update_time: now })
    .where('id', '=', id)
    .execute()
}

/** Marks closures as deleted. */
export async function deleteClosures(tx: Transaction, ids: readonly number[], by: number, now: Date): Promise<void> {
  await tx
    .updateTable('tb_facility_closure')
    .set({ del_flag: '2', update_by: by, update_time: now })
    .where('id', '=', anyOf(ids))
    .execute()
}

/** The ids of bookings that keep some rooms in a span of time, from now on. */
export async function bookingsIn(
  tx: Transaction,
  roomIds: readonly number[],
  { start, end }: Interval,
  now: Date,
): Promise<readonly number[]> {
  const span = sql`tstzrange(greatest(${start}::timestamptz, ${now}::timestamptz), ${end}::timestamptz)`
  const bookings = await tx
    .selectFrom('tb_facility_booking as b')
    .select('b.id')
    .where('b.room_id', '=', anyOf(roomIds))
    .where(keepsRoom(now))
    .where(sql<boolean>`b.during && ${span}`)
    .orderBy('b.id')
    .execute()
  return bookings.map(({ id }) => id)
}
