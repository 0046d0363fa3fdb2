import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import { ACTIVE } from '../../core/states.ts'
import { movePlaces, ruleJoins } from '../../core/store.ts'

export type WaitingState = 'waiting' | 'offered' | 'booked' | 'lapsed' | 'left' | 'expired'

/** A person's entry in the waiting list of a slot. `position` is 1 for the next in line, null when they no longer wait. */
export interface Entry {
  readonly id: number
  readonly slotId: number
  readonly venueId: number
  readonly venueName: string
  readonly userId: number
  readonly startAt: Date
  readonly endAt: Date
  readonly partySize: number
  readonly state: WaitingState
  readonly position: number | null
  readonly offerExpiresAt: Date | null
  readonly reservationId: number | null
  readonly createdAt: Date
}

const entryColumns = sql`
  w.id, w.slot_id AS "slotId", s.venue_id AS "venueId", v.name AS "venueName", w.user_id AS "userId", s.start_at AS "startAt",
  s.end_at AS "endAt", w.party_size AS "partySize", w.state, w.offer_expires_at AS "offerExpiresAt",
  w.reservation_id AS "reservationId", w.created_at AS "createdAt",
  CASE WHEN w.state IN ('waiting', 'offered') THEN (
    SELECT count(*)::int FROM waiting_list a WHERE a.slot_id = w.slot_id AND a.state IN ('waiting', 'offered')
      AND (a.priority > w.priority OR (a.priority = w.priority AND a.id <= w.id))) END AS position`

const entries = sql`SELECT ${entryColumns} FROM waiting_list w JOIN time_slots s ON s.id = w.slot_id JOIN venues v ON v.id = s.venue_id`

/** One entry, or null. */
export async function findEntry(db: Database, id: number): Promise<Entry | null> {
  const { rows } = await sql<Entry>`${entries} WHERE w.id = ${id}`.execute(db)
  return rows[0] ?? null
}

/** A person's entries, the newest first: those still in line, or all. */
export async function listOfUser(
  db: Database,
  userId: number,
  page: { readonly live: boolean; readonly offset: number; readonly limit: number },
): Promise<{ items: readonly Entry[]; total: number }> {
  return pageOf(
    db,
    page.live ? sql`w.user_id = ${userId} AND ${live}` : sql`w.user_id = ${userId}`,
    sql`w.id DESC`,
    page,
  )
}

/** Who waits at a venue, by slot and in the order of the queue. */
export async function listOfVenue(
  db: Database,
  of: { readonly venueId: number; readonly slotId?: number; readonly userId?: number },
  page: { readonly offset: number; readonly limit: number },
): Promise<{ items: readonly Entry[]; total: number }> {
  const slot = of.slotId === undefined ? sql`` : sql`AND w.slot_id = ${of.slotId}`
  const user = of.userId === undefined ? sql`` : sql`AND w.user_id = ${of.userId}`
  return pageOf(
    db,
    sql`s.venue_id = ${of.venueId} AND ${live} ${slot} ${user}`,
    sql`s.start_at, w.priority DESC, w.id`,
    page,
  )
}

const live = sql`w.state IN ('waiting', 'offered')`

async function pageOf(
  db: Database,
  where: ReturnType<typeof sql>,
  order: ReturnType<typeof sql>,
  page: { readonly offset: number; readonly limit: number },
): Promise<{ items: readonly Entry[]; total: number }> {
  const { rows } =
    await sql<Entry>`${entries} WHERE ${where} ORDER BY ${order} LIMIT ${page.limit} OFFSET ${page.offset}`.execute(db)
  const count = await sql<{ total: number }>`
    SELECT count(*) AS total FROM waiting_list w JOIN time_slots s ON s.id = w.slot_id WHERE ${where}`.execute(db)
  return { items: rows, total: count.rows[0]?.total ?? 0 }
}

export interface QueuedSlot {
  readonly id: number
  readonly venueId: number
  readonly venueName: string
  readonly startAt: Date
  readonly endAt: Date
  readonly capacity: number
  readonly taken: number
  readonly held: number
  readonly open: boolean
}

/** Locks a slot, and with it its queue: whoever joins, offers, claims or leaves holds this lock. Null when there is no such slot. */
export async function lockSlot(tx: Transaction, slotId: number): Promise<QueuedSlot | null> {
  const { rows } = await sql<QueuedSlot>`
    SELECT s.id, s.venue_id AS "venueId", v.name AS "venueName", s.start_at AS "startAt", s.end_at AS "endAt", s.capacity, s.taken, s.held, s.open
    FROM time_slots s JOIN venues v ON v.id = s.venue_id
    WHERE s.id = ${slotId} AND s.deleted_at IS NULL FOR UPDATE OF s`.execute(tx)
  return rows[0] ?? null
}

