import { type RawBuilder, sql } from 'kysely'
import type { Interval } from '../../../booking/interval.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import { closesVenue } from '../../core/closures/store.ts'
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

const columns = [
  'id',
  'venue_id as venueId',
  'start_at as startAt',
  'end_at as endAt',
  'capacity',
  'taken',
  'held',
  'open',
] as const

/** Query for slots that are not deleted, as `t`. */
const slots = (db: Database) => db.selectFrom('time_slots as t').select(columns).where('t.deleted_at', 'is', null)

/** Condition: no closure of the venue or of its sport venue covers any of a span. */
const isOpen = (
  venueId: number,
  start: RawBuilder<unknown>,
  end: RawBuilder<unknown>,
): RawBuilder<boolean> => sql`NOT EXISTS (
      SELECT FROM closures c
      JOIN venues v ON ${closesVenue}
      WHERE v.id = ${venueId} AND c.during && tstzrange(${start}, ${end}, '[)')
    )`

const isOpenDuring = (venueId: number, { start, end }: Interval) =>
  isOpen(venueId, sql`${start}::timestamptz`, sql`${end}::timestamptz`)

/**
 * Inserts slots with this capacity; those that overlap an existing one are left out. Returns the number of inserted
 * slots. The venue must be locked, so that no closure is added at the same time.
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
      SELECT
        ${venueId}::bigint, g.start_at, g.end_at, ${capacity}::int,
        ${isOpen(venueId, sql`g.start_at`, sql`g.end_at`)},
        ${now}::timestamptz, ${now}::timestamptz
      FROM unnest(${starts}::timestamptz[], ${ends}::timestamptz[]) AS g (start_at, end_at)
      ON CONFLICT DO NOTHING
      RETURNING id
    )
    SELECT count(*) AS count FROM made`.execute(tx)
  return rows[0]?.count ?? 0
}

/** Inserts one slot. The venue must be locked. @throws Conflict `slot_overlap` by constraint. */
export async function insertSlot(
  tx: Transaction,
  venueId: number,
  span: Interval,
  capacity: number,
  now: Date,
): Promise<Slot> {
  return await tx
    .insertInto('time_slots')
    .values({
      venue_id: venueId,
      start_at: span.start,
      end_at: span.end,
      capacity,
      open: isOpenDuring(venueId, span),
      created_at: now,
      updated_at: now,
    })
    .returning(columns)
    .executeTakeFirstOrThrow()
}

/** A slot of a venue, or null when it does not exist or is deleted. */
export async function findSlot(db: Database, venueId: number, id: number): Promise<Slot | null> {
  const slot = await slots(db)
    .where('t.id', '=', id)
    .where('t.venue_id', '=', venueId)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('venues as v').select('v.id').whereRef('v.id', '=', 't.venue_id').where('v.deleted_at', 'is', null),
      ),
    )
    .executeTakeFirst()
  return slot ?? null
}

/** Locks a slot: its places don't change until the transaction ends. Lock people before it, never after. */
export async function lockSlot(tx: Transaction, venueId: number, id: number): Promise<Slot | null> {
  const slot = await slots(tx).where('t.id', '=', id).where('t.venue_id', '=', venueId).forUpdate().executeTakeFirst()
  return slot ?? null
}

/** Changes a locked slot. The venue must be locked too. @throws Conflict `slot_overlap` by constraint. */
export async function updateSlot(
  tx: Transaction,
  slot: Slot,
  span: Interval,
  capacity: number,
  now: Date,
): Promise<Slot> {
  return await tx
    .updateTable('time_slots')
    .set({
      start_at: span.start,
      end_at: span.end,
      capacity,
      updated_at: now,
      open: isOpenDuring(slot.venueId, span),
    })
    .where('id', '=', slot.id)
    .returning(columns)
    .executeTakeFirstOrThrow()
}

/** Marks a slot as deleted; its time can be used again. */
export async function deleteSlot(tx: Transaction, id: number, now: Date): Promise<void> {
  await tx.updateTable('time_slots').set({ deleted_at: now, updated_at: now }).where('id', '=', id).execute()
}

/** Number of active reservations of a slot. */
export async function countActive(db: Database, slotId: number): Promise<number> {
  const { count } = await db
    .selectFrom('reservations')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('slot_id', '=', slotId)
    .where('status', 'in', among(ACTIVE))
    .executeTakeFirstOrThrow()
  return count
}

/** Active reservations of a slot in the order in which they are displaced: the newest first, those of leaders last. */
export async function newestActive(db: Database, slotId: number): Promise<{ id: number; partySize: number }[]> {
  return await db
    .selectFrom('reservations')
    .select(['id', 'party_size as partySize'])
    .where('slot_id', '=', slotId)
    .where('status', 'in', among(ACTIVE))
    .orderBy('by_leader')
    .orderBy('id', 'desc')
    .execute()
}

/** Locks a slot and closes it until `updateSlot` computes `open` from its closures again. */
export async function closeForChange(tx: Transaction, id: number): Promise<void> {
  await tx.updateTable('time_slots').set({ open: false }).where('id', '=', id).execute()
}

export interface SlotFilter {
  readonly venueId: number
  /** Slots that start at this instant or later. */
  readonly from?: Date | undefined
  /** Slots that start before this instant. */
  readonly to?: Date | undefined
  readonly status?: SlotStatus | undefined
}

export const SORTS = {
  start_at: sql`t.start_at`,
  id: sql`t.id`,
} as const

/** The rule `slotStatus` as an SQL condition. */
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

/** One page of a venue's slots that match a filter at an instant, and their total number. */
export async function listSlots(
  db: Database,
  { venueId, from, to, status }: SlotFilter,
  page: PageOf<keyof typeof SORTS>,
  now: Date,
): Promise<{ items: Slot[]; total: number }> {
  return await readPage<Slot>(db, {
    select: slots(db),
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
