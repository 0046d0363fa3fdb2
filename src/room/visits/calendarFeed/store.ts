import { type SqlBool, sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import { type Booking, bookingsAt, bookingsOf } from '../../core/bookingsStore.ts'
import { exists } from '../../core/conditionsStore.ts'
import { CANCELLED, REJECTED } from '../../core/states.ts'

/** Bounds the answer. Nobody has this many bookings. */
const MOST = 2000

/** True for a booking `b` that ended, or was rejected or cancelled, at or after an instant. */
const isRecent = (since: Date) => sql<SqlBool>`
  CASE
    WHEN b.status IN ${among([REJECTED, CANCELLED])} THEN coalesce(b.update_time, b.create_time) >= ${since}
    ELSE b.end_time >= ${since}
  END`

/** The bookings of a person's calendar: all future ones, and those that ended or were cancelled since an instant. */
export async function appointmentsOf(
  db: Database,
  userId: number,
  { since, now }: { readonly since: Date; readonly now: Date },
): Promise<readonly Booking[]> {
  const latest = await bookingsAt(db, now)
    .where('b.id', 'in', bookingsOf(db, userId))
    .where(isRecent(since))
    .where(exists('b'))
    .orderBy('b.start_time', 'desc')
    .orderBy('b.id', 'desc')
    .limit(MOST)
    .execute()
  return latest.toReversed()
}