/** Puts a person in line. @throws Conflict `already_waiting` by constraint. */
export async function addEntry(
  tx: Transaction,
  entry: {
    readonly slotId: number
    readonly userId: number
    readonly partySize: number
    readonly priority: number
    readonly now: Date
  },
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO waiting_list (slot_id, user_id, party_size, priority, state, created_at, updated_at)
    VALUES (${entry.slotId}, ${entry.userId}, ${entry.partySize}, ${entry.priority}, 'waiting', ${entry.now}, ${entry.now})
    RETURNING id`.execute(tx)
  return rows[0]?.id ?? 0
}

/**
 * The queue in its order, without those whose account is disabled: they keep their position for when it isn't any more. After the start those who were still waiting then are next in line: their entries expired at the start, while others expired
 * before it, when the slot was closed.
 */
export async function queueOf(tx: Transaction, slotId: number, begun: boolean) {
  const stillThere = sql`(w.state = 'expired' AND w.updated_at >= s.start_at AND NOT EXISTS (SELECT FROM reservations r
    WHERE r.slot_id = w.slot_id AND r.user_id = w.user_id AND r.status IN ${among(ACTIVE)}))`
  const { rows } = await sql<{ id: number; userId: number; partySize: number }>`
    SELECT w.id, w.user_id AS "userId", w.party_size AS "partySize" FROM waiting_list w JOIN time_slots s ON s.id = w.slot_id
    JOIN users u ON u.id = w.user_id AND u.status = 'active'
    WHERE w.slot_id = ${slotId} AND (w.state = 'waiting' ${begun ? sql`OR ${stillThere}` : sql``})
    ORDER BY w.priority DESC, w.id LIMIT 100`.execute(tx)
  return rows
}

/** Makes an offer of an entry and holds its places. The slot is locked. */
export async function makeOffer(
  tx: Transaction,
  offer: {
    readonly entryId: number
    readonly slotId: number
    readonly partySize: number
    readonly expiresAt: Date
    readonly now: Date
  },
): Promise<void> {
  await sql`UPDATE waiting_list SET state = 'offered', offer_expires_at = ${offer.expiresAt}, updated_at = ${offer.now}
    WHERE id = ${offer.entryId}`.execute(tx)
  await hold(tx, offer.slotId, offer.partySize)
}

/** Ends entries of a locked slot that are in one of the `from` states and gives back what was held for them. */
export async function endEntries(
  tx: Transaction,
  end: {
    readonly slotId: number
    readonly to: 'lapsed' | 'left' | 'expired'
    readonly now: Date
    readonly entryId?: number
    readonly userId?: number
    /** Only offers that ended by this instant. */
    readonly offeredUntil?: Date
  },
): Promise<readonly { readonly id: number; readonly userId: number }[]> {
  const narrower = [
    end.entryId === undefined ? sql`` : sql`AND id = ${end.entryId}`,
    end.userId === undefined ? sql`` : sql`AND user_id = ${end.userId}`,
    end.offeredUntil === undefined
      ? sql`AND state IN ('waiting', 'offered')`
      : sql`AND state = 'offered' AND offer_expires_at <= ${end.offeredUntil}`,
  ]
  const { rows } = await sql<{ id: number; userId: number; held: number }>`
    WITH before AS (
      SELECT id, CASE WHEN state = 'offered' THEN party_size ELSE 0 END AS held FROM waiting_list
      WHERE slot_id = ${end.slotId} ${sql.join(narrower, sql` `)} FOR UPDATE)
    UPDATE waiting_list w SET state = ${end.to}, offer_expires_at = NULL, updated_at = ${end.now}
    FROM before WHERE w.id = before.id RETURNING w.id, w.user_id AS "userId", before.held`.execute(tx)
  const held = rows.reduce((sum, row) => sum + row.held, 0)
  if (held > 0) await hold(tx, end.slotId, -held)
  return rows
}

async function hold(tx: Transaction, slotId: number, places: number): Promise<void> {
  await movePlaces({ taken: sql`0`, held: sql`${places}::int`, guard: sql`s.id = ${slotId}` }).execute(tx)
}

/** Slots with offers that have run out, or with people still waiting at the start. */
export async function slotsToSweep(db: Database, now: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT slot_id AS id FROM waiting_list WHERE state = 'offered' AND offer_expires_at <= ${now}
    UNION
    SELECT w.slot_id FROM waiting_list w JOIN time_slots s ON s.id = w.slot_id WHERE w.state = 'waiting' AND s.start_at <= ${now}
    ORDER BY id`.execute(db)
  return rows.map((row) => row.id)
}

/** Live offers at venues that book the first in line at once. */
export async function offersToPromote(db: Database, now: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT w.id FROM waiting_list w JOIN time_slots s ON s.id = w.slot_id JOIN venues v ON v.id = s.venue_id
    ${ruleJoins}
    WHERE w.state = 'offered' AND w.offer_expires_at > ${now} AND s.deleted_at IS NULL AND coalesce(r1.auto_promote, r2.auto_promote, r3.auto_promote, false)
    ORDER BY w.id`.execute(db)
  return rows.map((row) => row.id)
}

/** Ends the line of a locked slot that has begun: who is still waiting did not get in. */
export async function expireWaiting(tx: Transaction, slotId: number, now: Date): Promise<void> {
  await sql`UPDATE waiting_list SET state = 'expired', updated_at = ${now} WHERE slot_id = ${slotId} AND state = 'waiting'`.execute(
    tx,
  )
}

/** Has this person a live reservation for the slot? */
export async function isBooked(tx: Transaction, slotId: number, userId: number): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM reservations
    WHERE slot_id = ${slotId} AND user_id = ${userId} AND status IN ${among(ACTIVE)} LIMIT 1`.execute(tx)
  return rows.length > 0
}

/** The slot a reservation is for, or null. */
export async function slotOfReservation(db: Database, reservationId: number): Promise<number | null> {
  const { rows } = await sql<{ slot_id: number }>`SELECT slot_id FROM reservations WHERE id = ${reservationId}`.execute(
    db,
  )
  return rows[0]?.slot_id ?? null
}

/** The slots a person is in line for. */
export async function slotsOfWaiter(tx: Transaction, userId: number): Promise<readonly number[]> {
  const { rows } = await sql<{ slot_id: number }>`SELECT slot_id FROM waiting_list
    WHERE user_id = ${userId} AND state IN ('waiting', 'offered') ORDER BY slot_id`.execute(tx)
  return rows.map((row) => row.slot_id)
}
