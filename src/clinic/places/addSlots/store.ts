import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import type { Decided, Verdict } from '../../core/decisions/fields.ts'
import type { SlotType } from '../../core/types.ts'

/** A request of a doctor for an additional number. */
export interface AddSlotRequest extends Decided {
  readonly id: number
  readonly scheduleId: number
  readonly doctorId: number
  readonly doctorName: string
  readonly patientId: number
  readonly patientName: string
  readonly slotType: SlotType
  readonly reason: string | null
  readonly applicantId: number
  readonly submitTime: Date
  readonly orderId: number | null
}

const columns = sql`
    SELECT
      a.audit_id AS id, a.schedule_id AS "scheduleId", a.doctor_id AS "doctorId", d.name AS "doctorName",
      a.patient_id AS "patientId", p.name AS "patientName", a.slot_type AS "slotType", a.reason,
      a.applicant_id AS "applicantId", a.submit_time AS "submitTime", a.status, a.order_id AS "orderId",
      a.auditor_user_id AS "auditorUserId", a.audit_time AS "auditTime", a.audit_remark AS "auditRemark"
    FROM add_slot_audit a
    JOIN doctor d ON d.doctor_id = a.doctor_id
    JOIN patient p ON p.patient_id = a.patient_id`

const MOST = 10_000

/** Requests, the newest first: all, or those of one applicant or state. */
export async function listRequests(
  db: Database,
  { status, applicantId }: { readonly status?: string | undefined; readonly applicantId?: number },
): Promise<readonly AddSlotRequest[]> {
  const { rows } = await sql<AddSlotRequest>`
    ${columns}
    WHERE (${status ?? null}::text IS NULL OR a.status = ${status ?? null}::text)
      AND (${applicantId ?? null}::bigint IS NULL OR a.applicant_id = ${applicantId ?? null}::bigint)
    ORDER BY a.audit_id DESC
    LIMIT ${MOST}`.execute(db)
  return rows
}

/** Locks a request. */
export async function lockRequest(tx: Transaction, id: number): Promise<AddSlotRequest | undefined> {
  const { rows } = await sql<AddSlotRequest>`${columns} WHERE a.audit_id = ${id} FOR UPDATE OF a`.execute(tx)
  return rows[0]
}

/** Adds a request. @throws Invalid `already_submitted` by constraint while one of the patient is pending. */
export async function insertRequest(
  tx: Transaction,
  request: {
    readonly scheduleId: number
    readonly doctorId: number
    readonly patientId: number
    readonly slotType: SlotType
    readonly reason: string
    readonly applicantId: number
  },
  now: Date,
): Promise<number> {
  const { scheduleId, doctorId, patientId, slotType, reason, applicantId } = request
  const { rows } = await sql<{ id: number }>`
    INSERT INTO add_slot_audit (schedule_id, doctor_id, patient_id, slot_type, reason, applicant_id, submit_time)
    VALUES (${scheduleId}, ${doctorId}, ${patientId}, ${slotType}, ${reason}, ${applicantId}, ${now})
    RETURNING audit_id AS id`.execute(tx)
  return inserted(rows).id
}

/** Writes the decision about a locked request, with the order that an approval made. */
export async function writeDecision(tx: Transaction, id: number, verdict: Verdict, orderId: number | null) {
  await sql`
    UPDATE add_slot_audit
    SET status = ${verdict.approves ? 'approved' : 'rejected'}, auditor_user_id = ${verdict.by},
      audit_time = ${verdict.now}, audit_remark = ${verdict.comment}, order_id = ${orderId}
    WHERE audit_id = ${id}`.execute(tx)
}

/** Deletes a locked request. */
export async function deleteRequest(tx: Transaction, id: number): Promise<void> {
  await sql`DELETE FROM add_slot_audit WHERE audit_id = ${id}`.execute(tx)
}
