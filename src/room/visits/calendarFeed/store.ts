import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import { CANCELLED, REJECTED } from '../../core/states.ts'
import { type Booking, bookingColumns, bookingTables } from '../../core/store.ts'

/** More than anybody has; keeps an answer bounded. */
const MOST = 2000

/** What a calendar shows of the bookings somebody takes part in: all that lies ahead, what was there since an instant, and what was called off since. */
export async function appointmentsOf(
  db: Database,
  userId: number,
  { since, now }: { readonly since: Date; readonly now: Date },
): Promise<readonly Booking[]> {
  const off: RawBuilder<unknown> = sql`b.status IN ${among([REJECTED, CANCELLED])}`
  const { rows } = await sql<Booking>`
    SELECT ${bookingColumns(now)} FROM ${bookingTables}
    WHERE b.id IN (SELECT booking_id FROM tb_facility_booking_user WHERE user_id = ${userId} AND del_flag = '0')
      AND CASE WHEN ${off} THEN coalesce(b.update_time, b.create_time) >= ${since} ELSE b.end_time >= ${since} END
      AND b.del_flag = '0'
    ORDER BY b.start_time DESC, b.id DESC LIMIT ${MOST}`.execute(db)
  return rows.toReversed()
}
