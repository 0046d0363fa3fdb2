import { sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'
import { among } from '../../kernel/database/literals.ts'
import { OPEN } from '../core/states.ts'

/** The open orders of a user's own patient record, and those that the user made; locks their patients by id. */
export async function openOrdersOf(
  tx: Transaction,
  userId: number,
): Promise<readonly { readonly orderId: number; readonly scheduleId: number }[]> {
  await sql`
    SELECT FROM patient
    WHERE user_id = ${userId} OR patient_id IN (
      SELECT patient_id FROM registration_order WHERE initiator_user_id = ${userId} AND status IN ${among(OPEN)}
    )
    ORDER BY patient_id
    FOR NO KEY UPDATE`.execute(tx)
  const { rows } = await sql<{ orderId: number; scheduleId: number }>`
    SELECT o.order_id AS "orderId", o.schedule_id AS "scheduleId"
    FROM registration_order o
    JOIN patient p ON p.patient_id = o.patient_id
    WHERE (o.initiator_user_id = ${userId} OR p.user_id = ${userId}) AND o.status IN ${among(OPEN)}
    ORDER BY o.order_id`.execute(tx)
  return rows
}

/**
 * Removes the personal data of a user's own patient record, and what they wrote about their orders and visits. The
 * medical records stay as the doctors wrote them.
 */
export async function scrubPatient(tx: Transaction, userId: number, now: Date): Promise<void> {
  await sql`
    UPDATE registration_order o SET symptoms = ''
    FROM patient p
    WHERE p.patient_id = o.patient_id AND p.user_id = ${userId} AND o.symptoms <> ''`.execute(tx)
  await sql`
    UPDATE visit_review v SET comment = NULL
    FROM patient p
    WHERE p.patient_id = v.patient_id AND p.user_id = ${userId}`.execute(tx)
  await sql`
    UPDATE patient
    SET
      user_id = NULL, name = '已注销', gender = '未知', birth_date = NULL, identifier = NULL, phone_encrypted = NULL,
      phone_index = NULL, id_card_encrypted = NULL, id_card_index = NULL, height = NULL, address = NULL,
      past_history = '{}', allergy_history = '{}', family_history = '{}', revision = revision + 1, deleted_at = ${now}
    WHERE user_id = ${userId}`.execute(tx)
}

/** Ends a user's relations to patients, the contacts in their feedback, and the link of a doctor to the account. */
export async function unlink(tx: Transaction, userId: number): Promise<void> {
  await sql`DELETE FROM patient_relation WHERE user_id = ${userId}`.execute(tx)
  await sql`
    UPDATE clinic_feedback SET contact_phone = NULL, contact_email = NULL WHERE user_id = ${userId}`.execute(tx)
  await sql`UPDATE doctor SET user_id = NULL WHERE user_id = ${userId}`.execute(tx)
}
