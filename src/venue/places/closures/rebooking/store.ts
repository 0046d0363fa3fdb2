import { sql } from 'kysely'
import type { Transaction } from '../../../../kernel/database/database.ts'

/**
 * Notes what a displaced reservation was booked again as: false when it has been already, or no longer may be. Taking an offer of its own slot
 * has noted it.
 */
export async function markRebooked(tx: Transaction, id: number, rebookedAs: number, now: Date): Promise<boolean> {
  const { rows } = await sql`UPDATE reservations SET rebooked_as = ${rebookedAs}, updated_at = ${now}
    WHERE id = ${id} AND coalesce(rebooked_as, ${rebookedAs}) = ${rebookedAs} AND status = 'displaced' AND rebook_until > ${now} RETURNING id`.execute(
    tx,
  )
  return rows.length === 1
}
