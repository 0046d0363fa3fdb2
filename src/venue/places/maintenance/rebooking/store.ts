import type { Transaction } from '../../../../kernel/database/database.ts'

/**
 * Marks a displaced reservation as rebooked. Returns false if it is already rebooked as another one, or may no longer
 * be. Taking an offer of its own slot has set the mark before.
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
