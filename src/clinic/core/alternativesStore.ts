import { sql } from 'kysely'
import type { Database } from '../../kernel/database/database.ts'
import type { SlotType, TimeSection } from './types.ts'

/** A session with free numbers that can replace a stopped one. */
export interface Alternative {
  readonly scheduleId: number
  readonly doctorId: number
  readonly doctorName: string
  readonly clinicName: string
  readonly date: string
  readonly timeSection: TimeSection
  readonly slotType: SlotType
  readonly remainingSlots: number
  /** In fen. */
  readonly price: number
}

const MOST = 5

/** The next sessions with free numbers: first the doctor's own, then those of colleagues in the department. */
export async function alternativesTo(db: Database, scheduleId: number, today: string): Promise<readonly Alternative[]> {
  const { rows } = await sql<Alternative>`
    SELECT
      s.schedule_id AS "scheduleId", s.doctor_id AS "doctorId", d.name AS "doctorName", k.name AS "clinicName",
      s.date, s.time_section AS "timeSection", s.slot_type AS "slotType", s.remaining_slots AS "remainingSlots", s.price
    FROM schedule o
    JOIN schedule s ON s.minor_dept_id = o.minor_dept_id AND s.schedule_id <> o.schedule_id
    JOIN doctor d ON d.doctor_id = s.doctor_id
    JOIN clinic k ON k.clinic_id = s.clinic_id
    WHERE o.schedule_id = ${scheduleId} AND s.date > ${today}::date AND s.status = '正常' AND s.deleted_at IS NULL
      AND s.remaining_slots > 0
    ORDER BY s.doctor_id <> o.doctor_id, s.date, array_position(ARRAY['上午', '下午', '晚上'], s.time_section), s.schedule_id
    LIMIT ${MOST}`.execute(db)
  return rows
}
