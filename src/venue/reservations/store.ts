import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { among } from '../../kernel/database/literals.ts'
import { Stale } from '../../kernel/database/transaction.ts'
import { type BookingRules, DEFAULT_RULES, effectiveRules, type OwnRules } from '../rules/rules.ts'
import type { BookingFacts, Terms } from './rules.ts'
import { ACTIVE, HOLDING, lifecycle, type ReservationStatus } from './states.ts'

/** A reservation as the product knows it. */
export interface Reservation {
  readonly id: number
  readonly userId: number
  readonly slotId: number
  readonly venueId: number
  readonly venueName: string
  readonly startAt: Date
  readonly endAt: Date
  readonly partySize: number
  readonly status: ReservationStatus
  readonly byLeader: boolean
  readonly pointsPaid: number
  readonly seriesId: string | null
  readonly checkedInAt: Date | null
  readonly checkedOutAt: Date | null
  readonly actualMinutes: number | null
  readonly endedBy: number | null
  readonly endReason: string | null
  readonly rebookUntil: Date | null
  readonly rebookedAs: number | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** Columns of a Reservation, from `reservations r JOIN venues v`. */
const reservationColumns = sql`
  r.id, r.user_id AS "userId", r.slot_id AS "slotId", r.venue_id AS "venueId", v.name AS "venueName",
  r.start_at AS "startAt", r.end_at AS "endAt", r.party_size AS "partySize", r.status, r.by_leader AS "byLeader",
  r.points_paid AS "pointsPaid", r.series_id AS "seriesId", r.checked_in_at AS "checkedInAt",
  r.checked_out_at AS "checkedOutAt", r.actual_minutes AS "actualMinutes", r.ended_by AS "endedBy",
  r.end_reason AS "endReason", r.rebook_until AS "rebookUntil", r.rebooked_as AS "rebookedAs",
  r.created_at AS "createdAt", r.updated_at AS "updatedAt"`

/** The rules of a venue: its own, else its sport venue's, else the system's; NULL where none says. Needs `v` in scope. */
const ruleColumns = sql.raw(
  Object.keys(DEFAULT_RULES)
    .map((name) => `coalesce(r1."${name}", r2."${name}", r3."${name}") AS "${name}"`)
    .join(', '),
)
/** The three layers of booking rules of a venue, for `coalesce(r1.…, r2.…, r3.…)`. Needs `v` in scope. */
export const ruleJoins = sql`
  LEFT JOIN booking_rules r1 ON r1.venue_id = v.id
  LEFT JOIN booking_rules r2 ON r2.sport_venue_id = v.sport_venue_id
  LEFT JOIN booking_rules r3 ON r3.venue_id IS NULL AND r3.sport_venue_id IS NULL`

/** A slot lasts a day at most, so what a person has running started within the last one. */
const LONGEST_SLOT = '1 day'

export interface FactsOf {
  readonly userId: number
  readonly slotId: number
  /** A reservation that is about to be moved: it does not stand in its own way. */
  readonly except?: number
}

type FactsRow = {
  id: number
  venueId: number
  venueName: string
  startAt: Date
  endAt: Date
  capacity: number
  taken: number
  held: number
  open: boolean
  daysAhead: number
  revision: number | null
  credit: number
  points: number
  active: number
  day: number
  week: number
  ownOverlap: boolean | null
  entryId: number | null
  heldForMember: number
} & OwnRules

/** What is known of a wish: null when there is no such slot, `member: null` when the person has no row in venue_members yet. */
export type FactsAnswer = (Omit<BookingFacts, 'member'> & { readonly member: BookingFacts['member'] | null }) | null

/** Reads all that the decision about a booking rests on, in one statement. `zone` decides what a day and a week are. */
export async function bookingFacts(db: Database, of: FactsOf, now: Date, zone: string): Promise<FactsAnswer> {
  const { rows } = await sql<FactsRow>`
    SELECT s.id, s.venue_id AS "venueId", v.name AS "venueName", s.start_at AS "startAt", s.end_at AS "endAt",
      s.capacity, s.taken, s.held, s.open,
      (s.start_at AT TIME ZONE ${zone})::date - (${now}::timestamptz AT TIME ZONE ${zone})::date AS "daysAhead",
      ${ruleColumns},
      m.revision, coalesce(m.credit, 0) AS credit, coalesce(m.points, 0) AS points,
      mine.active, mine.day, mine.week, mine.overlap AS "ownOverlap",
      w.id AS "entryId", CASE WHEN w.state = 'offered' THEN w.party_size ELSE 0 END AS "heldForMember"
    FROM time_slots s
    JOIN venues v ON v.id = s.venue_id
    ${ruleJoins}
    LEFT JOIN venue_members m ON m.user_id = ${of.userId}
    LEFT JOIN waiting_list w ON w.slot_id = s.id AND w.user_id = ${of.userId}
      AND (w.state = 'waiting' OR w.state = 'offered' AND w.offer_expires_at > ${now})
    CROSS JOIN LATERAL (
      SELECT
        (count(*) FILTER (WHERE r.venue_id = s.venue_id AND r.end_at > ${now} AND r.status IN ${among(ACTIVE)}))::int AS active,
        (count(*) FILTER (WHERE r.venue_id = s.venue_id AND r.status IN ${among(COUNTED)}
          AND date_trunc('day', r.start_at, ${zone}) = date_trunc('day', s.start_at, ${zone})))::int AS day,
        (count(*) FILTER (WHERE r.venue_id = s.venue_id AND r.status IN ${among(COUNTED)}
          AND date_trunc('week', r.start_at, ${zone}) = date_trunc('week', s.start_at, ${zone})))::int AS week,
        bool_or(r.status IN ${among(ACTIVE)} AND r.during && s.during) AS overlap
      FROM reservations r
      WHERE r.user_id = ${of.userId} AND r.id <> ${of.except ?? 0}
        AND r.start_at >= least(date_trunc('week', s.start_at, ${zone}), ${now}::timestamptz - ${LONGEST_SLOT}::interval)
    ) mine
    WHERE s.id = ${of.slotId} AND s.deleted_at IS NULL AND v.deleted_at IS NULL`.execute(db)
  const [row] = rows
  if (!row) return null
  return {
    slot: { ...row, closedBy: row.open ? null : await closureKind(db, row.id) },
    rules: effectiveRules(row, null, null),
    member:
      row.revision === null
        ? null
        : {
            revision: row.revision,
            credit: row.credit,
            points: row.points,
            counts: { active: row.active, day: row.day, week: row.week },
            ownOverlap: row.ownOverlap ?? false,
            entryId: row.entryId,
            heldForMember: row.heldForMember,
          },
  }
}

/** The kind of the closure that covers a slot; `closed` comes before `maintenance`. Asked only for slots that are not open. */
async function closureKind(db: Database, slotId: number): Promise<'closed' | 'maintenance' | null> {
  const { rows } = await sql<{ kind: 'closed' | 'maintenance' }>`
    SELECT c.kind FROM time_slots s JOIN venues v ON v.id = s.venue_id
    JOIN closures c ON (c.venue_id = v.id OR c.sport_venue_id = v.sport_venue_id) AND c.cancelled_at IS NULL AND c.during && s.during
    WHERE s.id = ${slotId} ORDER BY c.kind LIMIT 1`.execute(db)
  return rows[0]?.kind ?? null
}

/** States that use up a limit per day or week: what was cancelled, rejected or displaced was not had. */
const COUNTED: readonly ReservationStatus[] = ['pending', 'confirmed', 'checked_in', 'completed', 'no_show']

/**
 * The one way places of a slot move: an UPDATE that adds to `taken` and `held` where `guard` holds. Capacity is guarded here
 * (and by CHECK); whoever frees places afterwards offers them to the waiting list.
 */
export function movePlaces(move: {
  taken: RawBuilder<unknown>
  held: RawBuilder<unknown>
  from?: RawBuilder<unknown>
  guard: RawBuilder<unknown>
}) {
  return sql`UPDATE time_slots s SET taken = s.taken + ${move.taken}, held = s.held + ${move.held}
    ${move.from ? sql`FROM ${move.from}` : sql``}
    WHERE ${move.guard} AND s.taken + s.held + ${move.taken} + ${move.held} <= s.capacity`
}

export interface Taking {
  readonly facts: BookingFacts
  readonly userId: number
  readonly partySize: number
  readonly terms: Terms
  readonly byLeader: boolean
  readonly seriesId: string | null
  readonly now: Date
  /** jsonb texts for the outbox; the reservation's id and a key are put in here. */
  readonly message: string
  readonly operation: string
}

/**
 * Takes the places and makes the reservation, its payment, its claim on an offer and its outbox row in ONE statement.
 * Guards: the person's revision and points, the slot's capacity, openness and existence; the overlap constraint.
 * A guard that no longer holds undoes everything and is a Stale: the caller reads fresh facts and decides anew.
 * @throws Conflict `own_overlap` by constraint.
 */
export async function takePlace(db: Database, t: Taking): Promise<{ id: number }> {
  const { slot, member } = t.facts
  const cost = t.terms.pointsCost
  const claimed = member.entryId !== null
  const { rows } = await sql<{ id: number }>`
    WITH person AS (
      UPDATE venue_members SET revision = revision + 1, points = points - ${cost}::int
      WHERE user_id = ${t.userId} AND revision = ${member.revision} AND points >= ${cost}::int
      RETURNING user_id, points
    ), place AS (
      ${movePlaces({
        taken: sql`${t.partySize}::int`,
        held: sql`${-member.heldForMember}::int`,
        from: sql`person`,
        guard: sql`s.id = ${slot.id} AND s.open AND s.deleted_at IS NULL AND s.start_at = ${slot.startAt} AND s.end_at = ${slot.endAt}`,
      })}
      RETURNING s.id, s.venue_id, s.start_at, s.end_at
    ), booked AS (
      INSERT INTO reservations (user_id, slot_id, venue_id, start_at, end_at, party_size, status, by_leader, points_paid, series_id, created_at, updated_at)
      SELECT ${t.userId}::bigint, id, venue_id, start_at, end_at, ${t.partySize}::int, ${t.terms.status}::text, ${t.byLeader}::boolean,
        ${cost}::int, ${t.seriesId}::uuid, ${t.now}::timestamptz, ${t.now}::timestamptz
      FROM place
      RETURNING id
    ), ${
      cost > 0
        ? sql`paid AS (
      INSERT INTO points_ledger (user_id, delta, balance, reason, reservation_id, created_at)
      SELECT person.user_id, ${-cost}::int, person.points, 'booking', booked.id, ${t.now}::timestamptz FROM booked, person
    ), `
        : sql``
    }${
      claimed
        ? sql`claimed AS (
      UPDATE waiting_list w SET state = 'booked', offer_expires_at = NULL, reservation_id = booked.id, updated_at = ${t.now}::timestamptz
      FROM booked WHERE w.id = ${member.entryId} AND w.state = ${member.heldForMember > 0 ? 'offered' : 'waiting'} RETURNING w.id
    ), `
        : sql``
    }told AS (
      INSERT INTO outbox (message, operation, created_at)
      SELECT jsonb_set(${t.message}::jsonb, '{data,reservation_id}', to_jsonb(id)) || jsonb_build_object('key', 'reservation:' || id || ':' || ${t.terms.status}::text),
        ${t.operation}::jsonb || jsonb_build_object('resourceId', id::text), ${t.now}::timestamptz
      FROM booked
    )
    SELECT id FROM booked
    UNION ALL
    SELECT 0 WHERE CASE WHEN NOT EXISTS (SELECT FROM booked) ${claimed ? sql`OR NOT EXISTS (SELECT FROM claimed)` : sql``} THEN refuse('stale') END`.execute(
    db,
  )
  const [row] = rows
  if (!row) throw new Error('a booking that was not refused has no row')
  return row
}

/** One reservation, or null. */
export async function findReservation(db: Database, id: number): Promise<Reservation | null> {
  const { rows } = await sql<Reservation>`
    SELECT ${reservationColumns} FROM reservations r JOIN venues v ON v.id = r.venue_id WHERE r.id = ${id}`.execute(db)
  return rows[0] ?? null
}

/** The rules in force at a venue. */
export async function venueRules(db: Database, venueId: number): Promise<BookingRules> {
  const { rows } = await sql<OwnRules>`
    SELECT ${ruleColumns} FROM venues v ${ruleJoins} WHERE v.id = ${venueId}`.execute(db)
  return effectiveRules(rows[0], null, null)
}

export interface ReservationFilter {
  readonly userId?: number
  readonly status?: ReservationStatus
  readonly venueId?: number
  readonly from?: Date
  readonly to?: Date
}

const SORTS = {
  start_at: sql`r.start_at`,
  created_at: sql`r.created_at`,
  id: sql`r.id`,
} as const

export type ReservationSort = keyof typeof SORTS

/** One page of reservations and how many there are in all. */
export async function listReservations(
  db: Database,
  filter: ReservationFilter,
  page: {
    readonly offset: number
    readonly limit: number
    readonly sort: ReservationSort
    readonly descending: boolean
  },
): Promise<{ items: readonly Reservation[]; total: number }> {
  const conditions = [sql`true`]
  if (filter.userId !== undefined) conditions.push(sql`r.user_id = ${filter.userId}`)
  if (filter.status !== undefined) conditions.push(sql`r.status = ${filter.status}`)
  if (filter.venueId !== undefined) conditions.push(sql`r.venue_id = ${filter.venueId}`)
  if (filter.from !== undefined) conditions.push(sql`r.start_at >= ${filter.from}`)
  if (filter.to !== undefined) conditions.push(sql`r.start_at < ${filter.to}`)
  const where = sql.join(conditions, sql` AND `)
  const direction = page.descending ? sql`DESC` : sql`ASC`
  const { rows } = await sql<Reservation>`
    SELECT ${reservationColumns} FROM reservations r JOIN venues v ON v.id = r.venue_id
    WHERE ${where} ORDER BY ${SORTS[page.sort]} ${direction}, r.id ${direction}
    LIMIT ${page.limit} OFFSET ${page.offset}`.execute(db)
  const count = await sql<{ total: number }>`SELECT count(*) AS total FROM reservations r WHERE ${where}`.execute(db)
  return { items: rows, total: count.rows[0]?.total ?? 0 }
}

/** How a reservation leaves the state it is in. */
export interface Ending {
  readonly to: ReservationStatus
  readonly now: Date
  readonly endedBy?: number | null
  readonly reason?: string | null
  readonly rebookUntil?: Date | null
}

/**
 * Moves a reservation to another state where the lifecycle allows it, and its places with it: false when it is no longer in
 * a state that may. Locks the reservation, then its slot; lock the person first (`lockMembers`) when their points or credit change too.
 */
export async function moveState(tx: Transaction, id: number, ending: Ending): Promise<boolean> {
  const moved = await sql<{ slot_id: number; party_size: number }>`
    UPDATE reservations SET status = ${ending.to}, updated_at = ${ending.now},
      ended_by = coalesce(${ending.endedBy ?? null}::bigint, ended_by), end_reason = coalesce(${ending.reason ?? null}::text, end_reason),
      rebook_until = coalesce(${ending.rebookUntil ?? null}::timestamptz, rebook_until)
    WHERE id = ${id} AND status IN ${among(lifecycle.sourcesOf(ending.to))}
    RETURNING slot_id, party_size`.execute(tx)
  const [row] = moved.rows
  if (!row) return false
  if (!HOLDING.includes(ending.to)) await freePlaces(tx, row.slot_id, row.party_size)
  return true
}

/** Gives places of a slot back. */
async function freePlaces(tx: Transaction, slotId: number, places: number): Promise<void> {
  await movePlaces({ taken: sql`${-places}::int`, held: sql`0`, guard: sql`s.id = ${slotId}` }).execute(tx)
}

/** A person who can be booked for: active, and whether they have a leader's priority. */
export async function findPerson(db: Database, userId: number): Promise<{ readonly isLeader: boolean } | null> {
  const { rows } = await sql<{ isLeader: boolean }>`
    SELECT EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = 'venue:leader') AS "isLeader"
    FROM users u WHERE u.id = ${userId} AND u.status = 'active'`.execute(db)
  return rows[0] ?? null
}

/** Locks slots in one order (by id), after the people and before the waiting lists. */
export async function lockSlots(tx: Transaction, slotIds: readonly number[]): Promise<void> {
  await sql`SELECT id FROM time_slots WHERE id = ANY (${slotIds}) ORDER BY id FOR UPDATE`.execute(tx)
}

/**
 * Moves a pending or confirmed reservation into another slot on the facts read of it. Payment is the caller's.
 * @throws Stale when the person, the reservation or the slot has changed since, Conflict `own_overlap` by constraint.
 */
export async function changeSlot(
  tx: Transaction,
  change: {
    readonly reservation: Reservation
    readonly facts: BookingFacts
    readonly terms: Terms
    readonly now: Date
  },
): Promise<void> {
  const { reservation, facts, terms, now } = change
  const person = await sql`UPDATE venue_members SET revision = revision + 1
    WHERE user_id = ${reservation.userId} AND revision = ${facts.member.revision} RETURNING user_id`.execute(tx)
  if (person.rows.length === 0) throw new Stale()
  // Before the reservation names its new slot: that takes a share lock on it.
  await lockSlots(tx, [reservation.slotId, facts.slot.id])
  const moved = await sql`
    UPDATE reservations SET slot_id = ${facts.slot.id}, venue_id = ${facts.slot.venueId}, start_at = ${facts.slot.startAt}, end_at = ${facts.slot.endAt},
      status = ${terms.status}, points_paid = ${terms.pointsCost}, updated_at = ${now}, day_reminder = false, hour_reminder = false
    WHERE id = ${reservation.id} AND slot_id = ${reservation.slotId} AND status IN ${among(MOVABLE)} RETURNING id`.execute(
    tx,
  )
  if (moved.rows.length === 0) throw new Stale()
  await freePlaces(tx, reservation.slotId, reservation.partySize)
  const taken = await sql`${movePlaces({
    taken: sql`${reservation.partySize}::int`,
    held: sql`0`,
    guard: sql`s.id = ${facts.slot.id} AND s.open AND s.deleted_at IS NULL`,
  })} RETURNING s.id`.execute(tx)
  if (taken.rows.length === 0) throw new Stale()
}

const MOVABLE: readonly ReservationStatus[] = ['pending', 'confirmed']

/** What is known of a span of time at a venue: null when there is no such venue. */
export async function spanFacts(
  db: Database,
  of: { readonly venueId: number; readonly userId: number; readonly start: Date; readonly end: Date },
): Promise<{
  readonly slotId: number | null
  readonly closedBy: 'closed' | 'maintenance' | null
  readonly ownOverlap: boolean
} | null> {
  const span = sql`tstzrange(${of.start}::timestamptz, ${of.end}::timestamptz)`
  const { rows } = await sql<{ slotId: number | null; closedBy: 'closed' | 'maintenance' | null; ownOverlap: boolean }>`
    SELECT
      (SELECT s.id FROM time_slots s WHERE s.venue_id = v.id AND s.deleted_at IS NULL AND s.start_at = ${of.start} AND s.end_at = ${of.end}) AS "slotId",
      (SELECT c.kind FROM closures c WHERE (c.venue_id = v.id OR c.sport_venue_id = v.sport_venue_id) AND c.cancelled_at IS NULL
        AND c.during && ${span} ORDER BY c.kind LIMIT 1) AS "closedBy",
      EXISTS (SELECT FROM reservations r WHERE r.user_id = ${of.userId} AND r.status IN ${among(ACTIVE)}
        AND r.during && ${span}) AS "ownOverlap"
    FROM venues v WHERE v.id = ${of.venueId} AND v.deleted_at IS NULL`.execute(db)
  return rows[0] ?? null
}

/** A person's reservations that have not been used yet, by slot. */
export async function upcomingOf(tx: Transaction, userId: number): Promise<readonly Reservation[]> {
  const { rows } = await sql<Reservation>`
    SELECT ${reservationColumns} FROM reservations r JOIN venues v ON v.id = r.venue_id
    WHERE r.user_id = ${userId} AND r.status IN ${among(MOVABLE)} ORDER BY r.slot_id`.execute(tx)
  return rows
}
