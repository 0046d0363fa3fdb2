import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import { movePlaces } from '../placesStore.ts'
import { ACTIVE, lifecycle, type ReservationStatus } from '../states.ts'
import { REBOOK_MINUTES } from './rules.ts'

/** Which reservations are to end: those of slots, or these. */
export type Target = { readonly slotIds: readonly number[] } | { readonly reservationIds: readonly number[] }

/** A reservation that is to end, as it is before. */
export interface Doomed {
  readonly id: number
  readonly userId: number
  readonly slotId: number
  readonly venueId: number
  readonly venueName: string
  readonly startAt: Date
  readonly endAt: Date
  readonly partySize: number
  readonly pointsPaid: number
  readonly status: ReservationStatus
}

/** How they end. */
export interface Cause {
  readonly now: Date
  readonly endedBy: number | null
  readonly reason: string
}

const targeted = (target: Target): RawBuilder<unknown> =>
  'slotIds' in target
    ? sql`r.slot_id = ANY (${target.slotIds}::bigint[])`
    : sql`r.id = ANY (${target.reservationIds}::bigint[])`

/** Whose active reservations would end, and in which slots they are. Nothing is locked. */
export async function findDoomed(
  db: Database,
  target: Target,
): Promise<readonly { readonly userId: number; readonly slotId: number }[]> {
  const { rows } = await sql<{ userId: number; slotId: number }>`
    SELECT DISTINCT r.user_id AS "userId", r.slot_id AS "slotId" FROM reservations r
    WHERE ${targeted(target)} AND r.status IN ${among(ACTIVE)}`.execute(db)
  return rows
}

/** Locks the active reservations that are to end, by id. People and slots are locked before. */
export async function lockDoomed(tx: Transaction, target: Target): Promise<readonly Doomed[]> {
  const { rows } = await sql<Doomed>`
    SELECT r.id, r.user_id AS "userId", r.slot_id AS "slotId", r.venue_id AS "venueId", v.name AS "venueName",
      r.start_at AS "startAt", r.end_at AS "endAt", r.party_size AS "partySize", r.points_paid AS "pointsPaid", r.status
    FROM reservations r JOIN venues v ON v.id = r.venue_id
    WHERE ${targeted(target)} AND r.status IN ${among(ACTIVE)}
    ORDER BY r.id FOR UPDATE OF r`.execute(tx)
  return rows
}

/** Locks those people that nobody else has locked, without waiting (slots are locked already: waiting could deadlock). Answers how many. */
export async function lockIdleMembers(tx: Transaction, userIds: readonly number[]): Promise<number> {
  const { rows } = await sql`SELECT user_id FROM venue_members
    WHERE user_id = ANY (${userIds}) ORDER BY user_id FOR UPDATE SKIP LOCKED`.execute(tx)
  return rows.length
}

/** Displaces locked reservations and gives their places back. Answers until when each may be booked again. */
export async function displace(
  tx: Transaction,
  ids: readonly number[],
  cause: Cause,
): Promise<ReadonlyMap<number, Date>> {
  const { rows } = await sql<{ id: number; until: Date }>`
    UPDATE reservations SET status = 'displaced', updated_at = ${cause.now}, ended_by = ${cause.endedBy}, end_reason = ${cause.reason},
      rebook_until = greatest(start_at, ${cause.now}::timestamptz) + make_interval(mins => ${REBOOK_MINUTES}::int)
    WHERE id = ANY (${ids}) AND status IN ${among(lifecycle.sourcesOf('displaced'))}
    RETURNING id, rebook_until AS until`.execute(tx)
  await movePlaces({
    taken: sql`(-gone.places)`,
    held: sql`0`,
    from: sql`(SELECT slot_id, sum(party_size)::int AS places FROM reservations WHERE id = ANY (${ids}) GROUP BY slot_id) AS gone`,
    guard: sql`s.id = gone.slot_id`,
  }).execute(tx)
  return new Map(rows.map(({ id, until }) => [id, until]))
}

/** Completes locked reservations of people who are there: their minutes (attendance/rules.ts `actualMinutes`) end now. Their places stay taken. */
export async function complete(tx: Transaction, ids: readonly number[], cause: Cause): Promise<void> {
  await sql`
    UPDATE reservations SET status = 'completed', updated_at = ${cause.now}, ended_by = ${cause.endedBy}, end_reason = ${cause.reason},
      checked_out_at = ${cause.now},
      actual_minutes = greatest(0, floor(extract(epoch FROM least(${cause.now}::timestamptz, end_at) - greatest(checked_in_at, start_at)) / 60))::int
    WHERE id = ANY (${ids}) AND status IN ${among(lifecycle.sourcesOf('completed'))}`.execute(tx)
}

