import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type Condition, readPage } from '../../../kernel/database/lists.ts'
import type { ReviewReason } from './rules.ts'
import type { SyncType } from './types.ts'

export type ReviewState = 'open' | 'linked' | 'created' | 'ignored'

/** A record of the PMS that waits for a person, or on which one has decided. */
export interface Review {
  readonly id: number
  readonly sync_type: SyncType
  readonly guest_key: string
  readonly reason: ReviewReason
  /** Encrypted; '' once it belongs to a member. */
  readonly record: string
  readonly candidates: readonly number[]
  readonly state: ReviewState
  readonly member_id: number | null
  readonly decided_by: number | null
  readonly created_at: Date
  readonly decided_at: Date | null
}

const columns = sql`
  id, sync_type, guest_key, reason, record, candidates, state, member_id, decided_by, created_at, decided_at`

/** A page of reviews: open ones oldest first, decided ones with the latest decision first. */
export async function listReviews(
  db: Database,
  filter: {
    readonly state: ReviewState
    readonly type?: SyncType | undefined
    readonly reason?: ReviewReason | undefined
  },
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly Review[]; readonly total: number }> {
  const conditions: Condition[] = [
    sql`state = ${filter.state}`,
    filter.type !== undefined && sql`sync_type = ${filter.type}`,
    filter.reason !== undefined && sql`reason = ${filter.reason}`,
  ]
  const order = filter.state === 'open' ? sql`created_at, id` : sql`decided_at DESC, id DESC`
  return await readPage<Review>(db, {
    select: sql`SELECT ${columns} FROM crm_pms_reviews`,
    counted: sql`crm_pms_reviews`,
    conditions,
    page: sql`ORDER BY ${order} LIMIT ${page.limit} OFFSET ${page.offset}`,
  })
}

export async function findReview(tx: Transaction, id: number): Promise<Review | undefined> {
  const { rows } = await sql<Review>`SELECT ${columns} FROM crm_pms_reviews WHERE id = ${id}`.execute(tx)
  return rows[0]
}

/** A record that waits from now on. */
export interface NewReview {
  readonly type: SyncType
  readonly recordKey: string
  readonly guestKey: string
  readonly reason: ReviewReason
  /** Encrypted. */
  readonly record: string
  readonly candidates: readonly number[]
}

/** Writes reviews. A record that waits already is renewed, one that was decided waits again. Keys are unique in it. */
export async function writeReviews(tx: Transaction, reviews: readonly NewReview[], now: Date): Promise<void> {
  if (reviews.length === 0) return
  const rows = reviews.map((one) =>
    JSON.stringify({
      sync_type: one.type,
      record_key: one.recordKey,
      guest_key: one.guestKey,
      reason: one.reason,
      record: one.record,
      candidates: one.candidates,
    }),
  )
  await sql`
    INSERT INTO crm_pms_reviews AS r (sync_type, record_key, guest_key, reason, record, candidates, created_at)
    SELECT v.sync_type, v.record_key, v.guest_key, v.reason, v.record, v.candidates, ${now}
    FROM unnest(${rows}::text[]) WITH ORDINALITY AS t (row, n)
    CROSS JOIN LATERAL jsonb_to_record(t.row::jsonb) AS v (sync_type text, record_key text, guest_key text, reason text,
      record text, candidates bigint[])
    ORDER BY t.n
    ON CONFLICT (sync_type, record_key) DO UPDATE SET guest_key = excluded.guest_key, reason = excluded.reason,
      record = excluded.record, candidates = excluded.candidates, state = 'open', member_id = NULL, decided_by = NULL,
      decided_at = NULL, created_at = CASE WHEN r.state = 'open' THEN r.created_at ELSE excluded.created_at END`.execute(
    tx,
  )
}

/** The reviews of a guest that are not settled. */
export async function unsettledOf(tx: Transaction, guestKey: string): Promise<readonly Review[]> {
  const { rows } = await sql<Review>`
    SELECT ${columns} FROM crm_pms_reviews WHERE guest_key = ${guestKey} AND state IN ('open', 'ignored')
    ORDER BY id`.execute(tx)
  return rows
}

/**
 * The reviews of guests that are not settled, locked. `matched`: the guests were matched, and no person decided: what a
 * person ignored and orders that contradict their member stay.
 */
export async function lockUnsettled(
  tx: Transaction,
  guestKeys: readonly string[],
  by: 'matched' | 'person',
): Promise<readonly Review[]> {
  const { rows } = await sql<Review>`
    SELECT ${columns} FROM crm_pms_reviews
    WHERE guest_key = ANY (${guestKeys}::text[]) AND ${
      by === 'person'
        ? sql`state IN ('open', 'ignored')`
        : sql`state = 'open' AND NOT (sync_type = 'consumption_records' AND reason = 'contradiction')`
    }
    ORDER BY id FOR UPDATE`.execute(tx)
  return rows
}

/** Settles reviews. Records are erased once they belong to a member; those of ignored guests can be decided again. */
export async function settleReviews(
  tx: Transaction,
  reviews: readonly { readonly id: number; readonly memberId: number | null }[],
  { state, decidedBy, now }: { readonly state: ReviewState; readonly decidedBy: number | null; readonly now: Date },
): Promise<void> {
  if (reviews.length === 0) return
  await sql`
    UPDATE crm_pms_reviews r SET state = ${state}, member_id = v.member_id, decided_by = ${decidedBy},
      decided_at = ${now}, record = CASE WHEN ${state} = 'ignored' THEN r.record ELSE '' END
    FROM unnest(${reviews.map(({ id }) => id)}::bigint[], ${reviews.map(({ memberId }) => memberId)}::bigint[])
      AS v (id, member_id)
    WHERE r.id = v.id`.execute(tx)
}

/** Settles the open reviews of orders that belong to members now. */
export async function settleOrders(
  tx: Transaction,
  orders: readonly { readonly orderNumber: string; readonly memberId: number }[],
  now: Date,
): Promise<void> {
  if (orders.length === 0) return
  await sql`
    UPDATE crm_pms_reviews r SET state = 'linked', member_id = v.member_id, decided_at = ${now}, record = ''
    FROM unnest(${orders.map(({ orderNumber }) => orderNumber)}::text[],
      ${orders.map(({ memberId }) => memberId)}::bigint[]) AS v (order_number, member_id)
    WHERE r.sync_type = 'consumption_records' AND r.record_key = v.order_number AND r.state = 'open'`.execute(tx)
}
