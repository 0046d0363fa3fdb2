import { sql } from 'kysely'
import type { Database } from '../../kernel/database/database.ts'
import { gathered, inOrderOf } from '../../kernel/database/gather.ts'
import { Stale } from '../../kernel/database/transaction.ts'
import { ensureMembers } from './membersStore.ts'
import { movePlaces } from './placesStore.ts'
import type { BookingFacts, Terms } from './rules.ts'

/** A reservation to insert, with the facts of the decision about it. */
export interface ReservationRow {
  readonly facts: BookingFacts
  readonly userId: number
  readonly partySize: number
  readonly terms: Terms
  readonly byLeader: boolean
  readonly seriesId: string | null
  readonly now: Date
  /** JSON texts for the outbox. The statement adds the reservation's id to both and a key to the message. */
  readonly message: string
  readonly operation: string
}

/**
 * Inserts a reservation, takes its places, charges its points, ends its waiting-list entry and adds its outbox row, in
 * ONE statement that concurrent bookings share. Booking from the waiting list marks the displaced reservation as
 * rebooked. Guards: the person's revision and points; the slot's capacity, openness and times; the state of the offer;
 * the overlap constraint. First come, first served.
 * @throws Stale when a guard no longer holds: nothing was written, the caller reads fresh facts and decides again;
 * Conflict `own_overlap` by constraint.
 */
export async function insertReservation(db: Database, row: ReservationRow): Promise<{ id: number }> {
  const id = await insertTogether(db, row)
  if (id === undefined) throw new Stale()
  return { id }
}

const insertTogether = gathered(
  async (db, rows: readonly ReservationRow[]): Promise<readonly (number | undefined)[]> => {
    // Member rows are created late: most newcomers are refused before this.
    const newcomers = rows.filter(({ facts }) => facts.member.revision === null)
    const ids = newcomers.map(({ userId }) => userId)
    if (newcomers[0]) await ensureMembers(db, ids, newcomers[0].now)
    const inserted = await bookingStatement(rows.map(valuesOf)).execute(db)
    return inOrderOf(rows, inserted.rows).map((row) => row?.id)
  },
)

type Values = ReturnType<typeof valuesOf>

/** Values of a row as the statement reads them. */
function valuesOf({ facts: { slot, member }, terms, ...row }: ReservationRow, nth: number) {
  return {
    nth,
    person: row.userId,
    revision: member.revision ?? 0,
    slot: slot.id,
    starts: slot.startAt,
    ends: slot.endAt,
    party: row.partySize,
    held: member.heldForMember,
    entry: member.entryId,
    cost: terms.pointsCost,
    status: terms.status,
    leader: row.byLeader,
    series: row.seriesId,
    now: row.now,
    message: row.message,
    operation: row.operation,
  }
}

/**
 * Adds to each row the number of places that earlier rows of its slot may take. Keeps only the first row of each
 * person, since it raises the revision that the person's other rows name.
 */
function withNeighbours(rows: readonly Values[]) {
  const people = new Set<number>()
  const asked = new Map<number, number>()
  return rows.flatMap((row) => {
    if (people.has(row.person)) return []
    people.add(row.person)
    const before = asked.get(row.slot) ?? 0
    // Held places that a row doesn't need come free only if that row is written: no other row counts on them.
    asked.set(row.slot, before + Math.max(0, row.party - row.held))
    return [{ ...row, before }]
  })
}

/**
 * Locks the rows that guards check in a fixed order (people, slots, waiting-list entries, each by id), finds the
 * bookings that still `fit` the locked rows, and writes only those. Parts that no booking needs are left out.
 */
function bookingStatement(rows: readonly Values[]) {
  const none = sql``
  const paying = rows.some(({ cost }) => cost > 0)
  const claiming = rows.some(({ entry }) => entry !== null)
  return sql<{ nth: number; id: number }>`
    WITH ${askedFor(rows)},
    ${lockedPeopleAndSlots},
    ${claiming ? sql`${lockedEntries},` : none}
    fit AS MATERIALIZED (
      SELECT a.*
      FROM asked a
      JOIN person p ON p.user_id = a.person
      JOIN slot s ON s.id = a.slot
        AND s.start_at = a.starts AND s.end_at = a.ends
        AND a.before + a.party - a.held <= s.free
      ${claiming ? sql`WHERE a.entry IS NULL OR a.entry IN (SELECT id FROM entry)` : none}
    ),
    ${booked},
    ${paying ? sql`${paid},` : none}
    ${claiming ? sql`${claimed},` : none}
    ${told}
    SELECT f.nth, b.id
    FROM fit f
    JOIN booked b ON b.user_id = f.person
    UNION ALL
    SELECT 0, 0
    WHERE CASE WHEN (SELECT count(*) FROM booked) < (SELECT count(*) FROM fit) THEN refuse('stale') END`
}

