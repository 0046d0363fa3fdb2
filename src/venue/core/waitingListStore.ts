import { sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'
import { allOf } from '../../kernel/database/lists.ts'
import { among } from '../../kernel/database/literals.ts'
import { holdPlaces } from './placesStore.ts'
import { ACTIVE } from './states.ts'

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

/**
 * Locks a slot and thereby its queue: joining, offering, claiming and leaving all hold this lock. Returns null when the
 * slot does not exist.
 */
export async function lockQueue(tx: Transaction, slotId: number): Promise<QueuedSlot | null> {
  const slot = await tx
    .selectFrom('time_slots as s')
    .innerJoin('venues as v', 'v.id', 's.venue_id')
    .select(['s.id', 's.venue_id as venueId', 'v.name as venueName', 's.start_at as startAt', 's.end_at as endAt'])
    .select(['s.capacity', 's.taken', 's.held', 's.open'])
    .where('s.id', '=', slotId)
    .where('s.deleted_at', 'is', null)
    .forUpdate('s')
    .executeTakeFirst()
  return slot ?? null
}

/** Adds a person to the waiting list. @throws Conflict `already_waiting` by constraint. */
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
  const { id } = await tx
    .insertInto('waiting_list')
    .values({
      slot_id: entry.slotId,
      user_id: entry.userId,
      party_size: entry.partySize,
      priority: entry.priority,
      state: 'waiting',
      created_at: entry.now,
      updated_at: entry.now,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/**
 * Condition: the entry was still waiting when its slot began (entries of closed slots expired before), and its person
 * has no active reservation in the slot.
 */
const stillThere = sql`(
  w.state = 'expired'
  AND w.updated_at >= s.start_at
  AND NOT EXISTS (
    SELECT FROM reservations r
    WHERE r.slot_id = w.slot_id AND r.user_id = w.user_id AND r.status IN ${among(ACTIVE)}
  )
)`

/**
 * The queue in order, at most 100 entries. People whose account is disabled are left out, and keep their position.
 * After the start, people who were still waiting then are next in line.
 */
export async function queueOf(tx: Transaction, slotId: number, begun: boolean) {
  return tx
    .selectFrom('waiting_list as w')
    .innerJoin('time_slots as s', 's.id', 'w.slot_id')
    .innerJoin('users as u', (join) => join.onRef('u.id', '=', 'w.user_id').on('u.status', '=', 'active'))
    .select(['w.id', 'w.user_id as userId', 'w.party_size as partySize'])
    .where('w.slot_id', '=', slotId)
    .where(sql<boolean>`(w.state = 'waiting' ${begun ? sql`OR ${stillThere}` : sql``})`)
    .orderBy('w.priority', 'desc')
    .orderBy('w.id')
    .limit(100)
    .execute()
}

/** Makes an offer to an entry and holds its places. The slot must be locked. */
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
  await tx
    .updateTable('waiting_list')
    .set({ state: 'offered', offer_expires_at: offer.expiresAt, updated_at: offer.now })
    .where('id', '=', offer.entryId)
    .execute()
  await holdPlaces(tx, offer.slotId, offer.partySize)
}

/** Ends waiting or offered entries of a locked slot, and releases the places held for them. */
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
  const { slotId, to, now, entryId, userId, offeredUntil } = end
  const conditions = allOf([
    sql`slot_id = ${slotId}`,
    entryId !== undefined && sql`id = ${entryId}`,
    userId !== undefined && sql`user_id = ${userId}`,
    offeredUntil === undefined
      ? sql`state IN ('waiting', 'offered')`
      : sql`state = 'offered' AND offer_expires_at <= ${offeredUntil}`,
  ])
  const { rows } = await sql<{ id: number; userId: number; held: number }>`
    WITH before AS (
      SELECT id, CASE WHEN state = 'offered' THEN party_size ELSE 0 END AS held
      FROM waiting_list
      WHERE ${conditions}
      FOR UPDATE
    )
    UPDATE waiting_list w
    SET state = ${to}, offer_expires_at = NULL, updated_at = ${now}
    FROM before
    WHERE w.id = before.id
    RETURNING w.id, w.user_id AS "userId", before.held`.execute(tx)
  const held = rows.reduce((sum, row) => sum + row.held, 0)
  if (held > 0) await holdPlaces(tx, slotId, -held)
  return rows
}
