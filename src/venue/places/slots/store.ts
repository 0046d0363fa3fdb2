import { type RawBuilder, sql } from 'kysely'
import type { Interval } from '../../../booking/interval.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import { ACTIVE } from '../../core/states.ts'
import type { SlotStatus } from './rules.ts'

/** A time in which a venue can be booked. */
export interface Slot {
  readonly id: number
  readonly venueId: number
  readonly startAt: Date
  readonly endAt: Date
  readonly capacity: number
  readonly taken: number
  readonly held: number
  readonly open: boolean
}

const columns = sql`t.id, t.venue_id AS "venueId", t.start_at AS "startAt", t.end_at AS "endAt", t.capacity, t.taken, t.held, t.open`

/** True where no closure of the venue or of its sport venue covers any of a span. */
const isOpen = (venueId: RawBuilder<unknown>, start: RawBuilder<unknown>, end: RawBuilder<unknown>) => sql`NOT EXISTS (
  SELECT FROM closures c JOIN venues v ON c.venue_id = v.id OR c.sport_venue_id = v.sport_venue_id
  WHERE v.id = ${venueId} AND c.cancelled_at IS NULL AND c.during && tstzrange(${start}, ${end}, '[)'))`

/**
 * Makes slots with these places; those that overlap one that exists are left out. Answers how many were made.
 * The venue must be locked, so that no closure is made at the same time.
 */
export async function insertSlots(
  tx: Transaction,
  venueId: number,
  spans: readonly Interval[],
  capacity: number,
  now: Date,
): Promise<number> {
  const starts = spans.map(({ start }) => start.toISOString())
  const ends = spans.map(({ end }) => end.toISOString())
  const { rows } = await sql<{ count: number }>`
    WITH made AS (
      INSERT INTO time_slots (venue_id, start_at, end_at, capacity, open, created_at, updated_at)
      SELECT ${venueId}::bigint, g.start_at, g.end_at, ${capacity}::int,
        ${isOpen(sql`${venueId}`, sql`g.start_at`, sql`g.end_at`)}, ${now}::timestamptz, ${now}::timestamptz
      FROM unnest(${starts}::timestamptz[], ${ends}::timestamptz[]) AS g (start_at, end_at)
      ON CONFLICT DO NOTHING
      RETURNING id
    ) SELECT count(*) AS count FROM made`.execute(tx)
  return rows[0]?.count ?? 0
}

/** Makes one slot. The venue must be locked. @throws Conflict `slot_overlap` by constraint. */
export async function insertSlot(
  tx: Transaction,
  venueId: number,
  { start, end }: Interval,
  capacity: number,
  now: Date,
): Promise<Slot> {
  const { rows } = await sql<Slot>`
    INSERT INTO time_slots AS t (venue_id, start_at, end_at, capacity, open, created_at, updated_at)
    VALUES (${venueId}, ${start}, ${end}, ${capacity},
      ${isOpen(sql`${venueId}`, sql`${start}::timestamptz`, sql`${end}::timestamptz`)}, ${now}, ${now})
    RETURNING ${columns}`.execute(tx)
  return inserted(rows)
}

/** A slot of a venue, or null when there is none (any more). */
export async function findSlot(db: Database, venueId: number, id: number): Promise<Slot | null> {
  const { rows } = await sql<Slot>`
    SELECT ${columns} FROM time_slots t JOIN venues v ON v.id = t.venue_id
    WHERE t.id = ${id} AND t.venue_id = ${venueId} AND t.deleted_at IS NULL AND v.deleted_at IS NULL`.execute(db)
  return rows[0] ?? null
}

/** The same, locked to be changed: no place of it moves until the transaction ends. Lock people before it, never after. */
export async function lockSlot(tx: Transaction, venueId: number, id: number): Promise<Slot | null> {
  const { rows } = await sql<Slot>`SELECT ${columns} FROM time_slots t
    WHERE t.id = ${id} AND t.venue_id = ${venueId} AND t.deleted_at IS NULL FOR UPDATE`.execute(tx)
  return rows[0] ?? null
}