const askedFor = (rows: readonly Values[]) => sql`
    asked AS MATERIALIZED (
      SELECT *
      FROM jsonb_to_recordset(${JSON.stringify(withNeighbours(rows))}::text::jsonb) AS a
        (nth int, person bigint, revision bigint, slot bigint, starts timestamptz, ends timestamptz, before int,
         party int, held int, entry bigint, cost int, status text, leader boolean, series uuid, now timestamptz,
         message text, operation text)
    )`

const lockedPeopleAndSlots = sql`
    person AS (
      SELECT m.*
      FROM (SELECT person, revision, cost FROM asked ORDER BY person) a
      CROSS JOIN LATERAL (
        SELECT m.user_id
        FROM venue_members m
        WHERE m.user_id = a.person AND m.revision = a.revision AND m.points >= a.cost
        FOR UPDATE
      ) m
    ), slot AS (
      SELECT s.*
      FROM (SELECT DISTINCT slot FROM asked JOIN person ON user_id = asked.person ORDER BY slot) a
      CROSS JOIN LATERAL (
        SELECT s.id, s.start_at, s.end_at, s.capacity - s.taken - s.held AS free
        FROM time_slots s
        WHERE s.id = a.slot AND s.open AND s.deleted_at IS NULL
        FOR UPDATE
      ) s
    )`

const lockedEntries = sql`
    entry AS (
      SELECT e.*
      FROM (SELECT a.entry, a.held FROM asked a JOIN slot s ON s.id = a.slot ORDER BY a.entry) a
      CROSS JOIN LATERAL (
        SELECT e.id
        FROM waiting_list e
        WHERE e.id = a.entry AND e.state = CASE WHEN a.held > 0 THEN 'offered' ELSE 'waiting' END
        FOR UPDATE
      ) e
    )`

const booked = sql`
    counted AS (
      UPDATE venue_members m
      SET revision = m.revision + 1, points = m.points - f.cost
      FROM fit f
      WHERE m.user_id = f.person
      RETURNING m.user_id, m.points
    ), place AS (
      ${movePlaces({
        taken: sql`f.party`,
        held: sql`-f.held`,
        from: sql`(SELECT slot, sum(party)::int AS party, sum(held)::int AS held FROM fit GROUP BY slot) f`,
        guard: sql`s.id = f.slot`,
      })}
      RETURNING s.id, s.venue_id, s.start_at, s.end_at
    ), booked AS (
      INSERT INTO reservations (
        user_id, slot_id, venue_id, start_at, end_at,
        party_size, status, by_leader, points_paid, series_id, created_at, updated_at
      )
      SELECT
        c.user_id, s.id, s.venue_id, s.start_at, s.end_at,
        f.party, f.status, f.leader, f.cost, f.series, f.now, f.now
      FROM fit f
      JOIN counted c ON c.user_id = f.person
      JOIN place s ON s.id = f.slot
      ORDER BY f.nth
      RETURNING id, user_id
    )`

const paid = sql`
    paid AS (
      INSERT INTO points_ledger (user_id, delta, balance, reason, reservation_id, created_at)
      SELECT c.user_id, -f.cost, c.points, 'booking', b.id, f.now
      FROM fit f
      JOIN counted c ON c.user_id = f.person
      JOIN booked b ON b.user_id = f.person
      WHERE f.cost > 0
    )`

const claimed = sql`
    claimed AS (
      UPDATE waiting_list w
      SET state = 'booked', offer_expires_at = NULL, reservation_id = b.id, updated_at = f.now
      FROM fit f
      JOIN booked b ON b.user_id = f.person
      WHERE w.id = f.entry
      RETURNING w.slot_id, w.user_id, w.reservation_id, w.updated_at
    ), returned AS (
      UPDATE reservations r
      SET rebooked_as = c.reservation_id, updated_at = c.updated_at
      FROM claimed c
      WHERE r.slot_id = c.slot_id AND r.user_id = c.user_id AND r.status = 'displaced' AND r.rebooked_as IS NULL
    )`

const told = sql`
    told AS (
      INSERT INTO outbox (message, operation, created_at)
      SELECT
        jsonb_set(f.message::jsonb, '{data,reservation_id}', to_jsonb(b.id))
          || jsonb_build_object('key', 'reservation:' || b.id || ':' || f.status),
        f.operation::jsonb || jsonb_build_object('resourceId', b.id::text),
        f.now
      FROM fit f
      JOIN booked b ON b.user_id = f.person
      ORDER BY f.nth
    )`
