import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { gathered, inOrderOf } from '../../kernel/database/gather.ts'
import { allOf, contains, type PageOf, readPage } from '../../kernel/database/lists.ts'
import { among } from '../../kernel/database/literals.ts'
import { Stale } from '../../kernel/database/transaction.ts'
import { ensureMembers } from '../people/members/store.ts'
import { type BookingRules, DEFAULT_RULES, effectiveRules, type OwnRules } from '../places/bookingRules/rules.ts'
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
  readonly now: Date
  /** Decides what a day and a week are. */
  readonly zone: string
}

type FactsRow = {
  nth: number
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
  personActive: boolean | null
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
export type FactsAnswer =
  | (Omit<BookingFacts, 'member'> & {
      readonly member: BookingFacts['member'] | null
      /** False for an account that is disabled or has ended. */
      readonly personActive: boolean
    })
  | null

/** Reads all that the decision about a booking rests on, in one statement; those who ask at the same time share it. */
export async function bookingFacts(db: Database, of: FactsOf): Promise<FactsAnswer> {
  const row = await readRow(db, of)
  if (!row) return null
  return {
    slot: { ...row, closedBy: row.open ? null : await closureKind(db, row.id) },
    rules: effectiveRules(row, null, null),
    personActive: row.personActive ?? false,
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

/** The LIMIT keeps the planner from mixing the wishes up: each is looked up by its ids, however many it expects of them. */
const readRow = gathered(async (db, wishes: readonly FactsOf[]): Promise<readonly (FactsRow | undefined)[]> => {
  const { rows } = await sql<FactsRow>`
    SELECT wish.nth, f.*
    FROM jsonb_to_recordset(${JSON.stringify(wishes.map((wish, nth) => ({ nth, ...wish })))}::text::jsonb) AS wish
      (nth int, "userId" bigint, "slotId" bigint, "except" bigint, now timestamptz, zone text)
    CROSS JOIN LATERAL (
      SELECT s.id, s.venue_id AS "venueId", v.name AS "venueName", s.start_at AS "startAt", s.end_at AS "endAt",
        s.capacity, s.taken, s.held, s.open,
        (s.start_at AT TIME ZONE wish.zone)::date - (wish.now AT TIME ZONE wish.zone)::date AS "daysAhead",
        ${ruleColumns},
        (SELECT u.status = 'active' FROM users u WHERE u.id = wish."userId") AS "personActive",
        m.revision, coalesce(m.credit, 0) AS credit, coalesce(m.points, 0) AS points,
        mine.active, mine.day, mine.week, mine.overlap AS "ownOverlap",
        w.id AS "entryId", CASE WHEN w.state = 'offered' THEN w.party_size ELSE 0 END AS "heldForMember"
      FROM time_slots s
      JOIN venues v ON v.id = s.venue_id
      ${ruleJoins}
      LEFT JOIN venue_members m ON m.user_id = wish."userId"
      LEFT JOIN waiting_list w ON w.slot_id = s.id AND w.user_id = wish."userId"
        AND (w.state = 'waiting' OR w.state = 'offered' AND w.offer_expires_at > wish.now)
      CROSS JOIN LATERAL (
        SELECT
          (count(*) FILTER (WHERE r.venue_id = s.venue_id AND r.end_at > wish.now AND r.status IN ${among(ACTIVE)}))::int AS active,
          (count(*) FILTER (WHERE r.venue_id = s.venue_id AND r.status IN ${among(COUNTED)}
            AND date_trunc('day', r.start_at, wish.zone) = date_trunc('day', s.start_at, wish.zone)))::int AS day,
          (count(*) FILTER (WHERE r.venue_id = s.venue_id AND r.status IN ${among(COUNTED)}
            AND date_trunc('week', r.start_at, wish.zone) = date_trunc('week', s.start_at, wish.zone)))::int AS week,
          bool_or(r.status IN ${among(ACTIVE)} AND r.during && s.during) AS overlap
        FROM reservations r
        WHERE r.user_id = wish."userId" AND r.id IS DISTINCT FROM wish."except"
          AND r.start_at >= least(date_trunc('week', s.start_at, wish.zone), wish.now - ${LONGEST_SLOT}::interval)
      ) mine
      WHERE s.id = wish."slotId" AND s.deleted_at IS NULL AND v.deleted_at IS NULL
      LIMIT 1
    ) f`.execute(db)
  return inOrderOf(wishes, rows)
})

/** The kind of the closure that covers a slot; `closed` comes before `maintenance`. Asked only for slots that are not open. */
export async function closureKind(db: Database, slotId: number): Promise<'closed' | 'maintenance' | null> {
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
 * Takes the places and makes the reservation, its payment, its claim on an offer and its outbox row in ONE statement, which those who
 * book at the same time share. Who gets back by the waiting list what they were displaced from has booked it again by that. Guards: the person's revision and points, the slot's capacity, openness and times, the state of the
 * offer; the overlap constraint. Who books first for a slot comes first.
 * @throws Stale when a guard no longer holds: nothing of this booking has happened, the caller reads fresh facts and decides anew;
 * Conflict `own_overlap` by constraint.
 */
export async function takePlace(db: Database, taking: Taking): Promise<{ id: number }> {
  const id = await takeRow(db, taking)
  if (id === undefined) throw new Stale()
  return { id }
}

/**
 * The rows that guards look at are locked first, in the one order (people, slots, waiting-list entries, each by id); on the locked rows it is
 * judged which bookings stand, and only those are written.
 */
const takeRow = gathered(async (db, takings: readonly Taking[]): Promise<readonly (number | undefined)[]> => {
  const wishes = takings.map(wishOf)
  // Of a thousand newcomers for twenty places few need a row: who finds the slot full doesn't get here.
  const newcomers = takings.filter(({ facts }) => facts.member.revision === null)
  const ids = newcomers.map(({ userId }) => userId)
  if (newcomers[0]) await ensureMembers(db, ids, newcomers[0].now)
  const pays = wishes.some(({ cost }) => cost > 0)
  const claims = wishes.some(({ entry }) => entry !== null)
  const { rows } = await sql<{ nth: number; id: number }>`
    WITH wish AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(withNeighbours(wishes))}::text::jsonb) AS w
        (nth int, person bigint, revision bigint, slot bigint, starts timestamptz, ends timestamptz, before int, party int, held int,
         entry bigint, cost int, status text, leader boolean, series uuid, now timestamptz, message text, operation text)
    ), person AS (
      SELECT m.* FROM (SELECT person, revision, cost FROM wish ORDER BY person) w
      CROSS JOIN LATERAL (
        SELECT m.user_id FROM venue_members m WHERE m.user_id = w.person AND m.revision = w.revision AND m.points >= w.cost FOR UPDATE
      ) m
    ), slot AS (
      SELECT s.* FROM (SELECT DISTINCT slot FROM wish JOIN person ON user_id = wish.person ORDER BY slot) w
      CROSS JOIN LATERAL (
        SELECT s.id, s.start_at, s.end_at, s.capacity - s.taken - s.held AS free
        FROM time_slots s WHERE s.id = w.slot AND s.open AND s.deleted_at IS NULL FOR UPDATE
      ) s
    ), ${
      claims
        ? sql`entry AS (
      SELECT e.* FROM (SELECT w.entry, w.held FROM wish w JOIN slot s ON s.id = w.slot ORDER BY w.entry) w
      CROSS JOIN LATERAL (
        SELECT e.id FROM waiting_list e
        WHERE e.id = w.entry AND e.state = CASE WHEN w.held > 0 THEN 'offered' ELSE 'waiting' END FOR UPDATE
      ) e
    ), `
        : sql``
    }fit AS MATERIALIZED (
      SELECT w.* FROM wish w
      JOIN person p ON p.user_id = w.person
      JOIN slot s ON s.id = w.slot AND s.start_at = w.starts AND s.end_at = w.ends AND w.before + w.party - w.held <= s.free
      ${claims ? sql`WHERE w.entry IS NULL OR w.entry IN (SELECT id FROM entry)` : sql``}
    ), counted AS (
      UPDATE venue_members m SET revision = m.revision + 1, points = m.points - f.cost
      FROM fit f WHERE m.user_id = f.person RETURNING m.user_id, m.points
    ), place AS (
      ${movePlaces({
        taken: sql`f.party`,
        held: sql`-f.held`,
        from: sql`(SELECT slot, sum(party)::int AS party, sum(held)::int AS held FROM fit GROUP BY slot) f`,
        guard: sql`s.id = f.slot`,
      })}
      RETURNING s.id, s.venue_id, s.start_at, s.end_at
    ), booked AS (
      INSERT INTO reservations (user_id, slot_id, venue_id, start_at, end_at, party_size, status, by_leader, points_paid, series_id, created_at, updated_at)
      SELECT c.user_id, s.id, s.venue_id, s.start_at, s.end_at, f.party, f.status, f.leader, f.cost, f.series, f.now, f.now
      FROM fit f JOIN counted c ON c.user_id = f.person JOIN place s ON s.id = f.slot ORDER BY f.nth
      RETURNING id, user_id
    ), ${
      pays
        ? sql`paid AS (
      INSERT INTO points_ledger (user_id, delta, balance, reason, reservation_id, created_at)
      SELECT c.user_id, -f.cost, c.points, 'booking', b.id, f.now
      FROM fit f JOIN counted c ON c.user_id = f.person JOIN booked b ON b.user_id = f.person WHERE f.cost > 0
    ), `
        : sql``
    }${
      claims
        ? sql`claimed AS (
      UPDATE waiting_list w SET state = 'booked', offer_expires_at = NULL, reservation_id = b.id, updated_at = f.now
      FROM fit f JOIN booked b ON b.user_id = f.person WHERE w.id = f.entry
      RETURNING w.slot_id, w.user_id, w.reservation_id, w.updated_at
    ), returned AS (
      UPDATE reservations r SET rebooked_as = c.reservation_id, updated_at = c.updated_at FROM claimed c
      WHERE r.slot_id = c.slot_id AND r.user_id = c.user_id AND r.status = 'displaced' AND r.rebooked_as IS NULL
    ), `
        : sql``
    }told AS (
      INSERT INTO outbox (message, operation, created_at)
      SELECT jsonb_set(f.message::jsonb, '{data,reservation_id}', to_jsonb(b.id)) || jsonb_build_object('key', 'reservation:' || b.id || ':' || f.status),
        f.operation::jsonb || jsonb_build_object('resourceId', b.id::text), f.now
      FROM fit f JOIN booked b ON b.user_id = f.person ORDER BY f.nth
    )
    SELECT f.nth, b.id FROM fit f JOIN booked b ON b.user_id = f.person
    UNION ALL
    SELECT 0, 0 WHERE CASE WHEN (SELECT count(*) FROM booked) < (SELECT count(*) FROM fit) THEN refuse('stale') END`.execute(
    db,
  )
  return inOrderOf(takings, rows).map((row) => row?.id)
})

/** A taking as the statement reads it. */
function wishOf({ facts: { slot, member }, terms, ...t }: Taking, nth: number) {
  return {
    nth,
    person: t.userId,
    revision: member.revision ?? 0,
    slot: slot.id,
    starts: slot.startAt,
    ends: slot.endAt,
    party: t.partySize,
    held: member.heldForMember,
    entry: member.entryId,
    cost: terms.pointsCost,
    status: terms.status,
    leader: t.byLeader,
    series: t.seriesId,
    now: t.now,
    message: t.message,
    operation: t.operation,
  }
}

/**
 * What each wish has to know of those before it: how many places of its slot they may take. Of a person's only the first stays: it moves
 * the revision that the others name too.
 */
function withNeighbours(wishes: readonly ReturnType<typeof wishOf>[]) {
  const people = new Set<number>()
  const wanted = new Map<number, number>()
  return wishes.flatMap((wish) => {
    if (people.has(wish.person)) return []
    people.add(wish.person)
    const before = wanted.get(wish.slot) ?? 0
    // Places that are held for one and not needed come free only if that one's booking stands: nobody counts on them.
    wanted.set(wish.slot, before + Math.max(0, wish.party - wish.held))
    return [{ ...wish, before }]
  })
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
  /** Stands in the name of the venue. */
  readonly venueText?: string
  /** Stands in the name of the venue, or in the name or username of the person. */
  readonly text?: string
}

/** The conditions of a filter, on `reservations r` alone. */
export function matching(filter: ReservationFilter): RawBuilder<unknown> {
  const { userId, status, venueId, from, to, venueText, text } = filter
  return allOf([
    userId !== undefined && sql`r.user_id = ${userId}`,
    status !== undefined && sql`r.status = ${status}`,
    venueId !== undefined && sql`r.venue_id = ${venueId}`,
    from !== undefined && sql`r.start_at >= ${from}`,
    to !== undefined && sql`r.start_at < ${to}`,
    venueText !== undefined && atVenues(venueText),
    text !== undefined &&
      sql`(${atVenues(text)} OR r.user_id IN (
        SELECT id FROM users WHERE ${contains(text, sql`username`, sql`display_name`)}))`,
  ])
}

const atVenues = (text: string) => sql`r.venue_id IN (SELECT id FROM venues WHERE ${contains(text, sql`name`)})`

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
  page: PageOf<ReservationSort>,
): Promise<{ items: readonly Reservation[]; total: number }> {
  const direction = page.descending ? sql`DESC` : sql`ASC`
  return await readPage<Reservation>(db, {
    select: sql`SELECT ${reservationColumns} FROM reservations r JOIN venues v ON v.id = r.venue_id`,
    counted: sql`reservations r`,
    conditions: [matching(filter)],
    // Not `pageClause`: to put NULLs last when it descends, it would sort all reservations of a venue that an index has in order.
    page: sql`ORDER BY ${SORTS[page.sort]} ${direction}, r.id ${direction} LIMIT ${page.limit} OFFSET ${page.offset}`,
  })
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
 * Moves a reservation to another state where the lifecycle allows it, and gives its places back where that state holds none: false when it is no
 * longer in a state that may. A state that had none takes them by `takePlaces`. Locks the reservation, then its slot; lock the person first (`lockMembers`) when their points or credit change too.
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
export async function freePlaces(tx: Transaction, slotId: number, places: number): Promise<void> {
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
    WHERE id = ${reservation.id} AND slot_id = ${reservation.slotId} AND status IN ${among(MOVABLE.filter((from) => from === terms.status || lifecycle.mayMove(from, terms.status)))}
    RETURNING id`.execute(tx)
  if (moved.rows.length === 0) throw new Stale()
  await freePlaces(tx, reservation.slotId, reservation.partySize)
  if (!(await takePlaces(tx, facts.slot, reservation.partySize))) throw new Stale()
}

/** Takes places for a reservation that comes into a slot: false unless the slot is open, lies where it lay when it was read, and has room. */
export async function takePlaces(
  tx: Transaction,
  slot: { readonly id: number; readonly startAt: Date; readonly endAt: Date },
  places: number,
): Promise<boolean> {
  const { rows } = await sql`${movePlaces({
    taken: sql`${places}::int`,
    held: sql`0`,
    guard: sql`s.id = ${slot.id} AND s.start_at = ${slot.startAt} AND s.end_at = ${slot.endAt} AND s.open AND s.deleted_at IS NULL`,
  })} RETURNING s.id`.execute(tx)
  return rows.length === 1
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
