import type { Database } from '../../kernel/database/database.ts'
import { OPEN } from './states.ts'

/** The patients who have an order for a schedule, or wait for one. */
export async function holdersOf(db: Database, scheduleId: number): Promise<readonly number[]> {
  const holders = await db
    .selectFrom('registration_order')
    .select('patient_id')
    .where('schedule_id', '=', scheduleId)
    .where('status', 'in', OPEN)
    .execute()
  return holders.map(({ patient_id }) => patient_id)
}
