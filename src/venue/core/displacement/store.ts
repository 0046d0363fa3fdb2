import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { among, anyOf } from '../../../kernel/database/literals.ts'
import { movePlaces } from '../placesStore.ts'
import { ACTIVE, lifecycle, type ReservationStatus } from '../states.ts'
import { REBOOK_MINUTES } from './rules.ts'

/** Reservations to end: all active ones of these slots, or these ones. */
export type Target = { readonly slotIds: readonly number[] } | { readonly reservationIds: readonly number[] }

/** A reservation to end, as it was before. */
export interface Targeted {
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

/** Time, actor and reason of the end. */
export interface Cause {
  readonly now: Date
  readonly endedBy: number | null
  readonly reason: string
}

const isTargeted = (target: Target): RawBuilder<boolean> =>
  'slotIds' in target
    ? sql`r.slot_id = ANY (${target.slotIds}::bigint[])`
    : sql`r.id = ANY (${target.reservationIds}::bigint[])`

/** The active reservations of a target, as `r`. */
const targeted = (db: Database, target: Target) =>
  db.selectFrom('reservations as r').where(isTargeted(target)).where('r.status', 'in', among(ACTIVE))

/** People and slots of the active reservations of a target. Locks nothing. */
export async function findTargeted(
  db: Database,
  target: Target,
): Promise<readonly { readonly userId: number; readonly slotId: number }[]> {
  return targeted(db, target).select(['r.user_id as userId', 'r.slot_id as slotId']).distinct().execute()
}

/** Locks the active reservations of a target, by id. People and slots must be locked before. */
export async function lockTargeted(tx: Transaction, target: Target): Promise<readonly Targeted[]> {
  return targeted(tx, target)
    .innerJoin('venues as v', 'v.id', 'r.venue_id')
    .select(['r.id', 'r.user_id as userId', 'r.slot_id as slotId', 'r.venue_id as venueId', 'v.name as venueName'])
    .select(['r.start_at as startAt', 'r.end_at as endAt', 'r.party_size as partySize', 'r.points_paid as pointsPaid'])
    .select('r.status')
    .orderBy('r.id')
    .forUpdate('r')
    .execute()
}

/**
 * Locks the people that nobody else has locked and returns their number. Does not wait: slots are locked already, so
 * waiting could deadlock.
 */
export async function lockIdleMembers(tx: Transaction, userIds: readonly number[]): Promise<number> {
  const members = await tx
    .selectFrom('venue_members')
    .select('user_id')
    .where('user_id', '=', anyOf(userIds))
    .orderBy('user_id')
    .forUpdate()
    .skipLocked()
    .execute()
  return members.length
}

/** Displaces locked reservations and releases their places. Returns until when each may be rebooked. */
export async function displace(
  tx: Transaction,
  ids: readonly number[],
  cause: Cause,
): Promise<ReadonlyMap<number, Date>> {
  const { rows } = await sql<{ id: number; until: Date }>`
    UPDATE reservations
    SET
      status = 'displaced',
      updated_at = ${cause.now},
      ended_by = ${cause.endedBy},
      end_reason = ${cause.reason},
      rebook_until = greatest(start_at, ${cause.now}::timestamptz) + make_interval(mins => ${REBOOK_MINUTES}::int)
    WHERE id = ANY (${ids}) AND status IN ${among(lifecycle.sourcesOf('displaced'))}
    RETURNING id, rebook_until AS until`.execute(tx)
  await movePlaces({
    taken: sql`(-gone.places)`,
    held: sql`0`,
    from: sql`(
      SELECT slot_id, sum(party_size)::int AS places
      FROM reservations
      WHERE id = ANY (${ids})
      GROUP BY slot_id
    ) AS gone`,
    guard: sql`s.id = gone.slot_id`,
  }).execute(tx)
  return new Map(rows.map(({ id, until }) => [id, until]))
}

/**
 * Completes locked reservations of people who are present. Their minutes (attendance/rules.ts `actualMinutes`) end now;
 * their places stay taken.
 */
export async function complete(tx: Transaction, ids: readonly number[], cause: Cause): Promise<void> {
  const used = sql`least(${cause.now}::timestamptz, end_at) - greatest(checked_in_at, start_at)`
  await sql`
    UPDATE reservations
    SET
      status = 'completed',
      updated_at = ${cause.now},
      ended_by = ${cause.endedBy},
      end_reason = ${cause.reason},
      checked_out_at = ${cause.now},
      actual_minutes = greatest(0, floor(extract(epoch FROM ${used}) / 60))::int
    WHERE id = ANY (${ids}) AND status IN ${among(lifecycle.sourcesOf('completed'))}`.execute(tx)
}

/** Returns the points of ended reservations in full, with a line in the ledger for each. The people must be locked. */
export async function returnPoints(tx: Transaction, ids: readonly number[], now: Date): Promise<void> {
  await sql`
    WITH owed AS (
      SELECT id, user_id, points_paid, sum(points_paid) OVER (PARTITION BY user_id ORDER BY id) AS so_far
      FROM reservations
      WHERE id = ANY (${ids}) AND points_paid > 0
    ), paid AS (
      UPDATE venue_members m
      SET points = m.points + t.total
      FROM (SELECT user_id, sum(points_paid)::int AS total FROM owed GROUP BY user_id) t
      WHERE m.user_id = t.user_id
      RETURNING m.user_id, m.points - t.total AS before
    )
    INSERT INTO points_ledger (user_id, delta, balance, reason, reservation_id, created_at)
    SELECT o.user_id, o.points_paid, p.before + o.so_far, 'refund', o.id, ${now}::timestamptz
    FROM owed o
    JOIN paid p USING (user_id)
    ORDER BY o.id`.execute(tx)
}

/**
 * Adds `credit` for each kept reservation, up to `most`, and writes the actual change to the ledger. The people must be
 * locked.
 */
export async function rewardKept(
  tx: Transaction,
  ids: readonly number[],
  { credit, most, now }: { readonly credit: number; readonly most: number; readonly now: Date },
): Promise<void> {
  await sql`
    WITH kept AS (
      SELECT r.id, r.user_id, m.credit, (row_number() OVER (PARTITION BY r.user_id ORDER BY r.id))::int AS nth
      FROM reservations r
      JOIN venue_members m USING (user_id)
      WHERE r.id = ANY (${ids})
    ), step AS (
      SELECT
        id,
        user_id,
        least(${most}::int, credit + ${credit}::int * (nth - 1)) AS before,
        least(${most}::int, credit + ${credit}::int * nth) AS score
      FROM kept
    ), raised AS (
      UPDATE venue_members m
      SET credit = t.score
      FROM (SELECT user_id, max(score) AS score FROM step GROUP BY user_id) t
      WHERE m.user_id = t.user_id AND m.credit < t.score
    )
    INSERT INTO credit_ledger (user_id, delta, score, reason, reservation_id, created_at)
    SELECT user_id, score - before, score, 'kept', id, ${now}::timestamptz
    FROM step
    WHERE score > before
    ORDER BY id`.execute(tx)
}

/** A waiting-list entry that has ended with its slot. */
export interface EndedEntry {
  readonly id: number
  readonly userId: number
  /** Whether a place was held for this person. */
  readonly offered: boolean
  readonly venueId: number
  readonly venueName: string
  readonly startAt: Date
  readonly endAt: Date
}

/**
 * Ends the waiting lists of locked slots and releases the places held for offers. Returns the entries that have ended.
 */
export async function endQueues(
  tx: Transaction,
  slotIds: readonly number[],
  now: Date,
): Promise<readonly EndedEntry[]> {
  const { rows } = await sql<EndedEntry>`
    WITH waiting AS (
      SELECT
        id, slot_id, user_id,
        state = 'offered' AS offered,
        CASE WHEN state = 'offered' THEN party_size ELSE 0 END AS places
      FROM waiting_list
      WHERE slot_id = ANY (${slotIds}) AND state IN ('waiting', 'offered')
      FOR UPDATE
    ), ended AS (
      UPDATE waiting_list w
      SET state = 'expired', offer_expires_at = NULL, updated_at = ${now}::timestamptz
      FROM waiting
      WHERE w.id = waiting.id
    ), freed AS (${movePlaces({
      taken: sql`0`,
      held: sql`(-gone.places)`,
      from: sql`(
        SELECT slot_id, sum(places)::int AS places
        FROM waiting
        GROUP BY slot_id
        HAVING sum(places) > 0
      ) AS gone`,
      guard: sql`s.id = gone.slot_id`,
    })})
    SELECT
      w.id, w.user_id AS "userId", w.offered,
      s.venue_id AS "venueId", v.name AS "venueName", s.start_at AS "startAt", s.end_at AS "endAt"
    FROM waiting w
    JOIN time_slots s ON s.id = w.slot_id
    JOIN venues v ON v.id = s.venue_id
    ORDER BY w.id`.execute(tx)
  return rows
}

/** Rows per INSERT. A message with its alternatives is about 1 kB. */
const BATCH = 500

/** Adds messages and their entries of the operation log to the outbox, in order and in batches. The texts are JSON. */
export async function leaveInOutbox(
  tx: Transaction,
  entries: readonly { readonly message: string; readonly operation: string }[],
  now: Date,
): Promise<void> {
  for (let start = 0; start < entries.length; start += BATCH) {
    const batch = entries.slice(start, start + BATCH)
    const json = `[${batch.map(({ message, operation }) => `[${message},${operation}]`).join()}]`
    await sql`
      INSERT INTO outbox (message, operation, created_at)
      SELECT e.pair -> 0, e.pair -> 1, ${now}::timestamptz
      FROM jsonb_array_elements(${json}::text::jsonb) WITH ORDINALITY AS e (pair, nth)
      ORDER BY e.nth`.execute(tx)
  }
}
