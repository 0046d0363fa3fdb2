import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { PersonalRecords } from '../../../kernel/privacy/records.ts'
import { bookingColumns, bookingTables } from '../../core/store.ts'

/**
 * The bookings that somebody applied for or takes part in, as they would tell of them: where, when, what for, and what became of them.
 * Rows of the product's tables with a `user_id` (their parts in bookings, bans) are copied anyway.
 */
export async function personalRecords(db: Database, userId: number, now: Date): Promise<readonly PersonalRecords[]> {
  const { rows } = await sql<Readonly<Record<string, unknown>>>`
    SELECT id, "buildingName" AS building, "roomName" AS room, "startTime" AS start_time, "endTime" AS end_time, purpose, status,
      "rejectReason" AS reject_reason, "cancelReason" AS cancel_reason, "noShowAt" AS no_show_at, "applicantId" = ${userId} AS applied,
      "createTime" AS create_time
    FROM (SELECT ${bookingColumns(now)} FROM ${bookingTables} WHERE b.del_flag = '0' AND (b.applicant_id = ${userId} OR b.id IN (
      SELECT booking_id FROM tb_facility_booking_user WHERE user_id = ${userId} AND del_flag = '0'))) b
    ORDER BY start_time, id`.execute(db)
  return [{ name: 'bookings', rows }]
}
