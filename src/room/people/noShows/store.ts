import { sql } from 'kysely'
import type { Transaction } from '../../../kernel/database/database.ts'

/** Notes that nobody came; false when that was noted before. */
export async function markNoShow(tx: Transaction, id: number, by: number, now: Date): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE tb_facility_booking SET no_show_at = ${now}, update_by = ${by}, update_time = ${now}
    WHERE id = ${id} AND no_show_at IS NULL`.execute(tx)
  return Number(numAffectedRows ?? 0n) > 0
}

/** Takes the note back; false when there is none. */
export async function unmarkNoShow(tx: Transaction, id: number, by: number, now: Date): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE tb_facility_booking SET no_show_at = NULL, update_by = ${by}, update_time = ${now}
    WHERE id = ${id} AND no_show_at IS NOT NULL`.execute(tx)
  return Number(numAffectedRows ?? 0n) > 0
}
