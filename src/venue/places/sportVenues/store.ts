import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { contains, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'

/** A building or ground that holds venues. */
export interface SportVenue {
  readonly id: number
  readonly name: string
  readonly type: string | null
  readonly location: string | null
  readonly description: string | null
  readonly image_url: string | null
  readonly venue_count: number
  readonly created_at: Date
  readonly updated_at: Date
}

/** What people say of a sport venue. */
export interface SportVenueFields {
  readonly name: string
  readonly type: string | null
  readonly location: string | null
  readonly description: string | null
  readonly image_url: string | null
}

const columns = sql`s.id, s.name, s.type, s.location, s.description, s.image_url, s.created_at, s.updated_at,
  (SELECT count(*) FROM venues v WHERE v.sport_venue_id = s.id AND v.deleted_at IS NULL) AS venue_count`

export const SORTS = {
  name: sql`s.name`,
  created_at: sql`s.created_at`,
  id: sql`s.id`,
} as const

export interface SportVenueFilter {
  readonly type?: string | undefined
  readonly location?: string | undefined
  readonly q?: string | undefined
}

/** One page of the sport venues that fit a filter, and how many there are in all. */
export async function listSportVenues(
  db: Database,
  { type, location, q }: SportVenueFilter,
  page: PageOf<keyof typeof SORTS>,
): Promise<{ items: SportVenue[]; total: number }> {
  return await readPage<SportVenue>(db, {
    select: sql`SELECT ${columns} FROM sport_venues s`,
    counted: sql`sport_venues s`,
    conditions: [
      sql`s.deleted_at IS NULL`,
      type !== undefined && sql`lower(s.type) = lower(${type})`,
      location !== undefined && contains(location, sql`s.location`),
      q !== undefined && contains(q, sql`s.name`, sql`s.type`, sql`s.location`, sql`s.description`),
    ],
    page: pageClause(page, SORTS, sql`s.id`),
  })
}

/** One sport venue, or null when there is none (any more). */
export async function findSportVenue(db: Database, id: number): Promise<SportVenue | null> {
  const { rows } = await sql<SportVenue>`
    SELECT ${columns} FROM sport_venues s WHERE s.id = ${id} AND s.deleted_at IS NULL`.execute(db)
  return rows[0] ?? null
}

/**
 * Locks a sport venue and answers whether there is one. `update`: to change it or close it; `share`: to add something that must not
 * slip past such a change.
 */
export async function lockSportVenue(tx: Transaction, id: number, strength: 'share' | 'update'): Promise<boolean> {
  const { rows } = await sql`SELECT FROM sport_venues WHERE id = ${id} AND deleted_at IS NULL
    ${strength === 'share' ? sql`FOR SHARE` : sql`FOR UPDATE`}`.execute(tx)
  return rows.length > 0
}

/** @throws Conflict `name_taken` by constraint. */
export async function insertSportVenue(tx: Transaction, fields: SportVenueFields, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO sport_venues (name, type, location, description, image_url, created_at, updated_at)
    VALUES (${fields.name}, ${fields.type}, ${fields.location}, ${fields.description}, ${fields.image_url}, ${now}, ${now})
    RETURNING id`.execute(tx)
  return inserted(rows).id
}

/** @throws Conflict `name_taken` by constraint. */
export async function updateSportVenue(
  tx: Transaction,
  id: number,
  fields: SportVenueFields,
  now: Date,
): Promise<void> {
  await sql`UPDATE sport_venues SET name = ${fields.name}, type = ${fields.type}, location = ${fields.location},
    description = ${fields.description}, image_url = ${fields.image_url}, updated_at = ${now} WHERE id = ${id}`.execute(
    tx,
  )
}

/** Takes a sport venue out of use; its name is free again. */
export async function deleteSportVenue(tx: Transaction, id: number, now: Date): Promise<void> {
  await sql`UPDATE sport_venues SET deleted_at = ${now}, updated_at = ${now} WHERE id = ${id}`.execute(tx)
}