/** Changes a locked slot. The venue must be locked too. @throws Conflict `slot_overlap` by constraint. */
export async function updateSlot(
  tx: Transaction,
  slot: Slot,
  { start, end }: Interval,
  capacity: number,
  now: Date,
): Promise<Slot> {
  const { rows } = await sql<Slot>`
    UPDATE time_slots t SET start_at = ${start}, end_at = ${end}, capacity = ${capacity}, updated_at = ${now},
      open = ${isOpen(sql`${slot.venueId}`, sql`${start}::timestamptz`, sql`${end}::timestamptz`)}
    WHERE t.id = ${slot.id} RETURNING ${columns}`.execute(tx)
  const [row] = rows
  if (!row) throw new Error('a locked slot is gone')
  return row
}

/** Takes a slot out of use; its time is free again. */
export async function deleteSlot(tx: Transaction, id: number, now: Date): Promise<void> {
  await sql`UPDATE time_slots SET deleted_at = ${now}, updated_at = ${now} WHERE id = ${id}`.execute(tx)
}

/** How many reservations of a slot are active. */
export async function countActive(db: Database, slotId: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM reservations
    WHERE slot_id = ${slotId} AND status IN ${among(ACTIVE)}`.execute(db)
  return rows[0]?.count ?? 0
}

/** The active reservations of a slot, in the order in which they have to go: the newest first, those of leaders last. */
export async function newestActive(db: Database, slotId: number): Promise<{ id: number; partySize: number }[]> {
  const { rows } = await sql<{ id: number; partySize: number }>`
    SELECT id, party_size AS "partySize" FROM reservations WHERE slot_id = ${slotId} AND status IN ${among(ACTIVE)}
    ORDER BY by_leader, id DESC`.execute(db)
  return rows
}

/** Locks a slot and takes it off sale until `updateSlot` reads its closures again. */
export async function takeOffSale(tx: Transaction, id: number): Promise<void> {
  await sql`UPDATE time_slots SET open = false WHERE id = ${id}`.execute(tx)
}

export interface SlotFilter {
  readonly venueId: number
  /** Slots that start from then on. */
  readonly from?: Date | undefined
  /** Slots that start before. */
  readonly to?: Date | undefined
  readonly status?: SlotStatus | undefined
}

export const SORTS = {
  start_at: sql`t.start_at`,
  id: sql`t.id`,
} as const

/** What `slotStatus` decides, as a condition. */
const hasStatus = (status: SlotStatus, now: Date): RawBuilder<unknown> => {
  switch (status) {
    case 'past':
      return sql`t.start_at <= ${now}`
    case 'closed':
      return sql`t.start_at > ${now} AND NOT t.open`
    case 'full':
      return sql`t.start_at > ${now} AND t.open AND t.taken + t.held >= t.capacity`
    case 'open':
      return sql`t.start_at > ${now} AND t.open AND t.taken + t.held < t.capacity`
  }
}

/** One page of the slots of a venue that fit a filter at an instant, and how many there are in all. */
export async function listSlots(
  db: Database,
  { venueId, from, to, status }: SlotFilter,
  page: PageOf<keyof typeof SORTS>,
  now: Date,
): Promise<{ items: Slot[]; total: number }> {
  return await readPage<Slot>(db, {
    select: sql`SELECT ${columns} FROM time_slots t`,
    counted: sql`time_slots t`,
    conditions: [
      sql`t.venue_id = ${venueId} AND t.deleted_at IS NULL`,
      from !== undefined && sql`t.start_at >= ${from}`,
      to !== undefined && sql`t.start_at < ${to}`,
      status !== undefined && hasStatus(status, now),
    ],
    page: pageClause(page, SORTS, sql`t.id`),
  })
}
