import type { Transaction } from '../../../kernel/database/database.ts'

/** Locks a doctor against being deleted. Returns false if there is none. */
export async function lockDoctor(tx: Transaction, doctorId: number): Promise<boolean> {
  const doctor = await tx
    .selectFrom('doctor')
    .select('doctor_id')
    .where('doctor_id', '=', doctorId)
    .where('deleted_at', 'is', null)
    .forShare()
    .executeTakeFirst()
  return doctor !== undefined
}
