import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'

/**
 * The only statement that changes the taken and held places of a slot: it adds to both where `guard` holds. It also
 * guards the capacity, as does a CHECK. The caller offers places that become free to the waiting list.
 */
export function movePlaces(move: {
  taken: RawBuilder<unknown>
  held: RawBuilder<unknown>
  from?: RawBuilder<unknown>
  guard: RawBuilder<unknown>
}) {
  return sql`
    UPDATE time_slots s
    SET taken = s.taken + ${move.taken}, held = s.held + ${move.held}
    ${move.from ? sql`FROM ${move.from}` : sql``}
    WHERE ${move.guard}
      AND s.taken + s.held + ${move.taken} + ${move.held} <= s.capacity`
}

/** Releases taken places of a slot. */
export async function releasePlaces(tx: Transaction, slotId: number, places: number): Promise<void> {
  await movePlaces({ taken: sql`${-places}::int`, held: sql`0`, guard: sql`s.id = ${slotId}` }).execute(tx)
}

/**
 * Takes places for a reservation that is put into a slot. Returns false unless the slot is open, still has the given
 * times, and has room.
 */
export async function takePlaces(
  tx: Transaction,
  slot: { readonly id: number; readonly startAt: Date; readonly endAt: Date },
  places: number,
): Promise<boolean> {
  const moved = movePlaces({
    taken: sql`${places}::int`,
    held: sql`0`,
    guard: sql`s.id = ${slot.id}
      AND s.start_at = ${slot.startAt} AND s.end_at = ${slot.endAt}
      AND s.open
      AND s.deleted_at IS NULL`,
  })
  const { rows } = await sql`${moved} RETURNING s.id`.execute(tx)
  return rows.length === 1
}

/** Holds places for an offer of the waiting list, or releases them (negative). */
export async function holdPlaces(tx: Transaction, slotId: number, places: number): Promise<void> {
  await movePlaces({ taken: sql`0`, held: sql`${places}::int`, guard: sql`s.id = ${slotId}` }).execute(tx)
}

/** Locks slots by id, after the people and before the waiting lists. */
export async function lockSlots(tx: Transaction, slotIds: readonly number[]): Promise<void> {
  await sql`SELECT id FROM time_slots WHERE id = ANY (${slotIds}) ORDER BY id FOR UPDATE`.execute(tx)
}
