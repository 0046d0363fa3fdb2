import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { Difference } from '../../../kernel/product.ts'

/** Differences of the numbers and figures of schedules. */
export async function numberDifferences(db: Database): Promise<readonly Difference[]> {
  const { rows } = await sql<Difference>`
    WITH counted AS (
      SELECT
        s.schedule_id, s.total_slots - s.remaining_slots AS sold, s.completed, s.revenue,
        count(o.queue_no)::int AS holding,
        count(*) FILTER (WHERE o.status = 'completed')::int AS done,
        coalesce(sum(o.paid - o.refunded), 0)::bigint AS money,
        s.last_no, s.free_nos,
        ARRAY (
          SELECT n FROM generate_series(1, s.last_no) AS n
          WHERE n <> ALL (coalesce(array_agg(o.queue_no) FILTER (WHERE o.queue_no IS NOT NULL), '{}'))
          ORDER BY n
        ) AS free
      FROM schedule s
      LEFT JOIN registration_order o ON o.schedule_id = s.schedule_id
      GROUP BY s.schedule_id
    )
    SELECT 'numbers sold' AS check, 'schedule ' || schedule_id AS subject, sold::text AS stored, holding::text AS computed
    FROM counted WHERE sold <> holding
    UNION ALL
    SELECT 'numbers given back', 'schedule ' || schedule_id, free_nos::text, free::text
    FROM counted WHERE free_nos <> free
    UNION ALL
    SELECT 'completed visits', 'schedule ' || schedule_id, completed::text, done::text
    FROM counted WHERE completed <> done
    UNION ALL
    SELECT 'revenue', 'schedule ' || schedule_id, revenue::text, money::text
    FROM counted WHERE revenue <> money
    UNION ALL
    SELECT 'number of the visit', 'order ' || o.order_id, o.queue_no::text, 'at most ' || s.last_no
    FROM registration_order o
    JOIN schedule s ON s.schedule_id = o.schedule_id
    WHERE o.queue_no > s.last_no
    UNION ALL
    SELECT 'place of the visit', 'order ' || o.order_id, o.slot_date || ' ' || o.minor_dept_id,
      s.date || ' ' || s.minor_dept_id
    FROM registration_order o
    JOIN schedule s ON s.schedule_id = o.schedule_id
    WHERE o.status IN ('pending', 'confirmed', 'waitlist')
      AND (o.slot_date, o.minor_dept_id) <> (s.date, s.minor_dept_id)
    UNION ALL
    SELECT 'department', 'schedule ' || s.schedule_id, s.minor_dept_id::text, k.minor_dept_id::text
    FROM schedule s
    JOIN clinic k ON k.clinic_id = s.clinic_id
    WHERE s.minor_dept_id <> k.minor_dept_id
    UNION ALL
    SELECT 'orders of a stopped schedule', 'order ' || o.order_id, o.status, 'cancelled'
    FROM registration_order o
    JOIN schedule s ON s.schedule_id = o.schedule_id
    WHERE s.status = '停诊' AND o.status IN ('pending', 'confirmed', 'waitlist')`.execute(db)
  return rows
}