/** Gives back in full what ended reservations had cost, each with its line in the ledger. The people are locked. */
export async function returnPoints(tx: Transaction, ids: readonly number[], now: Date): Promise<void> {
  await sql`
    WITH owed AS (
      SELECT id, user_id, points_paid, sum(points_paid) OVER (PARTITION BY user_id ORDER BY id) AS so_far
      FROM reservations WHERE id = ANY (${ids}) AND points_paid > 0
    ), paid AS (
      UPDATE venue_members m SET points = m.points + t.total
      FROM (SELECT user_id, sum(points_paid)::int AS total FROM owed GROUP BY user_id) t
      WHERE m.user_id = t.user_id RETURNING m.user_id, m.points - t.total AS before
    )
    INSERT INTO points_ledger (user_id, delta, balance, reason, reservation_id, created_at)
    SELECT o.user_id, o.points_paid, p.before + o.so_far, 'refund', o.id, ${now}::timestamptz
    FROM owed o JOIN paid p USING (user_id) ORDER BY o.id`.execute(tx)
}

/** Adds `credit` for each kept reservation, up to `most`, and writes what really changed to the ledger. The people are locked. */
export async function rewardKept(
  tx: Transaction,
  ids: readonly number[],
  { credit, most, now }: { readonly credit: number; readonly most: number; readonly now: Date },
): Promise<void> {
  await sql`
    WITH kept AS (
      SELECT r.id, r.user_id, m.credit, (row_number() OVER (PARTITION BY r.user_id ORDER BY r.id))::int AS nth
      FROM reservations r JOIN venue_members m USING (user_id) WHERE r.id = ANY (${ids})
    ), step AS (
      SELECT id, user_id, least(${most}::int, credit + ${credit}::int * (nth - 1)) AS before,
        least(${most}::int, credit + ${credit}::int * nth) AS score FROM kept
    ), raised AS (
      UPDATE venue_members m SET credit = t.score FROM (SELECT user_id, max(score) AS score FROM step GROUP BY user_id) t
      WHERE m.user_id = t.user_id AND m.credit < t.score
    )
    INSERT INTO credit_ledger (user_id, delta, score, reason, reservation_id, created_at)
    SELECT user_id, score - before, score, 'kept', id, ${now}::timestamptz FROM step WHERE score > before ORDER BY id`.execute(
    tx,
  )
}

/** Somebody who was in a waiting list that has ended. */
export interface Outwaited {
  readonly id: number
  readonly userId: number
  /** A place was held for them. */
  readonly offered: boolean
  readonly venueId: number
  readonly venueName: string
  readonly startAt: Date
  readonly endAt: Date
}

/** Ends the waiting lists of locked slots: nobody waits any more, and what was held for offers is free. Answers who was in them. */
export async function endQueues(tx: Transaction, slotIds: readonly number[], now: Date): Promise<readonly Outwaited[]> {
  const { rows } = await sql<Outwaited>`
    WITH waiting AS (
      SELECT id, slot_id, user_id, state = 'offered' AS offered, CASE WHEN state = 'offered' THEN party_size ELSE 0 END AS places FROM waiting_list
      WHERE slot_id = ANY (${slotIds}) AND state IN ('waiting', 'offered') FOR UPDATE
    ), ended AS (
      UPDATE waiting_list w SET state = 'expired', offer_expires_at = NULL, updated_at = ${now}::timestamptz
      FROM waiting WHERE w.id = waiting.id
    ), freed AS (${movePlaces({
      taken: sql`0`,
      held: sql`(-gone.places)`,
      from: sql`(SELECT slot_id, sum(places)::int AS places FROM waiting GROUP BY slot_id HAVING sum(places) > 0) AS gone`,
      guard: sql`s.id = gone.slot_id`,
    })})
    SELECT w.id, w.user_id AS "userId", w.offered, s.venue_id AS "venueId", v.name AS "venueName", s.start_at AS "startAt", s.end_at AS "endAt"
    FROM waiting w JOIN time_slots s ON s.id = w.slot_id JOIN venues v ON v.id = s.venue_id ORDER BY w.id`.execute(tx)
  return rows
}

/** Rows of one INSERT: a message with its alternatives has about a kilobyte. */
const BATCH = 500

/** Leaves messages and their entries of the operation log in the outbox, in their order, some hundred at a time. Texts are jsonb. */
export async function leaveInOutbox(
  tx: Transaction,
  entries: readonly { readonly message: string; readonly operation: string }[],
  now: Date,
): Promise<void> {
  for (let start = 0; start < entries.length; start += BATCH) {
    const batch = entries.slice(start, start + BATCH)
    const json = `[${batch.map(({ message, operation }) => `[${message},${operation}]`).join()}]`
    await sql`INSERT INTO outbox (message, operation, created_at)
      SELECT e.pair -> 0, e.pair -> 1, ${now}::timestamptz
      FROM jsonb_array_elements(${json}::text::jsonb) WITH ORDINALITY AS e (pair, nth) ORDER BY e.nth`.execute(tx)
  }
}
