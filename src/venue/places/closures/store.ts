import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import type { Difference } from '../../../kernel/product.ts'
import { ACTIVE } from '../../core/states.ts'
import type { ClosureKind, PlanState } from './rules.ts'

/** What is out of use: a venue, all venues of a sport venue, or a facility. */
export type Owner = { readonly venueId: number } | { readonly sportVenueId: number } | { readonly facilityId: number }

/** A time for which something is out of use; without an end: until further notice. */
export interface Closure {
  readonly id: number
  readonly venueId: number | null
  readonly sportVenueId: number | null
  readonly facilityId: number | null
  readonly kind: ClosureKind
  readonly startAt: Date
  readonly endAt: Date | null
  readonly reason: string | null
  readonly cancelledAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = sql`c.id, c.venue_id AS "venueId", c.sport_venue_id AS "sportVenueId", c.facility_id AS "facilityId", c.kind,
  c.start_at AS "startAt", c.end_at AS "endAt", c.reason, c.cancelled_at AS "cancelledAt", c.created_at AS "createdAt",
  c.updated_at AS "updatedAt"`

/** One closure, or null. */
export async function findClosure(db: Database, id: number): Promise<Closure | null> {
  const { rows } = await sql<Closure>`SELECT ${columns} FROM closures c WHERE c.id = ${id}`.execute(db)
  return rows[0] ?? null
}

/** What `planState` decides, as a condition. */
const inState = (state: PlanState, now: Date): RawBuilder<unknown> => {
  switch (state) {
    case 'cancelled':
      return sql`c.cancelled_at IS NOT NULL`
    case 'done':
      return sql`c.cancelled_at IS NULL AND c.end_at <= ${now}`
    case 'running':
      return sql`c.cancelled_at IS NULL AND c.start_at <= ${now} AND (c.end_at IS NULL OR c.end_at > ${now})`
    case 'planned':
      return sql`c.cancelled_at IS NULL AND c.start_at > ${now} AND (c.end_at IS NULL OR c.end_at > ${now})`
  }
}

export const SORTS = { start_time: sql`c.start_at`, id: sql`c.id` } as const

/** One page of the maintenance of something (for a venue also that of its sport venue), and how many there are in all. */
export async function listMaintenance(
  db: Database,
  owner: Owner,
  state: PlanState | undefined,
  page: PageOf<keyof typeof SORTS>,
  now: Date,
): Promise<{ items: readonly Closure[]; total: number }> {
  const own =
    'venueId' in owner
      ? sql`(c.venue_id = ${owner.venueId} OR c.sport_venue_id = (SELECT sport_venue_id FROM venues WHERE id = ${owner.venueId}))`
      : 'sportVenueId' in owner
        ? sql`c.sport_venue_id = ${owner.sportVenueId}`
        : sql`c.facility_id = ${owner.facilityId}`
  return await readPage<Closure>(db, {
    select: sql`SELECT ${columns} FROM closures c`,
    counted: sql`closures c`,
    conditions: [own, sql`c.kind = 'maintenance'`, state !== undefined && inState(state, now)],
    page: pageClause(page, SORTS, sql`c.id`),
  })
}

/** Makes a closure; its owner is locked. */
export async function insertClosure(
  tx: Transaction,
  owner: Owner,
  closure: {
    readonly kind: ClosureKind
    readonly start: Date
    readonly end: Date | null
    readonly reason: string | null
    readonly createdBy: number | null
  },
  now: Date,
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO closures (venue_id, sport_venue_id, facility_id, kind, start_at, end_at, reason, created_by, created_at, updated_at)
    VALUES (${'venueId' in owner ? owner.venueId : null}, ${'sportVenueId' in owner ? owner.sportVenueId : null},
      ${'facilityId' in owner ? owner.facilityId : null}, ${closure.kind}, ${closure.start}, ${closure.end}, ${closure.reason},
      ${closure.createdBy}, ${now}, ${now})
    RETURNING id`.execute(tx)
  return inserted(rows).id
}

/** Changes times and reason of a closure; its owner is locked. */
export async function updateClosure(
  tx: Transaction,
  id: number,
  closure: { readonly start: Date; readonly end: Date | null; readonly reason: string | null },
  now: Date,
): Promise<void> {
  await sql`UPDATE closures SET start_at = ${closure.start}, end_at = ${closure.end}, reason = ${closure.reason}, updated_at = ${now}
    WHERE id = ${id}`.execute(tx)
}

/** Calls a closure off; its owner is locked. */
export async function cancelClosure(tx: Transaction, id: number, now: Date): Promise<void> {
  await sql`UPDATE closures SET cancelled_at = ${now}, updated_at = ${now} WHERE id = ${id}`.execute(tx)
}

/** Ends closures that are in force; their owner is locked. */
export async function endClosures(tx: Transaction, ids: readonly number[], now: Date): Promise<void> {
  if (ids.length === 0) return
  await sql`UPDATE closures SET end_at = ${now}, updated_at = ${now} WHERE id = ANY (${ids})`.execute(tx)
}

/** What closes a venue at an instant, the newest first: its own closures, and those of its sport venue (which have `sportVenueId`). */
export async function closuresInForce(db: Database, venueId: number, now: Date): Promise<readonly Closure[]> {
  const { rows } = await sql<Closure>`
    SELECT ${columns} FROM venues v JOIN closures c ON c.venue_id = v.id OR c.sport_venue_id = v.sport_venue_id
    WHERE v.id = ${venueId} AND c.cancelled_at IS NULL AND c.during @> ${now}::timestamptz
    ORDER BY c.start_at DESC, c.id DESC`.execute(db)
  return rows
}

/** Locks the venues of a sport venue, by id. */
export async function lockVenuesOf(tx: Transaction, sportVenueId: number): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`SELECT id FROM venues
    WHERE sport_venue_id = ${sportVenueId} AND deleted_at IS NULL ORDER BY id FOR UPDATE`.execute(tx)
  return rows.map(({ id }) => id)
}

/**
 * The closures that count for slots that have not ended, by venue (`live`), and the slots whose `open` says something else (`wrong`).
 * A slot lasts a day at most: what ended before touches none.
 */
const wrongSlots = (venues: RawBuilder<unknown>, now: Date) => sql`
  live AS MATERIALIZED (
    SELECT v.id AS venue_id, c.during FROM closures c JOIN venues v ON c.venue_id = v.id OR c.sport_venue_id = v.sport_venue_id
    WHERE ${venues} AND c.cancelled_at IS NULL AND NOT isempty(c.during)
      AND c.during && tstzrange(${now}::timestamptz - interval '24 hours', NULL)
  ), wrong AS MATERIALIZED (
    SELECT s.id, s.open FROM time_slots s JOIN venues v ON v.id = s.venue_id
    WHERE ${venues} AND v.deleted_at IS NULL AND s.deleted_at IS NULL AND s.end_at > ${now}
      AND s.start_at > ${now}::timestamptz - interval '24 hours'
      AND s.open = EXISTS (SELECT FROM live l WHERE l.venue_id = s.venue_id AND l.during && s.during)
  )`

/** The slots of locked venues that the closures say are to be closed (they are open), and to be opened (they are not). */
export async function slotsToTurn(
  tx: Transaction,
  venueIds: readonly number[],
  now: Date,
): Promise<{ readonly close: readonly number[]; readonly open: readonly number[] }> {
  const { rows } = await sql<{ id: number; open: boolean }>`
    WITH ${wrongSlots(sql`v.id = ANY (${venueIds}::bigint[])`, now)} SELECT id, open FROM wrong ORDER BY id`.execute(tx)
  return {
    close: rows.filter(({ open }) => open).map(({ id }) => id),
    open: rows.filter(({ open }) => !open).map(({ id }) => id),
  }
}

/** Locks slots by id and turns them: those that are open are closed, and the other way round. Their venues are locked. */
export async function turnSlots(tx: Transaction, ids: readonly number[], now: Date): Promise<void> {
  await sql`
    WITH locked AS (SELECT id FROM time_slots WHERE id = ANY (${ids}::bigint[]) ORDER BY id FOR UPDATE)
    UPDATE time_slots s SET open = NOT s.open, updated_at = ${now} FROM locked WHERE s.id = locked.id`.execute(tx)
}

/**
 * Checks for `npm run verify`: a slot that has not ended is open exactly when no closure overlaps it, and nobody has an active reservation
 * in a closed one.
 */
export async function verifyClosures(db: Database, now: Date): Promise<Difference[]> {
  const { rows } = await sql<{ id: number; open: boolean }>`
    WITH ${wrongSlots(sql`true`, now)} SELECT id, open FROM wrong ORDER BY id`.execute(db)
  const stranded = await sql<{ id: number; slotId: number; status: string }>`
    SELECT r.id, r.slot_id AS "slotId", r.status FROM reservations r JOIN time_slots s ON s.id = r.slot_id
    WHERE r.status IN ${among(ACTIVE)} AND r.end_at > ${now} AND NOT s.open ORDER BY r.id`.execute(db)
  return [
    ...rows.map(({ id, open }) => ({
      check: 'slot openness',
      subject: `time slot ${id}`,
      stored: open ? 'open' : 'closed',
      computed: open ? 'closed' : 'open',
    })),
    ...stranded.rows.map(({ id, slotId, status }) => ({
      check: 'reservations in closed slots',
      subject: `reservation ${id} in time slot ${slotId}`,
      stored: status,
      computed: 'displaced',
    })),
  ]
}
