import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'

/** A rating of a visit. */
export interface Rating {
  readonly id: number
  readonly venueId: number
  readonly reservationId: number
  readonly userId: number
  readonly displayName: string
  readonly score: number
  readonly comment: string | null
  readonly hiddenReason: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

function ratings(db: Database) {
  return db
    .selectFrom('ratings as g')
    .innerJoin('users as u', 'u.id', 'g.user_id')
    .select(['g.id', 'g.venue_id as venueId', 'g.reservation_id as reservationId', 'g.user_id as userId'])
    .select(['u.display_name as displayName', 'g.score', 'g.comment', 'g.hidden_reason as hiddenReason'])
    .select(['g.created_at as createdAt', 'g.updated_at as updatedAt'])
}

/** One rating, or null. */
export async function findRating(db: Database, id: number): Promise<Rating | null> {
  return (await ratings(db).where('g.id', '=', id).executeTakeFirst()) ?? null
}

/**
 * Rates a completed reservation of a person. Returns null and changes nothing if it is already rated, or is not a
 * completed reservation of that person.
 */
export async function addRating(
  tx: Transaction,
  rating: {
    readonly reservationId: number
    readonly userId: number
    readonly score: number
    readonly comment: string | null
    readonly now: Date
  },
): Promise<number | null> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO ratings (reservation_id, user_id, venue_id, score, comment, created_at, updated_at)
    SELECT
      r.id, r.user_id, r.venue_id, ${rating.score}::smallint, ${rating.comment}::text,
      ${rating.now}::timestamptz, ${rating.now}::timestamptz
    FROM reservations r
    WHERE r.id = ${rating.reservationId} AND r.user_id = ${rating.userId} AND r.status = 'completed'
    ON CONFLICT (reservation_id) DO NOTHING
    RETURNING id`.execute(tx)
  return rows[0]?.id ?? null
}

/** Newest completed reservation of a person at a venue that has no rating, or null. */
export async function latestUnrated(db: Database, venueId: number, userId: number): Promise<number | null> {
  const reservation = await db
    .selectFrom('reservations as r')
    .select('r.id')
    .where('r.user_id', '=', userId)
    .where('r.venue_id', '=', venueId)
    .where('r.status', '=', sql.lit('completed'))
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('ratings as g').select('g.id').whereRef('g.reservation_id', '=', 'r.id'))),
    )
    .orderBy('r.start_at', 'desc')
    .orderBy('r.id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return reservation?.id ?? null
}

const SORTS = { created_at: sql`g.created_at`, score: sql`g.score`, id: sql`g.id` } as const

export type RatingSort = keyof typeof SORTS

/** One page of a venue's ratings, with or without the hidden ones, and their number. */
export async function listRatings(
  db: Database,
  of: { readonly venueId: number; readonly hidden: boolean },
  page: PageOf<RatingSort>,
): Promise<{ items: readonly Rating[]; total: number }> {
  return await readPage<Rating>(db, {
    select: ratings(db),
    counted: sql`ratings g`,
    conditions: [sql`g.venue_id = ${of.venueId}`, !of.hidden && sql`g.hidden_reason IS NULL`],
    page: pageClause(page, SORTS, sql`g.id`),
  })
}

/** Number of ratings of a venue for each score; hidden ones don't count. */
export async function countScores(
  db: Database,
  venueId: number,
): Promise<readonly { readonly score: number; readonly count: number }[]> {
  return db
    .selectFrom('ratings')
    .select((eb) => ['score', eb.fn.countAll<number>().as('count')])
    .where('venue_id', '=', venueId)
    .where('hidden_reason', 'is', null)
    .groupBy('score')
    .execute()
}

/**
 * Hides a rating for a reason, or shows it again (null). Returns the reason before, or undefined when there is no such
 * rating.
 */
export async function setHidden(
  tx: Transaction,
  id: number,
  reason: string | null,
  now: Date,
): Promise<string | null | undefined> {
  const { rows } = await sql<{ before: string | null }>`
    UPDATE ratings g
    SET hidden_reason = ${reason}, updated_at = ${now}
    FROM (SELECT id, hidden_reason AS before FROM ratings WHERE id = ${id} FOR UPDATE) old
    WHERE g.id = old.id
    RETURNING old.before`.execute(tx)
  return rows[0]?.before
}
