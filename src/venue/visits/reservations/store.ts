import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import type { ClosureKind } from '../../core/closures/rules.ts'
import { closesVenue } from '../../core/closures/store.ts'
import { type Reservation, reservations } from '../../core/reservationsStore.ts'
import { ACTIVE } from '../../core/states.ts'

/** Facts about a span of time at a venue; null when there is no such venue. */
export async function spanFacts(
  db: Database,
  of: { readonly venueId: number; readonly userId: number; readonly start: Date; readonly end: Date },
): Promise<{
  readonly slotId: number | null
  readonly closedBy: ClosureKind | null
  readonly ownOverlap: boolean
} | null> {
  const span = sql`tstzrange(${of.start}::timestamptz, ${of.end}::timestamptz)`
  const { rows } = await sql<{ slotId: number | null; closedBy: ClosureKind | null; ownOverlap: boolean }>`
    SELECT
      (
        SELECT s.id
        FROM time_slots s
        WHERE s.venue_id = v.id AND s.deleted_at IS NULL AND s.start_at = ${of.start} AND s.end_at = ${of.end}
      ) AS "slotId",
      (
        SELECT c.kind
        FROM closures c
        WHERE ${closesVenue} AND c.during && ${span}
        ORDER BY c.kind
        LIMIT 1
      ) AS "closedBy",
      EXISTS (
        SELECT FROM reservations r
        WHERE r.user_id = ${of.userId} AND r.status IN ${among(ACTIVE)} AND r.during && ${span}
      ) AS "ownOverlap"
    FROM venues v
    WHERE v.id = ${of.venueId} AND v.deleted_at IS NULL`.execute(db)
  return rows[0] ?? null
}

/** A person's pending and confirmed reservations, by slot. */
export async function upcomingOf(tx: Transaction, userId: number): Promise<readonly Reservation[]> {
  return reservations(tx)
    .where('r.user_id', '=', userId)
    .where('r.status', 'in', among(['pending', 'confirmed']))
    .orderBy('r.slot_id')
    .execute()
}

/** Slots whose waiting lists a person is on. */
export async function slotsOfWaiter(tx: Transaction, userId: number): Promise<readonly number[]> {
  const entries = await tx
    .selectFrom('waiting_list')
    .select('slot_id')
    .where('user_id', '=', userId)
    .where('state', 'in', among(['waiting', 'offered']))
    .orderBy('slot_id')
    .execute()
  return entries.map((entry) => entry.slot_id)
}

/** Stops the use sessions of a person who leaves. A session never ends before it began. */
export async function stopSessionsOf(tx: Transaction, userId: number, now: Date): Promise<void> {
  await tx
    .updateTable('use_sessions')
    .set({ stopped_at: sql`greatest(started_at, ${now}::timestamptz)` })
    .where('user_id', '=', userId)
    .where('stopped_at', 'is', null)
    .execute()
}
