import type { Transaction } from '../../../kernel/database/database.ts'

/** Notes a no-show; false if it was noted before. */
export async function markNoShow(tx: Transaction, id: number, by: number, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('tb_facility_booking')
    .set({ no_show_at: now, update_by: by, update_time: now })
    .where('id', '=', id)
    .where('no_show_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Takes back a no-show; false if there is none. */
export async function unmarkNoShow(tx: Transaction, id: number, by: number, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('tb_facility_booking')
    .set({ no_show_at: null, update_by: by, update_time: now })
    .where('id', '=', id)
    .where('no_show_at', 'is not', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
