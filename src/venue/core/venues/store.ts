import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { closesVenue } from '../closures/store.ts'
import type { LockStrength } from './types.ts'

export type VenueStatus = 'open' | 'closed' | 'maintenance'

/** The place that people book: a court, a pool, a gym floor. */
export interface Venue {
  readonly id: number
  readonly sport_venue_id: number | null
  readonly name: string
  readonly type: string | null
  readonly location: string | null
  readonly capacity: number
  readonly status: VenueStatus
  /** End of the closure that determines the status; null for an open venue and until further notice. */
  readonly status_until: Date | null
  readonly status_reason: string | null
  readonly notice: string | null
  readonly description: string | null
  readonly image_url: string | null
  /** Average of the ratings that are not hidden, to two decimals; null without ratings. */
  readonly rating_average: number | null
  readonly rating_count: number
  readonly created_at: Date
  readonly updated_at: Date
}

/** Columns of a Venue, from `venuesAt`. */
export const venueColumns = sql`
  v.id, v.sport_venue_id, v.name, v.type, v.location, v.capacity,
  coalesce(closure.kind, 'open') AS status, closure.end_at AS status_until, closure.reason AS status_reason,
  v.notice, v.description, v.image_url,
  rated.average AS rating_average, rated.count AS rating_count,
  v.created_at, v.updated_at`

/**
 * Venues `v` with the `closure` in force at an instant (closed before maintenance, then the one that lasts longest),
 * and the figures of their ratings (`rated`).
 */
export const venuesAt = (now: Date) => sql`venues v
  LEFT JOIN LATERAL (
    SELECT c.kind, c.end_at, c.reason
    FROM closures c
    WHERE ${closesVenue} AND c.during @> ${now}::timestamptz
    ORDER BY (c.kind = 'closed') DESC, c.end_at DESC NULLS FIRST
    LIMIT 1
  ) closure ON true
  CROSS JOIN LATERAL (
    SELECT round(avg(score), 2)::float8 AS average, count(*) AS count
    FROM ratings
    WHERE venue_id = v.id AND hidden_reason IS NULL
  ) rated`

/** One venue as it is at an instant, or null when it does not exist or is deleted. */
export async function findVenue(db: Database, id: number, now: Date): Promise<Venue | null> {
  const { rows } = await sql<Venue>`
    SELECT ${venueColumns} FROM ${venuesAt(now)} WHERE v.id = ${id} AND v.deleted_at IS NULL`.execute(db)
  return rows[0] ?? null
}

/** Id of the sport venue of a venue (null: it has none); undefined when the venue does not exist or is deleted. */
export async function sportVenueOf(db: Database, id: number): Promise<number | null | undefined> {
  const venue = await db
    .selectFrom('venues')
    .select('sport_venue_id')
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return venue?.sport_venue_id
}

/** Whether a venue exists. */
export async function venueExists(db: Database, id: number): Promise<boolean> {
  return (await sportVenueOf(db, id)) !== undefined
}

/** Whether a sport venue exists. */
export async function sportVenueExists(db: Database, id: number): Promise<boolean> {
  return (await sportVenues(db, id).executeTakeFirst()) !== undefined
}

const sportVenues = (db: Database, id: number) =>
  db.selectFrom('sport_venues').select('id').where('id', '=', id).where('deleted_at', 'is', null)

/** Fields of a venue that are read with its lock. */
export interface LockedVenue {
  readonly id: number
  readonly name: string
  readonly sport_venue_id: number | null
  readonly capacity: number
}

/** Locks a venue; null when it does not exist. */
export async function lockVenue(tx: Transaction, id: number, strength: LockStrength): Promise<LockedVenue | null> {
  const venue = await tx
    .selectFrom('venues')
    .select(['id', 'name', 'sport_venue_id', 'capacity'])
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .$call((query) => (strength === 'share' ? query.forShare() : query.forUpdate()))
    .executeTakeFirst()
  return venue ?? null
}

/** Locks a sport venue and returns whether it exists. */
export async function lockSportVenue(tx: Transaction, id: number, strength: LockStrength): Promise<boolean> {
  const query = sportVenues(tx, id)
  const locked = await (strength === 'share' ? query.forShare() : query.forUpdate()).executeTakeFirst()
  return locked !== undefined
}
