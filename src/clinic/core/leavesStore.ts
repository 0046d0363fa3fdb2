import { sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'
import { SECTIONS_OF_SHIFT, SHIFTS, type TimeSection } from './types.ts'

/**
 * Whether a doctor has an approved leave in a section of a date. Call it with the doctor locked, because approving a
 * leave locks the doctor too.
 */
export async function isOnLeave(
  tx: Transaction,
  {
    doctorId,
    date,
    timeSection,
  }: { readonly doctorId: number; readonly date: string; readonly timeSection: TimeSection },
): Promise<boolean> {
  const shifts = SHIFTS.filter((shift) => SECTIONS_OF_SHIFT[shift].includes(timeSection))
  const { rows } = await sql`
    SELECT FROM leave_audit
    WHERE doctor_id = ${doctorId} AND status = 'approved' AND shift = ANY (${shifts}::text[])
      AND ${date}::date BETWEEN leave_start_date AND leave_end_date
    LIMIT 1`.execute(tx)
  return rows.length > 0
}
