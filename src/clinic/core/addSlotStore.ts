import { sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'
import { inserted } from '../../kernel/database/inserted.ts'
import type { Facts } from './rules.ts'
import type { SlotType } from './types.ts'

/** Locks a patient. Returns the user who registers for them: their own account, else a relative's. */
export async function lockPatient(
  tx: Transaction,
  patientId: number,
): Promise<{ readonly userId: number | null } | undefined> {
  const { rows } = await sql<{ userId: number | null }>`
    SELECT coalesce(p.user_id, (
      SELECT r.user_id FROM patient_relation r WHERE r.related_patient_id = p.patient_id ORDER BY r.relation_id LIMIT 1
    )) AS "userId"
    FROM patient p
    WHERE p.patient_id = ${patientId} AND p.deleted_at IS NULL
    FOR NO KEY UPDATE OF p`.execute(tx)
  return rows[0]
}

/** Inserts the order of an added number. It is called before the others. */
export async function insertAddedOrder(
  tx: Transaction,
  { schedule, patient }: Facts,
  order: {
    readonly initiatorId: number
    readonly slotType: SlotType
    readonly number: number
    readonly price: number
    readonly expiresAt: Date
    readonly now: Date
  },
): Promise<number> {
  const { initiatorId, slotType, number, price, expiresAt, now } = order
  const pays = price > 0
  const { rows } = await sql<{ id: number }>`
    INSERT INTO registration_order (
      patient_id, initiator_user_id, schedule_id, minor_dept_id, slot_date, slot_type, price, status, payment_status,
      payment_time, expires_at, source_type, queue_no, priority, create_time, update_time
    )
    VALUES (
      ${patient.id}, ${initiatorId}, ${schedule.id}, ${schedule.deptId}, ${schedule.date}, ${slotType}, ${price},
      ${pays ? 'pending' : 'confirmed'}, ${pays ? 'pending' : 'paid'}, ${pays ? null : now}::timestamptz,
      ${pays ? expiresAt : null}::timestamptz, 'add_slot', ${number}, -1, ${now}, ${now}
    )
    RETURNING order_id AS id`.execute(tx)
  return inserted(rows).id
}
