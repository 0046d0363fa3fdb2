import type { Transaction } from '../../../../kernel/database/database.ts'

/**
 * Notes what a displaced reservation was booked again as: false when it has been already, or no longer may be. Taking
 * an offer of its own slot has noted it.
 */
export async function markRebooked(tx: Transaction, id: number, rebookedAs: number, now: Date): Promise<boolean> {
  const marked = await tx
    .updateTable('reservations')
    .set({ rebooked_as: rebookedAs, updated_at: now })
    .where('id', '=', id)
    .where((eb) => eb.or([eb('rebooked_as', 'is', null), eb('rebooked_as', '=', rebookedAs)]))
    .where('status', '=', 'displaced')
    .where('rebook_until', '>', now)
    .returning('id')
    .executeTakeFirst()
  return marked !== undefined
}
