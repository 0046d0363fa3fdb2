import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type Condition, contains, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import { ACTIVE } from '../../core/states.ts'
import { type Venue, type VenueStatus, venueColumns, venuesAt } from '../../core/venues/store.ts'

/** The fields of a venue that staff set. */
export interface VenueFields {
  readonly sport_venue_id: number | null
  readonly name: string
  readonly type: string | null
  readonly location: string | null
  readonly capacity: number
  readonly notice: string | null
  readonly description: string | null
  readonly image_url: string | null
}

export const SORTS = {
  name: sql`v.name`,
  created_at: sql`v.created_at`,
  rating: sql`rated.average`,
  capacity: sql`v.capacity`,
  id: sql`v.id`,
} as const

export interface VenueFilter {
  readonly sportVenueId?: number | undefined
  readonly type?: string | undefined
  readonly location?: string | undefined
  readonly status?: VenueStatus | undefined
  readonly minRating?: number | undefined
  readonly q?: string | undefined
  /** Venues with a bookable slot between these instants. */
  readonly freeFrom?: Date | undefined
  readonly freeTo?: Date | undefined
}

function conditionsOf(filter: VenueFilter, now: Date): Condition[] {
  const { sportVenueId, type, location, status, minRating, q, freeFrom = now, freeTo } = filter
  const from = freeFrom > now ? freeFrom : now
  return [
    sql`v.deleted_at IS NULL`,
    sportVenueId !== undefined && sql`v.sport_venue_id = ${sportVenueId}`,
    type !== undefined && sql`lower(v.type) = lower(${type})`,
    location !== undefined && contains(location, sql`v.location`),
    status !== undefined && sql`coalesce(closure.kind, 'open') = ${status}`,
    minRating !== undefined && sql`rated.average >= ${minRating}::float8`,
    q !== undefined && contains(q, sql`v.name`, sql`v.type`, sql`v.location`, sql`v.description`),
    (filter.freeFrom !== undefined || freeTo !== undefined) &&
      sql`EXISTS (SELECT FROM time_slots t WHERE t.venue_id = v.id AND t.deleted_at IS NULL AND t.open
        AND t.start_at >= ${from} AND t.start_at > ${now} AND t.taken + t.held < t.capacity
        ${freeTo ? sql`AND t.start_at < ${freeTo} AND t.end_at <= ${freeTo}` : sql``})`,
  ]
}

/** One page of the venues that match a filter at an instant, and their total number. */
export async function listVenues(
  db: Database,
  filter: VenueFilter,
  page: PageOf<keyof typeof SORTS>,
  now: Date,
): Promise<{ items: Venue[]; total: number }> {
  return await readPage<Venue>(db, {
    select: sql`SELECT ${venueColumns} FROM ${venuesAt(now)}`,
    counted: venuesAt(now),
    conditions: conditionsOf(filter, now),
    page: pageClause(page, SORTS, sql`v.id`),
  })
}

/** @throws Conflict `name_taken` by constraint. */
export async function insertVenue(
  tx: Transaction,
  fields: VenueFields,
  checkInSecret: string,
  now: Date,
): Promise<number> {
  const { id } = await tx
    .insertInto('venues')
    .values({ ...columnsOf(fields), check_in_secret: checkInSecret, created_at: now, updated_at: now })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** @throws Conflict `name_taken` by constraint. */
export async function updateVenue(tx: Transaction, id: number, fields: VenueFields, now: Date): Promise<void> {
  await tx
    .updateTable('venues')
    .set({ ...columnsOf(fields), updated_at: now })
    .where('id', '=', id)
    .execute()
}

function columnsOf({ sport_venue_id, name, type, location, capacity, notice, description, image_url }: VenueFields) {
  return { sport_venue_id, name, type, location, capacity, notice, description, image_url }
}

/**
 * Marks a venue and its slots that have not begun as deleted; its name can be used again. Past slots stay for the
 * statistics.
 */
export async function deleteVenue(tx: Transaction, id: number, now: Date): Promise<void> {
  const gone = { deleted_at: now, updated_at: now }
  await tx.updateTable('venues').set(gone).where('id', '=', id).execute()
  await tx
    .updateTable('time_slots')
    .set(gone)
    .where('venue_id', '=', id)
    .where('start_at', '>', now)
    .where('deleted_at', 'is', null)
    .execute()
}

/** Ids of the slots of a venue that have not ended. */
export async function slotsAhead(db: Database, venueId: number, now: Date): Promise<readonly number[]> {
  const slots = await db
    .selectFrom('time_slots')
    .select('id')
    .where('venue_id', '=', venueId)
    .where('deleted_at', 'is', null)
    .where('start_at', '>', sql<Date>`${now}::timestamptz - interval '24 hours'`)
    .where('end_at', '>', now)
    .orderBy('id')
    .execute()
  return slots.map(({ id }) => id)
}

/** Number of active reservations of a venue that have not ended. */
export async function countUpcomingReservations(db: Database, venueId: number, now: Date): Promise<number> {
  const { count } = await db
    .selectFrom('reservations')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('venue_id', '=', venueId)
    .where('start_at', '>', sql<Date>`${now}::timestamptz - interval '1 day'`)
    .where('end_at', '>', now)
    .where('status', 'in', among(ACTIVE))
    .executeTakeFirstOrThrow()
  return count
}
