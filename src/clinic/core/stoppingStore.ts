import { sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'
import { among } from '../../kernel/database/literals.ts'
import { OPEN } from './states.ts'
import { STOPPED } from './types.ts'

/** Locks the patients with orders ahead at some schedules, by id, before the schedules. */
export async function lockPatientsOf(tx: Transaction, scheduleIds: readonly number[]): Promise<void> {
  await sql`
    SELECT FROM patient
    WHERE patient_id IN (
      SELECT patient_id
      FROM registration_order
      WHERE schedule_id = ANY (${scheduleIds}::bigint[]) AND status IN ${among(OPEN)}
    )
    ORDER BY patient_id
    FOR NO KEY UPDATE`.execute(tx)
}

/** Marks locked schedules as stopped. Decisions based on their old state can no longer be written. */
export async function markStopped(
  tx: Transaction,
  scheduleIds: readonly number[],
  reason: string,
  now: Date,
): Promise<void> {
  await sql`
    UPDATE schedule
    SET status = ${STOPPED}, stop_reason = ${reason}, revision = revision + 1, update_time = ${now}
    WHERE schedule_id = ANY (${scheduleIds}::bigint[])`.execute(tx)
}
