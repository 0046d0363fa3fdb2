import type { Transaction } from '../../../kernel/database/database.ts'
import { settingRow } from '../../core/places/settingStore.ts'
import type { Setting } from '../../core/rules.ts'

/** Locks the limits of all bookings and returns them. */
export async function lockSetting(tx: Transaction): Promise<Setting> {
  return settingRow(tx).forUpdate().executeTakeFirstOrThrow()
}

export async function updateSetting(tx: Transaction, setting: Setting, by: number, now: Date): Promise<void> {
  await tx
    .updateTable('tb_facility_setting')
    .set({
      audit_required: setting.auditRequired,
      max_duration_minutes: setting.maxDurationMinutes,
      advance_days: setting.advanceDays,
      grid_minutes: setting.gridMinutes,
      participant_overlap: setting.participantOverlap,
      update_by: by,
      update_time: now,
    })
    .execute()
}
