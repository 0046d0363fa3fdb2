import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import type { Setting } from '../../core/rules.ts'

const columns = sql`audit_required AS "auditRequired", max_duration_minutes AS "maxDurationMinutes",
  advance_days AS "advanceDays", grid_minutes AS "gridMinutes", participant_overlap AS "participantOverlap"`

/** What limits all bookings. */
export async function readSetting(db: Database): Promise<Setting> {
  return only((await sql<Setting>`SELECT ${columns} FROM tb_facility_setting`.execute(db)).rows)
}

/** The same, locked to be changed. */
export async function lockSetting(tx: Transaction): Promise<Setting> {
  return only((await sql<Setting>`SELECT ${columns} FROM tb_facility_setting FOR UPDATE`.execute(tx)).rows)
}

function only([setting]: readonly Setting[]): Setting {
  if (!setting) throw new Error('tb_facility_setting has lost its row')
  return setting
}

export async function updateSetting(tx: Transaction, setting: Setting, by: number, now: Date): Promise<void> {
  await sql`UPDATE tb_facility_setting SET audit_required = ${setting.auditRequired},
    max_duration_minutes = ${setting.maxDurationMinutes}, advance_days = ${setting.advanceDays},
    grid_minutes = ${setting.gridMinutes}, participant_overlap = ${setting.participantOverlap},
    update_by = ${by}, update_time = ${now}`.execute(tx)
}
