import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { readPage } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import type { WaitingListTable } from '../../../kernel/database/tables.ts'
import { ruleInForce, ruleJoins } from '../../core/bookingRules/store.ts'
import { ACTIVE } from '../../core/states.ts'

export type WaitingState = WaitingListTable['state']

/**
 * A person's entry in the waiting list of a slot. `position` is 1 for the next in line, and null for an ended entry.
 */
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

/** Condition: the entry is waiting or offered a place. */
const live = sql`w.state IN ('waiting', 'offered')`

const position: RawBuilder<number | null> = sql`
  CASE WHEN ${live} THEN (
    SELECT count(*)::int
    FROM waiting_list a
    WHERE a.slot_id = w.slot_id
      AND a.state IN ('waiting', 'offered')
      AND (a.priority > w.priority OR (a.priority = w.priority AND a.id <= w.id))
  ) END`

function entries(db: Database) {
  return db
    .selectFrom('waiting_list as w')
    .innerJoin('time_slots as s', 's.id', 'w.slot_id')
    .innerJoin('venues as v', 'v.id', 's.venue_id')
    .select([
      'w.id',
      'w.slot_id as slotId',
      's.venue_id as venueId',
      'v.name as venueName',
      'w.user_id as userId',
      's.start_at as startAt',
      's.end_at as endAt',
      'w.party_size as partySize',
      'w.state',
      'w.offer_expires_at as offerExpiresAt',
      'w.reservation_id as reservationId',
      'w.created_at as createdAt',
      position.as('position'),
    ])
}

/** One entry, or null. */
export async function findEntry(db: Database, id: number): Promise<Entry | null> {
  return (await entries(db).where('w.id', '=', id).executeTakeFirst()) ?? null
}

interface Page {
  readonly offset: number
  readonly limit: number
}

const counted = sql`waiting_list w JOIN time_slots s ON s.id = w.slot_id`
const pageOf = (order: RawBuilder<unknown>, { limit, offset }: Page) =>
  sql`ORDER BY ${order} LIMIT ${limit} OFFSET ${offset}`

/** A person's entries, the newest first: the live ones, or all. */
export async function listOfUser(
  db: Database,
  userId: number,
  page: Page & { readonly live: boolean },
): Promise<{ items: readonly Entry[]; total: number }> {
  return await readPage<Entry>(db, {
    select: entries(db),
    counted,
    conditions: [sql`w.user_id = ${userId}`, page.live && live],
    page: pageOf(sql`w.id DESC`, page),
  })
}

/** Live entries at a venue, by slot and in the order of the queue. */
export async function listOfVenue(
  db: Database,
  of: { readonly venueId: number; readonly slotId?: number; readonly userId?: number },
  page: Page,
): Promise<{ items: readonly Entry[]; total: number }> {
  return await readPage<Entry>(db, {
    select: entries(db),
    counted,
    conditions: [
      sql`s.venue_id = ${of.venueId}`,
      live,
      of.slotId !== undefined && sql`w.slot_id = ${of.slotId}`,
      of.userId !== undefined && sql`w.user_id = ${of.userId}`,
    ],
    page: pageOf(sql`s.start_at, w.priority DESC, w.id`, page),
  })
}

/** Ids of slots with offers that have run out, or with people still waiting after the start. */
export async function slotsToSweep(db: Database, now: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT slot_id AS id
    FROM waiting_list
    WHERE state = 'offered' AND offer_expires_at <= ${now}
    UNION
    SELECT w.slot_id
    FROM waiting_list w
    JOIN time_slots s ON s.id = w.slot_id
    WHERE w.state = 'waiting' AND s.start_at <= ${now}
    ORDER BY id`.execute(db)
  return rows.map((row) => row.id)
}

/** Ids of live offers at venues that book the first in line at once. */
export async function offersToPromote(db: Database, now: Date): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT w.id
    FROM waiting_list w
    JOIN time_slots s ON s.id = w.slot_id
    JOIN venues v ON v.id = s.venue_id
    ${ruleJoins}
    WHERE w.state = 'offered'
      AND w.offer_expires_at > ${now}
      AND s.deleted_at IS NULL
      AND ${ruleInForce('auto_promote')}
    ORDER BY w.id`.execute(db)
  return rows.map((row) => row.id)
}

/** Ends the waiting list of a locked slot that has begun: people still waiting did not get a place. */
export async function expireWaiting(tx: Transaction, slotId: number, now: Date): Promise<void> {
  await tx
    .updateTable('waiting_list')
    .set({ state: 'expired', updated_at: now })
    .where('slot_id', '=', slotId)
    .where('state', '=', sql.lit('waiting'))
    .execute()
}

/** Whether this person has an active reservation for the slot. */
export async function isBooked(tx: Transaction, slotId: number, userId: number): Promise<boolean> {
  const reservation = await tx
    .selectFrom('reservations')
    .select('id')
    .where('slot_id', '=', slotId)
    .where('user_id', '=', userId)
    .where('status', 'in', among(ACTIVE))
    .limit(1)
    .executeTakeFirst()
  return reservation !== undefined
}

/** Slot of a reservation, or null. */
export async function slotOfReservation(db: Database, reservationId: number): Promise<number | null> {
  const reservation = await db
    .selectFrom('reservations')
    .select('slot_id')
    .where('id', '=', reservationId)
    .executeTakeFirst()
  return reservation?.slot_id ?? null
}
