import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { contains, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'

/** A building or ground that contains venues. */
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

/** The fields of a sport venue that staff set. */
export interface SportVenueFields {
  readonly name: string
  readonly type: string | null
  readonly location: string | null
  readonly description: string | null
  readonly image_url: string | null
}

/** Query for sport venues that are not deleted, as `s`. */
function sportVenues(db: Database) {
  return db
    .selectFrom('sport_venues as s')
    .select(['s.id', 's.name', 's.type', 's.location', 's.description', 's.image_url', 's.created_at', 's.updated_at'])
    .select((eb) =>
      eb
        .selectFrom('venues as v')
        .select((inner) => inner.fn.countAll<number>().as('count'))
        .whereRef('v.sport_venue_id', '=', 's.id')
        .where('v.deleted_at', 'is', null)
        .$asScalar()
        .$notNull()
        .as('venue_count'),
    )
    .where('s.deleted_at', 'is', null)
}

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

/** One page of the sport venues that match a filter, and their total number. */
export async function listSportVenues(
  db: Database,
  { type, location, q }: SportVenueFilter,
  page: PageOf<keyof typeof SORTS>,
): Promise<{ items: SportVenue[]; total: number }> {
  return await readPage<SportVenue>(db, {
    select: sportVenues(db),
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

/** One sport venue, or null when it does not exist or is deleted. */
export async function findSportVenue(db: Database, id: number): Promise<SportVenue | null> {
  return (await sportVenues(db).where('s.id', '=', id).executeTakeFirst()) ?? null
}

/** @throws Conflict `name_taken` by constraint. */
export async function insertSportVenue(tx: Transaction, fields: SportVenueFields, now: Date): Promise<number> {
  const { id } = await tx
    .insertInto('sport_venues')
    .values({ ...columnsOf(fields), created_at: now, updated_at: now })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** @throws Conflict `name_taken` by constraint. */
export async function updateSportVenue(
  tx: Transaction,
  id: number,
  fields: SportVenueFields,
  now: Date,
): Promise<void> {
  await tx
    .updateTable('sport_venues')
    .set({ ...columnsOf(fields), updated_at: now })
    .where('id', '=', id)
    .execute()
}

function columnsOf({ name, type, location, description, image_url }: SportVenueFields) {
  return { name, type, location, description, image_url }
}

/** Marks a sport venue as deleted; its name can be used again. */
export async function deleteSportVenue(tx: Transaction, id: number, now: Date): Promise<void> {
  await tx.updateTable('sport_venues').set({ deleted_at: now, updated_at: now }).where('id', '=', id).execute()
}
