import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { type Condition, contains, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import { ACTIVE } from '../../core/states.ts'

export type VenueStatus = 'open' | 'closed' | 'maintenance'

/** A court, a pool, a gym floor: what people book. */
export interface Venue {
  readonly id: number
  readonly sport_venue_id: number | null
  readonly name: string
  readonly type: string | null
  readonly location: string | null
  readonly capacity: number
  readonly status: VenueStatus
  /** When the closure that makes the status ends; null for an open venue and until further notice. */
  readonly status_until: Date | null
  readonly status_reason: string | null
  readonly notice: string | null
  readonly description: string | null
  readonly image_url: string | null
  /** Of the ratings that are not hidden, to two decimals; null without any. */
  readonly rating_average: number | null
  readonly rating_count: number
  readonly created_at: Date
  readonly updated_at: Date
}

/** What people say of a venue. */
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

const columns = sql`v.id, v.sport_venue_id, v.name, v.type, v.location, v.capacity, coalesce(c.kind, 'open') AS status,
  c.end_at AS status_until, c.reason AS status_reason, v.notice, v.description, v.image_url, rated.average AS rating_average,
  rated.count AS rating_count, v.created_at, v.updated_at`

/** Venues with what closes them at an instant (a closure wins over maintenance, then the one that lasts longest) and their ratings. */
const tables = (now: Date) => sql`venues v
  LEFT JOIN LATERAL (
    SELECT kind, end_at, reason FROM closures
    WHERE cancelled_at IS NULL AND (venue_id = v.id OR sport_venue_id = v.sport_venue_id) AND during @> ${now}::timestamptz
    ORDER BY (kind = 'closed') DESC, end_at DESC NULLS FIRST LIMIT 1
  ) c ON true
  CROSS JOIN LATERAL (
    SELECT round(avg(score), 2)::float8 AS average, count(*) AS count FROM ratings
    WHERE venue_id = v.id AND hidden_reason IS NULL
  ) rated`

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
  /** Venues with a bookable slot that lies between these instants. */
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
    status !== undefined && sql`coalesce(c.kind, 'open') = ${status}`,
    minRating !== undefined && sql`rated.average >= ${minRating}::float8`,
    q !== undefined && contains(q, sql`v.name`, sql`v.type`, sql`v.location`, sql`v.description`),
    (filter.freeFrom !== undefined || freeTo !== undefined) &&
      sql`EXISTS (SELECT FROM time_slots t WHERE t.venue_id = v.id AND t.deleted_at IS NULL AND t.open
        AND t.start_at >= ${from} AND t.start_at > ${now} AND t.taken + t.held < t.capacity
        ${freeTo ? sql`AND t.start_at < ${freeTo} AND t.end_at <= ${freeTo}` : sql``})`,
  ]
}

/** One page of the venues that fit a filter at an instant, and how many there are in all. */
export async function listVenues(
  db: Database,
  filter: VenueFilter,
  page: PageOf<keyof typeof SORTS>,
  now: Date,
): Promise<{ items: Venue[]; total: number }> {
  return await readPage<Venue>(db, {
    select: sql`SELECT ${columns} FROM ${tables(now)}`,
    counted: tables(now),
    conditions: conditionsOf(filter, now),
    page: pageClause(page, SORTS, sql`v.id`),
  })
}

/** One venue as it is at an instant, or null when there is none (any more). */
export async function findVenue(db: Database, id: number, now: Date): Promise<Venue | null> {
  const { rows } = await sql<Venue>`
    SELECT ${columns} FROM ${tables(now)} WHERE v.id = ${id} AND v.deleted_at IS NULL`.execute(db)
  return rows[0] ?? null
}

/** The sport venue of a venue (null: it has none); undefined when there is no such venue (any more). */
export async function sportVenueOf(db: Database, id: number): Promise<number | null | undefined> {
  const { rows } = await sql<{ sport_venue_id: number | null }>`
    SELECT sport_venue_id FROM venues WHERE id = ${id} AND deleted_at IS NULL`.execute(db)
  return rows[0]?.sport_venue_id
}

/** Whether there is such a venue. */
export async function venueExists(db: Database, id: number): Promise<boolean> {
  return (await sportVenueOf(db, id)) !== undefined
}

/** What a lock on a venue tells. */
export interface LockedVenue {
  readonly id: number
  readonly name: string
  readonly sport_venue_id: number | null
  readonly capacity: number
}

/**
 * Locks a venue; null when there is none. Whoever closes, moves or deletes it, or sets its hours, takes `update`; whoever adds slots
 * or facilities takes `share`, so that neither misses the other.
 */
export async function lockVenue(
  tx: Transaction,
  id: number,
  strength: 'share' | 'update',
): Promise<LockedVenue | null> {
  const { rows } = await sql<LockedVenue>`
    SELECT id, name, sport_venue_id, capacity FROM venues WHERE id = ${id} AND deleted_at IS NULL
    ${strength === 'share' ? sql`FOR SHARE` : sql`FOR UPDATE`}`.execute(tx)
  return rows[0] ?? null
}

/** @throws Conflict `name_taken` by constraint. */
export async function insertVenue(
  tx: Transaction,
  fields: VenueFields,
  checkInSecret: string,
  now: Date,
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO venues (sport_venue_id, name, type, location, capacity, notice, description, image_url, check_in_secret,
      created_at, updated_at)
    VALUES (${fields.sport_venue_id}, ${fields.name}, ${fields.type}, ${fields.location}, ${fields.capacity}, ${fields.notice},
      ${fields.description}, ${fields.image_url}, ${checkInSecret}, ${now}, ${now})
    RETURNING id`.execute(tx)
  return inserted(rows).id
}

/** @throws Conflict `name_taken` by constraint. */
export async function updateVenue(tx: Transaction, id: number, fields: VenueFields, now: Date): Promise<void> {
  await sql`UPDATE venues SET sport_venue_id = ${fields.sport_venue_id}, name = ${fields.name}, type = ${fields.type},
    location = ${fields.location}, capacity = ${fields.capacity}, notice = ${fields.notice}, description = ${fields.description},
    image_url = ${fields.image_url}, updated_at = ${now} WHERE id = ${id}`.execute(tx)
}

/** Takes a venue out of use, with its slots that have not begun; its name is free again. Slots of the past stay for the statistics. */
export async function deleteVenue(tx: Transaction, id: number, now: Date): Promise<void> {
  await sql`UPDATE venues SET deleted_at = ${now}, updated_at = ${now} WHERE id = ${id}`.execute(tx)
  await sql`UPDATE time_slots SET deleted_at = ${now}, updated_at = ${now}
    WHERE venue_id = ${id} AND start_at > ${now} AND deleted_at IS NULL`.execute(tx)
}

/** How many reservations of a venue are active and have not ended. */
export async function countUpcomingReservations(db: Database, venueId: number, now: Date): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count FROM reservations
    WHERE venue_id = ${venueId} AND start_at > ${now}::timestamptz - interval '1 day' AND end_at > ${now}
      AND status IN ${among(ACTIVE)}`.execute(db)
  return rows[0]?.count ?? 0
}
