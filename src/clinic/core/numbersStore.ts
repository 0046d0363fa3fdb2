import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'

/**
 * The only statement that changes the numbers of a schedule, apart from `addNumber`. Takes `taken` numbers, gives the
 * numbers `released` back, and adds `added` to the total (negative: removes free ones). Numbers given back are given
 * out again first, the lowest first. A CHECK refuses what would sell below or above the total. The caller offers free
 * numbers to the waiting list.
 */
export function moveNumbers(move: {
  taken?: RawBuilder<unknown>
  released?: RawBuilder<unknown>
  added?: RawBuilder<unknown>
  from?: RawBuilder<unknown>
  guard: RawBuilder<unknown>
}) {
  const { taken = sql`0`, released = sql`'{}'::int[]`, added = sql`0` } = move
  return sql`
    UPDATE schedule s
    SET
      total_slots = s.total_slots + ${added},
      remaining_slots = s.remaining_slots + ${added} - ${taken} + cardinality(${released}),
      last_no = s.last_no + greatest(0, ${taken} - cardinality(s.free_nos)),
      free_nos = ARRAY (SELECT n FROM unnest(s.free_nos[${taken} + 1:] || ${released}) AS n ORDER BY n)
    ${move.from ? sql`FROM ${move.from}` : sql``}
    WHERE ${move.guard}`
}

/** SQL: the number that the `rank`-th order of a statement gets (from 1), of a locked schedule. */
export const numberOfRank = (schedule: string, rank: RawBuilder<unknown>) => {
  const [free, last] = [sql.ref(`${schedule}.free_nos`), sql.ref(`${schedule}.last_no`)]
  return sql`
    CASE
      WHEN ${rank} <= cardinality(${free}) THEN ${free}[${rank}]
      ELSE ${last} + ${rank} - cardinality(${free})
    END`
}

/** A schedule whose row is locked. */
export interface LockedSchedule {
  readonly scheduleId: number
  readonly totalSlots: number
  readonly remainingSlots: number
  readonly status: string
  readonly isDeleted: boolean
}

/** Locks schedules by id, after patients and before orders. */
export async function lockSchedules(tx: Transaction, ids: readonly number[]): Promise<readonly LockedSchedule[]> {
  const { rows } = await sql<LockedSchedule>`
    SELECT
      schedule_id AS "scheduleId", total_slots AS "totalSlots", remaining_slots AS "remainingSlots", status,
      deleted_at IS NOT NULL AS "isDeleted"
    FROM schedule
    WHERE schedule_id = ANY (${ids}::bigint[])
    ORDER BY schedule_id
    FOR NO KEY UPDATE`.execute(tx)
  return rows
}

/** Takes the next number of a locked schedule. Null if none is left. */
export async function takeNumber(tx: Transaction, scheduleId: number): Promise<number | null> {
  const { rows } = await sql<{ number: number }>`
    WITH place AS (
      SELECT schedule_id, free_nos, last_no
      FROM schedule
      WHERE schedule_id = ${scheduleId} AND remaining_slots > 0
      FOR NO KEY UPDATE
    ), moved AS (
      ${moveNumbers({ taken: sql`1`, from: sql`place p`, guard: sql`s.schedule_id = p.schedule_id` })}
    )
    SELECT ${numberOfRank('place', sql`1`)} AS number
    FROM place`.execute(tx)
  return rows[0]?.number ?? null
}

/** Gives numbers of a locked schedule back. */
export async function releaseNumbers(tx: Transaction, scheduleId: number, numbers: readonly number[]): Promise<void> {
  if (numbers.length === 0) return
  await moveNumbers({ released: sql`${numbers}::int[]`, guard: sql`s.schedule_id = ${scheduleId}` }).execute(tx)
}

/**
 * Changes the total of a locked schedule. Returns false and changes nothing if more numbers than that are sold.
 */
export async function setTotal(tx: Transaction, scheduleId: number, total: number): Promise<boolean> {
  const moved = moveNumbers({
    added: sql`(${total}::int - s.total_slots)`,
    guard: sql`s.schedule_id = ${scheduleId} AND s.total_slots - s.remaining_slots <= ${total}`,
  })
  const { rows } = await sql`${moved} RETURNING s.schedule_id`.execute(tx)
  return rows.length === 1
}

/** Adds a number to the end of a locked schedule, already taken. Returns it. Free numbers below it stay free. */
export async function addNumber(tx: Transaction, scheduleId: number): Promise<number> {
  const { rows } = await sql<{ number: number }>`
    UPDATE schedule s
    SET
      total_slots = s.total_slots + 1,
      last_no = greatest(s.last_no, s.total_slots) + 1,
      free_nos = s.free_nos || ARRAY (SELECT generate_series(s.last_no + 1, s.total_slots))
    WHERE s.schedule_id = ${scheduleId}
    RETURNING s.last_no AS number`.execute(tx)
  const [row] = rows
  if (!row) throw new Error('addNumber needs a locked schedule')
  return row.number
}

/** Adds to the figures of a locked schedule: completed orders, and money paid minus refunded, in fen. */
export async function moveFigures(
  tx: Transaction,
  scheduleId: number,
  { completed = 0, revenue = 0 }: { readonly completed?: number; readonly revenue?: number },
): Promise<void> {
  await sql`
    UPDATE schedule
    SET completed = completed + ${completed}::int, revenue = revenue + ${revenue}::bigint
    WHERE schedule_id = ${scheduleId}`.execute(tx)
}
