import { sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'

// Patients without an account, for whom no user registers any more.

/** Locks patients by id against new relations and orders. */
export async function lockPatientsForRemoval(tx: Transaction, patientIds: readonly number[]): Promise<void> {
  await sql`
    SELECT FROM patient WHERE patient_id = ANY (${patientIds}::bigint[]) ORDER BY patient_id FOR UPDATE`.execute(tx)
}

/** SQL: the patient `p` has no account, and no user is related to it. */
const isOrphan = sql`
  p.user_id IS NULL AND NOT EXISTS (SELECT FROM patient_relation r WHERE r.related_patient_id = p.patient_id)`

/** Deletes those of some locked patients that are nobody's any more and have no history. */
export async function deleteOrphans(tx: Transaction, patientIds: readonly number[]): Promise<void> {
  await sql`
    DELETE FROM patient p
    WHERE p.patient_id = ANY (${patientIds}::bigint[]) AND ${isOrphan}
      AND NOT EXISTS (SELECT FROM registration_order o WHERE o.patient_id = p.patient_id)
      AND NOT EXISTS (SELECT FROM add_slot_audit a WHERE a.patient_id = p.patient_id)`.execute(tx)
}

/**
 * Removes the personal data of a user's own patient record, and of those of some locked patients that are nobody's any
 * more; also the words that they wrote about their visits. The visits stay as history.
 */
export async function scrubPatients(
  tx: Transaction,
  { userId, patientIds }: { readonly userId: number; readonly patientIds: readonly number[] },
  now: Date,
): Promise<void> {
  const { rows } = await sql<{ id: number }>`
    UPDATE patient p
    SET
      user_id = NULL, name = '已注销', gender = '未知', birth_date = NULL, identifier = NULL, phone_encrypted = NULL,
      phone_index = NULL, id_card_encrypted = NULL, id_card_index = NULL, height = NULL, address = NULL,
      past_history = '{}', allergy_history = '{}', family_history = '{}', revision = revision + 1, deleted_at = ${now}
    WHERE p.deleted_at IS NULL
      AND (p.user_id = ${userId} OR (p.patient_id = ANY (${patientIds}::bigint[]) AND ${isOrphan}))
    RETURNING patient_id AS id`.execute(tx)
  const ids = rows.map(({ id }) => id)
  await sql`DELETE FROM patient_relation WHERE related_patient_id = ANY (${ids}::bigint[])`.execute(tx)
  await sql`
    UPDATE registration_order SET symptoms = '', notes = NULL
    WHERE patient_id = ANY (${ids}::bigint[]) AND (symptoms <> '' OR notes IS NOT NULL)`.execute(tx)
  await sql`
    UPDATE visit_review SET comment = NULL
    WHERE patient_id = ANY (${ids}::bigint[]) AND comment IS NOT NULL`.execute(tx)
}
