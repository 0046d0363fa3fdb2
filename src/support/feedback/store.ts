import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { contains, type PageOf, pageClause, readPage } from '../../kernel/database/lists.ts'
import type { Thread } from '../store.ts'
import type { FeedbackStatus, FeedbackType } from './rules.ts'

/** Feedback of a person. */
export interface Feedback extends Thread {
  readonly venueId: number | null
  readonly venueName: string | null
  readonly type: FeedbackType
  readonly title: string | null
  readonly content: string
  readonly contactEncrypted: string | null
  readonly rating: number | null
  readonly status: FeedbackStatus
}

const feedback = sql`
  SELECT
    f.id,
    f.user_id AS "userId",
    u.display_name AS "userName",
    f.venue_id AS "venueId",
    v.name AS "venueName",
    f.type,
    f.title,
    f.content,
    f.contact_encrypted AS "contactEncrypted",
    f.rating,
    f.status,
    f.created_at AS "createdAt",
    f.updated_at AS "updatedAt",
    (SELECT count(*) FROM feedback_messages m WHERE m.feedback_id = f.id) AS replies
  FROM feedback f JOIN users u ON u.id = f.user_id LEFT JOIN venues v ON v.id = f.venue_id`

/** One feedback, or null. */
export async function findFeedback(db: Database, id: number): Promise<Feedback | null> {
  const { rows } = await sql<Feedback>`${feedback} WHERE f.id = ${id}`.execute(db)
  return rows[0] ?? null
}

/** Adds feedback and returns its id; null if there is no such venue. */
export async function addFeedback(
  tx: Transaction,
  given: {
    readonly userId: number
    readonly venueId: number | null
    readonly type: FeedbackType
    readonly title: string | null
    readonly content: string
    readonly contactEncrypted: string | null
    readonly rating: number | null
    readonly now: Date
  },
): Promise<number | null> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO feedback (user_id, venue_id, type, title, content, contact_encrypted, rating, created_at, updated_at)
    SELECT ${given.userId}::bigint, ${given.venueId}::bigint, ${given.type}::text, ${given.title}::text,
      ${given.content}::text, ${given.contactEncrypted}::text, ${given.rating}::smallint, ${given.now}::timestamptz,
      ${given.now}::timestamptz
    WHERE ${given.venueId}::bigint IS NULL
      OR EXISTS (SELECT FROM venues WHERE id = ${given.venueId}::bigint AND deleted_at IS NULL)
    RETURNING id`.execute(tx)
  return rows[0]?.id ?? null
}

/** Locks feedback until the transaction ends, so that its state can't change meanwhile. */
export async function lockFeedback(
  tx: Transaction,
  id: number,
): Promise<{ readonly userId: number; readonly status: FeedbackStatus } | null> {
  const { rows } = await sql<{ userId: number; status: FeedbackStatus }>`
    SELECT user_id AS "userId", status FROM feedback WHERE id = ${id} FOR UPDATE`.execute(tx)
  return rows[0] ?? null
}

/** Sets the state of locked feedback. */
export async function setStatus(tx: Transaction, id: number, status: FeedbackStatus, now: Date): Promise<void> {
  await sql`UPDATE feedback SET status = ${status}, updated_at = ${now} WHERE id = ${id}`.execute(tx)
}

export interface FeedbackFilter {
  readonly userId?: number | undefined
  readonly venueId?: number | undefined
  readonly type?: FeedbackType | undefined
  readonly status?: FeedbackStatus | undefined
  readonly rating?: number | undefined
  readonly q?: string | undefined
}

const SORTS = { created_at: sql`f.created_at`, updated_at: sql`f.updated_at`, id: sql`f.id` } as const
export type FeedbackSort = keyof typeof SORTS

/** One page of feedback, and the total. */
export async function listFeedback(
  db: Database,
  filter: FeedbackFilter,
  page: PageOf<FeedbackSort>,
): Promise<{ items: readonly Feedback[]; total: number }> {
  const { userId, venueId, type, status, rating, q } = filter
  const conditions = [
    userId !== undefined && sql`f.user_id = ${userId}`,
    venueId !== undefined && sql`f.venue_id = ${venueId}`,
    type !== undefined && sql`f.type = ${type}`,
    status !== undefined && sql`f.status = ${status}`,
    rating !== undefined && sql`f.rating = ${rating}`,
    q !== undefined && contains(q, sql`coalesce(f.title, '')`, sql`f.content`),
  ]
  return await readPage<Feedback>(db, {
    select: feedback,
    counted: sql`feedback f`,
    conditions,
    page: pageClause(page, SORTS, sql`f.id`),
  })
}
