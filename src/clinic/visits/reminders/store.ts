import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { Reminder } from './rules.ts'

/** Ids of confirmed orders that have not got a reminder, in order of id, after an id. */
export async function unreminded(
  db: Database,
  { kind, date, sections, since }: Reminder,
  after: number,
  limit: number,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT o.order_id AS id
    FROM registration_order o
    JOIN schedule s ON s.schedule_id = o.schedule_id
    WHERE o.status = 'confirmed' AND o.slot_date = ${date}::date AND s.time_section = ANY (${sections}::text[])
      AND o.create_time < ${since} AND o.order_id > ${after}
      AND NOT EXISTS (
        SELECT FROM order_notice n
        WHERE n.order_id = o.order_id AND n.kind = ${kind} AND n.slot_date = o.slot_date
      )
    ORDER BY o.order_id
    LIMIT ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}
