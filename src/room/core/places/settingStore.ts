import type { Database } from '../../../kernel/database/database.ts'
import type { Setting } from '../rules.ts'

/** The only row with the limits of bookings. */
export const settingRow = (db: Database) =>
  db
    .selectFrom('tb_facility_setting')
    .select(['audit_required as auditRequired', 'max_duration_minutes as maxDurationMinutes'])
    .select(['advance_days as advanceDays', 'grid_minutes as gridMinutes'])
    .select('participant_overlap as participantOverlap')

/** The limits of all bookings. */
export async function readSetting(db: Database): Promise<Setting> {
  return settingRow(db).executeTakeFirstOrThrow()
}
