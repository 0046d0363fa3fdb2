import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { exists } from '../../core/conditionsStore.ts'

/** The number of bookings in a person's series, and the ids of those that have not begun and can be cancelled. */
export async function findSeries(
  db: Database,
  seriesId: string,
  applicantId: number,
  now: Date,
): Promise<{ readonly size: number; readonly ahead: readonly number[] }> {
  const bookings = await db
    .selectFrom('tb_facility_booking as b')
    .select(['b.id', sql<boolean>`b.start_time > ${now} AND b.status IN ('0', '1')`.as('ahead')])
    .where('b.series_id', '=', seriesId)
    .where('b.applicant_id', '=', applicantId)
    .where(exists('b'))
    .orderBy('b.id')
    .execute()
  return { size: bookings.length, ahead: bookings.filter(({ ahead }) => ahead).map(({ id }) => id) }
}
