import { sql } from 'kysely'
import { errorCode } from '../../kernel/database/constraints.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import { Stale } from '../../kernel/database/transaction.ts'

/** The next on the waiting list of a locked schedule. */
export interface Waiting {
  readonly orderId: number
  readonly patientId: number
  readonly userId: number
}

/** The first on the waiting list of a schedule, after an order id. Undefined if there is none. */
export async function nextWaiting(tx: Transaction, scheduleId: number, after: number): Promise<Waiting | undefined> {
  const { rows } = await sql<Waiting>`
    SELECT order_id AS "orderId", patient_id AS "patientId", initiator_user_id AS "userId"
    FROM registration_order
    WHERE schedule_id = ${scheduleId} AND status = 'waitlist' AND order_id > ${after}
    ORDER BY order_id
    LIMIT 1
    FOR NO KEY UPDATE`.execute(tx)
  return rows[0]
}

/**
 * Locks a patient although a schedule is locked already. Others lock in the opposite order, so this must not wait.
 * @throws Stale if the patient is locked by another transaction: the whole work is done again.
 */
export async function lockPatientAtOnce(tx: Transaction, patientId: number): Promise<void> {
  try {
    await sql`SELECT FROM patient WHERE patient_id = ${patientId} FOR NO KEY UPDATE NOWAIT`.execute(tx)
  } catch (error) {
    // lock_not_available
    if (errorCode(error) === '55P03') throw new Stale('the patient is registering at the same moment')
    throw error
  }
}
