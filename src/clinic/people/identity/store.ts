import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import type { PatientType } from '../../core/types.ts'

/** Whose tries are counted: those of an account, and those for a number (by its blind index) by all accounts. */
export interface TryOf {
  readonly userId: number
  readonly identifierIndex: string
}

/** Counts a try if there were fewer than `most` since an instant. Returns its id, or null: none is left. */
export async function takeTry(
  tx: Transaction,
  { userId, identifierIndex }: TryOf,
  { since, most, now }: { readonly since: Date; readonly most: number; readonly now: Date },
): Promise<number | null> {
  // Tries of one account, and for one number, wait for each other. The locks are taken in one order.
  for (const key of [`user ${userId}`, `identifier ${identifierIndex}`])
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`clinic.identity ${key}`}, 0))`.execute(tx)
  const { rows } = await sql<{ id: number }>`
    INSERT INTO clinic_identity_try (user_id, identifier_index, create_time)
    SELECT ${userId}, ${identifierIndex}, ${now}
    WHERE (
      SELECT count(*) FROM clinic_identity_try WHERE user_id = ${userId} AND create_time > ${since}
    ) < ${most} AND (
      SELECT count(*) FROM clinic_identity_try WHERE identifier_index = ${identifierIndex} AND create_time > ${since}
    ) < ${most}
    RETURNING try_id AS id`.execute(tx)
  return rows[0]?.id ?? null
}

/** Takes a try back that was not judged. */
export async function returnTry(db: Database, id: number): Promise<void> {
  await sql`DELETE FROM clinic_identity_try WHERE try_id = ${id}`.execute(db)
}

/** Deletes tries up to an instant. */
export async function deleteTries(db: Database, before: Date): Promise<void> {
  await sql`DELETE FROM clinic_identity_try WHERE create_time <= ${before}`.execute(db)
}

/** A patient whose identity is to be set. */
export interface Identified {
  readonly patientId: number
  readonly type: PatientType
  readonly isVerified: boolean
}

/**
 * Locks a patient (a user's own record, or the one with this id), and whoever else has the number, by id. Returns the
 * patient.
 */
export async function lockIdentified(
  tx: Transaction,
  who: { readonly userId: number } | { readonly patientId: number },
  identifier: string | null,
): Promise<Identified | undefined> {
  const isSought = 'userId' in who ? sql`user_id = ${who.userId}` : sql`patient_id = ${who.patientId}`
  const { rows } = await sql<Identified & { readonly isSought: boolean }>`
    SELECT
      patient_id AS "patientId", patient_type AS type, is_verified AS "isVerified",
      (${isSought}) IS TRUE AS "isSought"
    FROM patient
    WHERE (${isSought} OR identifier = ${identifier}) AND deleted_at IS NULL
    ORDER BY patient_id
    FOR NO KEY UPDATE`.execute(tx)
  return rows.find((row) => row.isSought)
}

/** Whether a user has a patient record of their own. */
export async function hasOwnPatient(db: Database, userId: number): Promise<boolean> {
  const { rows } = await sql`SELECT FROM patient WHERE user_id = ${userId} AND deleted_at IS NULL`.execute(db)
  return rows.length > 0
}

/**
 * Sets the confirmed identity of a locked patient. Others who only claimed the number lose it. Raises the revisions,
 * because prices depend on it.
 */
export async function writeIdentity(
  tx: Transaction,
  patientId: number,
  { identifier, type }: { readonly identifier: string | null; readonly type: PatientType },
): Promise<void> {
  await sql`
    UPDATE patient SET identifier = NULL
    WHERE identifier = ${identifier} AND patient_id <> ${patientId} AND NOT is_verified`.execute(tx)
  await sql`
    UPDATE patient
    SET patient_type = ${type}, identifier = ${identifier}, is_verified = true, revision = revision + 1
    WHERE patient_id = ${patientId}`.execute(tx)
}
