import type { Database } from '../../kernel/database/database.ts'

/**
 * How a patient is on a user's list. Null: not at all, or the patient has an account of their own, or has left: then
 * nothing of theirs is shown to others.
 */
export async function relationTo(
  db: Database,
  userId: number,
  patientId: number,
): Promise<{ readonly isKeeper: boolean } | null> {
  const relation = await db
    .selectFrom('patient_relation as r')
    .innerJoin('patient as p', 'p.patient_id', 'r.related_patient_id')
    .select('r.is_keeper as isKeeper')
    .where('r.user_id', '=', userId)
    .where('r.related_patient_id', '=', patientId)
    .where('p.user_id', 'is', null)
    .where('p.deleted_at', 'is', null)
    .executeTakeFirst()
  return relation ?? null
}
