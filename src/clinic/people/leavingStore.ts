import { sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'
import { among } from '../../kernel/database/literals.ts'
import { MADE_BY_PATIENTS, OPEN } from '../core/states.ts'

/**
 * SQL: the order `o` was made by a user for themself or a relative. What staff register for patients is not theirs: it
 * outlives their account.
 */
const madeBy = (userId: number) => sql`o.initiator_user_id = ${userId} AND o.source_type IN ${among(MADE_BY_PATIENTS)}`

/** The patients of a user: their own record, their relations, and others for whom they once registered. By id. */
export async function patientsOf(tx: Transaction, userId: number): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT patient_id AS id
    FROM patient
    WHERE user_id = ${userId}
      OR patient_id IN (SELECT related_patient_id FROM patient_relation WHERE user_id = ${userId})
      OR patient_id IN (SELECT o.patient_id FROM registration_order o WHERE ${madeBy(userId)})
    ORDER BY patient_id`.execute(tx)
  return rows.map(({ id }) => id)
}

/** The open orders of a user's own patient record, and those that the user made for others. Lock the patients before. */
export async function openOrdersOf(
  tx: Transaction,
  userId: number,
): Promise<readonly { readonly orderId: number; readonly scheduleId: number }[]> {
  const { rows } = await sql<{ orderId: number; scheduleId: number }>`
    SELECT o.order_id AS "orderId", o.schedule_id AS "scheduleId"
    FROM registration_order o
    JOIN patient p ON p.patient_id = o.patient_id
    WHERE ((${madeBy(userId)}) OR p.user_id = ${userId}) AND o.status IN ${among(OPEN)}
    ORDER BY o.order_id`.execute(tx)
  return rows
}

/**
 * Removes what a user wrote: in feedback, about visits for which they registered, in reviews, and as reasons for
 * cancelling. The medical records stay as the doctors wrote them.
 */
export async function scrubWords(tx: Transaction, userId: number, now: Date): Promise<void> {
  await sql`
    UPDATE clinic_feedback
    SET content = '已注销', contact_phone = NULL, contact_email = NULL, update_time = ${now}
    WHERE user_id = ${userId}`.execute(tx)
  await sql`
    UPDATE registration_order o SET symptoms = '', notes = NULL
    WHERE ${madeBy(userId)} AND (o.symptoms <> '' OR o.notes IS NOT NULL)`.execute(tx)
  await sql`
    UPDATE visit_review v SET comment = NULL
    FROM registration_order o
    WHERE o.order_id = v.order_id AND ${madeBy(userId)} AND v.comment IS NOT NULL`.execute(tx)
  await sql`
    UPDATE registration_order o SET cancel_reason = NULL
    WHERE ${madeBy(userId)} AND o.cancelled_by = ${userId} AND o.cancel_reason IS NOT NULL`.execute(tx)
}

/** Ends a user's relations to patients, and the link of a doctor to the account. */
export async function unlink(tx: Transaction, userId: number): Promise<void> {
  await sql`DELETE FROM patient_relation WHERE user_id = ${userId}`.execute(tx)
  await sql`UPDATE doctor SET user_id = NULL WHERE user_id = ${userId}`.execute(tx)
}
