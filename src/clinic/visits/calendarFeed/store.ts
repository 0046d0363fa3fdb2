import { type SqlBool, sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import { type Order, orders } from '../../core/ordersStore.ts'

/** Bounds the answer. Nobody has this many orders. */
const MOST = 2000

const CANCELLED = ['cancelled', 'timeout'] as const

/**
 * The orders of a person's calendar: of their own patient record, and those they made. Future ones, those of sessions
 * from a local date on, and those that were cancelled since an instant. Orders that wait for a number are none.
 */
export async function appointmentsOf(
  db: Database,
  userId: number,
  { since, from }: { readonly since: Date; readonly from: string },
): Promise<readonly Order[]> {
  const latest = await orders(db)
    // A union: with OR, every order would be read.
    .where(
      sql<SqlBool>`
        o.order_id IN (
          SELECT i.order_id FROM registration_order i WHERE i.initiator_user_id = ${userId}
          UNION
          SELECT i.order_id FROM registration_order i JOIN patient q USING (patient_id) WHERE q.user_id = ${userId})`,
    )
    .where(
      sql<SqlBool>`
        CASE WHEN o.status IN ${among(CANCELLED)} THEN o.cancel_time >= ${since} ELSE o.slot_date >= ${from}::date END`,
    )
    .where('o.status', '<>', 'waitlist')
    .orderBy('o.slot_date', 'desc')
    .orderBy('o.order_id', 'desc')
    .limit(MOST)
    .execute()
  return latest.toReversed()
}
