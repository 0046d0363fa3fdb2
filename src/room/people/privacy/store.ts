import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { PersonalRecords } from '../../../kernel/privacy/records.ts'
import { bookingsAt, bookingsOf } from '../../core/bookingsStore.ts'
import { exists } from '../../core/conditionsStore.ts'

/**
 * The bookings that a person applied for or takes part in, with place, time, purpose and result. The kernel copies the
 * rows of the product's tables with a `user_id` (participation, bans).
 */
export async function personalRecords(db: Database, userId: number, now: Date): Promise<readonly PersonalRecords[]> {
  const bookings = bookingsAt(db, now)
    .where(exists('b'))
    .where(({ eb, or }) => or([eb('b.applicant_id', '=', userId), eb('b.id', 'in', bookingsOf(db, userId))]))
  const rows = await db
    .selectFrom(bookings.as('b'))
    .select(['b.id', 'b.buildingName as building', 'b.roomName as room', 'b.startTime as start_time'])
    .select(['b.endTime as end_time', 'b.purpose', 'b.status', 'b.rejectReason as reject_reason'])
    .select(['b.cancelReason as cancel_reason', 'b.noShowAt as no_show_at'])
    .select(sql<boolean>`${sql.ref('b.applicantId')} = ${userId}`.as('applied'))
    .select('b.createTime as create_time')
    .orderBy('b.startTime')
    .orderBy('b.id')
    .execute()
  return [{ name: 'bookings', rows }]
}
