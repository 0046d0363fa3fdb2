import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'

/** The bookings of a series that somebody applied for, by id: all of them, and those that have not begun and can be cancelled. */
export async function findSeries(
  db: Database,
  seriesId: string,
  applicantId: number,
  now: Date,
): Promise<{ readonly size: number; readonly ahead: readonly number[] }> {
  const { rows } = await sql<{ id: number; ahead: boolean }>`
    SELECT id, start_time > ${now} AND status IN ('0', '1') AS ahead FROM tb_facility_booking
    WHERE series_id = ${seriesId}::uuid AND applicant_id = ${applicantId} AND del_flag = '0' ORDER BY id`.execute(db)
  return { size: rows.length, ahead: rows.filter(({ ahead }) => ahead).map(({ id }) => id) }
}
