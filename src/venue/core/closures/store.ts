import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { anyOf } from '../../../kernel/database/literals.ts'
import type { Owner } from '../venues/types.ts'
import type { ClosureKind } from './rules.ts'

/** A time in which a venue, a sport venue or a facility is out of use. A null end means until further notice. */
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

/** Whether closure `c` belongs to venue `v` or to its sport venue. */
export const isOfVenue = sql<boolean>`(c.venue_id = v.id OR c.sport_venue_id = v.sport_venue_id)`

/** Whether closure `c` puts venue `v` out of use during its time. The only definition of which closure covers what. */
export const closesVenue = sql<boolean>`${isOfVenue} AND c.cancelled_at IS NULL`

/** Query for closures, as `c`. */
export function closures(db: Database) {
  return db
    .selectFrom('closures as c')
    .select([
      'c.id',
      'c.venue_id as venueId',
      'c.sport_venue_id as sportVenueId',
      'c.facility_id as facilityId',
      'c.kind',
      'c.start_at as startAt',
      'c.end_at as endAt',
      'c.reason',
      'c.cancelled_at as cancelledAt',
      'c.created_at as createdAt',
      'c.updated_at as updatedAt',
    ])
}

/** One closure, or null. */
export async function findClosure(db: Database, id: number): Promise<Closure | null> {
  return (await closures(db).where('c.id', '=', id).executeTakeFirst()) ?? null
}

/**
 * Closures of a venue in force at an instant, the newest first: its own, and those of its sport venue (which have
 * `sportVenueId`).
 */
export async function closuresInForce(db: Database, venueId: number, now: Date): Promise<readonly Closure[]> {
  return closures(db)
    .innerJoin('venues as v', (join) => join.on(closesVenue))
    .where('v.id', '=', venueId)
    .where(sql<boolean>`c.during @> ${now}::timestamptz`)
    .orderBy('c.start_at', 'desc')
    .orderBy('c.id', 'desc')
    .execute()
}

/**
 * Kind of the closure that covers a slot; `closed` comes before `maintenance`. Only needed for slots that are not open.
 */
export async function closureKind(db: Database, slotId: number): Promise<ClosureKind | null> {
  const closure = await db
    .selectFrom('time_slots as s')
    .innerJoin('venues as v', 'v.id', 's.venue_id')
    .innerJoin('closures as c', (join) => join.on(closesVenue).on(sql<boolean>`c.during && s.during`))
    .select('c.kind')
    .where('s.id', '=', slotId)
    .orderBy('c.kind')
    .limit(1)
    .executeTakeFirst()
  return closure?.kind ?? null
}

/** Inserts a closure and returns its id. Its owner must be locked. */
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
  const { id } = await tx
    .insertInto('closures')
    .values({
      venue_id: 'venueId' in owner ? owner.venueId : null,
      sport_venue_id: 'sportVenueId' in owner ? owner.sportVenueId : null,
      facility_id: 'facilityId' in owner ? owner.facilityId : null,
      kind: closure.kind,
      start_at: closure.start,
      end_at: closure.end,
      reason: closure.reason,
      created_by: closure.createdBy,
      created_at: now,
      updated_at: now,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Changes the times and the reason of a closure. Its owner must be locked. */
export async function updateClosure(
  tx: Transaction,
  id: number,
  closure: { readonly start: Date; readonly end: Date | null; readonly reason: string | null },
  now: Date,
): Promise<void> {
  await tx
    .updateTable('closures')
    .set({ start_at: closure.start, end_at: closure.end, reason: closure.reason, updated_at: now })
    .where('id', '=', id)
    .execute()
}

/** Ends closures that are in force. Their owner must be locked. */
export async function endClosures(tx: Transaction, ids: readonly number[], now: Date): Promise<void> {
  if (ids.length === 0) return
  await tx.updateTable('closures').set({ end_at: now, updated_at: now }).where('id', '=', anyOf(ids)).execute()
}

/**
 * Two CTEs: the closures that matter to slots that have not ended, by venue (`live`), and the slots whose `open`
 * contradicts them (`wrong`). A slot lasts a day at most, so closures that ended more than a day ago are left out.
 */
export const wrongSlots = (venues: RawBuilder<unknown>, now: Date) => sql`
  live AS MATERIALIZED (
    SELECT v.id AS venue_id, c.during
    FROM closures c
    JOIN venues v ON ${closesVenue}
    WHERE ${venues}
      AND NOT isempty(c.during)
      AND c.during && tstzrange(${now}::timestamptz - interval '24 hours', NULL)
  ), wrong AS MATERIALIZED (
    SELECT s.id, s.open
    FROM time_slots s
    JOIN venues v ON v.id = s.venue_id
    WHERE ${venues}
      AND v.deleted_at IS NULL AND s.deleted_at IS NULL
      AND s.end_at > ${now}
      AND s.start_at > ${now}::timestamptz - interval '24 hours'
      AND s.open = EXISTS (SELECT FROM live l WHERE l.venue_id = s.venue_id AND l.during && s.during)
  )`

/** Slots of locked venues whose `open` contradicts the closures: open slots to close, and closed slots to open. */
export async function slotsToTurn(
  tx: Transaction,
  venueIds: readonly number[],
  now: Date,
): Promise<{ readonly close: readonly number[]; readonly open: readonly number[] }> {
  const { rows } = await sql<{ id: number; open: boolean }>`
    WITH ${wrongSlots(sql`v.id = ANY (${venueIds}::bigint[])`, now)}
    SELECT id, open FROM wrong ORDER BY id`.execute(tx)
  return {
    close: rows.filter(({ open }) => open).map(({ id }) => id),
    open: rows.filter(({ open }) => !open).map(({ id }) => id),
  }
}

/** Locks slots by id and inverts their `open`. Their venues must be locked. */
export async function turnSlots(tx: Transaction, ids: readonly number[], now: Date): Promise<void> {
  await sql`
    WITH locked AS (SELECT id FROM time_slots WHERE id = ANY (${ids}::bigint[]) ORDER BY id FOR UPDATE)
    UPDATE time_slots s
    SET open = NOT s.open, updated_at = ${now}
    FROM locked
    WHERE s.id = locked.id`.execute(tx)
}
