import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import type { Difference } from '../../../kernel/product.ts'
import { type Closure, closures, wrongSlots } from '../../core/closures/store.ts'
import { ACTIVE } from '../../core/states.ts'
import type { Owner } from '../../core/venues/types.ts'
import type { PlanState } from './rules.ts'

/** The rule `planState` as an SQL condition. */
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

function ownedBy(owner: Owner): RawBuilder<unknown> {
  if ('facilityId' in owner) return sql`c.facility_id = ${owner.facilityId}`
  if ('sportVenueId' in owner) return sql`c.sport_venue_id = ${owner.sportVenueId}`
  const { venueId } = owner
  return sql`(
    c.venue_id = ${venueId}
    OR c.sport_venue_id = (SELECT sport_venue_id FROM venues WHERE id = ${venueId})
  )`
}

export const SORTS = { start_time: sql`c.start_at`, id: sql`c.id` } as const

/** One page of the maintenance of an owner (for a venue also that of its sport venue), and the total number. */
export async function listMaintenance(
  db: Database,
  owner: Owner,
  state: PlanState | undefined,
  page: PageOf<keyof typeof SORTS>,
  now: Date,
): Promise<{ items: readonly Closure[]; total: number }> {
  return await readPage<Closure>(db, {
    select: closures(db),
    counted: sql`closures c`,
    conditions: [ownedBy(owner), sql`c.kind = 'maintenance'`, state !== undefined && inState(state, now)],
    page: pageClause(page, SORTS, sql`c.id`),
  })
}

/** Cancels a closure. Its owner must be locked. */
export async function cancelClosure(tx: Transaction, id: number, now: Date): Promise<void> {
  await tx.updateTable('closures').set({ cancelled_at: now, updated_at: now }).where('id', '=', id).execute()
}

/** Locks the venues of a sport venue by id, and returns their ids. */
export async function lockVenuesOfSportVenue(tx: Transaction, sportVenueId: number): Promise<readonly number[]> {
  const venues = await tx
    .selectFrom('venues')
    .select('id')
    .where('sport_venue_id', '=', sportVenueId)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .forUpdate()
    .execute()
  return venues.map(({ id }) => id)
}

/**
 * Checks for `npm run verify`: a slot that has not ended is open exactly when no closure overlaps it, and no closed
 * slot has an active reservation.
 */
export async function verifyClosures(db: Database, now: Date): Promise<Difference[]> {
  const { rows } = await sql<{ id: number; open: boolean }>`
    WITH ${wrongSlots(sql`true`, now)}
    SELECT id, open FROM wrong ORDER BY id`.execute(db)
  const stranded = await db
    .selectFrom('reservations as r')
    .innerJoin('time_slots as s', 's.id', 'r.slot_id')
    .select(['r.id', 'r.slot_id as slotId', 'r.status'])
    .where('r.status', 'in', among(ACTIVE))
    .where('r.end_at', '>', now)
    .where((eb) => eb.not('s.open'))
    .orderBy('r.id')
    .execute()
  return [
    ...rows.map(({ id, open }) => ({
      check: 'slot openness',
      subject: `time slot ${id}`,
      stored: open ? 'open' : 'closed',
      computed: open ? 'closed' : 'open',
    })),
    ...stranded.map(({ id, slotId, status }) => ({
      check: 'reservations in closed slots',
      subject: `reservation ${id} in time slot ${slotId}`,
      stored: status,
      computed: 'displaced',
    })),
  ]
}
