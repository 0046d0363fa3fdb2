import { sql } from 'kysely'
import type { Interval } from '../../../booking/interval.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import { raiseRevision } from '../membersStore.ts'
import { releasePlaces, takePlaces } from '../placesStore.ts'
import { ACTIVE } from '../states.ts'

export interface OrdinaryReservation {
  readonly id: number
  readonly userId: number
  readonly slotId: number
  readonly partySize: number
  readonly pointsPaid: number
  readonly status: 'pending' | 'confirmed'
}

/** Reservations of a slot in these states that are not a leader's, the newest first. */
export async function ordinaryReservations(
  tx: Transaction,
  slotId: number,
  states: readonly OrdinaryReservation['status'][],
): Promise<readonly OrdinaryReservation[]> {
  return tx
    .selectFrom('reservations')
    .select(['id', 'user_id as userId', 'slot_id as slotId', 'party_size as partySize', 'points_paid as pointsPaid'])
    .select('status')
    .$narrowType<{ status: OrdinaryReservation['status'] }>()
    .where('slot_id', '=', slotId)
    .where('status', 'in', among(states))
    .where((eb) => eb.not('by_leader'))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
}

export interface NearbySlot {
  readonly id: number
  readonly venueId: number
  readonly venueName: string
  readonly startAt: Date
  readonly endAt: Date
}

/**
 * Finds the nearest slot of the same venue that starts within a span of time, has room for a displaced reservation and
 * doesn't overlap its person's other reservations. `taken`: ids of slots already chosen for other displaced
 * reservations.
 */
export async function nearestFreeSlot(
  tx: Transaction,
  of: OrdinaryReservation,
  { start, end }: Interval,
  taken: readonly number[],
): Promise<NearbySlot | null> {
  const { rows } = await sql<NearbySlot>`
    SELECT s.id, s.venue_id AS "venueId", v.name AS "venueName", s.start_at AS "startAt", s.end_at AS "endAt"
    FROM time_slots old
    JOIN time_slots s ON s.venue_id = old.venue_id AND s.id <> old.id
    JOIN venues v ON v.id = s.venue_id
    WHERE old.id = ${of.slotId}
      AND s.deleted_at IS NULL
      AND s.open
      AND s.id <> ALL (${taken})
      AND s.start_at >= ${start} AND s.start_at < ${end}
      AND s.taken + s.held + ${of.partySize} <= s.capacity
      AND NOT EXISTS (
        SELECT FROM reservations r
        WHERE r.user_id = ${of.userId} AND r.id <> ${of.id} AND r.status IN ${among(ACTIVE)} AND r.during && s.during
      )
    ORDER BY abs(extract(epoch FROM s.start_at - old.start_at)), s.id
    LIMIT 1`.execute(tx)
  return rows[0] ?? null
}

/**
 * Moves a reservation to another slot. Both slots must be locked. Returns false if the new slot has changed its times,
 * closed or filled up meanwhile.
 */
export async function moveTo(tx: Transaction, of: OrdinaryReservation, slot: NearbySlot, now: Date): Promise<boolean> {
  if (!(await takePlaces(tx, slot, of.partySize))) return false
  await tx
    .updateTable('reservations')
    .set({
      slot_id: slot.id,
      start_at: slot.startAt,
      end_at: slot.endAt,
      updated_at: now,
      day_reminder: false,
      hour_reminder: false,
    })
    .where('id', '=', of.id)
    .execute()
  await releasePlaces(tx, of.slotId, of.partySize)
  await raiseRevision(tx, of.userId)
  return true
}
